/* test_scan.c - every entry of a range is told once, in order, and nothing is changed. */
#include "unit/pt_fixture.h"

#include "pt/scan.h"

struct notes {
	struct pt_scan scan;
	vaddr_t	       va[8];
	bool	       shared[8];
	bool	       is_mark[8];
	unsigned       nr;
};

static void
note(struct pt_scan *scan, pte_t pte, vaddr_t va, bool shared)
{
	struct notes *n = CONTAINER_OF(scan, struct notes, scan);

	assert_true(n->nr < ARRAY_SIZE(n->va));
	n->va[n->nr] = va;
	n->shared[n->nr] = shared;
	n->is_mark[n->nr++] = arch_pte_kind(pte, 0) == PTE_MARK;
}

static struct notes
scan(struct pt *pt, struct va_range range)
{
	struct notes n = { .scan.entry = note };

	stats_note();
	pt_scan_range(pt, range, &n.scan);
	EXPECT_STAT(PTE_WRITES, 0);
	return n;
}

/* table     0          1
 * page      0 1 2 3    0 1
 * entries   P . G .    . P */
static void
entries_come_in_order(void **state)
{
	struct notes n;
	struct pt    pt;

	(void)state;
	machine_fresh();
	pt = tree_make();
	tree_put(&pt, leaf_va(0, 0), PROT_RW);
	tree_mark(&pt, pages(leaf_va(0, 2), 1));
	tree_put(&pt, leaf_va(1, 1), PROT_R);
	n = scan(&pt, ALL_USER);
	assert_int_equal(n.nr, 3);
	assert_true(n.va[0] == leaf_va(0, 0) && n.va[1] == leaf_va(0, 2) &&
		    n.va[2] == leaf_va(1, 1));
	assert_true(!n.is_mark[0] && n.is_mark[1] && !n.is_mark[2]);
	assert_int_equal(n.scan.nr_tables, ARCH_PT_LEVELS);
	n = scan(&pt, pages(leaf_va(0, 1), 3));
	assert_int_equal(n.nr, 1);
	assert_int_equal(n.scan.nr_tables, ARCH_PT_LEVELS - 1);
	n = scan(&pt, pages(leaf_va(0, 1), 1));
	assert_int_equal(n.nr, 0);
	assert_int_equal(n.scan.nr_tables, 0);
	tree_drop(&pt);
}

/* After a fork all is shared; what one writes again is its own. */
static void
a_shared_path_is_told(void **state)
{
	struct pt    parent, child;
	struct notes n;

	(void)state;
	machine_fresh();
	parent = tree_make();
	tree_put(&parent, leaf_va(0, 0), PROT_RW);
	tree_put(&parent, leaf_va(1, 0), PROT_RW);
	child = tree_fork(&parent);
	n = scan(&parent, ALL_USER);
	assert_true(n.nr == 2 && n.shared[0] == ARCH_HAS_UPPER_WRITE_DENIAL);
	tree_make_exclusive(&parent, leaf_va(0, 0));
	n = scan(&parent, ALL_USER);
	assert_true(n.nr == 2 && !n.shared[0] && n.shared[1] == ARCH_HAS_UPPER_WRITE_DENIAL);
	tree_drop(&child);
	n = scan(&parent, ALL_USER);
	assert_true(n.nr == 2 && !n.shared[0] && !n.shared[1]);
	tree_drop(&parent);
}

TEST_SUITE(scan, cmocka_unit_test(entries_come_in_order), cmocka_unit_test(a_shared_path_is_told))
