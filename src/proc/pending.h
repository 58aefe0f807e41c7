/*
 * pending.h - signals that were sent and not taken yet, with what their handlers will learn.
 *
 * One of each number waits for a thread, and one for its process. The first that comes of a
 * number brings its info along; it waits in a list until the signal is taken or dropped. Sending
 * never fails: without memory for the info the signal comes without it.
 *
 * All of these HOLD the process-table lock.
 */
#pragma once

#include <anymm/process.h>

/* [p] the process-table lock */
struct note {
	struct note	  *next; /* [p] */
	struct signal_info info; /* [p] */
};

/*
 * A fork on its way: for whoever sends a signal to many meanwhile, the fork was before, and the
 * child is one of them.
 */
struct fork_signals {
	struct list link; /* [p] in process->forks */
	signal_set  set;  /* [p] what waits for the child at its birth */
};

/* pending_for - what t may take now. */
static inline signal_set
pending_for(const struct thread *t)
{
	return (t->pending | t->process->pending) & ~t->blocked;
}

/* pending_add - for t, or for its process as a whole: t NULL. */
void pending_add(struct process *proc, struct thread *t, const struct signal_info *info);

/* pending_take - what waits in one place is taken out; gives what is known about it. */
struct signal_info pending_take(struct process *proc, struct thread *t, unsigned signal);

/* pending_clear - these wait no more, neither for the process nor for any of its threads. */
void pending_clear(struct process *proc, signal_set set);

/* pending_drop - t will take none any more. */
void pending_drop(struct thread *t);

/* pending_change_forks - for the children that proc is forking now. */
void pending_change_forks(struct process *proc, signal_set add, signal_set take_away);

/* pending_move - what waited for one thread waits for another, which has none. */
void pending_move(struct thread *from, struct thread *to);
