/*
 * task.c - who runs where: round robin over all CPUs, a tick each.
 *
 * Each CPU takes the next ready task, makes its space active, and runs ring 3 until the
 * timer, a system call or an exception. A space is active only while its task runs, so a task
 * may go on on any CPU, and may end on any.
 */
#include "demo.h"

#include <anymm/check.h>
#include <anymm/fault.h>

#include "abi.h"
#include "base/format.h"

#define TASKS	     64
#define OTHER_FRAMES 400

enum {
	VECTOR_DIVIDE = 0,
	VECTOR_INVALID_OPCODE = 6,
	VECTOR_PAGE_FAULT = 14,
};

#define ERROR_WRITE   2
#define ERROR_FETCH   16
#define SYSCALL_BYTES 2

static struct task	  tasks[TASKS];
static unsigned		  next_task;
static struct lock	  lock;
static _Atomic unsigned	  nr_living;
static _Atomic cpu_mask_t have_run;
static _Atomic int32_t	  first_status;

/* ---- the table ---- */

struct task *
task_begin(struct task *parent)
{
	struct task *found = NULL;

	lock_acquire(&lock);
	for (unsigned i = 0; i < TASKS && !found; i++) {
		if (tasks[i].state == TASK_FREE)
			found = &tasks[i];
	}
	if (found) {
		found->state = TASK_RUNNING;
		found->parent = parent;
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
task_ready(struct task *t)
{
	set_state(t, TASK_READY);
}

void
task_cancel(struct task *t)
{
	set_state(t, TASK_FREE);
	atomic_fetch_sub(&nr_living, 1);
}

static void
give_children_away(const struct task *t)
{
	for (unsigned i = 0; i < TASKS; i++) {
		if (tasks[i].state != TASK_FREE && tasks[i].parent == t)
			tasks[i].parent = &tasks[0];
	}
}

void
task_end(struct task *t, int32_t status)
{
	proc_exit(t->proc, status);
	lock_acquire(&lock);
	give_children_away(t);
	t->state = TASK_ENDED;
	if (t->parent && t->parent->state == TASK_WAITING)
		t->parent->state = TASK_READY;
	if (tasks[0].state == TASK_WAITING)
		tasks[0].state = TASK_READY; /* it may have got a child that has ended */
	if (t == &tasks[0])
		atomic_store(&first_status, status);
	lock_release(&lock);
	atomic_fetch_sub(&nr_living, 1);
}

err_t
task_wait(struct task *t, uint32_t *id, int32_t *status)
{
	struct task *ended = NULL;
	bool	     has_child = false;

	lock_acquire(&lock);
	for (unsigned i = 0; i < TASKS; i++) {
		if (tasks[i].state == TASK_FREE || tasks[i].parent != t)
			continue;
		has_child = true;
		if (tasks[i].state == TASK_ENDED)
			ended = &tasks[i];
	}
	if (has_child && !ended) {
		t->ctx.rip -= SYSCALL_BYTES;
		t->state = TASK_WAITING;
	}
	lock_release(&lock);
	if (!ended)
		return has_child ? ERR_AGAIN : ERR_CHILD;
	*id = ended->proc->id;
	if (proc_reap(t->proc, ended->proc, status) != OK)
		boot_fail("a child that has ended cannot be waited for");
	set_state(ended, TASK_FREE);
	return OK;
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

static void
kill(struct task *t, int32_t signal)
{
	pt_deactivate(&t->proc->space->pt);
	task_end(t, STATUS_KILLED + signal);
}

static int32_t
signal_of(enum fault_result result)
{
	if (result == FAULT_NOMEM)
		return SIGNAL_KILL;
	return result == FAULT_BUS_ADRERR ? SIGNAL_BUS : SIGNAL_SEGV;
}

/* False: the task has ended. */
static bool
handle_exception(struct task *t, vaddr_t va)
{
	uint64_t	  error = t->ctx.error;
	enum access	  access = error & ERROR_WRITE ? ACCESS_STORE : ACCESS_LOAD;
	enum fault_result result;

	switch (t->ctx.vector) {
	case VECTOR_PAGE_FAULT:
		result = fault_handle(t->proc->space, va,
				      error & ERROR_FETCH ? ACCESS_FETCH : access);
		if (result == FAULT_DONE)
			return true;
		kill(t, signal_of(result));
		return false;
	case VECTOR_DIVIDE:
		kill(t, SIGNAL_FPE);
		return false;
	case VECTOR_INVALID_OPCODE:
		kill(t, SIGNAL_ILL);
		return false;
	default:
		kill(t, SIGNAL_SEGV);
		return false;
	}
}

static void
run_for_a_tick(struct task *t)
{
	pt_activate(&t->proc->space->pt);
	for (;;) {
		vaddr_t cr2 = user_run(&t->ctx);
		bool	goes_on = true;

		if (t->ctx.vector == VECTOR_TIMER)
			break;
		if (t->ctx.vector == VECTOR_SYSCALL)
			goes_on = syscall_handle(t);
		else if (t->ctx.vector < 32)
			goes_on = handle_exception(t, cr2);
		if (!goes_on)
			return;
	}
	pt_deactivate(&t->proc->space->pt);
	task_ready(t);
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
		run_for_a_tick(t);
	}
}

/* ---- the whole ---- */

static void
start_first(void)
{
	static const char *const  list[] = { "init", NULL };
	const struct exec_strings args = { .kernel = list };
	struct task		 *first = task_begin(NULL);
	struct space		 *sp;

	program_init();
	if (program_load(&args, &sp, &first->ctx) != OK || proc_create(0, sp, &first->proc) != OK)
		boot_fail("no memory for the first program");
	space_put(sp);
	task_ready(first);
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
	struct frame_totals before = frames_now();
	int32_t		    code;

	if (before.by_kind[FRAME_FREE] < frames_needed())
		boot_fail("the demonstration needs %lu KiB of free RAM, %lu are there",
			  (unsigned long)frames_needed() << (ARCH_PAGE_SHIFT - 10),
			  (unsigned long)before.by_kind[FRAME_FREE] << (ARCH_PAGE_SHIFT - 10));
	lock_init(&lock, RANK_PROC);
	start_first();
	for (unsigned cpu = 1; cpu < boot_nr_cpus(); cpu++)
		smp_call_begin(cpu, run_tasks, NULL);
	run_tasks(NULL);
	for (unsigned cpu = 1; cpu < boot_nr_cpus(); cpu++)
		smp_call_end(cpu);
	check_invariants();
	if (atomic_load(&first_status) != 0) {
		console_printf("the first program ended with %d\n", atomic_load(&first_status));
		return false;
	}
	if (proc_reap(NULL, tasks[0].proc, &code) != OK || proc_count() != 0)
		boot_fail("a process is left");
	program_fini();
	check_invariants();
	check_frames(&before);
	return true;
}
