/*
 * signal.c - sending and taking signals.
 *
 *	sent to	  waits in	  taken by
 *	process	  proc->pending	  any of its threads that does not hold it back
 *	thread	  t->pending	  that thread
 *
 * What is ignored is dropped when it is sent, unless it is held back: then the process may
 * still decide otherwise. CONT and the stops take each other away at once, whatever the
 * process does about them, so that the last one sent wins.
 */
#include "base/assert.h"
#include "proc/deliver.h"
#include "proc/family.h"
#include "proc/group.h"
#include "proc/handlers.h"
#include "proc/life.h"
#include "proc/pending.h"
#include "proc/state.h"
#include "proc/thread.h"

#define UNMASKABLE (signal_bit(SIGNAL_KILL) | signal_bit(SIGNAL_STOP))
#define STOPS \
	(signal_bit(SIGNAL_STOP) | signal_bit(SIGNAL_TSTP) | signal_bit(SIGNAL_TTIN) | \
	 signal_bit(SIGNAL_TTOU))
#define IGNORED (signal_bit(SIGNAL_CHLD) | signal_bit(SIGNAL_URG) | signal_bit(SIGNAL_WINCH))

enum signal_default
signal_default(unsigned signal)
{
	signal_set bit = signal_bit(signal);

	if (bit & STOPS)
		return SIGNAL_STOPS;
	if (bit & IGNORED)
		return SIGNAL_IGNORED;
	return signal == SIGNAL_CONT ? SIGNAL_CONTINUES : SIGNAL_ENDS;
}

static bool
is_signal(unsigned signal)
{
	return signal >= 1 && signal <= SIGNAL_NR;
}

/* has_no_effect - with this action, in this process. Init takes only what it has a handler for. */
static bool
has_no_effect(const struct process *proc, unsigned signal, const struct signal_action *action)
{
	enum signal_default otherwise = signal_default(signal);

	if (action->handler != SIGNAL_DEFAULT)
		return action->handler == SIGNAL_IGNORE;
	return otherwise == SIGNAL_IGNORED || otherwise == SIGNAL_CONTINUES ||
	       proc == proc_state()->first;
}

/* cancel - stops and CONT take each other away. */
static void
cancel(struct process *proc, unsigned signal)
{
	if (signal == SIGNAL_CONT) {
		pending_clear(proc, STOPS);
		process_continue(proc);
	} else if (signal_bit(signal) & STOPS) {
		pending_clear(proc, signal_bit(SIGNAL_CONT));
	}
}

/* post - `t` NULL: to the process as a whole. HOLDS the lock. */
static void
post(struct process *proc, struct thread *t, const struct signal_info *info)
{
	struct signal_action action = handlers_action(proc, info->signal);
	const struct thread *asked = t ? t : thread_running(proc, NULL);
	bool		     held_back = asked && asked->blocked & signal_bit(info->signal);

	cancel(proc, info->signal);
	if (!held_back && has_no_effect(proc, info->signal, &action))
		return;
	pending_add(proc, t, info);
	process_wake(proc);
}

void
signal_post(struct process *proc, const struct signal_info *info)
{
	if (info->signal)
		post(proc, NULL, info);
}

err_t
signal_send_info(struct process *proc, const struct signal_info *info)
{
	if (!is_signal(info->signal))
		return ERR_INVAL;
	proc_lock();
	if (!process_has_exited(proc))
		post(proc, NULL, info);
	proc_unlock();
	return OK;
}

void
signal_force_info(struct thread *t, const struct signal_info *info)
{
	unsigned	     signal = info->signal;
	signal_set	     bit;
	struct signal_action action;

	REQUIRE(is_signal(signal) && signal_default(signal) == SIGNAL_ENDS,
		"signal %u cannot be forced", signal);
	bit = signal_bit(signal);
	proc_lock();
	action = handlers_action(t->process, signal);
	if (action.handler == SIGNAL_IGNORE ||
	    (t->blocked & bit && action.handler != SIGNAL_DEFAULT))
		handlers_set_default(t->process, signal);
	t->blocked &= ~bit;
	t->pending |= bit;
	t->forced |= bit;
	t->caused = *info;
	process_wake(t->process);
	proc_unlock();
}

err_t
signal_send_thread_info(struct thread *t, const struct signal_info *info)
{
	if (!is_signal(info->signal))
		return ERR_INVAL;
	proc_lock();
	if (!t->has_ended)
		post(t->process, t, info);
	proc_unlock();
	return OK;
}

/* post_all - to the members that have not exited. HOLDS the lock. */
static uint64_t
post_all(const struct group *group, const struct signal_info *info)
{
	uint64_t nr = 0;

	LIST_FOR_EACH(node, &group->members) {
		struct process *proc = CONTAINER_OF(node, struct process, member);

		if (process_has_exited(proc))
			continue;
		post(proc, NULL, info);
		nr++;
	}
	return nr;
}

err_t
signal_send_group_info(uint32_t id, const struct signal_info *info, uint64_t *nr)
{
	struct group *group;
	err_t	      err = ERR_SRCH;

	if (!is_signal(info->signal))
		return ERR_INVAL;
	proc_lock();
	group = group_find(id);
	if (group) {
		*nr = post_all(group, info);
		err = OK;
	}
	proc_unlock();
	return err;
}

uint64_t
signal_send_descendants_info(struct process *root, const struct signal_info *info)
{
	struct proc_walk walk;
	struct process	*proc;
	uint64_t	 nr = 0;

	proc_walk_begin(&walk, root);
	while ((proc = proc_walk_next(&walk))) {
		if (proc != root && !process_has_exited(proc) && signal_send_info(proc, info) == OK)
			nr++;
		proc_put(proc);
	}
	proc_walk_end(&walk);
	return nr;
}

signal_set
signal_block(struct thread *t, signal_set blocked)
{
	signal_set old;

	proc_lock();
	old = t->blocked;
	t->blocked = blocked & ~UNMASKABLE;
	proc_unlock();
	return old;
}

bool
signal_is_pending(struct thread *t)
{
	bool is_pending;

	proc_lock();
	is_pending = (t->pending | t->process->pending) & ~t->blocked;
	proc_unlock();
	return is_pending;
}

/* lowest - of a set that is not empty; KILL before all. */
static unsigned
lowest(signal_set set)
{
	if (set & signal_bit(SIGNAL_KILL))
		return SIGNAL_KILL;
	return (unsigned)__builtin_ctzll(set) + 1;
}

/*
 * pick - the next signal out of the thread's or its process's set; false: none. What t has caused comes
 * first: its handler must find the registers of the instruction that did it. HOLDS the lock.
 */
static bool
pick(struct thread *t, struct signal_info *info)
{
	struct thread *from = t->pending & ~t->blocked ? t : NULL;
	signal_set     set = (from ? t->pending : t->process->pending) & ~t->blocked;
	unsigned       signal;

	if (!set)
		return false;
	if (from && set & t->forced)
		set &= t->forced;
	signal = lowest(set);
	*info = pending_take(t->process, from, signal);
	if (from && t->forced & signal_bit(signal) && t->caused.signal == signal)
		*info = t->caused;
	return true;
}

/* begin_handler - its mask is in force. HOLDS the lock. */
static void
begin_handler(struct thread *t, const struct signal_delivery *d)
{
	if (d->action.handler == SIGNAL_DEFAULT)
		return;
	t->blocked |= d->action.blocked;
	if (!(d->action.flags & SIGNALF_NO_DEFER))
		t->blocked |= signal_bit(d->signal) & ~UNMASKABLE;
	if (d->action.flags & SIGNALF_RESET)
		handlers_set_default(t->process, d->signal);
}

/* next - take the next signal that has an effect; false: there is none. HOLDS the lock. */
static bool
next(struct thread *t, struct signal_delivery *d)
{
	while (pick(t, &d->info)) {
		bool forced;

		d->signal = d->info.signal;
		forced = t->forced & signal_bit(d->signal);
		t->forced &= ~signal_bit(d->signal);
		d->action = handlers_action(t->process, d->signal);
		if (forced || !has_no_effect(t->process, d->signal, &d->action))
			return true;
	}
	return false;
}

bool
signal_take(struct thread *t, struct signal_delivery *out)
{
	struct signal_delivery d = { 0 };
	bool		       is_there;

	proc_lock();
	d.blocked = t->blocked;
	is_there = next(t, &d);
	if (is_there)
		begin_handler(t, &d);
	proc_unlock();
	if (is_there)
		*out = d;
	return is_there;
}

/* is_killed - it waits somewhere. HOLDS the lock. */
static bool
is_killed(const struct thread *t)
{
	return (t->pending | t->process->pending) & signal_bit(SIGNAL_KILL);
}

/* decide - about one signal; SIGNAL_GOES_ON with none: there is none. HOLDS the lock. */
static enum signal_verdict
decide(struct thread *t, struct signal_delivery *d)
{
	struct process *proc = t->process;

	if (proc->state == PROCESS_STOPPED && !is_killed(t)) {
		d->signal = (unsigned)proc->stop_signal;
		return SIGNAL_STOPPED;
	}
	while (next(t, d)) {
		if (d->action.handler != SIGNAL_DEFAULT) {
			begin_handler(t, d);
			return SIGNAL_GOES_ON;
		}
		if (signal_default(d->signal) == SIGNAL_ENDS)
			return SIGNAL_ENDS_IT;
		if (process_stop(proc, (int32_t)d->signal))
			return SIGNAL_STOPPED;
	}
	d->signal = 0;
	return SIGNAL_GOES_ON;
}

enum signal_verdict
signal_decide(struct thread *t, struct signal_delivery *out)
{
	enum signal_verdict verdict;

	*out = (struct signal_delivery){ 0 };
	proc_lock();
	out->blocked = t->blocked;
	verdict = decide(t, out);
	proc_unlock();
	return verdict;
}
