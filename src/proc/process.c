/*
 * process.c - processes as far as memory needs them.
 *
 *	reserve ---> ALIVE ---exit---> ZOMBIE ---reap---> gone
 *	   |         has a space       has a code
 *	   +--- fork fails: released, nobody has seen it
 *
 * The table's lock protects the tree: parents, children, states. It is not held
 * while a space is copied or torn down, because a space's lock ranks behind it
 * and its work is long.
 *
 * Orphans go to the first process: the oldest one that is alive and has no
 * parent. When there is none, they have no parent themselves, and whoever embeds
 * the library reaps them as children of nobody.
 */
#include "base/assert.h"
#include "proc/proc_table.h"

/* enter_tree - publish a complete process under its parent, which may be NULL. */
static void
enter_tree(struct process *proc, struct process *parent, struct space *sp)
{
	struct proc_state *state = proc_state();

	lock_acquire(&state->lock);
	proc->state = PROCESS_ALIVE;
	proc->space = sp;
	proc->parent = parent;
	if (parent)
		list_insert_before(&parent->children, &proc->sibling);
	else if (!state->first)
		state->first = proc;
	table_publish(proc);
	lock_release(&state->lock);
}

err_t
proc_create(uint32_t id, struct space *sp, struct process **out)
{
	struct process *proc;
	err_t		err = table_reserve(id, &proc);

	if (err)
		return err;
	space_get(sp);
	enter_tree(proc, NULL, sp);
	*out = proc;
	return OK;
}

/* inherit_space - the space a child starts with, with one reference for it. */
static err_t
inherit_space(struct space *sp, unsigned flags, struct space **out)
{
	if (!(flags & PROC_SHARE_SPACE))
		return space_fork(sp, out);
	space_get(sp);
	*out = sp;
	return OK;
}

err_t
proc_fork(struct process *parent, unsigned flags, uint32_t id, struct process **out)
{
	struct process *child;
	struct space   *sp;
	err_t		err;

	REQUIRE(parent->space, "process %u forks after its exit", parent->id);
	err = table_reserve(id, &child);
	if (err)
		return err;
	err = inherit_space(parent->space, flags, &sp);
	if (err) {
		table_release(child);
		return err;
	}
	enter_tree(child, parent, sp);
	*out = child;
	return OK;
}

/* swap_space - gives the old one, whose reference is now the caller's. */
static struct space *
swap_space(struct process *proc, struct space *next)
{
	struct proc_state *state = proc_state();
	struct space	  *old;

	lock_acquire(&state->lock);
	old = proc->space;
	proc->space = next;
	lock_release(&state->lock);
	return old;
}

void
proc_exec(struct process *proc, struct space *fresh)
{
	REQUIRE(proc->space, "process %u executes a program after its exit", proc->id);
	space_get(fresh);
	space_put(swap_space(proc, fresh));
}

/* orphan_children - the first process, or nobody, becomes their parent. HOLDS the lock. */
static void
orphan_children(struct process *proc, struct process *heir)
{
	while (!list_is_empty(&proc->children)) {
		struct process *child = CONTAINER_OF(proc->children.next, struct process, sibling);

		list_remove(&child->sibling);
		child->parent = heir;
		if (heir)
			list_insert_before(&heir->children, &child->sibling);
	}
}

/* oldest_root - the next first process: alive and without a parent. HOLDS the lock. */
static struct process *
oldest_root(void)
{
	struct proc_state *state = proc_state();

	LIST_FOR_EACH(node, &state->all) {
		struct process *proc = CONTAINER_OF(node, struct process, all);

		if (proc->state == PROCESS_ALIVE && !proc->parent)
			return proc;
	}
	return NULL;
}

void
proc_exit(struct process *proc, int32_t code)
{
	struct proc_state *state = proc_state();
	struct space	  *sp;

	lock_acquire(&state->lock);
	REQUIRE(proc->state == PROCESS_ALIVE, "process %u exits twice", proc->id);
	proc->state = PROCESS_ZOMBIE;
	proc->code = code;
	sp = proc->space;
	proc->space = NULL;
	if (proc == state->first)
		state->first = oldest_root();
	orphan_children(proc, state->first);
	if (!state->first)
		state->first = oldest_root();
	lock_release(&state->lock);
	space_put(sp);
}

err_t
proc_reap(struct process *parent, struct process *child, int32_t *code)
{
	struct proc_state *state = proc_state();
	err_t		   err = OK;

	lock_acquire(&state->lock);
	if (child->parent != parent)
		err = ERR_CHILD;
	else if (child->state != PROCESS_ZOMBIE)
		err = ERR_AGAIN;
	else
		list_remove(&child->sibling);
	lock_release(&state->lock);
	if (err)
		return err;
	*code = child->code;
	table_release(child);
	return OK;
}
