/*
 * task.c - who runs where: round robin over all CPUs, a tick each.
 *
 * Each CPU takes the next ready task and runs its thread until that yields: at the timer, when it
 * waits, or when it ends. A thread is in the kernel on a stack of its own; from there it goes to
 * ring 3 and comes back at each trap. A space is active only while a thread of it
 * runs, so a thread may go on on any CPU, and may end on any.
 *
 * A task that waits lets go of its CPU first; only then, when nobody is on its stack, the CPU looks
 * whether what it waits for has happened meanwhile.
 */
#include "demo.h"

#include <anymm/check.h>
#include <anymm/fault.h>

#include "../kthread.h"
#include "abi.h"
#include "base/format.h"

#define TASKS	     64
#define OTHER_FRAMES 550

enum {
	VECTOR_DIVIDE = 0,
	VECTOR_INVALID_OPCODE = 6,
	VECTOR_PAGE_FAULT = 14,
	VECTOR_X87_ERROR = 16,
	VECTOR_SIMD_ERROR = 19,
};

#define ERROR_WRITE 2
#define ERROR_FETCH 16

static struct task	  tasks[TASKS];
static unsigned		  next_task;
static struct lock	  lock;
static _Atomic unsigned	  nr_living;
static _Atomic cpu_mask_t have_run;

/* ---- the table ---- */

struct task *
task_begin(void)
{
	struct task *found = NULL;

	lock_acquire(&lock);
	for (unsigned i = 0; i < TASKS && !found; i++) {
		if (tasks[i].state == TASK_FREE)
			found = &tasks[i];
	}
	if (found) {
		*found = (struct task){ .state = TASK_RUNNING };
		atomic_fetch_add(&nr_living, 1);
	}
	lock_release(&lock);
	return found;
}

static void
set_state(struct task *t, enum task_state state)
{
	lock_acquire(&lock);
	t->state = state;
	lock_release(&lock);
}

void
task_start(struct task *t, struct thread *thread)
{
	t->thread = thread;
	t->proc = thread->process;
	thread->data = t;
	set_state(t, TASK_READY);
}

void
task_cancel(struct task *t)
{
	set_state(t, TASK_FREE);
	atomic_fetch_sub(&nr_living, 1);
}

struct task *
task_current(void)
{
	return thread_current()->data;
}

/* The hook: something has happened to the process, so its tasks look again. */
static void
wake(struct process *proc)
{
	lock_acquire(&lock);
	for (unsigned i = 0; i < TASKS; i++) {
		if (tasks[i].state == TASK_WAITING && tasks[i].proc == proc)
			tasks[i].state = TASK_READY;
	}
	lock_release(&lock);
}

/* let_go - of the CPU; comes back on some CPU. */
static void
let_go(struct task *t)
{
	pt_deactivate(&t->proc->space->pt);
	kthread_yield();
	pt_activate(&t->proc->space->pt);
}

void
task_sleep(struct task *t, uint32_t seen)
{
	t->seen = seen;
	t->sleeps = true;
	let_go(t);
}

void
task_end(struct task *t, int32_t value)
{
	pt_deactivate(&t->proc->space->pt);
	kthread_end(value);
}

void
task_end_all(struct task *t, int32_t code)
{
	thread_exit_group(t->thread, code);
	task_end(t, code);
}

unsigned
task_cpus(void)
{
	unsigned nr = 0;

	for (cpu_mask_t left = atomic_load(&have_run); left; left &= left - 1)
		nr++;
	return nr;
}

/* ---- running ---- */

static struct task *
pick(void)
{
	struct task *found = NULL;

	lock_acquire(&lock);
	for (unsigned i = 0; i < TASKS && !found; i++) {
		struct task *t = &tasks[(next_task + i) % TASKS];

		if (t->state == TASK_READY)
			found = t;
	}
	if (found) {
		found->state = TASK_RUNNING;
		next_task = (unsigned)(found - tasks) + 1;
	}
	lock_release(&lock);
	return found;
}

/* The process ends of a signal. */
static void
kill(struct task *t, unsigned signal)
{
	task_end_all(t, STATUS_KILLED + (int32_t)signal);
}

static void
handle_exception(struct task *t, vaddr_t va)
{
	uint64_t	  error = t->thread->registers.error;
	enum access	  access = error & ERROR_WRITE ? ACCESS_STORE : ACCESS_LOAD;
	enum fault_result result;

	switch (t->thread->registers.vector) {
	case VECTOR_PAGE_FAULT:
		result = fault_handle(t->proc->space, va,
				      error & ERROR_FETCH ? ACCESS_FETCH : access);
		if (result == FAULT_NOMEM)
			kill(t, SIGNAL_KILL);
		else if (result != FAULT_DONE)
			task_cause_fault(t, result, va);
		break;
	case VECTOR_DIVIDE:
	case VECTOR_X87_ERROR:
	case VECTOR_SIMD_ERROR:
		task_cause(t, SIGNAL_FPE);
		break;
	case VECTOR_INVALID_OPCODE:
		task_cause(t, SIGNAL_ILL);
		break;
	default:
		task_cause(t, SIGNAL_SEGV);
		break;
	}
}

/* Where each thread begins, on its own stack: ring 3, and back at each trap, until it ends. */
static void
live(void *thread)
{
	struct task *t = ((struct thread *)thread)->data;

	pt_activate(&t->proc->space->pt);
	for (;;) {
		unsigned signal = task_obey(t);
		uint64_t vector;
		vaddr_t	 cr2;

		if (signal)
			kill(t, signal);
		if (thread_must_end(t->thread))
			break;
		cr2 = user_run(&t->thread->registers);
		vector = t->thread->registers.vector;
		if (vector == VECTOR_TIMER)
			let_go(t);
		else if (vector == VECTOR_SYSCALL)
			syscall_handle(t);
		else if (vector < 32)
			handle_exception(t, cr2);
	}
	task_end(t, 0);
}

/* put_back - nobody is on the task's stack any more: it is ready, or waits for what has not happened yet. */
static void
put_back(struct task *t)
{
	lock_acquire(&lock);
	t->state =
		t->sleeps && atomic_load(&t->proc->events) == t->seen ? TASK_WAITING : TASK_READY;
	t->sleeps = false;
	lock_release(&lock);
}

/* Every CPU, until the last task has ended. */
static void
run_tasks(void *arg)
{
	(void)arg;
	while (atomic_load(&nr_living)) {
		struct task *t = pick();

		if (!t) {
			x86_pause();
			continue;
		}
		atomic_fetch_or(&have_run, cpu_bit(platform_cpu()));
		if (kthread_run(t->thread))
			put_back(t);
		else
			task_cancel(t);
	}
}

/* ---- the whole ---- */

static struct process *
start_first(void)
{
	static const char *const  list[] = { "init", NULL };
	const struct exec_strings args = { .kernel = list };
	struct task		 *task = task_begin();
	struct arch_context	  ctx;
	struct process		 *first;
	struct space		 *sp;

	program_init();
	if (program_load(&args, &sp, &ctx) != OK || proc_create(0, sp, &first) != OK)
		boot_fail("no memory for the first program");
	space_put(sp);
	first->main.registers = ctx;
	task_start(task, &first->main);
	return first;
}

/* A process may fill its whole stack; the rest is for everybody else. */
static uint64_t
frames_needed(void)
{
	return (space_default_layout().limit_stack >> ARCH_PAGE_SHIFT) + OTHER_FRAMES;
}

static struct frame_totals
frames_now(void)
{
	anymm_drain();
	return frame_totals();
}

/* With every process gone and the file given back, each kind has as many frames as before. */
static void
check_frames(const struct frame_totals *before)
{
	struct frame_totals now = frames_now();

	for (unsigned kind = 0; kind < FRAME_KINDS; kind++) {
		if (now.by_kind[kind] != before->by_kind[kind])
			boot_fail("frames of kind %u: %lu before the first program, %lu after the "
				  "last",
				  kind, (unsigned long)before->by_kind[kind],
				  (unsigned long)now.by_kind[kind]);
	}
	console_printf("%lu frames were free before the first program, and are again\n",
		       (unsigned long)now.by_kind[FRAME_FREE]);
}

static void
check_invariants(void)
{
	struct check_report report;

	if (!check_all(&report))
		boot_fail("%s: %s", invariant_name(report.broken), report.text);
}

bool
demo_run(void)
{
	const struct proc_hooks	   hooks = { .wake = wake };
	const struct thread_config threads = {
		.has_fpu = true,
		.has_stack = true,
		.begin = live,
	};
	struct frame_totals before = frames_now();
	struct process	   *first;
	int32_t		    code;

	if (before.by_kind[FRAME_FREE] < frames_needed())
		boot_fail("the demonstration needs %lu KiB of free RAM, %lu are there",
			  (unsigned long)frames_needed() << (ARCH_PAGE_SHIFT - 10),
			  (unsigned long)before.by_kind[FRAME_FREE] << (ARCH_PAGE_SHIFT - 10));
	lock_init(&lock, RANK_RESOURCE);
	proc_configure(&hooks, ORPHANS_ADOPTED);
	proc_configure_threads(&threads);
	first = start_first();
	for (unsigned cpu = 1; cpu < boot_nr_cpus(); cpu++)
		smp_call_begin(cpu, run_tasks, NULL);
	run_tasks(NULL);
	for (unsigned cpu = 1; cpu < boot_nr_cpus(); cpu++)
		smp_call_end(cpu);
	check_invariants();
	if (proc_reap(NULL, first, &code) != OK || proc_count() != 0)
		boot_fail("a process is left");
	if (code != 0) {
		console_printf("the first program ended with %d\n", code);
		return false;
	}
	program_fini();
	check_invariants();
	check_frames(&before);
	return true;
}
