/*
 * signal.c - sending signals to one process or thread, and taking them.
 *
 *	sent to	  waits in	  taken by
 *	process	  proc->pending	  any of its threads that does not hold it back
 *	thread	  t->pending	  that thread
 *
 * What is ignored is dropped when it is sent, unless it is held back: then the process may
 * still decide otherwise. CONT and the stops take each other away at once, whatever the
 * process does about them, so that the last one sent wins.
 *
 * The init of a namespace is shielded: it takes only what it has a handler for. KILL and STOP
 * get through to it from a namespace above; so nothing does to the root's.
 */
#include "base/assert.h"
#include "proc/deliver.h"
#include "proc/handlers.h"
#include "proc/life.h"
#include "proc/namespace.h"
#include "proc/pending.h"
#include "proc/send.h"
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

bool
signal_exists(unsigned signal)
{
	return signal >= 1 && signal <= SIGNAL_NR;
}

/* is_shielded - from a signal that comes from this namespace. */
static bool
is_shielded(const struct process *proc, unsigned signal, const struct namespace *from)
{
	if (!namespace_is_init(proc))
		return false;
	return !(signal_bit(signal) & UNMASKABLE) || namespace_is_inside(from, proc->ids);
}

/* has_no_effect - with this action, in this process. */
static bool
has_no_effect(const struct process *proc, unsigned signal, const struct signal_action *action,
	      const struct namespace *from)
{
	enum signal_default otherwise = signal_default(signal);

	if (action->handler != SIGNAL_DEFAULT)
		return action->handler == SIGNAL_IGNORE;
	return otherwise == SIGNAL_IGNORED || otherwise == SIGNAL_CONTINUES ||
	       is_shielded(proc, signal, from);
}

/* opposites - stops and CONT take each other away. */
static signal_set
opposites(unsigned signal)
{
	if (signal == SIGNAL_CONT)
		return STOPS;
	return signal_bit(signal) & STOPS ? signal_bit(SIGNAL_CONT) : 0;
}

static void
cancel(struct process *proc, unsigned signal)
{
	if (opposites(signal))
		pending_clear(proc, opposites(signal));
	if (signal == SIGNAL_CONT)
		process_continue(proc);
}

/*
 * told_to - the sender, if a process has sent it, as the receiver knows it: from the root's id, which may
 * be nobody's any more. HOLDS the lock.
 */
static struct signal_info
told_to(const struct process *proc, const struct signal_info *info)
{
	bool is_from_process = info->code == SIGNAL_CODE_USER || info->code == SIGNAL_CODE_THREAD;
	struct signal_info    told = *info;
	const struct process *sender;

	if (!is_from_process || proc->ids == namespace_root())
		return told;
	sender = thread_find_process_in(namespace_root(), info->sender);
	told.sender = sender ? namespace_number_of(proc->ids, sender) : 0;
	return told;
}

/*
 * post - `t` NULL: to the process as a whole, and so is KILL always, whichever thread it was sent
 * to. Gives false if it has no effect. HOLDS the lock.
 */
static bool
post(struct process *proc, struct thread *t, const struct signal_info *info,
     const struct namespace *from)
{
	struct signal_action action = handlers_action(proc, info->signal);
	struct signal_info   told = told_to(proc, info);
	const struct thread *asked = t ? t : thread_running(proc, NULL);
	bool		     held_back = asked && asked->blocked & signal_bit(info->signal);

	cancel(proc, info->signal);
	if (!held_back && has_no_effect(proc, info->signal, &action, from))
		return false;
	pending_add(proc, info->signal == SIGNAL_KILL ? NULL : t, &told);
	process_wake(proc);
	return true;
}

bool
signal_post_from(struct process *proc, const struct signal_info *info, const struct namespace *from)
{
	return post(proc, NULL, info, from);
}

void
signal_post_to_one_of_many(struct process *proc, const struct signal_info *info,
			   const struct namespace *from)
{
	bool has_effect = post(proc, NULL, info, from);

	pending_change_forks(proc, has_effect ? signal_bit(info->signal) : 0,
			     opposites(info->signal));
}

void
signal_post(struct process *proc, const struct signal_info *info)
{
	if (info->signal)
		post(proc, NULL, info, proc->ids);
}

err_t
signal_send_info(struct process *proc, const struct signal_info *info)
{
	if (!signal_exists(info->signal))
		return ERR_INVAL;
	proc_lock();
	if (!process_has_exited(proc))
		post(proc, NULL, info, namespace_root());
	proc_unlock();
	return OK;
}

void
signal_force_info(struct thread *t, const struct signal_info *info)
{
	unsigned	     signal = info->signal;
	signal_set	     bit;
	struct signal_action action;

	REQUIRE(signal_exists(signal) && signal_default(signal) == SIGNAL_ENDS,
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
	if (!signal_exists(info->signal))
		return ERR_INVAL;
	proc_lock();
	if (!t->has_ended)
		post(t->process, t, info, namespace_root());
	proc_unlock();
	return OK;
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
	is_pending = pending_for(t);
	proc_unlock();
	return is_pending;
}

bool
signal_ends(struct thread *t)
{
	for (signal_set set = pending_for(t); set; set &= set - 1) {
		unsigned	     signal = (unsigned)__builtin_ctzll(set) + 1;
		struct signal_action action = handlers_action(t->process, signal);

		if (action.handler == SIGNAL_DEFAULT && signal_default(signal) == SIGNAL_ENDS &&
		    !has_no_effect(t->process, signal, &action, namespace_root()))
			return true;
	}
	return false;
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

/*
 * note_end - of the process, if the signal is that: its kernel is told, and until it has all threads
 * end none of them may make a child, which nobody who sent the signal to many would know of. HOLDS the lock.
 */
static void
note_end(struct process *proc, const struct signal_delivery *d)
{
	if (d->action.handler == SIGNAL_DEFAULT && signal_default(d->signal) == SIGNAL_ENDS)
		proc->is_ending = true;
}

/*
 * next - take the next signal that has an effect; false: there is none. Who shares the handlers may
 * ignore by now what was forced. HOLDS the lock.
 */
static bool
next(struct thread *t, struct signal_delivery *d)
{
	while (pick(t, &d->info)) {
		bool forced;

		d->signal = d->info.signal;
		forced = t->forced & signal_bit(d->signal);
		t->forced &= ~signal_bit(d->signal);
		d->action = handlers_action(t->process, d->signal);
		if (forced && d->action.handler == SIGNAL_IGNORE)
			d->action = (struct signal_action){ .handler = SIGNAL_DEFAULT };
		if (forced || !has_no_effect(t->process, d->signal, &d->action, namespace_root())) {
			note_end(t->process, d);
			return true;
		}
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
