/* test_held.c - counts wait for the flush; when memory is short the owner is told to release first. */
#include "pt/held.h"

#include "harness.h"

static pfn_t
fresh_frame(void)
{
	pfn_t pfn;

	EXPECT_OK(frame_alloc((struct frame_request){ .kind = FRAME_ANON }, &pfn));
	return pfn;
}

static void
counts_stay_until_they_are_released(void **state)
{
	struct held h;
	pfn_t	    pfn;

	(void)state;
	machine_fresh();
	pfn = fresh_frame();
	EXPECT_OK(frame_get(pfn));
	held_begin(&h);
	assert_true(held_add(&h, pfn));
	assert_int_equal(frame_count(pfn), 2);
	held_release(&h);
	assert_int_equal(frame_count(pfn), 1);
	held_release(&h);
	assert_int_equal(frame_count(pfn), 1);
	assert_true(held_add(&h, pfn));
	held_release(&h);
	machine_check();
}

static void
more_than_fit_go_to_frames_of_their_own(void **state)
{
	struct held h;

	(void)state;
	machine_fresh();
	held_begin(&h);
	for (unsigned i = 0; i < HELD_FRAMES + 1100; i++)
		assert_true(held_add(&h, fresh_frame()));
	assert_false(pfn_is_none(h.chain));
	held_release(&h);
	machine_check();
}

static void
without_memory_it_asks_for_a_release(void **state)
{
	struct held h;
	pfn_t	    last;

	(void)state;
	machine_fresh();
	held_begin(&h);
	for (unsigned i = 0; i < HELD_FRAMES; i++)
		assert_true(held_add(&h, fresh_frame()));
	last = fresh_frame();
	machine_fail_allocation(1, true);
	assert_false(held_add(&h, last));
	assert_int_equal(frame_count(last), 1);
	held_release(&h);
	assert_true(held_add(&h, last));
	machine_fail_allocation(0, false);
	held_release(&h);
	machine_check();
}

TEST_SUITE(held, cmocka_unit_test(counts_stay_until_they_are_released),
	   cmocka_unit_test(more_than_fit_go_to_frames_of_their_own),
	   cmocka_unit_test(without_memory_it_asks_for_a_release))
