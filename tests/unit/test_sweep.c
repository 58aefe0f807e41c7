/*
 * test_sweep.c - every frame is passed once, block by block.
 */
#include "unit/damage.h"

#include "check/sweep.h"

static void
the_blocks_make_up_the_machine(void **state)
{
	static const struct boot_range ranges[] = {
		{ .start = { 5 }, .nr_frames = 700, .kind = BOOT_RAM },
		{ .start = { 1000 }, .nr_frames = 900, .kind = BOOT_RAM, .node = 1 },
		{ .start = { 1100 }, .nr_frames = 7, .kind = BOOT_RESERVED },
	};
	uint64_t frames = 0;
	uint64_t end = 0;

	(void)state;
	machine_fresh_with(&(struct machine_config){ .ranges = ranges, .nr_ranges = 3 });
	for (pfn_t pfn = sweep_first(); !pfn_is_none(pfn); pfn = sweep_next(pfn)) {
		assert_true(pfn.n >= end);
		end = pfn.n + sweep_pages(pfn);
		frames += sweep_pages(pfn);
	}
	assert_int_equal(frames, 1600);
	assert_int_equal(frame_totals().total, 1600);
	machine_check();
}

static void
only_frames_that_can_be_named_have_a_scratch_word(void **state)
{
	static const bool has[FRAME_KINDS] = {
		[FRAME_TABLE] = true, [FRAME_ANON] = true, [FRAME_OBJECT] = true
	};

	(void)state;
	for (unsigned kind = 0; kind < FRAME_KINDS; kind++) {
		struct frame f = { .kind = (uint8_t)kind };

		assert_int_equal(sweep_scratch(&f) != NULL, has[kind]);
	}
}

static void
clearing_takes_what_others_left(void **state)
{
	struct space *sp = sketch_space();

	(void)state;
	sketch_map(sp, 1, 2, PROT_RW, 0);
	sketch_store(sp, 1, 'a');
	*sweep_scratch(damage_frame(sp, 1)) = 7;
	*sweep_scratch(frame_of(sp->pt.root)) = 8;
	sweep_clear();
	assert_int_equal(*sweep_scratch(damage_frame(sp, 1)), 0);
	assert_int_equal(*sweep_scratch(frame_of(sp->pt.root)), 0);
	sketch_end(sp);
}

TEST_SUITE(sweep, cmocka_unit_test(the_blocks_make_up_the_machine),
	   cmocka_unit_test(only_frames_that_can_be_named_have_a_scratch_word),
	   cmocka_unit_test(clearing_takes_what_others_left))
