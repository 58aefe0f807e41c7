/*
 * test_race_forks.c - fork against faults, against changes and against other
 * forks, and the sharers of one memory against each other.
 */
#include "race/race.h"

static uint64_t
fork_child(unsigned cpu)
{
	return (uint64_t)space_fork(world.child, &world.born[cpu]);
}

static uint64_t
exit_born(unsigned cpu)
{
	if (!world.born[cpu])
		return UNBORN;
	pt_deactivate(&world.born[cpu]->pt);
	space_put(world.born[cpu]);
	world.born[cpu] = NULL;
	return 0;
}

static uint64_t
unmap_child(unsigned cpu)
{
	(void)cpu;
	return (uint64_t)space_unmap(world.child, PAGE(0), ARCH_PAGE_SIZE);
}

/* The child is to be active on its CPU already when the race begins. */
static void
start_running_child(void)
{
	start_forked();
	sim_cpu_set(1);
	assert_int_equal(load_word(world.child, PAGE(0)), 1);
	sim_cpu_set(0);
}

/* Three generations share the same tables. */
static void
start_three_sharers(void)
{
	start_forked();
	EXPECT_OK(space_fork(world.child, &world.born[2]));
}

static void
start_wiped_on_fork(void)
{
	start_touched();
	EXPECT_OK(space_advise(world.parent, PAGE(0), ARCH_PAGE_SIZE, ADVICE_WIPEONFORK));
	EXPECT_OK(space_advise(world.parent, PAGE(3), ARCH_PAGE_SIZE, ADVICE_DONTFORK));
}

/* LUN-B02, ALM-22, ALM-B01. */
RACE(a_write_and_a_fork, .start = start_touched,
     .ops = { { store_parent, load_parent }, { fork_parent, load_born } }, .preemptions = 2,
     .preemptions_wide = 1)
RACE(writes_of_two_pages_and_a_fork, .start = start_touched,
     .ops = { { store_parent, store_parent_1 }, { fork_parent, store_born } }, .preemptions = 2,
     .preemptions_wide = 1)
RACE(a_first_write_and_a_fork, .start = start_parent,
     .ops = { { store_parent, load_parent }, { fork_parent, load_born } }, .preemptions = 2,
     .preemptions_wide = 1)
RACE(two_writers_and_a_fork, .start = start_touched,
     .ops = { { store_parent }, { store_parent, load_parent }, { fork_parent, load_born } })
RACE(two_forks_of_one_parent, .start = start_touched,
     .ops = { { fork_parent, store_born }, { fork_parent, store_born }, { store_parent } })
RACE(forks_of_two_sharers, .start = start_forked,
     .ops = { { fork_parent, store_born }, { fork_child, store_born } }, .preemptions = 2,
     .preemptions_wide = 1)
RACE(fork_and_exit_at_once_on_both_sides, .start = start_forked,
     .ops = { { fork_parent, exit_born }, { fork_child, exit_born } }, .preemptions = 2,
     .preemptions_wide = 1)
RACE(a_write_and_a_fork_with_holes, .start = start_wiped_on_fork,
     .ops = { { store_parent, store_parent_1 }, { fork_parent, load_born } }, .preemptions = 2,
     .preemptions_wide = 1)

/* ALM-15. */
RACE(two_threads_copy_the_same_page, .start = start_forked,
     .ops = { { store_parent, load_parent }, { store_parent, load_parent } }, .preemptions = 2,
     .preemptions_wide = 1)
RACE(two_threads_copy_and_a_third_reads, .start = start_forked,
     .ops = { { store_parent }, { store_parent_1, load_parent }, { load_parent, load_parent } })
RACE(both_sharers_write, .start = start_forked,
     .ops = { { store_parent, load_parent }, { store_child, load_child } }, .preemptions = 2,
     .preemptions_wide = 1)
RACE(three_sharers_write, .start = start_three_sharers,
     .ops = { { store_parent, load_parent },
	      { store_child, load_child },
	      { store_born, load_born } })
RACE(a_sharer_exits_while_the_other_writes, .start = start_running_child,
     .ops = { { store_parent, load_parent }, { exit_child } }, .preemptions = 2,
     .preemptions_wide = 1)
RACE(a_sharer_writes_and_exits_while_the_other_forks, .start = start_running_child,
     .ops = { { fork_parent, store_parent, load_born }, { store_child, exit_child } },
     .preemptions = 2, .preemptions_wide = 1)
RACE(a_sharer_unmaps_while_the_other_writes, .start = start_forked,
     .ops = { { store_parent, load_parent }, { unmap_child, store_child } }, .preemptions = 2,
     .preemptions_wide = 1)

RACE(a_fork_and_an_unmap, .start = start_touched,
     .ops = { { unmap_parent }, { fork_parent, load_born } }, .preemptions = 2,
     .preemptions_wide = 1)
RACE(a_fork_and_taking_the_permission_away, .start = start_touched,
     .ops = { { protect_parent_2, store_parent }, { fork_parent, store_born } }, .preemptions = 2,
     .preemptions_wide = 1)
RACE(a_fork_and_throwing_a_page_away, .start = start_touched,
     .ops = { { dontneed_parent, store_parent }, { fork_parent, load_born } }, .preemptions = 2,
     .preemptions_wide = 1)

TEST_SUITE(race_forks, cmocka_unit_test(a_write_and_a_fork),
	   cmocka_unit_test(writes_of_two_pages_and_a_fork),
	   cmocka_unit_test(a_first_write_and_a_fork), cmocka_unit_test(two_writers_and_a_fork),
	   cmocka_unit_test(two_forks_of_one_parent), cmocka_unit_test(forks_of_two_sharers),
	   cmocka_unit_test(fork_and_exit_at_once_on_both_sides),
	   cmocka_unit_test(a_write_and_a_fork_with_holes),
	   cmocka_unit_test(two_threads_copy_the_same_page),
	   cmocka_unit_test(two_threads_copy_and_a_third_reads),
	   cmocka_unit_test(both_sharers_write), cmocka_unit_test(three_sharers_write),
	   cmocka_unit_test(a_sharer_exits_while_the_other_writes),
	   cmocka_unit_test(a_sharer_writes_and_exits_while_the_other_forks),
	   cmocka_unit_test(a_sharer_unmaps_while_the_other_writes),
	   cmocka_unit_test(a_fork_and_an_unmap),
	   cmocka_unit_test(a_fork_and_taking_the_permission_away),
	   cmocka_unit_test(a_fork_and_throwing_a_page_away))
