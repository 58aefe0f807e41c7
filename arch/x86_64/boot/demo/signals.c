/*
 * signals.c - signals of the demonstration's programs: what the kernel has to do besides the library.
 *
 * Floating-point registers are the CPU's while a thread is on it: they are saved for a look at them, and
 * loaded when a handler begins or has returned.
 */
#include "demo.h"

#include <anymm/usercopy.h>

#include "abi.h"

int64_t
task_set_action(struct task *t, uint64_t signal, vaddr_t from)
{
	struct signal_action action;

	if (signal > SIGNAL_NR)
		return ERR_INVAL;
	if (copy_from_user(t->proc->space, &action, from, sizeof(action)))
		return ERR_FAULT;
	return signal_set_action(t->proc, (unsigned)signal, &action, NULL);
}

int64_t
task_set_alternate(struct task *t, vaddr_t from)
{
	struct signal_stack stack;

	if (copy_from_user(t->proc->space, &stack, from, sizeof(stack)))
		return ERR_FAULT;
	return signal_set_alternate(t->thread, arch_context_sp(&t->thread->registers), &stack,
				    NULL);
}

int64_t
task_kill(struct task *t, uint64_t id, uint64_t signal)
{
	struct signal_info info = {
		.signal = (uint32_t)signal,
		.code = SIGNAL_CODE_USER,
		.sender = t->proc->id,
	};
	struct process *target = id <= UINT32_MAX ? proc_lookup((uint32_t)id) : NULL;
	err_t		err;

	if (!target || signal > SIGNAL_NR) {
		if (target)
			proc_put(target);
		return target ? ERR_INVAL : ERR_SRCH;
	}
	err = signal_send_info(target, &info);
	proc_put(target);
	return err;
}

void
task_return(struct task *t)
{
	struct thread *thread = t->thread;

	thread_save_fpu(thread);
	signal_return(thread, &thread->registers, thread->fpu);
	thread_load_fpu(thread);
}

void
task_cause(struct task *t, unsigned signal)
{
	signal_force(t->thread, signal);
}

void
task_cause_fault(struct task *t, enum fault_result result, vaddr_t va)
{
	struct signal_info info = signal_of_fault(result, va);

	signal_force_info(t->thread, &info);
}

/* has_to_look - at signals, at a stop of the process, or at a call that a signal has interrupted. */
static bool
has_to_look(struct task *t)
{
	return t->point == SIGNAL_IN_CALL || signal_is_pending(t->thread) ||
	       t->proc->state == PROCESS_STOPPED;
}

static enum signal_verdict
deliver(struct task *t, unsigned *signal)
{
	struct thread	   *thread = t->thread;
	enum signal_verdict verdict;

	thread_save_fpu(thread);
	verdict = signal_deliver(thread, &thread->registers, thread->fpu, &t->point, signal);
	thread_load_fpu(thread);
	return verdict;
}

unsigned
task_obey(struct task *t)
{
	while (has_to_look(t) && !thread_must_end(t->thread)) {
		uint32_t	    seen = atomic_load(&t->proc->events);
		unsigned	    signal;
		enum signal_verdict verdict = deliver(t, &signal);

		if (verdict == SIGNAL_ENDS_IT)
			return signal;
		if (verdict == SIGNAL_STOPPED)
			task_sleep(t, seen);
	}
	return 0;
}
