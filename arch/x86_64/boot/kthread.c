/*
 * kthread.c - the library's threads on this machine: who runs, and how a CPU comes and goes.
 *
 * What an ended thread stood on is given back by whoever ran it, on the CPU's own stack: a
 * thread cannot free what it stands on. (thread_leave)
 */
#include "kthread.h"

#include "boot.h"

/* By CPU; only that CPU looks. */
static struct {
	uint64_t sp; /* of the CPU's own stack, while a thread runs */
	bool	 has_ended;
} cpus[CPU_MAX];

bool
kthread_run(struct thread *t)
{
	unsigned cpu = platform_cpu();

	cpus[cpu].has_ended = false;
	thread_enter(t);
	(void)x86_switch(&cpus[cpu].sp, t->saved);
	thread_leave();
	return !cpus[cpu].has_ended;
}

void
kthread_yield(void)
{
	(void)x86_switch(&thread_current()->saved, cpus[platform_cpu()].sp);
}

/* What is saved of it is never loaded. */
void
kthread_end(int32_t value)
{
	uint64_t nowhere;

	(void)thread_end(thread_current(), value);
	cpus[platform_cpu()].has_ended = true;
	(void)x86_switch(&nowhere, cpus[platform_cpu()].sp);
	boot_fail("a thread that has ended runs");
}

/* What a fork needs on its maker's stack; the child, which has a copy, does not look at it. */
struct fork {
	struct clone_request request;
	struct clone_result *out;
};

/* On the stack that is copied, but below what is copied. */
static int64_t
fork_here(void *arg, uint64_t sp)
{
	struct fork *f = arg;
	err_t	     err;

	f->request.saved = sp;
	err = proc_clone(thread_current(), &f->request, f->out);
	return err == OK ? 1 : err;
}

int64_t
kthread_fork(const struct clone_request *request, struct clone_result *out)
{
	struct fork f = { .request = *request, .out = out };

	return x86_switch_twice(fork_here, &f);
}
