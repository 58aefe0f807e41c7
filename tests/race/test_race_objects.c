/*
 * test_race_objects.c - memory behind objects: several CPUs and several spaces on
 * the same pages of one object.
 */
#include "race/race.h"

/* The area of the parent is the object, shared; the child's too. */
static void
start_shared(void)
{
	start_object(MAPF_SHARED);
	EXPECT_OK(space_fork(world.parent, &world.child));
}

/* The parent maps the object shared, the child privately, at the same place. */
static void
start_shared_and_private(void)
{
	start_shared();
	assert_int_equal(map_area(world.child, world.area, AREA_PAGES, MAPF_PRIVATE), world.area);
}

/* Private in the parent, and the first page read already: the object's frame is mapped. */
static void
start_private(void)
{
	start_shared();
	assert_int_equal(map_area(world.parent, world.area, AREA_PAGES, MAPF_PRIVATE), world.area);
	assert_int_equal(store_word(world.child, PAGE(0), 1), 1);
	assert_int_equal(load_word(world.parent, PAGE(0)), 1);
}

/* Through the kernel, without being active anywhere. */
static uint64_t
copy_into_child(unsigned cpu)
{
	uint64_t word = 500 + cpu;

	return copy_to_space(world.child, PAGE(0), &word, sizeof(word));
}

RACE(two_threads_fetch_the_same_page, .start = start_shared,
     .ops = { { store_parent, load_parent }, { store_parent, load_parent } }, .preemptions = 2,
     .preemptions_wide = 2)
RACE(two_spaces_fetch_the_same_page, .start = start_shared,
     .ops = { { store_parent, load_parent }, { load_child, load_child } }, .preemptions = 2,
     .preemptions_wide = 1)
RACE(a_shared_and_a_private_write, .start = start_shared_and_private,
     .ops = { { store_parent, load_parent }, { store_child, load_child } }, .preemptions = 2,
     .preemptions_wide = 1)
RACE(two_threads_copy_a_page_of_the_object, .start = start_private,
     .ops = { { store_parent, load_parent }, { store_parent, load_parent }, { store_child } })
RACE(a_private_write_and_throwing_the_copy_away, .start = start_private,
     .ops = { { store_parent, load_parent }, { dontneed_parent, load_parent } }, .preemptions = 2,
     .preemptions_wide = 1)
RACE(a_fork_of_shared_memory, .start = start_shared,
     .ops = { { store_parent, load_parent }, { fork_parent, store_born } }, .preemptions = 2,
     .preemptions_wide = 1)
RACE(a_fork_of_a_private_copy, .start = start_private,
     .ops = { { store_parent, load_parent }, { fork_parent, store_born }, { store_child } })
RACE(one_space_lets_go_while_the_other_writes, .start = start_shared,
     .ops = { { store_parent, load_parent }, { store_child, unmap_child_all } }, .preemptions = 2,
     .preemptions_wide = 1)
RACE(the_last_holders_go, .start = start_shared,
     .ops = { { put_object }, { load_child, exit_child }, { store_parent, load_parent } })
RACE(the_kernel_copies_while_the_user_writes, .start = start_shared_and_private,
     .ops = { { copy_out_of_child, copy_into_child }, { store_child, load_child } },
     .preemptions = 2, .preemptions_wide = 1)

TEST_SUITE(race_objects, cmocka_unit_test(two_threads_fetch_the_same_page),
	   cmocka_unit_test(two_spaces_fetch_the_same_page),
	   cmocka_unit_test(a_shared_and_a_private_write),
	   cmocka_unit_test(two_threads_copy_a_page_of_the_object),
	   cmocka_unit_test(a_private_write_and_throwing_the_copy_away),
	   cmocka_unit_test(a_fork_of_shared_memory), cmocka_unit_test(a_fork_of_a_private_copy),
	   cmocka_unit_test(one_space_lets_go_while_the_other_writes),
	   cmocka_unit_test(the_last_holders_go),
	   cmocka_unit_test(the_kernel_copies_while_the_user_writes))
