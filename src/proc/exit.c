/*
 * exit.c - the end of processes: one by one, from outside, and whole trees.
 *
 *	dying     no thread is left; spaces and resources are given back, with no lock held
 *	orphans   the children get their new parent, or keep this one
 *	zombie    the parent hears of it and may wait; or nobody ever will, and it is gone
 *
 * A tree is killed in two passes: one that forbids everybody in it to fork, and one that
 * kills, children before parents, so that no child is orphaned by it. The list between the
 * two makes each pass linear, and the depth of the tree is of no matter. The init of a namespace
 * takes all below it along the same way; where that is part of a larger killing, those are
 * gone or told already, so the one does not nest in the other.
 */
#include "base/assert.h"
#include "proc/family.h"
#include "proc/handlers.h"
#include "proc/life.h"
#include "proc/namespace.h"
#include "proc/state.h"
#include "proc/thread.h"

/* release_resources - in the reverse order of fork. The account pays until the process is gone. */
static void
release_resources(struct process *proc)
{
	for (unsigned slot = RESOURCE_SLOTS; slot-- > 0;) {
		struct resource *resource;

		if (slot == RESOURCE_ACCOUNT)
			continue;
		proc_lock();
		resource = process_take_resource(proc, (enum resource_slot)slot);
		proc_unlock();
		resource_put(resource);
	}
}

/* begin - gives the space, whose reference is now the caller's. */
static struct space *
begin(struct process *proc, int32_t code)
{
	struct space *sp;

	proc_lock();
	REQUIRE(!process_has_exited(proc), "process %u exits twice", proc->id);
	process_move(proc, PROCESS_DYING);
	proc->is_exiting = true;
	proc->code = code;
	thread_end_all(proc);
	sp = proc->space;
	proc->space = NULL;
	proc_unlock();
	return sp;
}

/*
 * oldest_root - the next init: has not exited and has no parent. Who lives in a namespace of its own
 * takes no orphans of another. HOLDS the lock.
 */
static struct process *
oldest_root(void)
{
	LIST_FOR_EACH(node, &proc_state()->nobody.children) {
		struct process *proc = CONTAINER_OF(node, struct process, sibling);

		if (!process_has_exited(proc) && proc->ids == namespace_root())
			return proc;
	}
	return NULL;
}

/*
 * leave_tree - children go elsewhere; if it was init, so does its office, which only the root's
 * namespace gives to another. HOLDS the lock.
 */
static void
leave_tree(struct process *proc, struct list *forgotten)
{
	struct namespace *root = namespace_root();

	if (namespace_is_init(proc))
		proc->ids->init = proc->ids == root ? oldest_root() : NULL;
	if (proc->is_subreaper)
		proc_state()->nr_subreapers--;
	proc->is_subreaper = false;
	family_orphan(proc, forgotten);
	if (!root->init)
		root->init = oldest_root();
}

/* end_namespace - all that is in it goes with its init, which has begun to exit. */
static void
end_namespace(struct process *proc)
{
	bool ends;

	proc_lock();
	ends = namespace_is_init(proc) && proc->ids != namespace_root();
	proc_unlock();
	if (ends)
		proc_kill_descendants(proc, SIGNAL_KILL);
}

/* A child of nobody waits for the kernel; a child of a dead process waits for nobody. */
static bool
is_awaited(struct process *proc)
{
	if (proc->no_reap || family_reaps_itself(proc))
		return false;
	return !proc->parent || !process_is_dead(proc->parent);
}

/* report - to the parent, by its signal and by wait. HOLDS the lock. */
static void
report(struct process *proc, struct list *forgotten)
{
	bool awaited = is_awaited(proc);

	family_tell_exit(proc);
	if (!awaited) {
		process_wake(proc->parent);
		process_settle(proc, forgotten);
		return;
	}
	process_move(proc, PROCESS_ZOMBIE);
	family_withdraw(proc, WAIT_STOPPED);
	family_withdraw(proc, WAIT_CONTINUED);
	family_report(proc, WAIT_EXITED);
}

static void
announce_init(struct process *proc, int32_t code)
{
	void (*hook)(struct process *, int32_t, uint64_t) = proc_state()->hooks.init_exits;

	if (hook && proc == proc_init_process())
		hook(proc, code, proc->family.nr_children);
}

void
proc_exit(struct process *proc, int32_t code)
{
	struct list   forgotten;
	struct space *sp;

	announce_init(proc, code);
	list_init(&forgotten);
	sp = begin(proc, code);
	end_namespace(proc);
	release_resources(proc);
	space_put(sp);
	proc_lock();
	leave_tree(proc, &forgotten);
	report(proc, &forgotten);
	proc_unlock();
	process_put_all(&forgotten);
}

/* ---- from outside ---- */

/* claim - one killer has its way; the others, and those who come too late, do nothing. */
static bool
claim(struct process *proc, int32_t code)
{
	bool claimed;

	proc_lock();
	claimed = !proc->is_exiting;
	if (claimed) {
		proc->is_exiting = true;
		proc->code = code;
		process_wake(proc);
	}
	proc_unlock();
	return claimed;
}

/* halt_and_exit - at once, or by its own threads. */
static void
halt_and_exit(struct process *proc, int32_t code)
{
	bool (*halt)(struct process * proc) = proc_state()->hooks.halt;

	if (!halt || halt(proc))
		proc_exit(proc, code);
}

err_t
proc_kill(struct process *proc, int32_t code)
{
	if (proc == proc_init_process())
		return ERR_PERM;
	if (claim(proc, code))
		halt_and_exit(proc, code);
	return OK;
}

/* ---- whole trees ---- */

/* condemn - proc makes no child any more and will leave no zombie. HOLDS the lock. */
static void
condemn(struct process *proc, int32_t code, struct list *condemned, struct list *forgotten)
{
	if (!proc->no_reap && proc->state < PROCESS_TOMBSTONE) {
		family_count_out(proc);
		proc->no_reap = true;
	}
	if (proc->state == PROCESS_ZOMBIE)
		process_settle(proc, forgotten);
	if (proc->is_exiting)
		return;
	proc->is_exiting = true;
	proc->code = code;
	proc_get(proc);
	list_insert_before(condemned->next, &proc->condemned);
	process_wake(proc);
}

/*
 * condemn_all - everybody below root, parents before children, so that the list has children
 * first. Who is condemned forks no more, and a fork that has begun finds that out before
 * its child is seen; so nobody is missed.
 */
static void
condemn_all(struct process *root, int32_t code, struct list *condemned)
{
	struct list	 forgotten;
	struct proc_walk walk;
	struct process	*proc;
	bool		 is_first = true;

	list_init(&forgotten);
	proc_walk_begin(&walk, root);
	for (;;) {
		proc_lock();
		proc = walk.next;
		if (proc && !is_first)
			condemn(proc, code, condemned, &forgotten);
		if (proc && walk.next == proc)
			family_walk_on(&walk);
		proc_unlock();
		process_put_all(&forgotten);
		if (!proc)
			break;
		is_first = false;
	}
	proc_walk_end(&walk);
}

uint64_t
proc_kill_descendants(struct process *root, int32_t code)
{
	struct list condemned;
	uint64_t    nr = 0;

	list_init(&condemned);
	condemn_all(root, code, &condemned);
	while (!list_is_empty(&condemned)) {
		struct process *proc = CONTAINER_OF(condemned.next, struct process, condemned);

		list_remove(&proc->condemned);
		halt_and_exit(proc, code);
		proc_put(proc);
		nr++;
	}
	return nr;
}
