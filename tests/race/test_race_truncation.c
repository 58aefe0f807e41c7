/*
 * test_race_truncation.c - an object loses pages while others fault them in, copy them, fork,
 * unmap, move and exit.
 *
 * Each race uses one page: a truncation takes pages one after the other, and who looks at two of
 * them may find the second still there, as on any system. It takes even one page in steps: a fault
 * may find it gone while a translation that is not flushed yet still shows it. So where a page goes,
 * nobody looks at it twice.
 */
#include "race/race.h"

/* The area of the parent is the object, shared; the child's too, in tables that both share. */
static void
start_shared(void)
{
	start_object(MAPF_SHARED);
	assert_int_equal(store_word(world.parent, PAGE(0), 1), 1);
	EXPECT_OK(space_fork(world.parent, &world.child));
}

/* Nothing was touched yet. */
static void
start_untouched(void)
{
	start_object(MAPF_SHARED);
}

/* Private in the parent, and read already: the object's frame is mapped. The child has it shared. */
static void
start_private(void)
{
	start_shared();
	assert_int_equal(map_area(world.parent, world.area, AREA_PAGES, MAPF_PRIVATE), world.area);
	assert_int_equal(load_word(world.parent, PAGE(0)), 1);
}

/* And a private copy. */
static void
start_copied(void)
{
	start_private();
	assert_int_equal(store_word(world.parent, PAGE(0), 2), 2);
}

static uint64_t
write_counted(unsigned cpu)
{
	uint64_t word = 700 + cpu;
	size_t	 done;

	return (uint64_t)object_write(world.object, 0, &word, sizeof(word), &done) << 8 | done;
}

static uint64_t
read_counted(unsigned cpu)
{
	uint64_t word = 0;
	size_t	 done;

	(void)cpu;
	if (object_read(world.object, 0, &word, sizeof(word), &done))
		return FAULTED;
	return word << 8 | done;
}

/* WNX-B10: what was fetched is looked up again. */
RACE(truncation_and_a_fault, .start = start_untouched,
     .ops = { { store_parent, load_parent }, { cut, grow } }, .preemptions = 2,
     .preemptions_wide = 2)
RACE(truncation_and_two_spaces, .start = start_shared,
     .ops = { { store_parent }, { cut, grow, load_child }, { store_child } })
RACE(truncation_and_a_first_private_write, .start = start_private,
     .ops = { { store_parent }, { cut, grow, load_parent } }, .preemptions = 2,
     .preemptions_wide = 2)
RACE(truncation_takes_private_copies, .start = start_copied,
     .ops = { { store_parent }, { cut, grow, load_parent }, { store_child } })
RACE(a_hole_and_a_private_write, .start = start_private,
     .ops = { { store_parent, load_parent }, { punch }, { store_child } }, .preemptions_wide = 1)
RACE(a_hole_and_a_fault, .start = start_untouched,
     .ops = { { store_parent, load_parent }, { punch, load_parent } }, .preemptions = 2,
     .preemptions_wide = 2)
RACE(truncation_and_fork, .start = start_shared, .ops = { { fork_parent, load_born }, { cut } },
     .preemptions = 2, .preemptions_wide = 2)
RACE(truncation_and_fork_of_a_copy, .start = start_copied,
     .ops = { { fork_parent, load_born }, { cut, grow }, { load_parent } }, .preemptions = 1,
     .preemptions_wide = 1)
RACE(truncation_and_unmap, .start = start_shared,
     .ops = { { unmap_child_all }, { cut, grow, load_parent }, { store_child } },
     .preemptions_wide = 1)
/* The table stays in use. */
RACE(truncation_and_cutting_a_region, .start = start_shared,
     .ops = { { unmap_parent }, { cut, grow }, { store_child } })
RACE(truncation_and_move, .start = start_shared,
     .ops = { { move_parent, load_moved }, { cut }, { load_child } }, .preemptions = 1,
     .preemptions_wide = 1)
RACE(truncation_and_throwing_away, .start = start_shared,
     .ops = { { dontneed_parent, load_parent }, { cut, grow }, { store_child } })
RACE(truncation_and_protect, .start = start_copied,
     .ops = { { protect_parent, load_parent }, { cut, grow }, { store_child } })
RACE(truncation_and_exit, .start = start_shared,
     .ops = { { load_child, exit_child }, { cut, grow, load_parent }, { store_parent } },
     .preemptions = 1, .preemptions_wide = 1)
RACE(two_truncations, .start = start_shared,
     .ops = { { cut, grow }, { cut, grow, load_parent }, { store_parent } })
RACE(truncation_and_file_calls, .start = start_shared,
     .ops = { { write_counted, read_counted }, { cut }, { store_parent } })

TEST_SUITE(race_truncation, cmocka_unit_test(truncation_and_a_fault),
	   cmocka_unit_test(truncation_and_two_spaces),
	   cmocka_unit_test(truncation_and_a_first_private_write),
	   cmocka_unit_test(truncation_takes_private_copies),
	   cmocka_unit_test(a_hole_and_a_private_write), cmocka_unit_test(a_hole_and_a_fault),
	   cmocka_unit_test(truncation_and_fork), cmocka_unit_test(truncation_and_fork_of_a_copy),
	   cmocka_unit_test(truncation_and_unmap),
	   cmocka_unit_test(truncation_and_cutting_a_region), cmocka_unit_test(truncation_and_move),
	   cmocka_unit_test(truncation_and_throwing_away), cmocka_unit_test(truncation_and_protect),
	   cmocka_unit_test(truncation_and_exit), cmocka_unit_test(two_truncations),
	   cmocka_unit_test(truncation_and_file_calls))
