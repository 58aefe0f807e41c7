/*
 * test_generations.c - ten thousand generations of fork and exit leave nothing behind.
 *
 * Neither frames nor work: the counters of the library grow in every generation by the
 * same numbers, and at the end every frame is back. Once with one parent that has
 * children one after the other, and once as a line in which each child forks the next
 * and the parent exits first, so that nobody alive has made the tables that all share.
 */
#include "harness.h"

#include <anymm/process.h>
#include <anymm/stats.h>

#define PAGE ARCH_PAGE_SIZE

enum {
	GENERATIONS = 10000,
	PAGES = 6,
};

static uint64_t before[STAT_NR];
static uint64_t growth[STAT_NR]; /* in one generation */

static void
begin_generation(void)
{
	for (unsigned i = 0; i < STAT_NR; i++)
		before[i] = stat_get((enum stat)i);
}

/* end_generation - the first one says what one costs; all others must cost the same. */
static void
end_generation(unsigned generation, unsigned first)
{
	for (unsigned i = 0; i < STAT_NR; i++) {
		uint64_t grown = stat_get((enum stat)i) - before[i];

		/* How often tags run out is not a matter of one generation. */
		if (i == STAT_ASID_ROLLOVERS)
			continue;
		if (generation == first)
			growth[i] = grown;
		else if (grown != growth[i])
			fail_msg("generation %u: %s grows by %llu, before by %llu", generation,
				 stat_name((enum stat)i), (unsigned long long)grown,
				 (unsigned long long)growth[i]);
	}
}

static void
store(struct process *proc, vaddr_t va, uint8_t byte)
{
	assert_int_equal(machine_user(proc->space, ACCESS_STORE, va, &byte, 1), FAULT_DONE);
}

static uint8_t
load(struct process *proc, vaddr_t va)
{
	uint8_t byte = 0;

	assert_int_equal(machine_user(proc->space, ACCESS_LOAD, va, &byte, 1), FAULT_DONE);
	return byte;
}

/* first_process - with some pages touched; *heap is where. */
static struct process *
first_process(vaddr_t *heap)
{
	struct space_layout layout = space_default_layout();
	struct space	   *sp;
	struct process	   *proc;

	machine_fresh();
	EXPECT_OK(space_create(&layout, &sp));
	EXPECT_OK(proc_create(0, sp, &proc));
	space_put(sp);
	EXPECT_OK(space_map(proc->space,
			    &(struct map_request){ .length = PAGES * PAGE,
						   .prot = PROT_RW,
						   .flags = MAPF_PRIVATE | MAPF_ANONYMOUS },
			    heap));
	for (unsigned i = 0; i < PAGES; i++)
		store(proc, *heap + i * PAGE, (uint8_t)i);
	return proc;
}

static void
gone(struct process *parent, struct process *proc)
{
	int32_t code;

	pt_deactivate(&proc->space->pt);
	proc_exit(proc, 0);
	EXPECT_OK(proc_reap(parent, proc, &code));
}

static uint64_t
frames_used(void)
{
	struct frame_totals totals = frame_totals();

	return totals.by_kind[FRAME_TABLE] + totals.by_kind[FRAME_ANON];
}

static void
one_parent_has_ten_thousand_children(void **state)
{
	struct process *parent, *child;
	vaddr_t		heap;
	uint64_t	used;

	(void)state;
	parent = first_process(&heap);
	used = frames_used();
	for (unsigned i = 0; i < GENERATIONS; i++) {
		begin_generation();
		EXPECT_OK(proc_fork(parent, 0, 0, &child));
		store(child, heap + PAGE, 'c');
		assert_int_equal(load(child, heap + 2 * PAGE), 2);
		store(parent, heap + 3 * PAGE, 'p');
		gone(parent, child);
		/* The second one is the first whose parent has written before. */
		end_generation(i, i < 1 ? 0 : 1);
		assert_int_equal(frames_used(), used);
	}
	assert_int_equal(load(parent, heap + PAGE), 1);
	machine_check_invariants();
	gone(NULL, parent);
	machine_check();
}

/* WNX-12. */
static void
a_line_of_ten_thousand_generations(void **state)
{
	struct process *proc, *child;
	vaddr_t		heap;
	uint64_t	used;

	(void)state;
	proc = first_process(&heap);
	used = frames_used();
	for (unsigned i = 0; i < GENERATIONS; i++) {
		begin_generation();
		EXPECT_OK(proc_fork(proc, 0, 0, &child));
		gone(NULL, proc);
		store(child, heap, (uint8_t)i);
		store(child, heap + PAGE, (uint8_t)(i >> 8));
		proc = child;
		end_generation(i, i < 1 ? 0 : 1);
		assert_int_equal(frames_used(), used);
	}
	assert_int_equal(load(proc, heap), (uint8_t)(GENERATIONS - 1));
	assert_int_equal(load(proc, heap + PAGE), (GENERATIONS - 1) >> 8);
	assert_int_equal(load(proc, heap + 5 * PAGE), 5);
	machine_check_invariants();
	gone(NULL, proc);
	machine_check();
}

TEST_SUITE(generations, cmocka_unit_test(one_parent_has_ten_thousand_children),
	   cmocka_unit_test(a_line_of_ten_thousand_generations))
