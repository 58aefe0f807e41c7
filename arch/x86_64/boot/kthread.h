/*
 * kthread.h - threads in the kernel, each on a kernel stack of the library's, switched by hand.
 *
 * A CPU enters a thread from its own stack and gets control back when the thread yields or
 * ends. A thread may fork in the kernel: both come back from the same call, each on a
 * stack of its own, and return through the same functions.
 */
#pragma once

#include <anymm/kstack.h>

/* [r] whoever runs it or may run it */
struct kthread {
	struct kstack *stack; /* [r] NULL: none yet, or it has ended */
	vaddr_t	       sp;    /* [r] while it does not run: its saved registers lie there */
	void (*fn)(void *arg);
	void *arg;
};

/*
 * kthread_create - a thread that will call fn(arg).
 *   fails  ERR_NOMEM: nothing changed
 */
err_t kthread_create(struct kthread *t, void (*fn)(void *arg), void *arg);

/*
 * kthread_run - let it run on this CPU until it yields or ends.
 *   needs  the caller is on a CPU's own stack, not in a thread
 *   gives  false: it has ended, its stack is given back
 */
bool kthread_run(struct kthread *t);

/* kthread_yield - the calling thread lets go of its CPU; any CPU may run it on. */
void kthread_yield(void);

/* kthread_current - the thread that runs on this CPU, or NULL. */
struct kthread *kthread_current(void);

/*
 * kthread_fork - the calling thread twice. *child runs when somebody runs it.
 *   gives  1 in the caller, 0 in the child, which has a copy of all frames up to here. Frame
 *          pointers are put right; no frame may keep another pointer into its stack
 *   fails  ERR_NOMEM: no child exists
 */
int kthread_fork(struct kthread *child);
