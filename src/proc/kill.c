/*
 * kill.c - signals by name: to a group, to everybody, to all descendants; and kill(2).
 *
 * A group is signalled under one hold of the lock. Who is met by a walk is signalled one by one; a
 * child that is made meanwhile is met by the walk, or gets the signal from its maker's fork (pending.h).
 */
#include "proc/family.h"
#include "proc/group.h"
#include "proc/life.h"
#include "proc/namespace.h"
#include "proc/send.h"
#include "proc/state.h"
#include "proc/thread.h"

/* post_all - to the members that have not exited. HOLDS the lock. */
static uint64_t
post_all(const struct group *group, const struct signal_info *info)
{
	uint64_t nr = 0;

	LIST_FOR_EACH(node, &group->members) {
		struct process *proc = CONTAINER_OF(node, struct process, member);

		if (process_has_exited(proc))
			continue;
		signal_post_to_one_of_many(proc, info, namespace_root());
		nr++;
	}
	return nr;
}

err_t
signal_send_group_info(uint32_t id, const struct signal_info *info, uint64_t *nr)
{
	struct group *group;
	err_t	      err = ERR_SRCH;

	if (!signal_exists(info->signal))
		return ERR_INVAL;
	proc_lock();
	group = group_find(namespace_root(), id);
	if (group) {
		*nr = post_all(group, info);
		err = OK;
	}
	proc_unlock();
	return err;
}

/* ---- kill(2) ---- */

static struct signal_info
sent_by(const struct process *caller, unsigned signal)
{
	return (struct signal_info){
		.signal = signal,
		.code = SIGNAL_CODE_USER,
		.sender = caller->id,
	};
}

/* is_somebody - also a zombie, which takes nothing; not who has been waited for and only keeps a place. */
static bool
is_somebody(const struct process *proc)
{
	return proc->state < PROCESS_TOMBSTONE;
}

/* kill_one - gives how many; signal 0 only looks. HOLDS the lock. */
static uint64_t
kill_one(struct process *proc, const struct process *caller, unsigned signal)
{
	if (proc && signal && !process_has_exited(proc)) {
		struct signal_info info = sent_by(caller, signal);

		signal_post_from(proc, &info, caller->ids);
	}
	return proc && is_somebody(proc);
}

/* kill_one_of_many - the same. */
static uint64_t
kill_one_of_many(struct process *proc, const struct process *caller, unsigned signal)
{
	if (signal && !process_has_exited(proc)) {
		struct signal_info info = sent_by(caller, signal);

		signal_post_to_one_of_many(proc, &info, caller->ids);
	}
	return is_somebody(proc);
}

/* kill_group - its members. HOLDS the lock. */
static uint64_t
kill_group(const struct group *group, const struct process *caller, unsigned signal)
{
	uint64_t nr = 0;

	LIST_FOR_EACH(node, &group->members)
		nr += kill_one_of_many(CONTAINER_OF(node, struct process, member), caller, signal);
	return nr;
}

/* kill_named - a process or a group. HOLDS the lock. */
static uint64_t
kill_named(const struct process *caller, int64_t target, unsigned signal)
{
	struct namespace *ns = caller->ids;
	struct group	 *group = caller->group;

	if (target > 0)
		return kill_one(thread_find_process_in(ns, (uint32_t)target), caller, signal);
	if (target < 0)
		group = group_find(ns, (uint32_t)-target);
	return group ? kill_group(group, caller, signal) : 0;
}

/* A signal to all who are met by a walk. */
struct broadcast {
	struct process		 *caller; /* of kill_everybody */
	struct process		 *root;	  /* of signal_send_descendants_info */
	unsigned		  signal;
	const struct signal_info *info;
	uint64_t		  nr; /* how many */
};

/* kill_if_inside - who is in the caller's namespace, but for its init and the caller. */
static void
kill_if_inside(struct process *proc, void *arg)
{
	struct broadcast *b = arg;
	struct namespace *ns = b->caller->ids;

	if (namespace_is_inside(proc->ids, ns) && proc != ns->init && proc != b->caller)
		b->nr += kill_one_of_many(proc, b->caller, b->signal);
}

static uint64_t
kill_everybody(struct process *caller, unsigned signal)
{
	struct broadcast b = { .caller = caller, .signal = signal };

	family_visit(NULL, kill_if_inside, &b);
	return b.nr;
}

err_t
signal_kill(struct process *caller, int32_t target, unsigned signal, uint64_t *nr)
{
	uint64_t got;

	if (signal && !signal_exists(signal))
		return ERR_INVAL;
	if (target == -1) {
		got = kill_everybody(caller, signal);
	} else {
		proc_lock();
		got = kill_named(caller, target, signal);
		proc_unlock();
	}
	if (!got)
		return ERR_SRCH;
	*nr = got;
	return OK;
}

static void
post_if_below(struct process *proc, void *arg)
{
	struct broadcast *b = arg;

	if (proc == b->root || process_has_exited(proc))
		return;
	signal_post_to_one_of_many(proc, b->info, namespace_root());
	b->nr++;
}

uint64_t
signal_send_descendants_info(struct process *root, const struct signal_info *info)
{
	struct broadcast b = { .root = root, .info = info };

	if (signal_exists(info->signal))
		family_visit(root, post_if_below, &b);
	return b.nr;
}
