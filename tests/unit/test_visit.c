/* test_visit.c - leaves are changed in place, for every tree that shares the table; empty tables go. */
#include "pt/visit.h"

#include "unit/pt_fixture.h"

#include "pt/gather.h"
#include "pt/table.h"

static struct gather gather;
static unsigned	     nr_leaves;
static bool	     clears;

static void
see_leaf(struct pt_visit *visit, pfn_t table, unsigned index, vaddr_t va)
{
	(void)visit;
	nr_leaves++;
	if (clears) {
		gather_hold(&gather, entry_pfn(table_set(table, index, arch_pte_empty()), 0));
		gather_page(&gather, va);
	}
}

static void
hold_table(struct pt_visit *visit, pfn_t pfn)
{
	(void)visit;
	gather_table(&gather, 0);
	gather_hold(&gather, pfn);
}

static unsigned
visit(struct pt *pt, struct va_range range)
{
	struct pt_visit v = { .leaf = see_leaf, .hold = hold_table };

	nr_leaves = 0;
	gather_begin(&gather, pt);
	pt_visit_leaves(pt, range, &v);
	gather_end(&gather);
	return nr_leaves;
}

static void
only_leaves_of_the_range_are_seen(void **state)
{
	struct pt pt;

	(void)state;
	machine_fresh();
	pt = tree_make();
	clears = false;
	tree_put(&pt, leaf_va(0, 0), PROT_RW);
	tree_put(&pt, leaf_va(0, 2), PROT_RW);
	tree_put(&pt, leaf_va(1, 1), PROT_RW);
	assert_int_equal(visit(&pt, va_range(0, ARCH_USER_END)), 3);
	assert_int_equal(visit(&pt, va_range(leaf_va(0, 1), leaf_va(1, 1))), 1);
	assert_int_equal(visit(&pt, va_range(leaf_va(0, 1), leaf_va(0, 2))), 0);
	tree_drop(&pt);
	machine_check();
}

static void
empty_tables_are_unhooked_up_to_the_root(void **state)
{
	uint64_t  frees;
	struct pt pt;

	(void)state;
	machine_fresh();
	pt = tree_make();
	clears = true;
	tree_put(&pt, leaf_va(0, 0), PROT_RW);
	tree_put(&pt, leaf_va(0, 1), PROT_RW);
	assert_int_equal(visit(&pt, va_range(leaf_va(0, 0), leaf_va(0, 1))), 1);
	assert_int_equal(table_live(pt.root), 1);
	frees = stat_get(STAT_TABLE_FREES);
	assert_int_equal(visit(&pt, va_range(0, ARCH_USER_END)), 1);
	assert_int_equal(table_live(pt.root), 0);
	assert_int_equal(stat_get(STAT_TABLE_FREES) - frees, ARCH_PT_LEVELS - 1);
	tree_drop(&pt);
	machine_check();
}

/* parent and child name one tree of tables: the first visit changes it for both, the second one
 * finds it empty below the other root */
static void
a_shared_table_is_emptied_once_and_unhooked_everywhere(void **state)
{
	struct pt parent, child;

	(void)state;
	machine_fresh();
	parent = tree_make();
	clears = true;
	tree_put(&parent, leaf_va(0, 0), PROT_RW);
	child = tree_fork(&parent);
	assert_int_equal(visit(&parent, va_range(0, ARCH_USER_END)), 1);
	assert_int_equal(table_live(parent.root), 0);
	assert_int_equal(visit(&child, va_range(0, ARCH_USER_END)),
			 ARCH_HAS_UPPER_WRITE_DENIAL ? 0 : 1);
	assert_int_equal(table_live(child.root), 0);
	tree_drop(&parent);
	tree_drop(&child);
	machine_check();
}

TEST_SUITE(visit, cmocka_unit_test(only_leaves_of_the_range_are_seen),
	   cmocka_unit_test(empty_tables_are_unhooked_up_to_the_root),
	   cmocka_unit_test(a_shared_table_is_emptied_once_and_unhooked_everywhere))
