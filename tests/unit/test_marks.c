/* test_marks.c - finding runs of marks: ends of runs, types, borders of tables, sharing. */
#include "unit/pt_fixture.h"

static void
mark(struct pt *pt, struct va_range range)
{
	const struct pte_mark guard = { .type = MARK_GUARD };
	struct pt_plan	      plan;
	struct gather	      g;

	EXPECT_OK(pt_plan_mark(&plan, pt, range));
	gather_begin(&g, pt);
	pt_mark(pt, range, guard, &plan, &g);
	gather_end(&g);
	pt_plan_drop(&plan);
}

static void
expect_run(struct pt *pt, struct va_range range, struct va_range wanted)
{
	struct va_range run;

	assert_true(pt_next_mark(pt, range, MARK_GUARD, &run));
	assert_int_equal(run.start, wanted.start);
	assert_int_equal(run.end, wanted.end);
}

/* table     0               1
 * page      0 1 2 .. last   0 1 2
 * marks     . G G    G      G . P      the run over the border is one; a page ends it */
static void
runs_end_where_something_else_is(void **state)
{
	struct va_range untouched = va_range(1, 2);
	struct pt	pt;

	(void)state;
	machine_fresh();
	pt = tree_make();
	assert_false(pt_next_mark(&pt, ALL_USER, MARK_GUARD, &untouched));
	assert_int_equal(untouched.start, 1);
	tree_put(&pt, leaf_va(1, 2), PROT_RW);
	assert_false(pt_next_mark(&pt, ALL_USER, MARK_GUARD, &untouched));
	mark(&pt, pages(leaf_va(0, 1), 2));
	mark(&pt, pages(leaf_va(1, 0) - ARCH_PAGE_SIZE, 2));
	if (ARCH_PT_ENTRIES > 4)
		expect_run(&pt, ALL_USER, pages(leaf_va(0, 1), 2));
	else
		expect_run(&pt, ALL_USER, pages(leaf_va(0, 1), 4));
	expect_run(&pt, va_range(leaf_va(0, 2), ARCH_USER_END),
		   ARCH_PT_ENTRIES > 4 ? pages(leaf_va(0, 2), 1) : pages(leaf_va(0, 2), 3));
	expect_run(&pt, va_range(leaf_va(0, 3), ARCH_USER_END),
		   pages(leaf_va(1, 0) - ARCH_PAGE_SIZE, 2));
	expect_run(&pt, pages(leaf_va(1, 0), 1), pages(leaf_va(1, 0), 1));
	assert_false(pt_next_mark(&pt, pages(leaf_va(1, 1), 2), MARK_GUARD, &untouched));
	assert_false(pt_next_mark(&pt, ALL_USER, MARK_SWAP, &untouched));
	assert_false(
		pt_next_mark(&pt, va_range(leaf_va(0, 1), leaf_va(0, 1)), MARK_GUARD, &untouched));
	tree_drop(&pt);
}

TEST_SUITE(marks, cmocka_unit_test(runs_end_where_something_else_is))
