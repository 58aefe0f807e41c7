/* test_unmap.c - taking mappings out of a range: the four ways to cut, boundaries, failures. */
#include "unit/sketch.h"

/* LUN-09, LUN-B13, WNX-06, ALM-B11:
 * page      1 2 3 4 5 6
 * before    A A A A A .      each page stored to
 * unmap         x x          [3, 5)
 * after     A A . . A .      two regions; what is left keeps its contents */
static void
a_hole_leaves_two_regions(void **state)
{
	struct space *sp = sketch_space();

	(void)state;
	sketch_map(sp, 1, 6, PROT_RW, 0);
	sketch_store_all(sp, 1, 6);
	EXPECT_OK(space_unmap(sp, PAGE(3), PAGE(2)));
	EXPECT_REGIONS(sp, "1-3 rw, 5-6 rw");
	assert_int_equal(sketch_access(sp, ACCESS_LOAD, 3), FAULT_SEGV_MAPERR);
	assert_int_equal(sketch_access(sp, ACCESS_STORE, 4), FAULT_SEGV_MAPERR);
	assert_int_equal(sketch_load(sp, 2), 2);
	assert_int_equal(sketch_load(sp, 5), 5);
	sketch_end(sp);
}

/* page      1 2 3 4 5 6      of a file, from its page 10 on
 * unmap         x            LUN-09, LUN-B13, WNX-06: the upper part continues at file page 13, and
 * unmap     x                its own first page, not the region's, is where the cut is
 * unmap               x */
static void
file_offsets_follow_every_cut(void **state)
{
	struct space  *sp = sketch_space();
	struct object *file = sketch_file(7, 100);

	(void)state;
	sketch_map_file(sp, 1, 7, PROT_R, file, 10, MAPF_PRIVATE);
	EXPECT_OK(space_unmap(sp, PAGE(3), PAGE(1)));
	EXPECT_REGIONS(sp, "1-3 r @7:10, 4-7 r @7:13");
	EXPECT_OK(space_unmap(sp, PAGE(1), PAGE(1)));
	EXPECT_REGIONS(sp, "2-3 r @7:11, 4-7 r @7:13");
	EXPECT_OK(space_unmap(sp, PAGE(6), PAGE(1)));
	EXPECT_REGIONS(sp, "2-3 r @7:11, 4-6 r @7:13");
	assert_int_equal(sketch_load(sp, 4), object_pattern(7, PAGE(13)));
	assert_int_equal(sketch_load(sp, 2), object_pattern(7, PAGE(11)));
	object_put(file);
	sketch_end(sp);
}

/* LUN-09, WNX-03, WNX-06: all four shapes of overlap are in this suite, most of them in this call.
 * page      1 2 3 4 5 6 7 8
 * before    A A . B . C C C
 * unmap       x x x x x x    [2, 8): a tail, a whole region, two holes, a head
 * after     A . . . . . . C */
static void
one_call_spans_regions_and_holes(void **state)
{
	struct space *sp = sketch_space();

	(void)state;
	sketch_map(sp, 1, 3, PROT_RW, 0);
	sketch_map(sp, 4, 5, PROT_R, 0);
	sketch_map(sp, 6, 9, PROT_RW, 0);
	sketch_store_all(sp, 1, 3);
	sketch_store_all(sp, 6, 9);
	EXPECT_OK(space_unmap(sp, PAGE(2), PAGE(6)));
	EXPECT_REGIONS(sp, "1-2 rw, 8-9 rw");
	assert_int_equal(sketch_load(sp, 8), 8);
	EXPECT_OK(space_unmap(sp, PAGE(2), PAGE(6)));
	EXPECT_REGIONS(sp, "1-2 rw, 8-9 rw");
	sketch_end(sp);
}

/* LUN-B15, ALM-B10: touching is not overlapping, at either end. */
static void
neighbours_that_touch_the_range_stay(void **state)
{
	struct space *sp = sketch_space();

	(void)state;
	sketch_map(sp, 2, 4, PROT_RW, 0);
	sketch_map(sp, 4, 6, PROT_R, 0);
	sketch_map(sp, 6, 8, PROT_RW, 0);
	EXPECT_OK(space_unmap(sp, PAGE(4), PAGE(2)));
	EXPECT_REGIONS(sp, "2-4 rw, 6-8 rw");
	EXPECT_OK(space_unmap(sp, PAGE(8), PAGE(4)));
	EXPECT_OK(space_unmap(sp, PAGE(0), PAGE(2)));
	EXPECT_REGIONS(sp, "2-4 rw, 6-8 rw");
	sketch_end(sp);
}

/* A length is rounded up to pages; the last byte of a page takes all of it. */
static void
lengths_are_rounded_up(void **state)
{
	struct space *sp = sketch_space();

	(void)state;
	sketch_map(sp, 1, 5, PROT_RW, 0);
	EXPECT_OK(space_unmap(sp, PAGE(2), 1));
	EXPECT_REGIONS(sp, "1-2 rw, 3-5 rw");
	EXPECT_OK(space_unmap(sp, PAGE(3), PAGE(1) + 1));
	EXPECT_REGIONS(sp, "1-2 rw");
	sketch_end(sp);
}

/* LUN-B15, WNX-25, WNX-B11: arguments that no mapping can have. */
static void
bad_arguments_are_refused(void **state)
{
	const struct {
		vaddr_t	 addr;
		uint64_t length;
	} bad[] = {
		{ PAGE(2) + 1, PAGE(1) },
		{ PAGE(2) + 8, 8 },
		{ PAGE(2), 0 },
		{ PAGE(SKETCH_PAGES), 1 },
		{ PAGE(SKETCH_PAGES - 1), PAGE(1) + 1 },
		{ 0, PAGE(SKETCH_PAGES) + 1 },
		{ PAGE(2), UINT64_MAX },
		{ PAGE(2), UINT64_MAX - PAGE(2) + 1 },
		{ UINT64_MAX & ~ARCH_PAGE_MASK, PAGE(1) },
		{ (uint64_t)1 << 63, (uint64_t)1 << 63 },
	};
	struct space *sp = sketch_space();

	(void)state;
	sketch_map(sp, 1, SKETCH_PAGES, PROT_RW, 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_ERR(space_unmap(sp, bad[i].addr, bad[i].length), ERR_INVAL);
	EXPECT_REGIONS(sp, "1-12 rw");
	EXPECT_OK(space_unmap(sp, 0, PAGE(SKETCH_PAGES)));
	EXPECT_REGIONS(sp, "");
	sketch_end(sp);
}

/* A hole makes one region more; the ends of a region do not. */
static void
the_limit_on_regions_forbids_only_holes(void **state)
{
	struct space_layout layout = sketch_layout();
	struct space	   *sp;

	(void)state;
	layout.max_regions = 2;
	sp = sketch_space_with(&layout);
	sketch_map(sp, 1, 4, PROT_RW, 0);
	sketch_map(sp, 6, 9, PROT_RW, 0);
	EXPECT_ERR(space_unmap(sp, PAGE(2), PAGE(1)), ERR_NOMEM);
	EXPECT_REGIONS(sp, "1-4 rw, 6-9 rw");
	EXPECT_OK(space_unmap(sp, PAGE(3), PAGE(4)));
	EXPECT_REGIONS(sp, "1-3 rw, 7-9 rw");
	sketch_end(sp);
}

static err_t
unmap_page_3(struct space *sp)
{
	return space_unmap(sp, PAGE(3), PAGE(1));
}

/* Each allocation of a call that cuts a shared table and a region fails in turn. */
static void
a_failed_allocation_changes_nothing(void **state)
{
	struct space *sp = sketch_space();
	struct space *child;

	(void)state;
	sketch_map(sp, 1, 6, PROT_RW, 0);
	sketch_store_all(sp, 1, 6);
	EXPECT_OK(space_fork(sp, &child));
	assert_true(sketch_fail_each(unmap_page_3, sp) >= 1 + ARCH_HAS_UPPER_WRITE_DENIAL);
	EXPECT_REGIONS(sp, "1-3 rw, 4-6 rw");
	EXPECT_REGIONS(child, "1-6 rw");
	assert_int_equal(sketch_load(child, 3), 3);
	pt_deactivate(&child->pt);
	space_put(child);
	sketch_end(sp);
}

/* Marks go with the range: what is mapped there next has no guard. */
static void
guards_do_not_outlive_their_mapping(void **state)
{
	struct space *sp = sketch_space();

	(void)state;
	sketch_map(sp, 1, 4, PROT_RW, 0);
	EXPECT_OK(space_advise(sp, PAGE(2), PAGE(1), ADVICE_GUARD_INSTALL));
	assert_int_equal(sketch_access(sp, ACCESS_STORE, 2), FAULT_SEGV_MAPERR);
	EXPECT_OK(space_unmap(sp, PAGE(1), PAGE(3)));
	sketch_map(sp, 1, 4, PROT_RW, 0);
	sketch_store(sp, 2, 9);
	sketch_end(sp);
}

/* ALM-B06:
 * page      1 2 3 4 5
 * before    A G - A .      G a guard, - no access
 * unmap       x x          both are gone: a new mapping there is like any other
 * map         B B */
static void
odd_entries_go_like_pages(void **state)
{
	struct space *sp = sketch_space();

	(void)state;
	sketch_map(sp, 1, 5, PROT_RW, 0);
	sketch_store_all(sp, 1, 5);
	EXPECT_OK(space_advise(sp, PAGE(2), ARCH_PAGE_SIZE, ADVICE_GUARD_INSTALL));
	EXPECT_OK(space_protect(sp, PAGE(3), ARCH_PAGE_SIZE, 0));
	EXPECT_OK(space_unmap(sp, PAGE(2), 2 * ARCH_PAGE_SIZE));
	machine_check_invariants();
	sketch_map(sp, 2, 4, PROT_RW, 0);
	assert_int_equal(sketch_load(sp, 2), 0);
	assert_int_equal(sketch_load(sp, 3), 0);
	sketch_store_all(sp, 2, 4);
	assert_int_equal(sketch_load(sp, 4), 4);
	sketch_end(sp);
}

TEST_SUITE(unmap, cmocka_unit_test(odd_entries_go_like_pages),
	   cmocka_unit_test(a_hole_leaves_two_regions),
	   cmocka_unit_test(file_offsets_follow_every_cut),
	   cmocka_unit_test(one_call_spans_regions_and_holes),
	   cmocka_unit_test(neighbours_that_touch_the_range_stay),
	   cmocka_unit_test(lengths_are_rounded_up), cmocka_unit_test(bad_arguments_are_refused),
	   cmocka_unit_test(the_limit_on_regions_forbids_only_holes),
	   cmocka_unit_test(a_failed_allocation_changes_nothing),
	   cmocka_unit_test(guards_do_not_outlive_their_mapping))
