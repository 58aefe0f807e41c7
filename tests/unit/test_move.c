/* test_move.c - entries that change places: within a table, between tables, whole tables, sharing. */
#include "unit/pt_fixture.h"

static void
move(struct pt *pt, struct va_range from, vaddr_t to)
{
	struct pt_plan plan;
	struct gather  g;

	EXPECT_OK(pt_plan_move(&plan, pt, from, to));
	gather_begin(&g, pt);
	pt_move(pt, from, to, &plan, &g);
	gather_end(&g);
	pt_plan_drop(&plan);
}

/* page      0 1 2 3          all in one leaf table
 * before    a b . .
 * move      |-> 2
 * after     . . a b */
static void
pages_keep_their_frames_and_rights(void **state)
{
	struct pt pt;
	pfn_t	  a, b;

	(void)state;
	machine_fresh();
	pt = tree_make();
	a = tree_put(&pt, leaf_va(0, 0), PROT_RW);
	b = tree_put(&pt, leaf_va(0, 1), PROT_R);
	move(&pt, pages(leaf_va(0, 0), 2), leaf_va(0, 2));
	EXPECT_NO_PAGE(&pt, leaf_va(0, 0));
	EXPECT_NO_PAGE(&pt, leaf_va(0, 1));
	EXPECT_PAGE(&pt, leaf_va(0, 2), a, PROT_RW);
	EXPECT_PAGE(&pt, leaf_va(0, 3), b, PROT_R);
	TREE_CHECK(&pt);
	tree_drop(&pt);
}

/* A range that straddles tables lands straddling others; a table that is left empty goes, new ones come. */
static void
borders_of_tables_do_not_matter(void **state)
{
	const unsigned n = 4;
	const vaddr_t  from = leaf_va(2, 0) - 2 * ARCH_PAGE_SIZE;
	const vaddr_t  to = leaf_va(1, 0) - 3 * ARCH_PAGE_SIZE;
	struct pt      pt;
	pfn_t	       pfn[4];

	(void)state;
	machine_fresh();
	pt = tree_make();
	for (unsigned i = 0; i < n; i++)
		pfn[i] = tree_put(&pt, from + i * ARCH_PAGE_SIZE, PROT_RW);
	move(&pt, pages(from, n), to);
	for (unsigned i = 0; i < n; i++)
		EXPECT_PAGE(&pt, to + i * ARCH_PAGE_SIZE, pfn[i], PROT_RW);
	assert_true(pfn_is_none(table_at(&pt, leaf_va(2, 0), 0)));
	TREE_CHECK(&pt);
	tree_drop(&pt);
}

/* The same alignment before and after: the table itself is hooked in elsewhere, entries are not touched. */
static void
a_whole_table_moves_by_its_slot(void **state)
{
	struct pt pt;
	pfn_t	  first, last, table;

	(void)state;
	machine_fresh();
	pt = tree_make();
	first = tree_put(&pt, leaf_va(1, 0), PROT_RW);
	last = tree_put(&pt, leaf_va(2, 0) - ARCH_PAGE_SIZE, PROT_R);
	tree_put(&pt, leaf_va(0, 0), PROT_RW);
	table = table_at(&pt, leaf_va(1, 0), 0);
	stats_note();
	move(&pt, va_range(leaf_va(1, 0), leaf_va(2, 0)), leaf_va(2, 0));
	EXPECT_STAT(PTE_WRITES, 2);
	assert_true(pfn_eq(table_at(&pt, leaf_va(2, 0), 0), table));
	EXPECT_NO_PAGE(&pt, leaf_va(1, 0));
	EXPECT_PAGE(&pt, leaf_va(2, 0), first, PROT_RW);
	EXPECT_PAGE(&pt, leaf_va(3, 0) - ARCH_PAGE_SIZE, last, PROT_R);
	TREE_CHECK(&pt);
	tree_drop(&pt);
}

/* Marks and gaps between pages move like pages. */
static void
marks_and_holes_move_too(void **state)
{
	struct va_range run;
	struct pt	pt;
	pfn_t		a;

	(void)state;
	machine_fresh();
	pt = tree_make();
	a = tree_put(&pt, leaf_va(0, 0), PROT_RW);
	tree_mark(&pt, pages(leaf_va(0, 2), 1));
	move(&pt, pages(leaf_va(0, 0), 3), leaf_va(1, 1));
	EXPECT_PAGE(&pt, leaf_va(1, 1), a, PROT_RW);
	assert_true(pt_next_mark(&pt, ALL_USER, MARK_GUARD, &run));
	assert_int_equal(run.start, leaf_va(1, 3));
	assert_int_equal(run.end, leaf_va(1, 3) + ARCH_PAGE_SIZE);
	TREE_CHECK(&pt);
	tree_drop(&pt);
}

/* After a fork the parent moves: the child's pages stay where they were, and both can only read them. */
static void
a_fork_does_not_see_the_move(void **state)
{
	struct pt parent, child;
	pfn_t	  a, b;

	(void)state;
	machine_fresh();
	parent = tree_make();
	a = tree_put(&parent, leaf_va(0, 0), PROT_RW);
	b = tree_put(&parent, leaf_va(0, 1), PROT_RW);
	tree_put_zero(&parent, leaf_va(0, 2));
	child = tree_fork(&parent);
	move(&parent, pages(leaf_va(0, 1), 2), leaf_va(1, 0));
	EXPECT_PAGE(&parent, leaf_va(0, 0), a, PROT_R);
	EXPECT_NO_PAGE(&parent, leaf_va(0, 1));
	EXPECT_PAGE(&parent, leaf_va(1, 0), b, PROT_R);
	EXPECT_PAGE(&child, leaf_va(0, 0), a, PROT_R);
	EXPECT_PAGE(&child, leaf_va(0, 1), b, PROT_R);
	EXPECT_NO_PAGE(&child, leaf_va(1, 0));
	TREE_CHECK(&parent, &child);
	tree_drop(&child);
	tree_drop(&parent);
}

/* A whole table that is shared is copied first: the child keeps the old one. */
static void
a_shared_table_is_copied_before_it_moves(void **state)
{
	struct pt parent, child;
	pfn_t	  a, b;

	(void)state;
	machine_fresh();
	parent = tree_make();
	a = tree_put(&parent, leaf_va(1, 0), PROT_RW);
	b = tree_put(&parent, leaf_va(0, 3), PROT_RW);
	child = tree_fork(&parent);
	move(&parent, va_range(leaf_va(1, 0), leaf_va(2, 0)), leaf_va(2, 0));
	EXPECT_NO_PAGE(&parent, leaf_va(1, 0));
	EXPECT_PAGE(&parent, leaf_va(2, 0), a, PROT_R);
	EXPECT_PAGE(&child, leaf_va(1, 0), a, PROT_R);
	EXPECT_PAGE(&child, leaf_va(0, 3), b, PROT_R);
	TREE_CHECK(&parent, &child);
	tree_drop(&child);
	tree_drop(&parent);
}

/* Nothing there: no table is made, none is copied. */
static void
an_empty_range_costs_nothing(void **state)
{
	struct pt parent, child;

	(void)state;
	machine_fresh();
	parent = tree_make();
	tree_put(&parent, leaf_va(0, 3), PROT_RW);
	child = tree_fork(&parent);
	stats_note();
	move(&parent, pages(leaf_va(0, 0), 3), leaf_va(1, 0));
	EXPECT_STAT(TABLE_ALLOCS, 0);
	EXPECT_STAT(PTE_WRITES, 0);
	TREE_CHECK(&parent, &child);
	tree_drop(&child);
	tree_drop(&parent);
}

/* Every allocation of the plan fails once: nothing is held afterwards, nothing has moved. */
static void
a_plan_that_fails_holds_nothing(void **state)
{
	struct pt_plan plan;
	struct pt      parent, child;
	unsigned       failures = 0;
	pfn_t	       a;
	err_t	       err;

	(void)state;
	machine_fresh();
	parent = tree_make();
	a = tree_put(&parent, leaf_va(0, 1), PROT_RW);
	child = tree_fork(&parent);
	for (;; failures++) {
		machine_fail_allocation(failures + 1, false);
		err = pt_plan_move(&plan, &parent, pages(leaf_va(0, 0), 2), leaf_va(2, 1));
		machine_fail_allocation(0, false);
		if (err == OK)
			break;
		EXPECT_ERR(err, ERR_NOMEM);
		TREE_CHECK(&parent, &child);
	}
	assert_true(failures > 0);
	pt_plan_drop(&plan);
	EXPECT_PAGE(&parent, leaf_va(0, 1), a, PROT_R);
	TREE_CHECK(&parent, &child);
	tree_drop(&child);
	tree_drop(&parent);
}

/* On the way to the new place is a table that has to be copied, and has a page with a full count. */
static void
a_full_count_at_the_new_place_refuses_the_plan(void **state)
{
	struct pt_plan plan;
	struct pt      parent, child;
	pfn_t	       there;

	(void)state;
	machine_fresh();
	parent = tree_make();
	(void)tree_put(&parent, leaf_va(0, 1), PROT_RW);
	there = tree_put(&parent, leaf_va(2, 0), PROT_RW);
	child = tree_fork(&parent);
	if (ARCH_HAS_UPPER_WRITE_DENIAL) {
		atomic_store(&frame_of(there)->count, FRAME_COUNT_MAX);
		EXPECT_ERR(pt_plan_move(&plan, &parent, pages(leaf_va(0, 1), 1), leaf_va(2, 1)),
			   ERR_OVERFLOW);
		atomic_store(&frame_of(there)->count, 1);
		TREE_CHECK(&parent, &child);
	}
	move(&parent, pages(leaf_va(0, 1), 1), leaf_va(2, 1));
	TREE_CHECK(&parent, &child);
	tree_drop(&child);
	tree_drop(&parent);
}

TEST_SUITE(move, cmocka_unit_test(a_full_count_at_the_new_place_refuses_the_plan),
	   cmocka_unit_test(pages_keep_their_frames_and_rights),
	   cmocka_unit_test(borders_of_tables_do_not_matter),
	   cmocka_unit_test(a_whole_table_moves_by_its_slot),
	   cmocka_unit_test(marks_and_holes_move_too),
	   cmocka_unit_test(a_fork_does_not_see_the_move),
	   cmocka_unit_test(a_shared_table_is_copied_before_it_moves),
	   cmocka_unit_test(an_empty_range_costs_nothing),
	   cmocka_unit_test(a_plan_that_fails_holds_nothing))
