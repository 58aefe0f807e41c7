/*
 * check_proc.c - I-PROC: processes, threads, families, groups, sessions, namespaces of ids,
 * and the references on spaces.
 *
 * Each list is gone through once, so the cost is linear in the number of processes. The
 * references on a space are counted in the scratch word of its root table.
 */
#include "check/sweep.h"
#include "check/walk.h"
#include "proc/account.h"
#include "proc/family.h"
#include "proc/group.h"
#include "proc/ids.h"
#include "proc/namespace.h"
#include "proc/pending.h"
#include "proc/state.h"

/* What has been counted on the way through all processes. */
struct tally {
	uint64_t processes;
	uint64_t living;   /* have a space */
	uint64_t children; /* in the list of some parent, or of nobody */
	uint64_t threads;
	uint64_t groups;
	uint64_t levels;	       /* ids of threads and groups below the root */
	uint64_t fpus;		       /* floating-point states */
	uint64_t threads_on[NODE_MAX]; /* that run, by the home of their process */
	uint64_t notes;		       /* of signals */
	uint64_t subreapers;
};

/* is_linked - the node's neighbours know it. */
static bool
is_linked(const struct list *node)
{
	return node->next->prev == node && node->prev->next == node;
}

static struct process *
child_at(struct list *node)
{
	return CONTAINER_OF(node, struct process, sibling);
}

/* owner - "process 7" for messages; nobody is process 0. */
static uint32_t
owner(const struct process *parent)
{
	return parent ? parent->id : 0;
}

static void
check_waitable(struct check *c, struct process *parent)
{
	uint64_t nr = 0;

	LIST_FOR_EACH(node, &family_of(parent)->waitable) {
		struct process *child = CONTAINER_OF(node, struct process, report_link);

		if (child->parent != parent || !child->reports || !is_linked(node) ||
		    nr++ > proc_count()) {
			check_fail(c, INV_PROC, "process %u lists a report of process %u, bits %x",
				   owner(parent), child->id, child->reports);
			return;
		}
	}
}

static bool
is_awaitable(const struct process *child)
{
	return !child->no_reap && child->state < PROCESS_TOMBSTONE;
}

static void
check_family(struct check *c, struct process *parent, struct tally *t)
{
	const struct family *family = family_of(parent);
	uint64_t	     nr = 0;
	uint64_t	     nr_awaitable = 0;

	LIST_FOR_EACH(node, &family->children) {
		struct process *child = child_at(node);

		if (child->parent != parent) {
			check_fail(c, INV_PROC, "process %u lists the child %u of somebody else",
				   owner(parent), child->id);
			return;
		}
		if (!is_linked(node) || nr++ > proc_count())
			break;
		nr_awaitable += is_awaitable(child);
	}
	if (nr != family->nr_children || nr_awaitable != family->nr_awaitable)
		check_fail(c, INV_PROC,
			   "process %u counts %llu children, %llu to wait for; found %llu, %llu",
			   owner(parent), (unsigned long long)family->nr_children,
			   (unsigned long long)family->nr_awaitable, (unsigned long long)nr,
			   (unsigned long long)nr_awaitable);
	t->children += nr;
	check_waitable(c, parent);
}

static void
check_parent(struct check *c, struct process *proc)
{
	if (list_is_empty(&proc->sibling))
		check_fail(c, INV_PROC, "process %u is not among the children of its parent %u",
			   proc->id, owner(proc->parent));
	else if (proc_find_child(proc->parent, proc_number(proc)) != proc)
		check_fail(c, INV_PROC, "child number %u of process %u does not find process %u",
			   proc_number(proc), owner(proc->parent), proc->id);
	else if (proc->parent && proc_find(proc->parent->id) != proc->parent)
		check_fail(c, INV_PROC, "the parent of process %u is not in the table", proc->id);
	else if (proc->reports && list_is_empty(&proc->report_link))
		check_fail(c, INV_PROC, "the report of process %u is in no list", proc->id);
}

static void
check_state(struct check *c, struct process *proc)
{
	bool has_space = proc->state == PROCESS_ALIVE || proc->state == PROCESS_STOPPED;

	if (has_space != (proc->space != NULL) || has_space != (proc->nr_running > 0))
		check_fail(c, INV_PROC, "process %u is %s and has %s space, and %u threads run",
			   proc->id, has_space ? "alive" : "a zombie", proc->space ? "a" : "no",
			   proc->nr_running);
	else if (!has_space && proc->state != PROCESS_ZOMBIE && proc->state != PROCESS_TOMBSTONE)
		check_fail(c, INV_PROC, "process %u rests in state %u", proc->id, proc->state);
	if (!atomic_load(&proc->refs))
		check_fail(c, INV_PROC, "process %u has no reference", proc->id);
	for (unsigned slot = 0; slot < RESOURCE_SLOTS && !has_space; slot++) {
		if (proc->resources[slot] && slot != RESOURCE_ACCOUNT)
			check_fail(c, INV_PROC,
				   "process %u is a zombie and has a resource in slot %u", proc->id,
				   slot);
	}
}

/*
 * check_levels - one for each namespace from ns outwards, where its number finds it again;
 * their scope is that of ids or that of groups. `what` names the owner in messages.
 */
static void
check_levels(struct check *c, const struct namespace *ns, struct id_level *inner, const void *of,
	     const char *what, struct tally *t)
{
	bool is_group = what[0] == 'g';

	for (; ns->above; ns = ns->above, inner = inner->outer) {
		const void *scope = is_group ? ids_group_scope(ns) : ids_scope(ns);

		if (!inner || inner->in != ns || inner->of != of ||
		    ids_find(scope, inner->node.number) != &inner->node) {
			check_fail(c, INV_PROC, "a %s has no id that finds it at level %u", what,
				   ns->level);
			return;
		}
		t->levels++;
	}
	if (inner)
		check_fail(c, INV_PROC, "a %s has an id at level %u and does not live there", what,
			   inner->in->level);
}

/* check_namespace - the process's own: its init, and who is above whom. */
static void
check_namespace(struct check *c, struct process *proc)
{
	struct namespace *ns = proc->ids;
	struct process	 *parent = proc->parent;
	bool		  leads = namespace_is_init(proc);

	if (parent && !namespace_is_inside(ns, parent->ids))
		check_fail(c, INV_PROC, "process %u cannot be seen by its parent %u", proc->id,
			   parent->id);
	else if (parent && ns->init && ns != parent->ids && !leads)
		check_fail(c, INV_PROC, "process %u has left the subtree of its init %u", proc->id,
			   ns->init->id);
	else if (ns->above && leads && (!proc->main.inner || proc->main.inner->node.number != 1))
		check_fail(c, INV_PROC, "process %u leads a namespace and is not number 1",
			   proc->id);
	for (; ns; ns = ns->above)
		ns->nr_seen += proc->nr_charged;
}

/* check_pending - each note is that of another signal that waits there. */
static void
check_pending(struct check *c, const struct process *proc, signal_set pending,
	      const struct note *note, struct tally *t)
{
	for (; note; note = note->next) {
		signal_set bit = signal_bit(note->info.signal);

		if (!(pending & bit)) {
			check_fail(c, INV_PROC,
				   "process %u has a note of signal %u, which does not wait",
				   proc->id, note->info.signal);
			return;
		}
		pending &= ~bit;
		t->notes++;
	}
}

/* check_body - what a thread has of the machine is its own; one that has ended has nothing. */
static void
check_body(struct check *c, const struct thread *thread)
{
	const struct kstack *stack = thread->stack;

	if (thread->has_ended && (stack || thread->fpu || thread->on_cpu))
		check_fail(c, INV_PROC, "thread %u has ended and has a body", thread_id(thread));
	else if (stack && thread_of_stack(stack->range.start) != thread)
		check_fail(c, INV_PROC, "the stack of thread %u is not its own", thread_id(thread));
	else if (thread->on_cpu && root()->threads[thread->on_cpu - 1].runs != thread)
		check_fail(c, INV_PROC, "CPU %u does not know of thread %u", thread->on_cpu - 1,
			   thread_id(thread));
}

static void
check_threads(struct check *c, struct process *proc, struct tally *t)
{
	uint32_t nr = 0;
	uint32_t nr_running = 0;

	LIST_FOR_EACH(node, &proc->threads) {
		struct thread *thread = CONTAINER_OF(node, struct thread, link);

		if (thread->process != proc || !is_linked(node) ||
		    thread_find(thread_id(thread)) != thread) {
			check_fail(c, INV_PROC, "thread %u of process %u is not its own",
				   thread_id(thread), proc->id);
			return;
		}
		check_levels(c, proc->ids, thread->inner, thread, "thread", t);
		nr++;
		nr_running += !thread->has_ended;
		check_pending(c, proc, thread->pending, thread->notes, t);
		t->fpus += thread->fpu != NULL;
		check_body(c, thread);
	}
	if (nr_running != proc->nr_running || nr != proc->nr_charged)
		check_fail(c, INV_PROC,
			   "process %u counts %u running threads, %u paid; found %u, %u", proc->id,
			   proc->nr_running, proc->nr_charged, nr_running, nr);
	if (account_of(proc) && account_of(proc)->nr < nr)
		check_fail(c, INV_PROC,
			   "the account of process %u pays for %llu, it has %u threads", proc->id,
			   (unsigned long long)account_of(proc)->nr, nr);
	t->threads += nr;
	t->threads_on[proc->home % NODE_MAX] += nr_running;
}

/* check_group - as a whole when its first member comes. */
static void
check_group(struct check *c, struct process *proc)
{
	struct group *group = proc->group;
	uint64_t      nr = 0;

	if (!group || group_find(namespace_root(), group->node.number) != group) {
		check_fail(c, INV_PROC, "process %u is in no group", proc->id);
		return;
	}
	if (group->members.next != &proc->member)
		return;
	LIST_FOR_EACH(node, &group->members) {
		if (CONTAINER_OF(node, struct process, member)->group != group || !is_linked(node))
			break;
		nr++;
	}
	if (nr != group->nr_members)
		check_fail(c, INV_PROC, "group %u counts %llu members, found %llu",
			   proc_group(proc), (unsigned long long)group->nr_members,
			   (unsigned long long)nr);
}

/* holders - processes that name the space, counted in its root table's scratch word. */
static uint32_t *
holders(struct space *sp)
{
	return sweep_scratch(frame_of(sp->pt.root));
}

static void
check_process(struct check *c, struct process *proc, struct tally *t)
{
	if (proc_find(proc->id) != proc || !proc->id)
		check_fail(c, INV_PROC, "id %u does not find its process", proc->id);
	check_state(c, proc);
	check_parent(c, proc);
	check_namespace(c, proc);
	check_family(c, proc, t);
	check_threads(c, proc, t);
	check_group(c, proc);
	check_pending(c, proc, proc->pending, proc->notes, t);
	if (!list_is_empty(&proc->forks))
		check_fail(c, INV_PROC, "process %u lists a fork that is over", proc->id);
	t->processes++;
	t->subreapers += proc->is_subreaper;
	if (proc->space) {
		t->living++;
		++*holders(proc->space);
	}
}

/* ---- the table of ids ---- */

/* What is looked for on the way through the table. */
struct table_visit {
	struct check *c;
	struct tally *t;
	uint64_t      nr; /* nodes */
};

/* group_of_node - if it is in the root's scope of groups, else NULL. */
static struct group *
group_of_node(struct id_node *node)
{
	bool is_group = node->scope == ids_group_scope(namespace_root());

	return is_group ? CONTAINER_OF(node, struct group, node) : NULL;
}

static void
forget_seen(struct id_node *node, void *arg)
{
	struct group *group = group_of_node(node);

	(void)arg;
	if (group)
		group->nr_seen = 0;
}

/* count_node - all nodes, the groups among them with their levels, and those of each session. */
static void
count_node(struct id_node *node, void *arg)
{
	struct table_visit *v = arg;
	struct group	   *group = group_of_node(node);

	v->nr++;
	if (!group || v->c->failed)
		return;
	check_levels(v->c, group->inner ? group->inner->in : namespace_root(), group->inner, group,
		     "group", v->t);
	v->t->groups++;
	if (group->session && group->nr_members)
		group->session->nr_seen++;
}

/* compare_group - a group without members is there for its session, which it is the first of. */
static void
compare_group(struct id_node *node, void *arg)
{
	struct table_visit *v = arg;
	struct group	   *group = group_of_node(node);

	if (!group || v->c->failed)
		return;
	if (!group->nr_members && (group->session != group || !group->nr_groups))
		check_fail(v->c, INV_PROC, "group %u has no members", group->node.number);
	else if (group->nr_seen != group->nr_groups)
		check_fail(v->c, INV_PROC, "session %u counts %llu groups, found %llu",
			   group->node.number, (unsigned long long)group->nr_groups,
			   (unsigned long long)group->nr_seen);
}

/* check_table - each node belongs to a thread, a child, a group, or a level of one of them. */
static void
check_table(struct check *c, struct tally *t)
{
	struct table_visit v = { .c = c, .t = t };
	uint64_t	   expected;

	ids_visit(forget_seen, NULL);
	ids_visit(count_node, &v);
	ids_visit(compare_group, &v);
	expected = t->threads + t->processes + t->groups + t->levels;
	if (!c->failed && (v.nr != proc_state()->ids.nr || v.nr != expected))
		check_fail(c, INV_PROC, "the table counts %llu numbers, found %llu, in use %llu",
			   (unsigned long long)proc_state()->ids.nr, (unsigned long long)v.nr,
			   (unsigned long long)expected);
}

/* check_namespaces - each has as many ids as threads live in it and in those inside. */
static void
check_namespaces(struct check *c)
{
	LIST_FOR_EACH(node, &proc_state()->namespaces) {
		const struct namespace *ns = CONTAINER_OF(node, struct namespace, all);

		if (ns->nr_ids == ns->nr_seen)
			continue;
		check_fail(c, INV_PROC, "a namespace at level %u counts %llu ids, found %llu",
			   ns->level, (unsigned long long)ns->nr_ids,
			   (unsigned long long)ns->nr_seen);
		return;
	}
}

static void
check_totals(struct check *c, const struct tally *t)
{
	if (t->processes != proc_count())
		check_fail(c, INV_PROC, "the table says %llu processes, found %llu",
			   (unsigned long long)proc_count(), (unsigned long long)t->processes);
	else if (t->children != t->processes)
		check_fail(c, INV_PROC, "%llu processes, %llu of them in the list of a parent",
			   (unsigned long long)t->processes, (unsigned long long)t->children);
	else if (t->notes != proc_state()->notes.nr_objects)
		check_fail(c, INV_PROC, "%llu notes of signals, %llu of them in a list",
			   (unsigned long long)proc_state()->notes.nr_objects,
			   (unsigned long long)t->notes);
	else if (t->subreapers != proc_state()->nr_subreapers)
		check_fail(c, INV_PROC, "%llu sub-reapers are counted, found %llu",
			   (unsigned long long)proc_state()->nr_subreapers,
			   (unsigned long long)t->subreapers);
	else if (t->fpus != proc_state()->fpus.nr_objects)
		check_fail(c, INV_PROC, "%llu floating-point states, %llu of them a thread's",
			   (unsigned long long)proc_state()->fpus.nr_objects,
			   (unsigned long long)t->fpus);
	for (unsigned node = 0; node < NODE_MAX; node++) {
		if (t->threads_on[node] != proc_state()->threads_on[node])
			check_fail(c, INV_PROC, "node %u counts %llu threads, found %llu", node,
				   (unsigned long long)proc_state()->threads_on[node],
				   (unsigned long long)t->threads_on[node]);
	}
}

/* check_tree - going down from nobody meets every process: no circle hangs beside the tree. */
static void
check_tree(struct check *c)
{
	struct proc_walk walk;
	struct process	*proc;
	uint64_t	 nr = 0;

	proc_walk_begin(&walk, NULL);
	for (; (proc = walk.next) && nr <= proc_count(); nr++)
		family_walk_on(&walk);
	proc_walk_end(&walk);
	if (nr != proc_count())
		check_fail(c, INV_PROC, "%llu processes, %llu of them in the tree",
			   (unsigned long long)proc_count(), (unsigned long long)nr);
}

/* check_spaces - each process that names a space holds a reference on it. */
static void
check_spaces(struct check *c, uint64_t living)
{
	uint64_t sum = 0;

	for (struct space *sp = space_list_first(); sp; sp = space_list_next(sp)) {
		uint32_t refs = atomic_load(&sp->refs);

		if (refs < *holders(sp) || !refs) {
			check_fail(c, INV_PROC, "a space has %u references, named by %u processes",
				   refs, *holders(sp));
			return;
		}
		sum += *holders(sp);
	}
	if (sum != living)
		check_fail(c, INV_PROC, "%llu processes have a space, %llu of them a listed one",
			   (unsigned long long)living, (unsigned long long)sum);
}

void
check_processes(struct check *c)
{
	struct tally t = { 0 };

	for (struct space *sp = space_list_first(); sp; sp = space_list_next(sp))
		*holders(sp) = 0;
	LIST_FOR_EACH(node, &proc_state()->namespaces)
		CONTAINER_OF(node, struct namespace, all)->nr_seen = 0;
	check_family(c, NULL, &t);
	for (struct process *proc = proc_first(); proc && !c->failed; proc = proc_next(proc)) {
		check_process(c, proc, &t);
		if (t.processes > proc_count())
			break;
	}
	if (c->failed)
		return;
	check_totals(c, &t);
	check_namespaces(c);
	check_table(c, &t);
	if (!c->failed)
		check_tree(c);
	check_spaces(c, t.living);
}
