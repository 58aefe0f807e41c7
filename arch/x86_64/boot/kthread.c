/*
 * kthread.c - threads in the kernel: the part that is not assembly.
 *
 * A thread's stack is given back by whoever ran it last, on the CPU's own stack: a
 * thread cannot free what it stands on.
 */
#include "kthread.h"

#include <anymm/platform.h>

#include "boot.h"

/* By CPU; only that CPU looks. */
static struct {
	struct kthread *current;
	vaddr_t		sp; /* of the CPU's own stack, while a thread runs */
} cpus[CPU_MAX];

struct kthread *
kthread_current(void)
{
	return cpus[platform_cpu()].current;
}

static void kthread_end(void);

static void
begin(void *thread)
{
	struct kthread *t = thread;

	t->fn(t->arg);
	kthread_end();
}

static void
prepare(struct kthread *t)
{
	vaddr_t end = t->stack->range.end;

	t->sp = arch_start(kstack_pointer(t->stack, end - ARCH_START_BYTES), end, begin, t);
}

err_t
kthread_create(struct kthread *t, void (*fn)(void *arg), void *arg)
{
	err_t err;

	*t = (struct kthread){ .fn = fn, .arg = arg };
	err = kstack_create(&t->stack);
	if (err == OK)
		prepare(t);
	return err;
}

bool
kthread_run(struct kthread *t)
{
	unsigned cpu = platform_cpu();

	cpus[cpu].current = t;
	(void)x86_switch(&cpus[cpu].sp, t->sp);
	cpus[cpu].current = NULL;
	if (t->sp)
		return true;
	kstack_destroy(t->stack);
	t->stack = NULL;
	return false;
}

void
kthread_yield(void)
{
	(void)x86_switch(&kthread_current()->sp, cpus[platform_cpu()].sp);
}

/* The thread's function has returned. What is saved of it now is never loaded. */
static void
kthread_end(void)
{
	vaddr_t nowhere;

	kthread_current()->sp = 0;
	(void)x86_switch(&nowhere, cpus[platform_cpu()].sp);
	boot_fail("a thread that has ended runs");
}

/* On the stack that is copied, but below what is copied. */
static int64_t
copy(void *thread, vaddr_t sp)
{
	struct kthread	       *child = thread;
	const struct kthread   *parent = kthread_current();
	struct kstack_registers registers = { .sp = sp, .fp = sp + ARCH_SAVED_RECORD };
	err_t			err;

	*child = (struct kthread){ .fn = parent->fn, .arg = parent->arg };
	err = kstack_create(&child->stack);
	if (err)
		return err;
	err = kstack_copy(parent->stack, child->stack, &registers);
	if (err) {
		kstack_destroy(child->stack);
		return err;
	}
	child->sp = registers.sp;
	return 1;
}

int
kthread_fork(struct kthread *child)
{
	return (int)x86_switch_twice(copy, child);
}
