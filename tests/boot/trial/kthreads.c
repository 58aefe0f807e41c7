/*
 * kthreads.c - threads that fork in the kernel really run on their copied stacks, and a
 * stack that overflows runs into its guard.
 *
 * A thread begins at a trampoline, its copy returns from the call that made it, with 0, on a stack of
 * its own. (DRG-17, DRG-25, DRG-26, DRG-B09, LUN-33, LUN-34, WNX-24, ALM-20,
 * ALM-24)
 */
#include "trial.h"

#include <anymm/check.h>

#include "../../../arch/x86_64/boot/kthread.h"
#include "base/format.h"

#define DEPTH	    12
#define WORDS	    24
#define GENERATIONS 6
#define THREADS	    64

/* What a thread leaves behind; it has no other way to say something. */
struct story {
	struct thread *children[THREADS];
	_Atomic int    nr_children;
	_Atomic int    nr_ended; /* threads that came back through every frame */
	_Atomic int    nr_wrong; /* frames that were not as they were left */
	unsigned       generations;
	uint64_t       hostile; /* what stands in the outermost link, in place of 0 */
};

static struct story story;

static bool
is_on_own_stack(const void *at)
{
	const struct thread *t = thread_of_stack((uintptr_t)at);

	return t && t == thread_current() && range_has(t->stack->range, (uintptr_t)at);
}

static void
expect_frame(bool is_right)
{
	if (!is_right)
		atomic_fetch_add(&story.nr_wrong, 1);
}

/* ---- vector registers: each thread's hold its id, and a child begins with its maker's ---- */

[[gnu::noinline]] static void
set_registers(uint64_t id)
{
	struct arch_fpu fpu;

	arch_fpu_init(&fpu);
	for (unsigned i = 0; i < ARCH_FPU_WORDS; i++)
		arch_fpu_set_word(&fpu, i, id * 100 + i);
	arch_fpu_load(&fpu);
}

[[gnu::noinline]] static void
expect_registers(uint64_t id)
{
	struct arch_fpu fpu;

	arch_fpu_save(&fpu);
	for (unsigned i = 0; i < ARCH_FPU_WORDS; i++)
		expect_frame(arch_fpu_word(&fpu, i) == id * 100 + i);
}

/* The maker writes the child down; the child finds itself by its stack. Nothing keeps an address of its frame. */
[[gnu::noinline]] static void
fork_once(void)
{
	static const struct clone_request request = { .flags = PROC_THREAD | PROC_SHARE_SPACE |
							       PROC_SHARE_HANDLERS };
	uint64_t			  maker = thread_id(thread_current());
	struct clone_result		  made;
	int64_t				  result = kthread_fork(&request, &made);

	if (result < 0)
		trial_fail("no memory for a stack");
	if (result == 1)
		story.children[atomic_fetch_add(&story.nr_children, 1)] = made.thread;
	expect_registers(maker);
	if (result == 0)
		set_registers(thread_id(thread_current()));
}

/* Fork again and again: in each child one time less. */
static void
fork_here(void)
{
	set_registers(thread_id(thread_current()));
	for (unsigned left = story.generations; left > 0;) {
		fork_once();
		left--;
		kthread_yield();
		expect_registers(thread_id(thread_current()));
	}
}

/*
 * A frame with contents of its own on the way down, and again on the way up. Its frame pointer and
 * its words must be of the stack that the thread is on now, which may be another.
 */
[[gnu::noinline]] static uint64_t
descend(unsigned depth)
{
	volatile uint64_t words[WORDS];
	uint64_t	  sum = 0;

	for (unsigned i = 0; i < WORDS; i++)
		words[i] = depth * 1000 + i;
	if (depth == 0)
		fork_here();
	else
		sum = descend(depth - 1);
	expect_frame(is_on_own_stack((const void *)words));
	expect_frame(is_on_own_stack(__builtin_frame_address(0)));
	for (unsigned i = 0; i < WORDS; i++)
		expect_frame(words[i] == depth * 1000 + i);
	return sum + depth;
}

[[gnu::noinline]] static void
live(void *arg)
{
	volatile uint64_t *link = __builtin_frame_address(0);

	expect_frame(arg == &story);
	if (story.hostile)
		*link = story.hostile == 1 ? (uintptr_t)link : story.hostile;
	expect_frame(descend(DEPTH) == DEPTH * (DEPTH + 1) / 2);
	expect_frame(thread_of_stack((uintptr_t)__builtin_frame_address(0)) == thread_current());
	atomic_fetch_add(&story.nr_ended, 1);
	kthread_end(1);
}

static void
run_to_the_end(void *arg)
{
	while (kthread_run(arg))
		trial_alive();
}

/* Every thread in turn, a step each, until all have ended; every second one on another CPU. */
static void
run_all(struct thread *first)
{
	bool goes_on = true;
	bool first_runs = true;

	while (goes_on) {
		first_runs = first_runs && kthread_run(first);
		goes_on = first_runs;
		for (int i = 0; i < atomic_load(&story.nr_children); i++) {
			struct thread *t = story.children[i];

			if (!t)
				continue;
			if (i % 2)
				smp_call(boot_nr_cpus() - 1, run_to_the_end, t);
			if (i % 2 || !kthread_run(t))
				story.children[i] = NULL;
			goes_on = true;
		}
	}
}

/* nowhere - where a thread would go to user mode. */
static void
nowhere(void *thread)
{
	(void)thread;
	trial_fail("a thread of the kernel goes to user mode");
}

static struct process *
process_of_kernel_threads(void)
{
	struct space_layout layout = space_default_layout();
	struct process	   *proc;
	struct space	   *sp;

	proc_configure_threads(
		&(struct thread_config){ .has_fpu = true, .has_stack = true, .begin = nowhere });
	if (space_create(&layout, &sp) != OK || proc_create(0, sp, &proc) != OK)
		trial_fail("no memory for a process");
	space_put(sp);
	return proc;
}

/* The first thread does nothing; it keeps the process alive, and joins the others. */
static struct thread *
thread_with(struct process *proc, void (*function)(void *), void *argument)
{
	const struct clone_request request = {
		.flags = PROC_THREAD | PROC_SHARE_SPACE | PROC_SHARE_HANDLERS,
		.function = function,
		.function_argument = argument,
	};
	struct clone_result made;

	if (proc_clone(&proc->main, &request, &made) != OK)
		trial_fail("no memory for a thread");
	return made.thread;
}

/* Every thread but the first has ended with 1 and is joined. */
static int
join_all(struct process *proc)
{
	int nr = 0;

	while (proc->main.link.next != &proc->threads) {
		struct thread *t = CONTAINER_OF(proc->main.link.next, struct thread, link);
		int32_t	       value = 0;

		if (thread_join(&proc->main, thread_id(t), &value) != OK || value != 1)
			trial_fail("thread %u cannot be joined, or ended with %d", thread_id(t),
				   value);
		nr++;
	}
	return nr;
}

static void
tell(struct process *proc, unsigned generations, uint64_t hostile, const char *what)
{
	int		    wanted = 1 << generations;
	struct check_report report;

	story = (struct story){ .generations = generations, .hostile = hostile };
	run_all(thread_with(proc, live, &story));
	if (atomic_load(&story.nr_ended) != wanted || atomic_load(&story.nr_wrong) != 0)
		trial_fail("%s: %d threads of %d came back, %d frames were wrong", what,
			   atomic_load(&story.nr_ended), wanted, atomic_load(&story.nr_wrong));
	if (kstack_live() != 1)
		trial_fail("%s: %lu stacks are left", what, (unsigned long)kstack_live() - 1);
	if (join_all(proc) != wanted || !check_all(&report))
		trial_fail("%s: not every thread is joined, or something is wrong then", what);
	trial_pass("%s: %d threads came back through all their frames", what, wanted);
}

void
trial_kthreads(void)
{
	static const uint64_t hostile[] = { 1,
					    0x1234,
					    0x7fffdeadbee8,
					    DIRECT_MAP + 8,
					    UINT64_C(0x8000000000000000),
					    UINT64_MAX - 7 };
	struct frame_totals   before;
	struct process	     *proc;
	int32_t		      code;

	trial_start_library();
	trial_watch(20, "threads that fork in the kernel");
	anymm_drain();
	before = frame_totals();
	proc = process_of_kernel_threads();
	tell(proc, 0, 0, "one thread");
	tell(proc, 1, 0, "a fork");
	tell(proc, GENERATIONS, 0, "forks of forks");
	for (size_t i = 0; i < ARRAY_SIZE(hostile); i++)
		tell(proc, 2, hostile[i], "a hostile outermost link");
	proc_exit(proc, 0);
	if (proc_reap(NULL, proc, &code) != OK)
		trial_fail("the process is not gone");
	trial_expect_frames(&before);
	trial_pass("every frame of the stacks came back");
}

/* ---- a stack that is too small ---- */

static volatile bool has_no_end = true;

[[gnu::noinline]] static uint64_t
fall_deeper(uint64_t depth)
{
	volatile uint64_t words[64];

	words[depth % 64] = depth;
	return has_no_end ? fall_deeper(depth + 1) + words[depth % 64] : depth;
}

static void
fall(void *arg)
{
	(void)arg;
	console_printf("%lu\n", (unsigned long)fall_deeper(0));
}

static void
run_here(void *arg)
{
	(void)kthread_run(arg);
}

/* The neighbour below the guard is a stack in use, which must not be touched. */
void
trial_guard(void)
{
	struct process *proc;
	struct thread  *t;

	trial_start_library();
	proc = process_of_kernel_threads();
	t = thread_with(proc, fall, NULL);
	smp_call((unsigned)bootinfo_number("cpu", 0), run_here, t);
	trial_fail("a kernel stack has no end");
}
