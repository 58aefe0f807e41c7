/*
 * check_proc.c - I-PROC: processes, their links, and the references on spaces.
 */
#include "check/walk.h"

/* is_listed - node stands in the list; a list that never ends is cut off at `most`. */
static bool
is_listed(const struct list *head, const struct list *node, uint64_t most)
{
	const struct list *at = head->next;

	for (uint64_t i = 0; i <= most && at != head; i++) {
		if (at->next->prev != at)
			return false;
		if (at == node)
			return true;
		at = at->next;
	}
	return false;
}

static void
check_parent(struct check *c, struct process *proc)
{
	if (!proc->parent)
		return;
	if (proc_find(proc->parent->id) != proc->parent)
		check_fail(c, INV_PROC, "the parent of process %u is not in the table", proc->id);
	else if (!is_listed(&proc->parent->children, &proc->sibling, proc_count()))
		check_fail(c, INV_PROC, "process %u is not among the children of its parent %u",
			   proc->id, proc->parent->id);
}

static void
check_children(struct check *c, struct process *proc)
{
	LIST_FOR_EACH(node, &proc->children) {
		struct process *child = CONTAINER_OF(node, struct process, sibling);

		if (child->parent != proc) {
			check_fail(c, INV_PROC, "process %u lists the child %u of somebody else",
				   proc->id, child->id);
			return;
		}
	}
}

static void
check_process(struct check *c, struct process *proc)
{
	if (proc_find(proc->id) != proc || !proc->id)
		check_fail(c, INV_PROC, "id %u does not find its process", proc->id);
	if ((proc->state == PROCESS_ALIVE) != (proc->space != NULL))
		check_fail(c, INV_PROC, "process %u is %s and has %s space", proc->id,
			   proc->state == PROCESS_ALIVE ? "alive" : "a zombie",
			   proc->space ? "a" : "no");
	check_parent(c, proc);
	check_children(c, proc);
}

/* check_holders - each process that names the space holds a reference on it. */
static void
check_holders(struct check *c, struct space *sp, uint64_t *holders)
{
	uint32_t nr = 0;

	for (struct process *proc = proc_first(); proc; proc = proc_next(proc))
		nr += proc->space == sp;
	if (atomic_load(&sp->refs) < nr || !atomic_load(&sp->refs))
		check_fail(c, INV_PROC, "a space has %u references, named by %u processes",
			   atomic_load(&sp->refs), nr);
	*holders += nr;
}

void
check_processes(struct check *c)
{
	uint64_t nr = 0;
	uint64_t living = 0;
	uint64_t holders = 0;

	for (struct process *proc = proc_first(); proc && !c->failed; proc = proc_next(proc)) {
		check_process(c, proc);
		living += proc->space != NULL;
		if (++nr > proc_count())
			break;
	}
	if (nr != proc_count())
		check_fail(c, INV_PROC, "the table says %llu processes, found %llu",
			   (unsigned long long)proc_count(), (unsigned long long)nr);
	for (struct space *sp = space_list_first(); sp && !c->failed; sp = space_list_next(sp))
		check_holders(c, sp, &holders);
	if (holders != living)
		check_fail(c, INV_PROC, "%llu processes have a space, %llu of them a listed one",
			   (unsigned long long)living, (unsigned long long)holders);
}
