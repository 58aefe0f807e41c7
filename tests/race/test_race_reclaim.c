/*
 * test_race_reclaim.c - page-out against faults, forks, changes and exits, and against itself.
 *
 * Where a page is at the moment is no outcome: a program sees the same wherever it is. The swap
 * device lies in the machine's own frames, so each run starts with what it held at the start.
 */
#include "race/race.h"
#include "unit/swap_store.h"

#include "reclaim/tables.h"

static struct swap_store store;

/* The device is at work: others go on meanwhile. */
static void
at_work(void *arg)
{
	(void)arg;
	arch_point();
}

static void
add_device(void)
{
	swap_store_make(&store, 32);
	store.during = at_work;
}

static void
drop_device(void)
{
	assert_int_equal(swap_usage().nr_used, 0);
	swap_store_drop(&store);
}

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
	struct space_layout layout = space_default_layout();

	add_device();
	EXPECT_OK(object_create(&pager_zero, 7, AREA_PAGES, NULL, &world.object));
	EXPECT_OK(space_create(&layout, &world.parent));
	EXPECT_OK(space_add_thread(world.parent));
	world.area = map_area(world.parent, 0, AREA_PAGES, MAPF_PRIVATE);
	assert_int_equal(store_word(world.parent, PAGE(0), 2), 2);
	assert_int_equal(tables_reclaim(100), 1);
}

/* Twice around: every page may go. How many do is not an outcome. */
static uint64_t
reclaim(unsigned cpu)
{
	(void)cpu;
	(void)tables_reclaim(100);
	return 0;
}

static uint64_t
store_parent(unsigned cpu)
{
	return store_word(world.parent, PAGE(0), 100 + cpu);
}

static uint64_t
store_parent_1(unsigned cpu)
{
	return store_word(world.parent, PAGE(1), 200 + cpu);
}

static uint64_t
load_parent(unsigned cpu)
{
	(void)cpu;
	return load_word(world.parent, PAGE(0));
}

static uint64_t
load_parent_1(unsigned cpu)
{
	(void)cpu;
	return load_word(world.parent, PAGE(1));
}

static uint64_t
store_child(unsigned cpu)
{
	return store_word(world.child, PAGE(0), 300 + cpu);
}

static uint64_t
load_child(unsigned cpu)
{
	(void)cpu;
	return load_word(world.child, PAGE(0));
}

static uint64_t
fork_parent(unsigned cpu)
{
	return (uint64_t)space_fork(world.parent, &world.born[cpu]);
}

static uint64_t
store_born(unsigned cpu)
{
	return world.born[cpu] ? store_word(world.born[cpu], PAGE(0), 400 + cpu) : UNBORN;
}

static uint64_t
load_born(unsigned cpu)
{
	return world.born[cpu] ? load_word(world.born[cpu], PAGE(0)) : UNBORN;
}

static uint64_t
exit_child(unsigned cpu)
{
	(void)cpu;
	pt_deactivate(&world.child->pt);
	space_put(world.child);
	world.child = NULL;
	return 0;
}

static uint64_t
unmap_all(unsigned cpu)
{
	(void)cpu;
	return (uint64_t)space_unmap(world.parent, PAGE(0), AREA_PAGES * ARCH_PAGE_SIZE);
}

static uint64_t
unmap_first(unsigned cpu)
{
	(void)cpu;
	return (uint64_t)space_unmap(world.parent, PAGE(0), ARCH_PAGE_SIZE);
}

static uint64_t
protect_read(unsigned cpu)
{
	(void)cpu;
	return (uint64_t)space_protect(world.parent, PAGE(0), 2 * ARCH_PAGE_SIZE, PROT_R);
}

static uint64_t
dontneed(unsigned cpu)
{
	(void)cpu;
	return (uint64_t)space_advise(world.parent, PAGE(0), ARCH_PAGE_SIZE, ADVICE_DONTNEED);
}

static uint64_t
lock_first(unsigned cpu)
{
	(void)cpu;
	return (uint64_t)space_lock(world.parent, PAGE(0), ARCH_PAGE_SIZE, 0);
}

static uint64_t
cut(unsigned cpu)
{
	(void)cpu;
	object_resize(world.object, 0);
	return 0;
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
     .ops = { { unmap_all }, { reclaim }, { load_parent } }, .preemptions = 2,
     .preemptions_wide = 1)

RACE(memory_is_unmapped_while_it_comes_back, .start = start_out, .end = drop_device,
     .ops = { { unmap_first }, { store_parent }, { reclaim, load_parent_1 } }, .preemptions = 2,
     .preemptions_wide = 1)

RACE(memory_is_discarded_during_page_out, .start = start_in, .end = drop_device,
     .ops = { { dontneed, load_parent }, { reclaim }, { load_parent_1 } }, .preemptions = 2,
     .preemptions_wide = 1)

/* A fresh page may be written where the old one was: no CPU may still know the old one then. */
RACE(memory_is_discarded_and_written_again, .start = start_in, .end = drop_device,
     .ops = { { dontneed, store_parent }, { reclaim } }, .preemptions = 2, .preemptions_wide = 2)

RACE(protection_changes_during_page_out, .start = start_in, .end = drop_device,
     .ops = { { protect_read }, { reclaim }, { store_parent, load_parent_1 } }, .preemptions = 2,
     .preemptions_wide = 1)

RACE(memory_is_locked_during_page_out, .start = start_in, .end = drop_device,
     .ops = { { lock_first, load_parent }, { reclaim }, { store_parent } }, .preemptions = 2,
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
