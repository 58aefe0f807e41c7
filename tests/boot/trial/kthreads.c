/*
 * kthreads.c - threads that fork in the kernel really run on their copied stacks, and a
 * stack that overflows runs into its guard.
 *
 * A thread begins at a trampoline, its copy returns from the call that made it, with 0, on a stack of
 * its own. (DRG-25, DRG-26, DRG-B09, LUN-33, LUN-34, WNX-24, ALM-20)
 */
#include "trial.h"

#include <anymm/usercopy.h>

#include "../../../arch/x86_64/boot/kthread.h"
#include "base/format.h"

#define DEPTH	    12
#define WORDS	    24
#define GENERATIONS 6
#define THREADS	    64

/* What a thread leaves behind; it has no other way to say something. */
struct story {
	struct kthread children[THREADS];
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
	const struct kstack *stack = kthread_current()->stack;

	return range_has(stack->range, (uintptr_t)at);
}

static void
expect_frame(bool is_right)
{
	if (!is_right)
		atomic_fetch_add(&story.nr_wrong, 1);
}

/* Fork again and again: in each child one time less. */
static void
fork_here(void)
{
	for (unsigned left = story.generations; left > 0;) {
		int n = atomic_fetch_add(&story.nr_children, 1);

		if (kthread_fork(&story.children[n]) < 0)
			trial_fail("no memory for a stack");
		left--;
		kthread_yield();
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

	(void)arg;
	if (story.hostile)
		*link = story.hostile == 1 ? (uintptr_t)link : story.hostile;
	expect_frame(descend(DEPTH) == DEPTH * (DEPTH + 1) / 2);
	atomic_fetch_add(&story.nr_ended, 1);
}

static void
run_to_the_end(void *arg)
{
	while (kthread_run(arg))
		trial_alive();
}

/* Every thread in turn, a step each, until all have ended; every second one on another CPU. */
static void
run_all(struct kthread *first)
{
	bool goes_on = true;

	while (goes_on) {
		goes_on = first->stack && kthread_run(first);
		for (int i = 0; i < atomic_load(&story.nr_children); i++) {
			struct kthread *t = &story.children[i];

			if (!t->stack)
				continue;
			if (i % 2)
				smp_call(boot_nr_cpus() - 1, run_to_the_end, t);
			else
				(void)kthread_run(t);
			goes_on = true;
		}
	}
}

static void
tell(unsigned generations, uint64_t hostile, const char *what)
{
	struct kthread first;
	int	       wanted = 1 << generations;

	story = (struct story){ .generations = generations, .hostile = hostile };
	if (kthread_create(&first, live, NULL) != OK)
		trial_fail("no memory for a stack");
	run_all(&first);
	if (atomic_load(&story.nr_ended) != wanted || atomic_load(&story.nr_wrong) != 0)
		trial_fail("%s: %d threads of %d came back, %d frames were wrong", what,
			   atomic_load(&story.nr_ended), wanted, atomic_load(&story.nr_wrong));
	if (kstack_live() != 0)
		trial_fail("%s: %lu stacks are left", what, (unsigned long)kstack_live());
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

	trial_start_library();
	trial_watch(20, "threads that fork in the kernel");
	anymm_drain();
	before = frame_totals();
	tell(0, 0, "one thread");
	tell(1, 0, "a fork");
	tell(GENERATIONS, 0, "forks of forks");
	for (size_t i = 0; i < ARRAY_SIZE(hostile); i++)
		tell(2, hostile[i], "a hostile outermost link");
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
	struct kthread below, t;

	trial_start_library();
	if (kthread_create(&below, fall, NULL) != OK || kthread_create(&t, fall, NULL) != OK)
		trial_fail("no memory for a stack");
	smp_call((unsigned)bootinfo_number("cpu", 0), run_here, &t);
	trial_fail("a kernel stack has no end");
}
