/*
 * test_race_swapped.c - shared memory that goes to the swap device and comes back, against all who use it.
 *
 * Two spaces map the same four pages shared. Where a page is at the moment is no outcome; that
 * somebody finds an older word than was written, or a frame or a slot too many is left, is what is looked for.
 * Changes of an object wait for each other by turning round, so only some of these races have schedules few enough to
 * be tried one by one.
 */
#include "race/race.h"

/* What page n holds at first: n + 1 in both halves of its first word. */
#define WORD(n) ((uint64_t)((n) + 1) << 32 | ((n) + 1))

/* Shared by the parent and its child; the clock has looked once, so what nobody uses now is cold. */
static void
start_in(void)
{
	add_device();
	start_object(MAPF_SHARED);
	for (unsigned page = 0; page < AREA_PAGES; page++)
		assert_int_equal(store_word(world.parent, PAGE(page), WORD(page)), WORD(page));
	EXPECT_OK(space_fork(world.parent, &world.child));
	assert_int_equal(object_age(world.object, 0, AREA_PAGES), 0);
}

/* The first page goes if it is cold. Whether it does is not an outcome. */
static uint64_t
page_out(unsigned cpu)
{
	(void)cpu;
	(void)object_age(world.object, 0, 1);
	return 0;
}

/* All of it on the device. */
static void
start_out(void)
{
	start_in();
	assert_int_equal(object_age(world.object, 0, AREA_PAGES), AREA_PAGES);
}

/* The object goes first: its pages are on the device. */
static void
end(void)
{
	put_object(0);
	drop_device();
}

/* The end comes to lie in the first word: half of it stays, the rest is zeros. */
static uint64_t
cut_word(unsigned cpu)
{
	(void)cpu;
	object_resize(world.object, 4);
	return 0;
}

static uint64_t
write_call(unsigned cpu)
{
	uint64_t word = 500 + cpu;
	size_t	 done;

	return (uint64_t)object_write(world.object, 0, &word, sizeof(word), &done);
}

#define IN  .start = start_in, .end = end
#define OUT .start = start_out, .end = end

RACE(pages_go_while_they_are_written, IN,
     .ops = { { page_out }, { store_parent, load_parent_1 }, { store_child, load_child } })

/* A page that was written before it went must be found as it was written, by whoever comes first. */
RACE(a_write_is_found_wherever_the_page_is, IN,
     .ops = { { store_parent, load_parent }, { page_out, load_child } }, .preemptions = 2,
     .preemptions_wide = 2)

RACE(two_take_the_same_pages, IN,
     .ops = { { page_out }, { page_out }, { store_parent, load_parent } })

RACE(one_page_comes_back_for_three, OUT,
     .ops = { { store_parent, load_parent }, { load_child }, { read_call, load_parent_1 } },
     .preemptions = 1, .preemptions_wide = 2)

RACE(pages_come_and_go, OUT,
     .ops = { { store_parent, load_parent }, { page_out, page_out }, { store_child } })

RACE(memory_is_cut_while_it_goes, IN,
     .ops = { { cut_word, grow }, { page_out }, { load_parent, load_child } })

/* Without a third, who waits for both, all orders of the two can be tried. */
RACE(only_a_cut_meets_page_out, IN, .ops = { { cut_word, grow }, { page_out, load_child } },
     .preemptions = 2, .preemptions_wide = 1)

RACE(memory_is_cut_while_it_comes_back, OUT,
     .ops = { { cut_word, grow }, { load_parent, store_child }, { read_call } }, .preemptions = 1,
     .preemptions_wide = 1)

RACE(memory_that_is_out_ends, OUT,
     .ops = { { cut, grow }, { store_parent, load_parent }, { page_out } }, .preemptions = 1,
     .preemptions_wide = 1)

RACE(a_hole_is_punched_while_it_goes, IN,
     .ops = { { punch, load_parent }, { page_out }, { store_child } })

RACE(a_hole_is_punched_while_it_comes_back, OUT,
     .ops = { { punch }, { load_parent, store_child }, { page_out } })

RACE(file_calls_meet_page_out, IN,
     .ops = { { write_call, read_call }, { page_out }, { load_child } })

RACE(file_calls_bring_pages_back, OUT,
     .ops = { { write_call }, { read_call, store_parent }, { page_out } })

RACE(a_fork_meets_page_out, IN,
     .ops = { { fork_parent, store_born }, { page_out }, { store_parent, load_parent } })

RACE(a_child_exits_during_page_out, IN,
     .ops = { { store_child, exit_child }, { page_out }, { load_parent } })

RACE(a_child_exits_while_a_page_comes_back, OUT,
     .ops = { { store_child, exit_child }, { load_parent }, { page_out, load_parent_1 } })

RACE(memory_is_unmapped_during_page_out, IN,
     .ops = { { store_parent, unmap_parent_all }, { page_out }, { load_child } })

RACE(only_an_unmap_meets_page_out, IN, .ops = { { store_parent, unmap_parent_all }, { page_out } },
     .preemptions = 2, .preemptions_wide = 1)

RACE(memory_is_discarded_during_page_out, IN,
     .ops = { { store_parent, dontneed_parent, load_parent }, { page_out }, { load_child } })

RACE(memory_is_locked_during_page_out, IN,
     .ops = { { lock_parent, load_parent }, { page_out }, { store_child } })

RACE(memory_is_moved_during_page_out, IN,
     .ops = { { store_parent, move_parent, load_moved }, { page_out }, { load_child } })

TEST_SUITE(race_swapped, cmocka_unit_test(pages_go_while_they_are_written),
	   cmocka_unit_test(a_write_is_found_wherever_the_page_is),
	   cmocka_unit_test(two_take_the_same_pages),
	   cmocka_unit_test(one_page_comes_back_for_three), cmocka_unit_test(pages_come_and_go),
	   cmocka_unit_test(memory_is_cut_while_it_goes),
	   cmocka_unit_test(only_a_cut_meets_page_out),
	   cmocka_unit_test(memory_is_cut_while_it_comes_back),
	   cmocka_unit_test(memory_that_is_out_ends),
	   cmocka_unit_test(a_hole_is_punched_while_it_goes),
	   cmocka_unit_test(a_hole_is_punched_while_it_comes_back),
	   cmocka_unit_test(file_calls_meet_page_out),
	   cmocka_unit_test(file_calls_bring_pages_back), cmocka_unit_test(a_fork_meets_page_out),
	   cmocka_unit_test(a_child_exits_during_page_out),
	   cmocka_unit_test(a_child_exits_while_a_page_comes_back),
	   cmocka_unit_test(memory_is_unmapped_during_page_out),
	   cmocka_unit_test(only_an_unmap_meets_page_out),
	   cmocka_unit_test(memory_is_discarded_during_page_out),
	   cmocka_unit_test(memory_is_locked_during_page_out),
	   cmocka_unit_test(memory_is_moved_during_page_out))
