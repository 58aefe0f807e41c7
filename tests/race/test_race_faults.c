/*
 * test_race_faults.c - faults of several CPUs in one space, and faults against
 * calls that change it.
 */
#include "race/race.h"

/* The second word of the same page. */
static uint64_t
store_0_beside(unsigned cpu)
{
	return store_word(world.parent, PAGE(0) + 8 * (1 + cpu), 300 + cpu);
}

static uint64_t
protect_write(unsigned cpu)
{
	(void)cpu;
	return (uint64_t)space_protect(world.parent, PAGE(0), 2 * ARCH_PAGE_SIZE, PROT_RW);
}

static uint64_t
protect_none(unsigned cpu)
{
	(void)cpu;
	return (uint64_t)space_protect(world.parent, PAGE(0), 2 * ARCH_PAGE_SIZE, 0);
}

static uint64_t
dontneed(unsigned cpu)
{
	(void)cpu;
	return (uint64_t)space_advise(world.parent, PAGE(0), 2 * ARCH_PAGE_SIZE, ADVICE_DONTNEED);
}

static uint64_t
guard_install(unsigned cpu)
{
	(void)cpu;
	return (uint64_t)space_advise(world.parent, PAGE(0), ARCH_PAGE_SIZE, ADVICE_GUARD_INSTALL);
}

static uint64_t
map_over(unsigned cpu)
{
	(void)cpu;
	return map_area(world.parent, PAGE(0), 1, MAPF_PRIVATE);
}

static uint64_t
map_anywhere(unsigned cpu)
{
	(void)cpu;
	return map_area(world.parent, 0, 2, MAPF_PRIVATE);
}

RACE(two_write_the_same_fresh_page, .start = start_parent,
     .ops = { { store_parent, load_parent }, { store_parent, load_parent } }, .preemptions = 2,
     .preemptions_wide = 2)
RACE(a_read_and_a_write_of_the_same_fresh_page, .start = start_parent,
     .ops = { { load_parent, load_parent }, { store_parent, load_parent } }, .preemptions = 2,
     .preemptions_wide = 2)
RACE(three_write_beside_each_other, .start = start_parent,
     .ops = { { store_0_beside, load_parent }, { store_0_beside }, { store_parent } })
RACE(two_write_pages_of_the_same_table, .start = start_parent,
     .ops = { { store_parent, load_parent_1 }, { store_parent_1, load_parent } }, .preemptions = 2,
     .preemptions_wide = 2)

RACE(a_write_and_an_unmap, .start = start_touched,
     .ops = { { store_parent, load_parent }, { unmap_parent } }, .preemptions = 2,
     .preemptions_wide = 2)
RACE(a_fresh_write_and_an_unmap, .start = start_parent,
     .ops = { { store_parent, load_parent }, { unmap_parent } }, .preemptions = 2,
     .preemptions_wide = 2)
RACE(two_unmap_what_a_third_writes, .start = start_touched,
     .ops = { { unmap_parent }, { unmap_parent_all }, { store_parent, store_parent_1 } })
RACE(a_write_and_taking_the_permission_away, .start = start_touched,
     .ops = { { store_parent, store_parent_1, load_parent }, { protect_parent_2 } },
     .preemptions = 3, .preemptions_wide = 2)
RACE(a_write_and_taking_all_permissions_away, .start = start_touched,
     .ops = { { store_parent, load_parent_1 }, { protect_none, protect_write } }, .preemptions = 2,
     .preemptions_wide = 2)
RACE(two_change_the_protection, .start = start_touched,
     .ops = { { protect_parent_2, store_parent },
	      { protect_write, store_parent_1 },
	      { load_parent } })
RACE(a_write_and_throwing_the_page_away, .start = start_touched,
     .ops = { { store_parent, load_parent }, { dontneed, load_parent } }, .preemptions = 2,
     .preemptions_wide = 2)
RACE(a_write_and_a_guard, .start = start_touched,
     .ops = { { store_parent, load_parent }, { guard_install } }, .preemptions = 2,
     .preemptions_wide = 2)
RACE(a_write_and_mapping_over_it, .start = start_touched,
     .ops = { { store_parent, load_parent }, { map_over, load_parent } }, .preemptions = 2,
     .preemptions_wide = 2)
RACE(two_map_and_a_third_unmaps, .start = start_touched,
     .ops = { { map_anywhere }, { map_anywhere }, { unmap_parent_all } })

TEST_SUITE(race_faults, cmocka_unit_test(two_write_the_same_fresh_page),
	   cmocka_unit_test(a_read_and_a_write_of_the_same_fresh_page),
	   cmocka_unit_test(three_write_beside_each_other),
	   cmocka_unit_test(two_write_pages_of_the_same_table),
	   cmocka_unit_test(a_write_and_an_unmap), cmocka_unit_test(a_fresh_write_and_an_unmap),
	   cmocka_unit_test(two_unmap_what_a_third_writes),
	   cmocka_unit_test(a_write_and_taking_the_permission_away),
	   cmocka_unit_test(a_write_and_taking_all_permissions_away),
	   cmocka_unit_test(two_change_the_protection),
	   cmocka_unit_test(a_write_and_throwing_the_page_away),
	   cmocka_unit_test(a_write_and_a_guard), cmocka_unit_test(a_write_and_mapping_over_it),
	   cmocka_unit_test(two_map_and_a_third_unmaps))
