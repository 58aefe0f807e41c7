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
	struct space_layout layout = space_default_layout();

	EXPECT_OK(object_create(&pager_zero, 7, AREA_PAGES, NULL, &world.object));
	EXPECT_OK(space_create(&layout, &world.parent));
	EXPECT_OK(space_add_thread(world.parent));
	world.area = map_area(world.parent, 0, AREA_PAGES, MAPF_SHARED);
	assert_int_equal(store_word(world.parent, PAGE(0), 1), 1);
	EXPECT_OK(space_fork(world.parent, &world.child));
}

/* Nothing was touched yet. */
static void
start_untouched(void)
{
	struct space_layout layout = space_default_layout();

	EXPECT_OK(object_create(&pager_zero, 7, AREA_PAGES, NULL, &world.object));
	EXPECT_OK(space_create(&layout, &world.parent));
	EXPECT_OK(space_add_thread(world.parent));
	world.area = map_area(world.parent, 0, AREA_PAGES, MAPF_SHARED);
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
cut(unsigned cpu)
{
	(void)cpu;
	object_resize(world.object, 0);
	return 0;
}

static uint64_t
grow(unsigned cpu)
{
	(void)cpu;
	object_resize(world.object, AREA_PAGES * ARCH_PAGE_SIZE);
	return 0;
}

static uint64_t
punch(unsigned cpu)
{
	(void)cpu;
	object_punch(world.object, 0, 1);
	return 0;
}

static uint64_t
write_call(unsigned cpu)
{
	uint64_t word = 700 + cpu;
	size_t	 done;

	return (uint64_t)object_write(world.object, 0, &word, sizeof(word), &done) << 8 | done;
}

static uint64_t
read_call(unsigned cpu)
{
	uint64_t word = 0;
	size_t	 done;

	(void)cpu;
	if (object_read(world.object, 0, &word, sizeof(word), &done))
		return FAULTED;
	return word << 8 | done;
}

static uint64_t
store_parent(unsigned cpu)
{
	return store_word(world.parent, PAGE(0), 100 + cpu);
}

static uint64_t
load_parent(unsigned cpu)
{
	(void)cpu;
	return load_word(world.parent, PAGE(0));
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
unmap_child(unsigned cpu)
{
	(void)cpu;
	return (uint64_t)space_unmap(world.child, PAGE(0), AREA_PAGES * ARCH_PAGE_SIZE);
}

/* Only the first page: the region is cut, and its table stays in use. */
static uint64_t
unmap_first_page(unsigned cpu)
{
	(void)cpu;
	return (uint64_t)space_unmap(world.parent, PAGE(0), ARCH_PAGE_SIZE);
}

static uint64_t
dontneed_parent(unsigned cpu)
{
	(void)cpu;
	return (uint64_t)space_advise(world.parent, PAGE(0), ARCH_PAGE_SIZE, ADVICE_DONTNEED);
}

static uint64_t
protect_parent(unsigned cpu)
{
	(void)cpu;
	return (uint64_t)space_protect(world.parent, PAGE(0), ARCH_PAGE_SIZE, PROT_R);
}

/* The page goes to the place of the third one, by its entry. */
static uint64_t
move_parent(unsigned cpu)
{
	const struct remap_request request = { .addr = PAGE(0),
					       .old_length = ARCH_PAGE_SIZE,
					       .new_length = ARCH_PAGE_SIZE,
					       .flags = REMAP_MAYMOVE | REMAP_FIXED,
					       .new_addr = PAGE(2) };
	struct va_range		   fresh;
	vaddr_t			   at;

	(void)cpu;
	return (uint64_t)space_remap(world.parent, &request, &at, &fresh);
}

static uint64_t
load_moved(unsigned cpu)
{
	(void)cpu;
	return load_word(world.parent, PAGE(2));
}

static uint64_t
fork_parent(unsigned cpu)
{
	return (uint64_t)space_fork(world.parent, &world.born[cpu]);
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
     .ops = { { unmap_child }, { cut, grow, load_parent }, { store_child } }, .preemptions_wide = 1)
RACE(truncation_and_cutting_a_region, .start = start_shared,
     .ops = { { unmap_first_page }, { cut, grow }, { store_child } })
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
     .ops = { { write_call, read_call }, { cut }, { store_parent } })

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
