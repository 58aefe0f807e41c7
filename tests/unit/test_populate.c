/* test_populate.c - pages brought in before they are touched: which, how, and what stops it. */
#include "unit/sketch.h"

#include "call/populate.h"

static struct va_range
span(unsigned from, unsigned to)
{
	return va_range(PAGE(from), PAGE(to));
}

/* CAM-06: private writable pages are written at once; a shared or read-only one is only there. */
static void
each_region_gets_what_it_can_use(void **state)
{
	struct space  *sp = sketch_space();
	struct object *file = sketch_file(7, 10);

	(void)state;
	sketch_map(sp, 1, 3, PROT_RW, 0);
	sketch_map(sp, 4, 5, PROT_R, 0);
	sketch_map_file(sp, 6, 8, PROT_RW, file, 3, MAPF_PRIVATE);
	sketch_store(sp, 2, 22);
	assert_int_equal(populate(sp, span(1, 12), POPULATE_MAPPED), POPULATED);
	assert_true(sketch_is_writable(sp, 1) && sketch_is_writable(sp, 2));
	assert_int_equal(sketch_load(sp, 1), 0);
	assert_int_equal(sketch_load(sp, 2), 22); /* what is there stays */
	assert_true(sketch_is_present(sp, 4));
	assert_true(sketch_is_writable(sp, 6) && sketch_is_writable(sp, 7));
	assert_int_equal(sketch_load(sp, 6), object_pattern(7, PAGE(3)));
	object_put(file);
	sketch_end(sp);
}

/* Only locked regions, and of those only the ones that want their pages now. */
static void
locked_ones_are_picked_out(void **state)
{
	struct space *sp = sketch_space();

	(void)state;
	sketch_map(sp, 1, 7, PROT_RW, 0);
	EXPECT_OK(space_lock(sp, PAGE(2), PAGE(1), 0));
	EXPECT_OK(space_lock(sp, PAGE(4), PAGE(1), LOCKF_ONFAULT));
	assert_int_equal(populate(sp, span(1, 7), POPULATE_LOCKED), POPULATED);
	for (unsigned page = 1; page < 7; page++)
		assert_int_equal(sketch_is_present(sp, page), page == 2);
	populate_what_can_be(sp, span(1, 7), POPULATE_MAPPED);
	for (unsigned page = 1; page < 7; page++)
		assert_int_equal(sketch_is_present(sp, page), page != 4);
	assert_int_equal(populate(sp, span(1, 7), POPULATE_READ), POPULATED);
	assert_true(sketch_is_present(sp, 4));
	sketch_end(sp);
}

static void
what_stops_it_is_told(void **state)
{
	struct space  *sp = sketch_space();
	struct object *file = sketch_file(7, 2);

	(void)state;
	sketch_map(sp, 1, 3, PROT_RW, 0);
	sketch_map(sp, 4, 5, PROT_R, 0);
	sketch_map(sp, 5, 6, 0, 0);
	sketch_map_file(sp, 6, 8, PROT_R, file, 1, MAPF_PRIVATE);
	sketch_map(sp, 8, 9, PROT_W, 0);
	assert_int_equal(populate(sp, span(1, 4), POPULATE_WRITE), POPULATE_HOLE);
	assert_true(sketch_is_writable(sp, 2));
	assert_int_equal(populate(sp, span(3, 4), POPULATE_READ), POPULATE_HOLE);
	assert_int_equal(populate(sp, span(4, 5), POPULATE_WRITE), POPULATE_FORBIDDEN);
	assert_int_equal(populate(sp, span(8, 9), POPULATE_READ), POPULATE_FORBIDDEN);
	assert_int_equal(populate(sp, span(5, 6), POPULATE_MAPPED), POPULATE_FORBIDDEN);
	assert_int_equal(populate(sp, span(6, 9), POPULATE_MAPPED), POPULATE_NO_PAGE);
	assert_true(sketch_is_present(sp, 6));
	assert_false(sketch_is_present(sp, 8));
	populate_what_can_be(sp, span(5, 9), POPULATE_MAPPED);
	assert_true(sketch_is_present(sp, 8));
	EXPECT_OK(space_advise(sp, PAGE(1), PAGE(1), ADVICE_GUARD_INSTALL));
	assert_int_equal(populate(sp, span(1, 2), POPULATE_READ), POPULATE_NO_PAGE);
	EXPECT_OK(space_advise(sp, PAGE(2), PAGE(1), ADVICE_DONTNEED));
	machine_fail_allocation(1, true);
	assert_int_equal(populate(sp, span(2, 3), POPULATE_WRITE), POPULATE_NO_MEMORY);
	machine_fail_allocation(0, false);
	object_put(file);
	sketch_end(sp);
}

/* page      1 2 3 4 5
 *           m m . m m         who asks for pages by name is told of the hole, and nothing behind it comes */
static void
a_hole_in_the_middle_stops_it(void **state)
{
	struct space *sp = sketch_space();

	(void)state;
	sketch_map(sp, 1, 3, PROT_RW, 0);
	sketch_map(sp, 4, 6, PROT_RW, 0);
	assert_int_equal(populate(sp, span(1, 6), POPULATE_WRITE), POPULATE_HOLE);
	assert_true(sketch_is_present(sp, 2));
	assert_false(sketch_is_present(sp, 4));
	assert_int_equal(populate(sp, span(1, 6), POPULATE_MAPPED), POPULATED);
	assert_true(sketch_is_present(sp, 4));
	sketch_end(sp);
}

TEST_SUITE(populate, cmocka_unit_test(a_hole_in_the_middle_stops_it),
	   cmocka_unit_test(each_region_gets_what_it_can_use),
	   cmocka_unit_test(locked_ones_are_picked_out), cmocka_unit_test(what_stops_it_is_told))
