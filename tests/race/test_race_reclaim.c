/*
 * test_race_reclaim.c - page-out against faults, forks, changes and exits, and against itself.
 *
 * Where a page is at the moment is no outcome: a program sees the same wherever it is.
 */
#include "race/race.h"

#include "reclaim/tables.h"

/* Everything in memory, used a moment ago. */
static void
start_in(void)
{
	start_touched();
	add_device();
}

/* Everything on the device. */
static void
start_out(void)
{
	start_in();
	assert_int_equal(tables_reclaim(100), AREA_PAGES);
}

static void
start_forked_out(void)
{
	start_out();
	EXPECT_OK(space_fork(world.parent, &world.child));
}

static void
start_forked_in(void)
{
	start_in();
	EXPECT_OK(space_fork(world.parent, &world.child));
}

/* A private copy of an object's page, out on the device; the child maps the object. */
static void
start_copy_out(void)
{
	add_device();
	start_object(MAPF_PRIVATE);
	assert_int_equal(store_word(world.parent, PAGE(0), 2), 2);
	assert_int_equal(tables_reclaim(100), 1);
}

/* r: page-out; s, l: store, load of the parent's first page; 1: of its second */
RACE(pages_go_while_they_are_used, .start = start_in, .end = drop_device,
     .ops = { { reclaim }, { store_parent, load_parent_1 }, { load_parent, store_parent_1 } },
     .preemptions = 2, .preemptions_wide = 1)

RACE(two_clocks_share_the_work, .start = start_in, .end = drop_device,
     .ops = { { reclaim }, { reclaim }, { store_parent, load_parent } }, .preemptions = 2,
     .preemptions_wide = 1)

RACE(one_page_comes_back_for_three, .start = start_out, .end = drop_device,
     .ops = { { store_parent, load_parent }, { load_parent }, { load_parent, store_parent_1 } },
     .preemptions = 2, .preemptions_wide = 2)

RACE(sharers_come_back_for_one_page, .start = start_forked_out, .end = drop_device,
     .ops = { { store_parent, load_parent }, { store_child, load_child }, { reclaim } },
     .preemptions = 2, .preemptions_wide = 1)

RACE(a_shared_table_is_paged_out, .start = start_forked_in, .end = drop_device,
     .ops = { { reclaim }, { store_child, load_child }, { load_parent, store_parent } },
     .preemptions = 2, .preemptions_wide = 1)

RACE(a_fork_meets_page_out, .start = start_in, .end = drop_device,
     .ops = { { fork_parent, load_born, store_born }, { reclaim }, { store_parent } },
     .preemptions = 2, .preemptions_wide = 1)

RACE(a_child_exits_during_page_out, .start = start_forked_in, .end = drop_device,
     .ops = { { exit_child }, { reclaim }, { store_parent, load_parent } }, .preemptions = 2,
     .preemptions_wide = 1)

RACE(a_child_exits_while_a_page_comes_back, .start = start_forked_out, .end = drop_device,
     .ops = { { exit_child }, { store_parent }, { load_parent_1, reclaim } }, .preemptions = 2,
     .preemptions_wide = 1)

RACE(memory_is_unmapped_during_page_out, .start = start_in, .end = drop_device,
     .ops = { { unmap_parent_all }, { reclaim }, { load_parent } }, .preemptions = 2,
     .preemptions_wide = 1)

RACE(memory_is_unmapped_while_it_comes_back, .start = start_out, .end = drop_device,
     .ops = { { unmap_parent }, { store_parent }, { reclaim, load_parent_1 } }, .preemptions = 2,
     .preemptions_wide = 1)

RACE(memory_is_discarded_during_page_out, .start = start_in, .end = drop_device,
     .ops = { { dontneed_parent, load_parent }, { reclaim }, { load_parent_1 } }, .preemptions = 2,
     .preemptions_wide = 1)

/* A fresh page may be written where the old one was: no CPU may still know the old one then. */
RACE(memory_is_discarded_and_written_again, .start = start_in, .end = drop_device,
     .ops = { { dontneed_parent, store_parent }, { reclaim } }, .preemptions = 2,
     .preemptions_wide = 2)

RACE(protection_changes_during_page_out, .start = start_in, .end = drop_device,
     .ops = { { protect_parent_2 }, { reclaim }, { store_parent, load_parent_1 } },
     .preemptions = 2, .preemptions_wide = 1)

RACE(memory_is_locked_during_page_out, .start = start_in, .end = drop_device,
     .ops = { { lock_parent, load_parent }, { reclaim }, { store_parent } }, .preemptions = 2,
     .preemptions_wide = 1)

/* The copy goes with its page; who looks at it meanwhile finds it, or a bus error. */
RACE(a_copy_that_is_out_is_truncated, .start = start_copy_out, .end = drop_device,
     .ops = { { cut }, { load_parent }, { reclaim } }, .preemptions = 2, .preemptions_wide = 1)

TEST_SUITE(race_reclaim, cmocka_unit_test(pages_go_while_they_are_used),
	   cmocka_unit_test(two_clocks_share_the_work),
	   cmocka_unit_test(one_page_comes_back_for_three),
	   cmocka_unit_test(sharers_come_back_for_one_page),
	   cmocka_unit_test(a_shared_table_is_paged_out), cmocka_unit_test(a_fork_meets_page_out),
	   cmocka_unit_test(a_child_exits_during_page_out),
	   cmocka_unit_test(a_child_exits_while_a_page_comes_back),
	   cmocka_unit_test(memory_is_unmapped_during_page_out),
	   cmocka_unit_test(memory_is_unmapped_while_it_comes_back),
	   cmocka_unit_test(memory_is_discarded_during_page_out),
	   cmocka_unit_test(memory_is_discarded_and_written_again),
	   cmocka_unit_test(protection_changes_during_page_out),
	   cmocka_unit_test(memory_is_locked_during_page_out),
	   cmocka_unit_test(a_copy_that_is_out_is_truncated))
