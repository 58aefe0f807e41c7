/* test_brk.c - the heap: growing, shrinking, what stands in the way, limits. */
#include "unit/sketch.h"

static struct space *
heap_space(struct space_layout layout)
{
	layout.brk_start = PAGE(3);
	return sketch_space_with(&layout);
}

/* LUN-B14, DRG-10, DRG-B14:
 * page      1 2 3 4 5 6
 * brk                        asks only
 * brk 5         H H
 * brk 4.5                    the last page stays as long as a byte of it is used
 * brk 4         H
 * brk 3                      all gone; a new heap is zeroed */
static void
the_heap_follows_the_break(void **state)
{
	struct space *sp = heap_space(sketch_layout());

	(void)state;
	assert_int_equal(space_brk(sp, 0), PAGE(3));
	assert_int_equal(space_brk(sp, PAGE(5)), PAGE(5));
	EXPECT_REGIONS(sp, "3-5 rw");
	sketch_store_all(sp, 3, 5);
	assert_int_equal(space_brk(sp, PAGE(4) + 1), PAGE(4) + 1);
	EXPECT_REGIONS(sp, "3-5 rw");
	assert_int_equal(sketch_load(sp, 4), 4);
	assert_int_equal(space_brk(sp, PAGE(4)), PAGE(4));
	EXPECT_REGIONS(sp, "3-4 rw");
	assert_int_equal(sketch_access(sp, ACCESS_LOAD, 4), FAULT_SEGV_MAPERR);
	assert_int_equal(space_brk(sp, PAGE(3)), PAGE(3));
	EXPECT_REGIONS(sp, "");
	assert_int_equal(space_brk(sp, PAGE(4) - 7), PAGE(4) - 7);
	assert_int_equal(sketch_load(sp, 3), 0);
	EXPECT_REGIONS(sp, "3-4 rw");
	sketch_end(sp);
}

/* LUN-11, LUN-B14, DRG-B14, WNX-B11, ALM-B11: its own region is not in the way, the old break is not lost, pages go. */
static void
growing_extends_one_region(void **state)
{
	struct space *sp = heap_space(sketch_layout());

	(void)state;
	for (unsigned page = 4; page < 9; page++)
		assert_int_equal(space_brk(sp, PAGE(page)), PAGE(page));
	EXPECT_REGIONS(sp, "3-8 rw");
	assert_int_equal(sp->data_pages, 5);
	sketch_end(sp);
}

/* DRG-10, WNX-26: Refusals give the break as it was. */
static void
what_cannot_be_is_not(void **state)
{
	const vaddr_t refused[] = { 0,
				    PAGE(3) - 1,
				    PAGE(12) + 1,
				    UINT64_MAX,
				    UINT64_MAX - 100,
				    UINT64_MAX & ~ARCH_PAGE_MASK,
				    PAGE(1) << 40 };
	struct space *sp = heap_space(sketch_layout());

	(void)state;
	assert_int_equal(space_brk(sp, PAGE(5)), PAGE(5));
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		assert_int_equal(space_brk(sp, refused[i]), PAGE(5));
	EXPECT_REGIONS(sp, "3-5 rw");
	assert_int_equal(space_brk(sp, PAGE(12)), PAGE(12));
	EXPECT_REGIONS(sp, "3-12 rw");
	sketch_end(sp);
}

/* LUN-11:
 * page      3 4 5 6 7 8 9 10
 * before    H H           X      rule 12: one page stays free below the next mapping */
static void
one_page_stays_free_below_the_next_mapping(void **state)
{
	struct space *sp = heap_space(sketch_layout());

	(void)state;
	assert_int_equal(space_brk(sp, PAGE(5)), PAGE(5));
	sketch_map(sp, 9, 10, PROT_R, 0);
	assert_int_equal(space_brk(sp, PAGE(8) + 1), PAGE(5));
	assert_int_equal(space_brk(sp, PAGE(8)), PAGE(8));
	assert_int_equal(space_brk(sp, PAGE(9)), PAGE(8));
	EXPECT_REGIONS(sp, "3-8 rw, 9-10 r");
	sketch_end(sp);
}

/* A mapping that grows down keeps its guard gap as well. */
static void
the_guard_gap_of_a_stack_counts(void **state)
{
	struct space *sp = heap_space(sketch_layout());

	(void)state;
	sketch_map(sp, 9, 10, PROT_RW, REGION_GROWSDOWN);
	assert_int_equal(space_brk(sp, PAGE(8)), PAGE(3));
	assert_int_equal(space_brk(sp, PAGE(7)), PAGE(7));
	EXPECT_REGIONS(sp, "3-7 rw, 9-10 rw down");
	sketch_end(sp);
}

/* A mapping right below the heap that agrees with it is one region with it; shrinking cuts it. */
static void
the_heap_joins_its_neighbour(void **state)
{
	struct space *sp = heap_space(sketch_layout());

	(void)state;
	sketch_map(sp, 1, 3, PROT_RW, 0);
	assert_int_equal(space_brk(sp, PAGE(6)), PAGE(6));
	EXPECT_REGIONS(sp, "1-6 rw");
	assert_int_equal(space_brk(sp, PAGE(3)), PAGE(3));
	EXPECT_REGIONS(sp, "1-3 rw");
	sketch_end(sp);
}

/* A program may have unmapped or replaced parts of its heap; shrinking takes what lies there. */
static void
holes_in_the_heap_are_passed_over(void **state)
{
	struct space *sp = heap_space(sketch_layout());

	(void)state;
	assert_int_equal(space_brk(sp, PAGE(8)), PAGE(8));
	EXPECT_OK(space_unmap(sp, PAGE(4), PAGE(1)));
	sketch_map(sp, 6, 7, PROT_R, 0);
	assert_int_equal(space_brk(sp, PAGE(9)), PAGE(9));
	EXPECT_REGIONS(sp, "3-4 rw, 5-6 rw, 6-7 r, 7-9 rw");
	assert_int_equal(space_brk(sp, PAGE(3)), PAGE(3));
	EXPECT_REGIONS(sp, "");
	sketch_end(sp);
}

/* As in Linux: where nothing is left of what the break would give back, it does not move down. */
static void
an_unmapped_heap_keeps_its_break(void **state)
{
	struct space *sp = heap_space(sketch_layout());

	(void)state;
	assert_int_equal(space_brk(sp, PAGE(8)), PAGE(8));
	EXPECT_OK(space_unmap(sp, PAGE(5), PAGE(3)));
	assert_int_equal(space_brk(sp, PAGE(6)), PAGE(8));
	assert_int_equal(space_brk(sp, PAGE(5)), PAGE(8));
	assert_int_equal(space_brk(sp, PAGE(8) - 1), PAGE(8) - 1);
	assert_int_equal(space_brk(sp, PAGE(4)), PAGE(4));
	EXPECT_REGIONS(sp, "3-4 rw");
	sketch_end(sp);
}

/* DRG-10, WNX-26. */
static void
limits_hold_and_shrinking_to_them_is_allowed(void **state)
{
	struct space_layout layout = sketch_layout();
	struct space	   *sp;

	(void)state;
	layout.limit_as = PAGE(5);
	layout.limit_data = PAGE(3) + 100;
	layout.limit_commit = PAGE(2);
	sp = heap_space(layout);
	assert_int_equal(space_brk(sp, PAGE(6)), PAGE(3));
	assert_int_equal(space_brk(sp, PAGE(5)), PAGE(5));
	assert_int_equal(space_brk(sp, PAGE(6) + 100), PAGE(5));
	assert_int_equal(space_brk(sp, PAGE(6)), PAGE(6));
	sp->layout.limit_data = PAGE(2);
	assert_int_equal(space_brk(sp, PAGE(6) - 1), PAGE(6));
	assert_int_equal(space_brk(sp, PAGE(5)), PAGE(5));
	sp->layout.limit_data = UINT64_MAX;
	sketch_map(sp, 1, 3, PROT_R, 0);
	assert_int_equal(space_brk(sp, PAGE(7)), PAGE(5));
	assert_int_equal(space_brk(sp, PAGE(6)), PAGE(6));
	EXPECT_REGIONS(sp, "1-3 r, 3-6 rw");
	sketch_end(sp);
}

static void
a_layout_without_heap_has_none(void **state)
{
	struct space *sp = sketch_space();

	(void)state;
	assert_int_equal(space_brk(sp, 0), 0);
	assert_int_equal(space_brk(sp, PAGE(5)), 0);
	EXPECT_REGIONS(sp, "");
	sketch_end(sp);
}

static void
lack_of_memory_leaves_the_break(void **state)
{
	struct space *sp = heap_space(sketch_layout());
	struct space *child;

	(void)state;
	machine_fail_allocation(1, true);
	assert_int_equal(space_brk(sp, PAGE(5)), PAGE(3));
	machine_fail_allocation(0, false);
	EXPECT_REGIONS(sp, "");
	assert_int_equal(space_brk(sp, PAGE(6)), PAGE(6));
	sketch_store_all(sp, 3, 6);
	EXPECT_OK(space_fork(sp, &child));
	if (ARCH_HAS_UPPER_WRITE_DENIAL) {
		/* Shrinking must copy the table that the child shares. */
		machine_fail_allocation(1, true);
		assert_int_equal(space_brk(sp, PAGE(4)), PAGE(6));
		machine_fail_allocation(0, false);
		EXPECT_REGIONS(sp, "3-6 rw");
	}
	assert_int_equal(space_brk(sp, PAGE(4)), PAGE(4));
	assert_int_equal(sketch_load(child, 5), 5);
	assert_int_equal(space_brk(child, 0), PAGE(6));
	pt_deactivate(&child->pt);
	space_put(child);
	sketch_end(sp);
}

/* WNX-26:
 * page      3 4 5      a heap that begins behind an image's last byte, in the middle of page 3
 * brk 3.6              the page is the image's: nothing to map
 * brk 5.1     H H
 * brk 3.5              back to the start, and not a byte below */
static void
a_heap_may_begin_in_a_page(void **state)
{
	struct space_layout layout = sketch_layout();
	const vaddr_t	    begin = PAGE(3) + ARCH_PAGE_SIZE / 2;
	struct space	   *sp;

	(void)state;
	layout.brk_start = begin;
	sp = sketch_space_with(&layout);
	sketch_map(sp, 3, 4, PROT_RX, 0);
	assert_int_equal(space_brk(sp, 0), begin);
	assert_int_equal(space_brk(sp, begin + 100), begin + 100);
	EXPECT_REGIONS(sp, "3-4 rx");
	assert_int_equal(space_brk(sp, PAGE(5) + 1), PAGE(5) + 1);
	EXPECT_REGIONS(sp, "3-4 rx, 4-6 rw");
	sketch_store_all(sp, 4, 6);
	assert_int_equal(space_brk(sp, begin - 1), PAGE(5) + 1);
	assert_int_equal(space_brk(sp, begin), begin);
	EXPECT_REGIONS(sp, "3-4 rx");
	sketch_end(sp);
}

TEST_SUITE(brk, cmocka_unit_test(the_heap_follows_the_break),
	   cmocka_unit_test(growing_extends_one_region), cmocka_unit_test(what_cannot_be_is_not),
	   cmocka_unit_test(one_page_stays_free_below_the_next_mapping),
	   cmocka_unit_test(the_guard_gap_of_a_stack_counts),
	   cmocka_unit_test(the_heap_joins_its_neighbour),
	   cmocka_unit_test(holes_in_the_heap_are_passed_over),
	   cmocka_unit_test(an_unmapped_heap_keeps_its_break),
	   cmocka_unit_test(limits_hold_and_shrinking_to_them_is_allowed),
	   cmocka_unit_test(a_layout_without_heap_has_none),
	   cmocka_unit_test(lack_of_memory_leaves_the_break),
	   cmocka_unit_test(a_heap_may_begin_in_a_page))
