/*
 * signal.h - signals as far as fork, exec and exit need them: what a process does about
 * each, what a thread holds back, and what has been sent and not taken yet.
 *
 * One of each number can be pending for a thread and one for its process, as for Unix's
 * standard signals. How a handler gets onto the user's stack is the machine's affair.
 */
#pragma once

#include <anymm/resource.h>

struct process;
struct thread;

/* A set of signals: bit n - 1 is signal n. */
typedef uint64_t signal_set;

#define SIGNAL_NR 64

/* Linux's numbers, of those that mean something here. */
enum signal {
	SIGNAL_HUP = 1,
	SIGNAL_ILL = 4,
	SIGNAL_ABRT = 6,
	SIGNAL_BUS = 7,
	SIGNAL_FPE = 8,
	SIGNAL_KILL = 9,
	SIGNAL_USR1 = 10,
	SIGNAL_SEGV = 11,
	SIGNAL_USR2 = 12,
	SIGNAL_TERM = 15,
	SIGNAL_CHLD = 17,
	SIGNAL_CONT = 18,
	SIGNAL_STOP = 19,
	SIGNAL_TSTP = 20,
	SIGNAL_TTIN = 21,
	SIGNAL_TTOU = 22,
	SIGNAL_URG = 23,
	SIGNAL_WINCH = 28,
};

static inline signal_set
signal_bit(unsigned signal)
{
	return (signal_set)1 << (signal - 1);
}

/* What handler holds if there is none. */
#define SIGNAL_DEFAULT ((vaddr_t)0)
#define SIGNAL_IGNORE  ((vaddr_t)1)

/* Linux's values. */
enum signal_flag {
	SIGNALF_NO_CHILD_STOP = 0x1, /* of CHLD: not for stopped and continued children */
	SIGNALF_NO_CHILD_WAIT = 0x2, /* of CHLD: children leave no zombies */
	SIGNALF_ALTERNATE = 0x08000000,
	SIGNALF_RESTART = 0x10000000,
	SIGNALF_NO_DEFER = 0x40000000, /* not held back while its handler runs */
};
#define SIGNALF_RESET 0x80000000u /* default again once it is taken */

/* What a process does about one signal. */
struct signal_action {
	vaddr_t	   handler; /* a user address, SIGNAL_DEFAULT or SIGNAL_IGNORE */
	vaddr_t	   restorer;
	uint64_t   flags;
	signal_set blocked; /* held back while the handler runs, besides itself */
};

struct signal_stack {
	vaddr_t	 start;
	uint64_t bytes; /* 0: none */
};

/* What happens to a process that has no handler. */
enum signal_default {
	SIGNAL_ENDS,
	SIGNAL_IGNORED,
	SIGNAL_STOPS,
	SIGNAL_CONTINUES,
};
enum signal_default signal_default(unsigned signal);

/* A signal that a thread has to act on now. */
struct signal_delivery {
	unsigned	     signal;
	struct signal_action action;  /* as it was when the signal was taken */
	signal_set	     blocked; /* what the thread held back before; for the return */
};

/*
 * signal_set_action - how proc reacts to a signal from now on; *old, unless NULL, as before.
 * What is ignored is not pending any more. `action` NULL only asks.
 *   fails  ERR_INVAL: no such signal, or KILL or STOP would change; ERR_NOMEM: nothing changed
 */
err_t signal_set_action(struct process *proc, unsigned signal, const struct signal_action *action,
			struct signal_action *old);

/* signal_block - the set that t holds back from now on, without KILL and STOP; gives the old one. */
signal_set signal_block(struct thread *t, signal_set blocked);

/*
 * signal_send - to a process: whichever thread does not hold it back may take it. CONT goes
 * on at once and takes pending stops away; a stop takes a pending CONT away. What is ignored
 * is dropped, and so is what init has no handler for; that of an inner namespace of ids takes
 * KILL and STOP, for this comes from the root's. Exited processes take nothing.
 *   fails  ERR_INVAL: no such signal
 */
err_t signal_send(struct process *proc, unsigned signal);

/* signal_send_thread - the same to one thread. */
err_t signal_send_thread(struct thread *t, unsigned signal);

/*
 * signal_force - the thread itself has caused it (a bad access, a bad instruction) and cannot go on
 * without: if it is held back or ignored, it gets its default action instead. Spares init neither.
 *   needs  t has not ended; a signal whose default ends the process
 */
void signal_force(struct thread *t, unsigned signal);

/*
 * signal_send_group - to each member of the group of this id, the root's. *nr: how many.
 *   fails  ERR_INVAL: no such signal; ERR_SRCH: no such group
 */
err_t signal_send_group(uint32_t group, unsigned signal, uint64_t *nr);

/*
 * signal_kill - what kill(2) comes down to. `target` is the id of a process in the caller's
 * namespace; 0: the caller's group; -1: everybody in the namespace but its init and the
 * caller; below that, the group of the id -target. Signal 0 only looks. The init of a namespace
 * takes KILL and STOP from above, and from inside only what it has a handler for.
 *   gives  *nr: how many
 *   fails  ERR_INVAL: no such signal; ERR_SRCH: nobody. Nothing changed
 */
err_t signal_kill(struct process *caller, int32_t target, unsigned signal, uint64_t *nr);

/* signal_send_descendants - to each process below root; gives how many. 0 for a bad number. */
uint64_t signal_send_descendants(struct process *root, unsigned signal);

/* signal_is_pending - something is there that t does not hold back: a wait ends. */
bool signal_is_pending(struct thread *t);

/*
 * signal_take - the next signal for t, lowest number first, its own before its process's.
 * With a handler, its mask is in force from now on; the kernel then prepares the user's
 * stack. Without, the kernel does what signal_default says.
 *   gives  false: there is none
 */
bool signal_take(struct thread *t, struct signal_delivery *out);
