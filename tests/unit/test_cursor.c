/*
 * test_cursor.c - positions in a tree: paths made exclusive, tables made when
 * they are needed and not before, and looks that change nothing.
 */
#include "unit/pt_fixture.h"

/* Tables that a fork leaves shared on the way to a page. */
#define SHARED_TABLES (ARCH_HAS_UPPER_WRITE_DENIAL ? ROOT_LEVEL : 0)

static void
drop_both(struct pt *parent, struct pt *child)
{
	TREE_CHECK(parent, child);
	tree_drop(child);
	TREE_CHECK(parent);
	tree_drop(parent);
	machine_check();
}

/*
 * LUN-17:
 * root [ . . . ]   open, look, close: the tables that were made aside go again
 */
static void
nothing_is_made_when_nothing_is_set(void **state)
{
	struct pt_cursor cur;
	struct gather	 g;
	struct pt	 pt;

	(void)state;
	machine_fresh();
	pt = tree_make();
	stats_note();
	gather_begin(&g, &pt);
	EXPECT_OK(pt_cursor_open(&cur, &pt, leaf_va(1, 2) + 123, &g));
	assert_true(cur.va == leaf_va(1, 2));
	assert_true(arch_pte_equal(pt_cursor_get(&cur), arch_pte_empty()));
	assert_int_equal(table_live(pt.root), 0);
	pt_cursor_close(&cur);
	gather_end(&g);
	assert_false(cur.changed_path);
	EXPECT_STAT(TABLE_ALLOCS, ROOT_LEVEL);
	EXPECT_STAT(TABLE_FREES, ROOT_LEVEL);
	EXPECT_STAT(FLUSH_PAGES, 0);
	TREE_CHECK(&pt);
	tree_drop(&pt);
	machine_check();
}

/* LUN-17:
 * root [ . . . ]   set:  root [ T . . ] ── ... ── leaf [ . A . . ]
 * a second page of the same table: no table more */
static void
set_hooks_the_missing_tables_in(void **state)
{
	struct pt pt;
	pfn_t	  a, b;

	(void)state;
	machine_fresh();
	pt = tree_make();
	stats_note();
	a = tree_put(&pt, leaf_va(0, 1), PROT_RW);
	EXPECT_STAT(TABLE_ALLOCS, ROOT_LEVEL);
	EXPECT_STAT(PTE_WRITES, ARCH_PT_LEVELS);
	b = tree_put(&pt, leaf_va(0, 3), PROT_R);
	EXPECT_STAT(TABLE_ALLOCS, ROOT_LEVEL);
	EXPECT_STAT(TABLE_SPLITS, 0);
	TREE_CHECK(&pt);
	EXPECT_PAGE(&pt, leaf_va(0, 1), a, PROT_RW);
	EXPECT_PAGE(&pt, leaf_va(0, 3), b, PROT_R);
	EXPECT_NO_PAGE(&pt, leaf_va(0, 0));
	EXPECT_NO_PAGE(&pt, leaf_va(0, 2));
	EXPECT_NO_PAGE(&pt, leaf_va(1, 1));
	tree_drop(&pt);
	machine_check();
}

/* CAM-02. */
static void
set_gives_the_old_entry(void **state)
{
	struct pt_cursor cur;
	struct gather	 g;
	struct pt	 pt;
	pfn_t		 a, b;

	(void)state;
	machine_fresh();
	pt = tree_make();
	a = tree_put(&pt, leaf_va(0, 1), PROT_RW);
	b = page_make(FRAME_ANON);
	gather_begin(&g, &pt);
	EXPECT_OK(pt_cursor_open(&cur, &pt, leaf_va(0, 1), &g));
	assert_true(pfn_eq(entry_pfn(pt_cursor_get(&cur), 0), a));
	assert_true(pfn_eq(
		entry_pfn(pt_cursor_set(&cur,
					arch_pte_leaf((struct pte_leaf){
						.pfn = b, .prot = PROT_R, .is_private = true })),
			  0),
		a));
	pt_cursor_close(&cur);
	gather_page(&g, leaf_va(0, 1));
	gather_hold(&g, a);
	gather_end(&g);
	EXPECT_PAGE(&pt, leaf_va(0, 1), b, PROT_R);
	TREE_CHECK(&pt);
	tree_drop(&pt);
	machine_check();
}

/* LUN-17, WNX-18. */
static void
no_memory_for_a_missing_table_changes_nothing(void **state)
{
	struct pt_cursor cur;
	struct gather	 g;
	struct pt	 pt;

	(void)state;
	machine_fresh();
	pt = tree_make();
	for (unsigned n = 1; n <= ROOT_LEVEL; n++) {
		gather_begin(&g, &pt);
		machine_fail_allocation(n, false);
		EXPECT_ERR(pt_cursor_open(&cur, &pt, leaf_va(0, 0), &g), ERR_NOMEM);
		gather_end(&g);
		TREE_CHECK(&pt);
		assert_int_equal(table_live(pt.root), 0);
	}
	tree_drop(&pt);
	machine_check();
}

/* parent [ ]──┐ ┌──[ ] child       parent [ ]     [ W ] child
 *             ▼ ▼                          │        │
 *              T             child          T        T'      one per level
 *              │             opens          │        │
 *              L                            L        L'
 *              A rw                           A r (2) */
static void
one_table_per_level_is_copied_for_a_writer(void **state)
{
	struct pt parent, child;
	vaddr_t	  va = leaf_va(0, 1);
	pfn_t	  a;

	(void)state;
	machine_fresh();
	parent = tree_make();
	a = tree_put(&parent, va, PROT_RW);
	tree_put(&parent, leaf_va(1, 0), PROT_RW);
	child = tree_fork(&parent);
	TREE_CHECK(&parent, &child);
	stats_note();
	assert_int_equal(tree_make_exclusive(&child, va), SHARED_TABLES > 0);
	EXPECT_STAT(TABLE_SPLITS, SHARED_TABLES);
	EXPECT_STAT(TABLE_ALLOCS, SHARED_TABLES);
	EXPECT_STAT(TABLE_FREES, 0);
	TREE_CHECK(&parent, &child);
	for (unsigned level = 0; level < ROOT_LEVEL; level++)
		assert_false(pfn_eq(table_at(&parent, va, level), table_at(&child, va, level)));
	for (unsigned level = 1; level <= ROOT_LEVEL; level++)
		assert_true(slot_is_writable(&child, va, level));
	/* The page itself is still shared: the fault decides about it. */
	EXPECT_PAGE(&child, va, a, PROT_R);
	EXPECT_PAGE(&parent, va, a, PROT_R);
	assert_int_equal(frame_count(a), 2);
	drop_both(&parent, &child);
}

/* After the child has its own path, the parent's tables are the parent's alone: taken over
 * level by level, nothing copied, no flush. Opened once more: nothing to do. */
static void
the_last_owner_takes_the_path_over(void **state)
{
	struct pt parent, child;
	vaddr_t	  va = leaf_va(0, 1);

	(void)state;
	machine_fresh();
	parent = tree_make();
	tree_put(&parent, va, PROT_RW);
	child = tree_fork(&parent);
	tree_make_exclusive(&child, va);
	stats_note();
	assert_int_equal(tree_make_exclusive(&parent, va), SHARED_TABLES > 0);
	EXPECT_STAT(TABLE_RECLAIMS, SHARED_TABLES);
	EXPECT_STAT(TABLE_SPLITS, 0);
	EXPECT_STAT(TABLE_ALLOCS, 0);
	EXPECT_STAT(COUNT_CHANGES, 0);
	assert_false(tree_make_exclusive(&parent, va));
	assert_false(tree_make_exclusive(&child, va));
	EXPECT_STAT(PTE_WRITES, SHARED_TABLES);
	drop_both(&parent, &child);
}

/* The child is gone before anybody wrote: one write bit per root slot gives all back. */
static void
the_parent_of_a_dead_child_sets_one_bit(void **state)
{
	struct pt parent, child;
	vaddr_t	  va = leaf_va(0, 1);
	pfn_t	  a;

	(void)state;
	machine_fresh();
	parent = tree_make();
	a = tree_put(&parent, va, PROT_RW);
	child = tree_fork(&parent);
	tree_drop(&child);
	stats_note();
	tree_make_exclusive(&parent, va);
	EXPECT_STAT(TABLE_RECLAIMS, ARCH_HAS_UPPER_WRITE_DENIAL);
	EXPECT_STAT(PTE_WRITES, ARCH_HAS_UPPER_WRITE_DENIAL);
	EXPECT_PAGE(&parent, va, a, ARCH_HAS_UPPER_WRITE_DENIAL ? PROT_RW : PROT_R);
	TREE_CHECK(&parent);
	tree_drop(&parent);
	machine_check();
}

/* What was replaced keeps its count until the flush. */
static void
replaced_tables_live_until_the_flush(void **state)
{
	struct pt	 parent, child;
	struct pt_cursor cur;
	struct gather	 g;
	vaddr_t		 va = leaf_va(0, 1);
	pfn_t		 top;

	(void)state;
	machine_fresh();
	parent = tree_make();
	tree_put(&parent, va, PROT_RW);
	child = tree_fork(&parent);
	top = table_at(&child, va, ROOT_LEVEL - 1);
	gather_begin(&g, &child);
	EXPECT_OK(pt_cursor_open(&cur, &child, va, &g));
	pt_cursor_close(&cur);
	if (SHARED_TABLES) {
		assert_int_equal(g.held.nr, SHARED_TABLES);
		assert_true(pfn_eq(g.held.frames[0], top));
		assert_int_equal(g.nr_pages, 1); /* one page stands for all partial walks */
		assert_int_equal(frame_count(top), 2);
	}
	gather_end(&g);
	assert_int_equal(frame_count(top), 1);
	drop_both(&parent, &child);
}

/* Memory ends at each of the copies: what was made exclusive stays, the rest is shared. */
static void
no_memory_for_a_copy_leaves_a_whole_tree(void **state)
{
	struct pt	 parent, child;
	struct pt_cursor cur;
	struct gather	 g;
	vaddr_t		 va = leaf_va(0, 1);
	pfn_t		 a;

	(void)state;
	machine_fresh();
	parent = tree_make();
	a = tree_put(&parent, va, PROT_RW);
	for (unsigned n = 1; n <= SHARED_TABLES; n++) {
		child = tree_fork(&parent);
		gather_begin(&g, &child);
		machine_fail_allocation(n, false);
		EXPECT_ERR(pt_cursor_open(&cur, &child, va, &g), ERR_NOMEM);
		gather_end(&g);
		TREE_CHECK(&parent, &child);
		EXPECT_PAGE(&child, va, a, PROT_R);
		EXPECT_OK((gather_begin(&g, &child), pt_cursor_open(&cur, &child, va, &g)));
		pt_cursor_close(&cur);
		gather_end(&g);
		TREE_CHECK(&parent, &child);
		tree_drop(&child);
	}
	TREE_CHECK(&parent);
	tree_drop(&parent);
	machine_check();
}

static void
a_full_count_refuses_the_path(void **state)
{
	struct pt	 parent, child;
	struct pt_cursor cur;
	struct gather	 g;
	vaddr_t		 va = leaf_va(0, 1);
	uint32_t	 before;
	pfn_t		 a;

	(void)state;
	machine_fresh();
	parent = tree_make();
	a = tree_put(&parent, va, PROT_RW);
	child = tree_fork(&parent);
	before = frame_count(a);
	atomic_store(&frame_of(a)->count, FRAME_COUNT_MAX);
	gather_begin(&g, &child);
	if (SHARED_TABLES)
		EXPECT_ERR(pt_cursor_open(&cur, &child, va, &g), ERR_OVERFLOW);
	gather_end(&g);
	atomic_store(&frame_of(a)->count, before);
	drop_both(&parent, &child);
}

/* view:  the level at which the walk ends, and what stands there */
static void
a_look_ends_where_the_tree_ends(void **state)
{
	struct pt_view view;
	struct pt      pt;
	pfn_t	       a;

	(void)state;
	machine_fresh();
	pt = tree_make();
	view = pt_look(&pt, leaf_va(0, 1));
	assert_int_equal(view.level, ROOT_LEVEL);
	assert_true(pfn_eq(view.table, pt.root));
	a = tree_put(&pt, leaf_va(0, 1), PROT_RW);
	stats_note();
	view = pt_look(&pt, leaf_va(0, 1) + 77);
	assert_int_equal(view.level, 0);
	assert_int_equal(view.index, 1);
	assert_true(pfn_eq(entry_pfn(view.pte, 0), a));
	assert_true(view.path_writable);
	view = pt_look(&pt, leaf_va(0, 2));
	assert_int_equal(view.level, 0);
	assert_int_equal(arch_pte_kind(view.pte, 0), PTE_EMPTY);
	view = pt_look(&pt, leaf_va(1, 1));
	assert_int_equal(view.level, 1);
	assert_int_equal(arch_pte_kind(view.pte, 1), PTE_EMPTY);
	assert_false(pt_view_allows(&view, ACCESS_LOAD));
	EXPECT_STAT(PTE_WRITES, 0);
	EXPECT_STAT(TABLE_ALLOCS, 0);
	TREE_CHECK(&pt);
	tree_drop(&pt);
	machine_check();
}

static void
a_locked_look_keeps_the_table_of_its_entry(void **state)
{
	struct pt_view view;
	struct pt      pt;

	(void)state;
	machine_fresh();
	pt = tree_make();
	tree_put(&pt, leaf_va(0, 1), PROT_RW);
	view = pt_look_locked(&pt, leaf_va(0, 1));
	assert_int_equal(frame_of(view.table)->lock, BYTE_LOCKED | TABLE_VISIBLE);
	assert_int_equal(frame_of(pt.root)->lock, 0);
	pt_look_done(&view);
	TREE_CHECK(&pt);
	tree_drop(&pt);
	machine_check();
}

/* WNX-21, CAM-02: What a view allows is what the machine's own decoder allows. */
static void
a_view_allows_what_hardware_does(void **state)
{
	static const prot_t prots[] = { 0, PROT_R, PROT_RW, PROT_RX, PROT_RWX };
	struct pt	    pt;

	(void)state;
	machine_fresh();
	for (unsigned i = 0; i < ARRAY_SIZE(prots); i++) {
		struct machine_translation t;
		struct pt_view		   view;

		pt = tree_make();
		tree_put(&pt, leaf_va(2, 3), prots[i]);
		view = pt_look(&pt, leaf_va(2, 3));
		t = machine_translate(pt.root, leaf_va(2, 3));
		for (unsigned a = ACCESS_LOAD; a <= ACCESS_FETCH; a++)
			assert_int_equal(pt_view_allows(&view, (enum access)a),
					 (t.prot & access_prot((enum access)a)) != 0);
		assert_int_equal(t.prot, prots[i]);
		tree_drop(&pt);
	}
	machine_check();
}

/* A denial anywhere on the way is enough; reading is not touched by it. */
static void
a_path_that_denies_writing_is_seen(void **state)
{
	struct pt      parent, child;
	struct pt_view view;

	(void)state;
	machine_fresh();
	parent = tree_make();
	tree_put(&parent, leaf_va(0, 1), PROT_RW);
	child = tree_fork(&parent);
	view = pt_look(&parent, leaf_va(0, 1));
	assert_int_equal(view.path_writable, !ARCH_HAS_UPPER_WRITE_DENIAL);
	assert_false(pt_view_allows(&view, ACCESS_STORE));
	assert_true(pt_view_allows(&view, ACCESS_LOAD));
	drop_both(&parent, &child);
}

static void
marks_and_no_access_allow_nothing(void **state)
{
	struct pt_view view;
	struct pt      pt;

	(void)state;
	machine_fresh();
	pt = tree_make();
	tree_mark(&pt, pages(leaf_va(0, 1), 1));
	tree_put(&pt, leaf_va(0, 2), 0);
	for (unsigned a = ACCESS_LOAD; a <= ACCESS_FETCH; a++) {
		view = pt_look(&pt, leaf_va(0, 1));
		assert_false(pt_view_allows(&view, (enum access)a));
		view = pt_look(&pt, leaf_va(0, 2));
		assert_false(pt_view_allows(&view, (enum access)a));
	}
	TREE_CHECK(&pt);
	tree_drop(&pt);
	machine_check();
}

/* Several CPUs. */

static struct {
	struct pt  parent;
	struct pt  child;
	vaddr_t	   vas[2];
	struct pt *trees[2];
} race;

static void
open_and_close(unsigned i)
{
	struct pt_cursor cur;
	struct gather	 g;

	pt_activate(race.trees[i]);
	gather_begin(&g, race.trees[i]);
	EXPECT_OK(pt_cursor_open(&cur, race.trees[i], race.vas[i], &g));
	pt_cursor_close(&cur);
	gather_end(&g);
	pt_deactivate(race.trees[i]);
}

static void
open_first(void *arg)
{
	(void)arg;
	open_and_close(0);
}

static void
open_second(void *arg)
{
	(void)arg;
	open_and_close(1);
}

static void
run_race(struct pt *first, struct pt *second, vaddr_t va0, vaddr_t va1, uint64_t seed)
{
	void (*const bodies[])(void *) = { open_first, open_second };

	machine_fresh_with(&(struct machine_config){ .nr_cpus = 2, .nr_frames = 4096 });
	race.parent = tree_make();
	tree_put(&race.parent, va0, PROT_RW);
	if (va1 != va0)
		tree_put(&race.parent, va1, PROT_RW);
	race.child = tree_fork(&race.parent);
	race.trees[0] = first;
	race.trees[1] = second;
	race.vas[0] = va0;
	race.vas[1] = va1;
	stats_note();
	machine_race(2, bodies, NULL,
		     &(struct machine_schedule){ .policy = RACE_RANDOM, .param = 3, .seed = seed });
	TREE_CHECK(&race.parent, &race.child);
}

/* Two CPUs fault on one page of one space: each table is copied once. */
static void
two_cpus_of_one_space_copy_each_table_once(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 30; seed++) {
		run_race(&race.child, &race.child, leaf_va(0, 1), leaf_va(0, 1), seed);
		EXPECT_STAT(TABLE_SPLITS, SHARED_TABLES);
		drop_both(&race.parent, &race.child);
	}
}

/* Parent and child at once: each gets a path of its own, by copy or as the last owner. */
static void
two_owners_may_both_write_at_once(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 60; seed++) {
		run_race(&race.parent, &race.child, leaf_va(0, 1), leaf_va(0, 2), seed);
		for (unsigned level = 1; level <= ROOT_LEVEL; level++) {
			assert_true(slot_is_writable(&race.parent, leaf_va(0, 1), level));
			assert_true(slot_is_writable(&race.child, leaf_va(0, 2), level));
		}
		drop_both(&race.parent, &race.child);
	}
}

static struct pte_leaf
private_leaf(pfn_t pfn)
{
	return (struct pte_leaf){ .pfn = pfn, .prot = PROT_RW, .is_private = true };
}

/*
 * LUN-16, LUN-19: while one tree is active, cursors edit two others, one inside the other: each finds its own
 * tables through the direct map, there is no window that a second one could take away, and nothing is left open.
 */
static void
cursors_of_two_trees_nest(void **state)
{
	struct pt	 trees[3];
	struct pt_cursor outer, inner;
	struct gather	 g[2];
	pfn_t		 pages[3];

	(void)state;
	machine_fresh();
	for (unsigned i = 0; i < 3; i++) {
		trees[i] = tree_make();
		pages[i] = page_make(FRAME_ANON);
	}
	tree_put_leaf(&trees[0], leaf_va(0, 1), private_leaf(pages[0]));
	pt_activate(&trees[0]);
	gather_begin(&g[0], &trees[1]);
	EXPECT_OK(pt_cursor_open(&outer, &trees[1], leaf_va(0, 1), &g[0]));
	gather_begin(&g[1], &trees[2]);
	EXPECT_OK(pt_cursor_open(&inner, &trees[2], leaf_va(0, 1), &g[1]));
	pt_cursor_set(&inner, arch_pte_leaf(private_leaf(pages[2])));
	pt_cursor_set(&outer, arch_pte_leaf(private_leaf(pages[1])));
	pt_cursor_close(&inner);
	gather_end(&g[1]);
	assert_true(arch_pte_kind(pt_cursor_get(&outer), 0) == PTE_LEAF);
	pt_cursor_close(&outer);
	gather_end(&g[0]);
	for (unsigned i = 0; i < 3; i++)
		EXPECT_PAGE(&trees[i], leaf_va(0, 1), pages[i], PROT_RW);
	TREE_CHECK(&trees[0], &trees[1], &trees[2]);
	assert_true(atomic_load(&trees[0].active_on) == 1);
	for (unsigned i = 0; i < 3; i++)
		tree_drop(&trees[i]);
	machine_check();
}

TEST_SUITE(cursor, cmocka_unit_test(nothing_is_made_when_nothing_is_set),
	   cmocka_unit_test(set_hooks_the_missing_tables_in),
	   cmocka_unit_test(set_gives_the_old_entry),
	   cmocka_unit_test(no_memory_for_a_missing_table_changes_nothing),
	   cmocka_unit_test(one_table_per_level_is_copied_for_a_writer),
	   cmocka_unit_test(the_last_owner_takes_the_path_over),
	   cmocka_unit_test(the_parent_of_a_dead_child_sets_one_bit),
	   cmocka_unit_test(replaced_tables_live_until_the_flush),
	   cmocka_unit_test(no_memory_for_a_copy_leaves_a_whole_tree),
	   cmocka_unit_test(a_full_count_refuses_the_path),
	   cmocka_unit_test(a_look_ends_where_the_tree_ends),
	   cmocka_unit_test(a_locked_look_keeps_the_table_of_its_entry),
	   cmocka_unit_test(a_view_allows_what_hardware_does),
	   cmocka_unit_test(a_path_that_denies_writing_is_seen),
	   cmocka_unit_test(marks_and_no_access_allow_nothing),
	   cmocka_unit_test(two_cpus_of_one_space_copy_each_table_once),
	   cmocka_unit_test(two_owners_may_both_write_at_once),
	   cmocka_unit_test(cursors_of_two_trees_nest))
