/*
 * kthread.h - the library's threads on this machine: each on a kernel stack of its own.
 *
 * A CPU enters a thread from its own stack and gets control back when the thread yields or
 * ends. A thread may go to user mode from its stack and come back to it at each trap. It may
 * fork in the kernel: both come back from the same call, each on a stack of its own, and
 * return through the same functions.
 */
#pragma once

#include <anymm/process.h>

/*
 * kthread_run - let it run on this CPU until it yields or ends.
 *   needs  the caller is on a CPU's own stack, not in a thread
 *   gives  false: it has ended; t may be gone
 */
bool kthread_run(struct thread *t);

/* kthread_yield - the calling thread lets go of its CPU; any CPU may run it on. */
void kthread_yield(void);

/* kthread_end - the calling thread ends, on whatever stack it is; see thread_end. */
[[gnu::noreturn]] void kthread_end(int32_t value);

/*
 * kthread_fork - the calling thread twice, as proc_clone with this request makes it. The child runs
 * when somebody runs it.
 *   gives  1 in the caller, 0 in the child, which has a copy of all frames up to here. Frame
 *          pointers are put right; no frame may keep another pointer into its stack
 *   fails  as proc_clone, in the caller
 */
int64_t kthread_fork(const struct clone_request *request, struct clone_result *out);
