/*
 * kthread.c - threads in the kernel: the part that is not assembly.
 *
 * A thread's stack is given back by whoever ran it last, on the CPU's own stack: a
 * thread cannot free what it stands on.
 */
#include "kthread.h"

#include <anymm/platform.h>

#include "boot.h"

#define SAVED_WORDS 7  /* what kthread.S saves */
#define RBP_AT	    40 /* the frame record in it */

int	    kthread_switch(vaddr_t *save, vaddr_t sp);
int	    kthread_fork_here(struct kthread *child);
int	    kthread_copy(struct kthread *child, vaddr_t sp);
void	    kthread_end(void);
extern char kthread_start[];

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

/* The saved registers of a thread that has not begun. */
static void
prepare(struct kthread *t)
{
	uint64_t *end = kstack_pointer(t->stack, t->stack->range.end - 16);
	uint64_t *saved = kstack_pointer(t->stack, t->stack->range.end - 16 - SAVED_WORDS * 8);

	end[0] = 0; /* the outermost frame record */
	end[1] = 0;
	for (unsigned i = 0; i < SAVED_WORDS; i++)
		saved[i] = 0;
	saved[3] = (uintptr_t)t->arg;
	saved[4] = (uintptr_t)t->fn;
	saved[6] = (uintptr_t)kthread_start;
	t->sp = t->stack->range.end - 16 - SAVED_WORDS * 8;
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
	(void)kthread_switch(&cpus[cpu].sp, t->sp);
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
	(void)kthread_switch(&kthread_current()->sp, cpus[platform_cpu()].sp);
}

/* The thread's function has returned. What is saved of it now is never loaded. */
void
kthread_end(void)
{
	vaddr_t nowhere;

	kthread_current()->sp = 0;
	(void)kthread_switch(&nowhere, cpus[platform_cpu()].sp);
	boot_fail("a thread that has ended runs");
}

/* On the stack that is copied, but below what is copied. */
int
kthread_copy(struct kthread *child, vaddr_t sp)
{
	const struct kthread   *parent = kthread_current();
	struct kstack_registers registers = { .sp = sp, .fp = sp + RBP_AT };
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
	return kthread_fork_here(child);
}
