/*
 * test_range.c - ranges unmapped, protected and marked: what goes, what stays,
 * what is flushed for it, and what another owner of the tables sees of it: nothing.
 */
#include "unit/pt_fixture.h"

#include "pt/state.h"

/* An active tree has one address for its whole life. */
static struct pt *
fresh_tree(void)
{
	static struct pt pt;

	machine_fresh();
	pt = tree_make();
	pt_activate(&pt);
	return &pt;
}

static void
end_tree(struct pt *pt)
{
	TREE_CHECK(pt);
	tree_drop(pt);
	machine_check();
}

static uint64_t
anonymous_frames(void)
{
	return frame_totals().by_kind[FRAME_ANON];
}

/* DRG-05, DRG-B12, WNX-B08:
 * page      0 1 2 3
 * before    A B C D
 * unmap       x x
 * after     A . . D      two translations flushed, two frames freed */
static void
unmap_takes_exactly_the_range(void **state)
{
	struct pt *pt = fresh_tree();
	pfn_t	   a = tree_put(pt, leaf_va(0, 0), PROT_RW);
	pfn_t	   d;

	(void)state;
	tree_put(pt, leaf_va(0, 1), PROT_RW);
	tree_put(pt, leaf_va(0, 2), PROT_R);
	d = tree_put(pt, leaf_va(0, 3), PROT_RW);
	stats_note();
	tree_unmap(pt, pages(leaf_va(0, 1), 2));
	EXPECT_STAT(FLUSH_PAGES, 2);
	EXPECT_STAT(FLUSH_SPACES, 0);
	EXPECT_STAT(COUNT_CHANGES, 2);
	EXPECT_STAT(PTE_WRITES, 2);
	assert_true(anonymous_frames() == 2);
	EXPECT_PAGE(pt, leaf_va(0, 0), a, PROT_RW);
	EXPECT_NO_PAGE(pt, leaf_va(0, 1));
	EXPECT_NO_PAGE(pt, leaf_va(0, 2));
	EXPECT_PAGE(pt, leaf_va(0, 3), d, PROT_RW);
	end_tree(pt);
}

/*
 * DRG-05, WNX-18, CAM-B08:
 * root [ T ] ── [ T ] ── [ A . . ]   unmap A   root [ . ]: nothing hangs empty; one flush for all
 */
static void
empty_tables_go_at_every_level(void **state)
{
	struct pt *pt = fresh_tree();

	(void)state;
	tree_put(pt, leaf_va(0, 2), PROT_RW);
	stats_note();
	tree_unmap(pt, pages(leaf_va(0, 2), 1));
	EXPECT_STAT(TABLE_FREES, ROOT_LEVEL);
	EXPECT_STAT(FLUSH_PAGES, 1);
	EXPECT_STAT(FLUSH_SPACES, 0);
	assert_int_equal(table_live(pt->root), 0);
	end_tree(pt);
}

/*
 * WNX-B08:
 * table 0: A . . .   table 1: B . . .    unmap B: its leaf table goes, what is above stays
 */
static void
only_tables_that_are_empty_go(void **state)
{
	struct pt *pt = fresh_tree();
	pfn_t	   a = tree_put(pt, leaf_va(0, 0), PROT_RW);

	(void)state;
	tree_put(pt, leaf_va(1, 0), PROT_RW);
	stats_note();
	tree_unmap(pt, pages(leaf_va(1, 0), 2));
	EXPECT_STAT(TABLE_FREES, 1);
	EXPECT_PAGE(pt, leaf_va(0, 0), a, PROT_RW);
	end_tree(pt);
}

/* DRG-05: a leaf table whose whole span goes is unhooked by one entry; its pages are flushed one by one. */
static void
a_covered_table_is_dropped_by_its_slot(void **state)
{
	struct pt *pt = fresh_tree();

	(void)state;
	tree_put(pt, leaf_va(0, 0), PROT_RW);
	for (unsigned i = 0; i < 3; i++)
		tree_put(pt, leaf_va(1, i), PROT_RW);
	stats_note();
	tree_unmap(pt, va_range(leaf_va(1, 0), leaf_va(2, 0)));
	EXPECT_STAT(PTE_WRITES, 1);
	EXPECT_STAT(TABLE_FREES, 1);
	EXPECT_STAT(FLUSH_PAGES, 3);
	EXPECT_STAT(FLUSH_SPACES, 0);
	end_tree(pt);
}

/* More pages than a flush by page pays for: the whole space, once. */
static void
many_pages_flush_the_whole_space(void **state)
{
	struct pt *pt = fresh_tree();
	unsigned   fit = ARCH_PT_ENTRIES > GATHER_PAGES ? GATHER_PAGES : ARCH_PT_ENTRIES;

	(void)state;
	for (unsigned i = 0; i < fit; i++)
		tree_put(pt, leaf_va(0, i), PROT_RW);
	stats_note();
	tree_unmap(pt, pages(leaf_va(0, 0), fit));
	EXPECT_STAT(FLUSH_PAGES, fit);
	EXPECT_STAT(FLUSH_SPACES, 0);
	if (ARCH_PT_ENTRIES > GATHER_PAGES) {
		for (unsigned i = 0; i <= GATHER_PAGES; i++)
			tree_put(pt, leaf_va(0, i), PROT_RW);
		tree_put(pt, leaf_va(0, GATHER_PAGES + 2), PROT_RW);
		stats_note();
		tree_unmap(pt, pages(leaf_va(0, 0), GATHER_PAGES + 1));
		EXPECT_STAT(FLUSH_PAGES, 0);
		EXPECT_STAT(FLUSH_SPACES, 1);
		for (unsigned i = 0; i <= GATHER_PAGES; i++)
			tree_put(pt, leaf_va(0, i), PROT_RW);
		stats_note();
		tree_unmap(pt, va_range(leaf_va(0, 0), leaf_va(1, 0)));
		EXPECT_STAT(FLUSH_PAGES, 0);
		EXPECT_STAT(FLUSH_SPACES, 1);
	}
	end_tree(pt);
}

/* DRG-B12: tables, pages, zero pages, guards and pages without access: all of them go. */
static void
unmap_of_everything_leaves_an_empty_root(void **state)
{
	struct pt *pt = fresh_tree();

	(void)state;
	for (unsigned slot = 0; slot < 3; slot++) {
		tree_put(pt, root_va(slot, 0), PROT_RW);
		tree_put_zero(pt, root_va(slot, 1));
		tree_mark(pt, pages(root_va(slot, 2), 1));
		tree_put(pt, root_va(slot, 3), 0);
	}
	TREE_CHECK(pt);
	tree_unmap(pt, ALL_USER);
	assert_int_equal(table_live(pt->root), 0);
	assert_true(anonymous_frames() == 0);
	tree_unmap(pt, ALL_USER);
	end_tree(pt);
}

/* The last page of user space, in a span that user space does not fill everywhere. */
static void
the_last_user_page_is_a_page_like_others(void **state)
{
	struct pt *pt = fresh_tree();
	vaddr_t	   last = ARCH_USER_END - ARCH_PAGE_SIZE;

	(void)state;
	tree_put(pt, last, PROT_RW);
	tree_protect(pt, pages(last, 1), PROT_R);
	tree_unmap(pt, pages(last, 1));
	assert_int_equal(table_live(pt->root), 0);
	tree_mark(pt, pages(last, 1));
	tree_put(pt, last - ARCH_PAGE_SIZE, PROT_RW);
	tree_unmark(pt, pages(last, 1));
	tree_unmap(pt, ALL_USER);
	assert_int_equal(table_live(pt->root), 0);
	end_tree(pt);
}

static void
what_has_no_translation_is_not_flushed(void **state)
{
	struct pt *pt = fresh_tree();

	(void)state;
	tree_put(pt, leaf_va(0, 0), PROT_RW); /* keeps the table */
	tree_put(pt, leaf_va(0, 1), 0);
	tree_mark(pt, pages(leaf_va(0, 2), 1));
	stats_note();
	tree_unmap(pt, pages(leaf_va(0, 1), 2));
	EXPECT_STAT(FLUSH_PAGES, 0);
	EXPECT_STAT(FLUSH_SPACES, 0);
	assert_true(anonymous_frames() == 1);
	end_tree(pt);
}

/* parent and child share all; the child unmaps:
 *   a part of a table      it gets a path of its own, its parent keeps every page
 *   a whole root slot      one count, nothing is visited */
static void
unmap_in_shared_tables_leaves_the_other_owner_alone(void **state)
{
	struct pt *parent = fresh_tree();
	struct pt  child;
	pfn_t	   a = tree_put(parent, root_va(0, 0), PROT_RW);
	pfn_t	   b = tree_put(parent, root_va(0, 1), PROT_RW);
	pfn_t	   c = tree_put(parent, root_va(1, 1), PROT_RW);

	(void)state;
	child = tree_fork(parent);
	stats_note();
	tree_unmap(&child, va_range(root_va(1, 0), root_va(2, 0)));
	if (ARCH_HAS_UPPER_WRITE_DENIAL) {
		EXPECT_STAT(COUNT_CHANGES, 1);
		EXPECT_STAT(TABLE_SPLITS, 0);
		EXPECT_STAT(TABLE_FREES, 0);
	}
	stats_note();
	tree_unmap(&child, pages(root_va(0, 0), 1));
	EXPECT_STAT(TABLE_SPLITS, ARCH_HAS_UPPER_WRITE_DENIAL ? ROOT_LEVEL : 0);
	TREE_CHECK(parent, &child);
	EXPECT_NO_PAGE(&child, root_va(0, 0));
	EXPECT_PAGE(&child, root_va(0, 1), b, PROT_R);
	EXPECT_NO_PAGE(&child, root_va(1, 1));
	EXPECT_PAGE(parent, root_va(0, 0), a, PROT_R);
	EXPECT_PAGE(parent, root_va(0, 1), b, PROT_R);
	EXPECT_PAGE(parent, root_va(1, 1), c, PROT_R);
	assert_int_equal(frame_count(a), 1);
	assert_int_equal(frame_count(b), 2);
	tree_drop(&child);
	end_tree(parent);
}

/* The child runs while its path is copied: its partial walks go, though no page changes. */
static void
a_copied_path_is_flushed(void **state)
{
	static struct pt child;
	struct pt	*parent = fresh_tree();

	(void)state;
	tree_put(parent, leaf_va(0, 0), PROT_R);
	child = tree_fork(parent);
	pt_activate(&child);
	stats_note();
	tree_protect(&child, pages(leaf_va(0, 0), 1), PROT_R);
	EXPECT_STAT(TABLE_SPLITS, ARCH_HAS_UPPER_WRITE_DENIAL ? ROOT_LEVEL : 0);
	EXPECT_STAT(FLUSH_PAGES, ARCH_HAS_UPPER_WRITE_DENIAL);
	EXPECT_STAT(FLUSH_SPACES, 0);
	TREE_CHECK(parent, &child);
	tree_drop(&child);
	end_tree(parent);
}

/* parent and child share all. The child changes a part of a shared table that holds nothing:
 * the table stays shared, and no memory is needed for it. */
static void
an_untouched_part_of_a_shared_table_costs_nothing(void **state)
{
	struct pt      *parent = fresh_tree();
	struct pt	child;
	struct va_range hole = va_range(leaf_va(0, 1), leaf_va(2, 3));

	(void)state;
	tree_put(parent, leaf_va(0, 0), PROT_RW);
	tree_put(parent, leaf_va(2, 3), PROT_RW);
	child = tree_fork(parent);
	stats_note();
	machine_fail_allocation(1, true);
	tree_unmap(&child, hole);
	tree_protect(&child, hole, PROT_R);
	tree_unmark(&child, hole);
	machine_fail_allocation(0, false);
	EXPECT_STAT(TABLE_SPLITS, 0);
	EXPECT_STAT(PTE_WRITES, 0);
	/* Guards are something: they need the table. */
	tree_mark(&child, pages(leaf_va(0, 1), 1));
	EXPECT_STAT(TABLE_SPLITS, ARCH_HAS_UPPER_WRITE_DENIAL ? ROOT_LEVEL : 0);
	TREE_CHECK(parent, &child);
	tree_drop(&child);
	end_tree(parent);
}

/* DRG-08, ALM-B08:
 * page            0  1  2  3
 * before          rw rw r  rw
 * protect r       r  r  r  .      two lose a permission, two flushes
 * protect rw      rw rw rw .      nothing to flush: at worst a spurious fault */
static void
protect_flushes_only_what_is_taken_away(void **state)
{
	struct pt *pt = fresh_tree();
	pfn_t	   page[4];

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		page[i] = tree_put(pt, leaf_va(0, i), i == 2 ? PROT_R : PROT_RW);
	stats_note();
	tree_protect(pt, pages(leaf_va(0, 0), 3), PROT_R);
	EXPECT_STAT(FLUSH_PAGES, 2);
	EXPECT_STAT(PTE_WRITES, 2);
	for (unsigned i = 0; i < 3; i++)
		EXPECT_PAGE(pt, leaf_va(0, i), page[i], PROT_R);
	EXPECT_PAGE(pt, leaf_va(0, 3), page[3], PROT_RW);
	stats_note();
	tree_protect(pt, pages(leaf_va(0, 0), 3), PROT_RW);
	EXPECT_STAT(FLUSH_PAGES, 0);
	EXPECT_STAT(PTE_WRITES, 3);
	for (unsigned i = 0; i < 4; i++)
		EXPECT_PAGE(pt, leaf_va(0, i), page[i], PROT_RW);
	stats_note();
	tree_protect(pt, pages(leaf_va(0, 0), 4), PROT_RW);
	EXPECT_STAT(PTE_WRITES, 0);
	tree_protect(pt, pages(leaf_va(0, 0), 1), PROT_RX); /* one more, one less */
	EXPECT_STAT(FLUSH_PAGES, 1);
	EXPECT_PAGE(pt, leaf_va(0, 0), page[0], PROT_RX);
	end_tree(pt);
}

static void
a_page_without_access_keeps_its_frame(void **state)
{
	struct pt *pt = fresh_tree();
	pfn_t	   a = tree_put(pt, leaf_va(0, 1), PROT_RW);

	(void)state;
	stats_note();
	tree_protect(pt, pages(leaf_va(0, 1), 1), 0);
	EXPECT_STAT(FLUSH_PAGES, 1);
	EXPECT_STAT(COUNT_CHANGES, 0);
	EXPECT_NO_PAGE(pt, leaf_va(0, 1));
	TREE_CHECK(pt);
	tree_protect(pt, pages(leaf_va(0, 1), 1), PROT_RW);
	EXPECT_PAGE(pt, leaf_va(0, 1), a, PROT_RW);
	end_tree(pt);
}

/* DRG-B12:
 * leaf:             private, alone   private, two owners   private, object's   zero   shared
 * protect to rw:    rw               r                     r                   r      rw */
static void
protect_allows_writing_only_to_sole_owners(void **state)
{
	struct pt *pt = fresh_tree();
	pfn_t	   alone = tree_put(pt, leaf_va(0, 0), PROT_R);
	pfn_t	   twice = tree_put(pt, leaf_va(0, 1), PROT_R);
	pfn_t	   objects = page_make(FRAME_OBJECT);
	pfn_t	   shared = page_make(FRAME_OBJECT);

	(void)state;
	EXPECT_OK(frame_get(twice));
	tree_put_leaf(pt, leaf_va(0, 2),
		      (struct pte_leaf){ .pfn = objects, .prot = PROT_R, .is_private = true });
	tree_put_zero(pt, leaf_va(0, 3));
	EXPECT_OK(frame_get(shared));
	tree_put_leaf(pt, leaf_va(1, 0), (struct pte_leaf){ .pfn = shared, .prot = PROT_R });
	tree_protect(pt, va_range(leaf_va(0, 0), leaf_va(1, 1)), PROT_RW);
	EXPECT_PAGE(pt, leaf_va(0, 0), alone, PROT_RW);
	EXPECT_PAGE(pt, leaf_va(0, 1), twice, PROT_R);
	EXPECT_PAGE(pt, leaf_va(0, 2), objects, PROT_R);
	EXPECT_PAGE(pt, leaf_va(0, 3), pt_zero_frame(), PROT_R);
	EXPECT_PAGE(pt, leaf_va(1, 0), shared, PROT_RW);
	frame_release(twice);
	frame_release(shared);
	end_tree(pt);
}

/* A user's store sets the dirty bit; a change of permission does not lose it. */
static void
protect_keeps_accessed_and_dirty(void **state)
{
	struct pt	 *pt = fresh_tree();
	struct arch_fault fault;
	struct pte_leaf	  leaf;
	char		  byte = 1;

	(void)state;
	tree_put(pt, leaf_va(0, 0), PROT_RW);
	assert_int_equal(machine_access(ACCESS_STORE, leaf_va(0, 0), &byte, 1, &fault), 1);
	tree_protect(pt, pages(leaf_va(0, 0), 1), PROT_R);
	leaf = arch_pte_decode_leaf(pt_look(pt, leaf_va(0, 0)).pte, 0);
	assert_true(leaf.accessed && leaf.dirty);
	assert_int_equal(machine_access(ACCESS_STORE, leaf_va(0, 0), &byte, 1, &fault), 0);
	assert_true(fault.present);
	end_tree(pt);
}

/* parent and child share a writable page. The child's protection is its own affair. */
static void
protect_in_shared_tables_leaves_the_other_owner_alone(void **state)
{
	struct pt *parent = fresh_tree();
	pfn_t	   a = tree_put(parent, leaf_va(0, 0), PROT_RW);
	pfn_t	   b = tree_put(parent, leaf_va(1, 0), PROT_RW);
	struct pt  child = tree_fork(parent);

	(void)state;
	tree_protect(&child, pages(leaf_va(0, 0), 1), 0);
	TREE_CHECK(parent, &child);
	EXPECT_NO_PAGE(&child, leaf_va(0, 0));
	EXPECT_PAGE(&child, leaf_va(1, 0), b, PROT_R);
	EXPECT_PAGE(parent, leaf_va(0, 0), a, PROT_R);
	/* Shared with the parent: writable only after a copy, whatever the region allows. */
	tree_protect(&child, pages(leaf_va(0, 0), 1), PROT_RW);
	EXPECT_PAGE(&child, leaf_va(0, 0), a, PROT_R);
	tree_drop(&child);
	tree_protect(parent, va_range(0, leaf_va(2, 0)), PROT_RW);
	EXPECT_PAGE(parent, leaf_va(0, 0), a, PROT_RW);
	end_tree(parent);
}

static enum pte_kind
kind_at(const struct pt *pt, vaddr_t va)
{
	struct pt_view view = pt_look(pt, va);

	return view.level == 0 ? arch_pte_kind(view.pte, 0) : PTE_EMPTY;
}

/* page      0 1 2 3
 * before    A B . D
 * mark        x x
 * after     A G G D      B is gone
 * protect   r G G r      guards stay
 * unmark    r . . r */
static void
guards_replace_pages_and_outlive_protection(void **state)
{
	struct pt *pt = fresh_tree();
	pfn_t	   a = tree_put(pt, leaf_va(0, 0), PROT_RW);

	(void)state;
	tree_put(pt, leaf_va(0, 1), PROT_RW);
	tree_put(pt, leaf_va(0, 3), PROT_RW);
	stats_note();
	tree_mark(pt, pages(leaf_va(0, 1), 2));
	EXPECT_STAT(FLUSH_PAGES, 1);
	TREE_CHECK(pt);
	assert_int_equal(kind_at(pt, leaf_va(0, 1)), PTE_MARK);
	assert_int_equal(kind_at(pt, leaf_va(0, 2)), PTE_MARK);
	EXPECT_NO_PAGE(pt, leaf_va(0, 1));
	assert_true(anonymous_frames() == 2);
	tree_protect(pt, pages(leaf_va(0, 0), 4), PROT_R);
	assert_int_equal(kind_at(pt, leaf_va(0, 1)), PTE_MARK);
	EXPECT_PAGE(pt, leaf_va(0, 0), a, PROT_R);
	stats_note();
	tree_unmark(pt, pages(leaf_va(0, 0), 4));
	EXPECT_STAT(FLUSH_PAGES, 0);
	EXPECT_STAT(PTE_WRITES, 2);
	assert_int_equal(kind_at(pt, leaf_va(0, 1)), PTE_EMPTY);
	assert_int_equal(kind_at(pt, leaf_va(0, 2)), PTE_EMPTY);
	EXPECT_PAGE(pt, leaf_va(0, 0), a, PROT_R);
	end_tree(pt);
}

/* Guards over whole tables where nothing was; without them the tables go again. */
static void
guards_make_the_tables_they_need(void **state)
{
	struct pt      *pt = fresh_tree();
	struct va_range range = va_range(leaf_va(0, 2), leaf_va(2, 1));

	(void)state;
	tree_mark(pt, range);
	TREE_CHECK(pt);
	for (vaddr_t va = range.start; va < range.end; va += ARCH_PAGE_SIZE)
		assert_int_equal(kind_at(pt, va), PTE_MARK);
	assert_int_equal(kind_at(pt, leaf_va(0, 1)), PTE_EMPTY);
	assert_int_equal(kind_at(pt, leaf_va(2, 1)), PTE_EMPTY);
	tree_unmark(pt, range);
	assert_int_equal(table_live(pt->root), 0);
	end_tree(pt);
}

static void
unmark_takes_its_own_type_only(void **state)
{
	struct pt     *pt = fresh_tree();
	struct pt_plan plan;
	struct gather  g;

	(void)state;
	tree_mark(pt, pages(leaf_va(0, 0), 2));
	EXPECT_OK(pt_plan_protect(&plan, pt, pages(leaf_va(0, 0), 2)));
	gather_begin(&g, pt);
	pt_unmark(pt, pages(leaf_va(0, 0), 2), MARK_SWAP, &plan, &g);
	gather_end(&g);
	pt_plan_drop(&plan);
	assert_int_equal(kind_at(pt, leaf_va(0, 0)), PTE_MARK);
	assert_int_equal(kind_at(pt, leaf_va(0, 1)), PTE_MARK);
	end_tree(pt);
}

static void
guards_in_shared_tables_leave_the_other_owner_alone(void **state)
{
	struct pt *parent = fresh_tree();
	pfn_t	   a = tree_put(parent, leaf_va(0, 0), PROT_RW);
	pfn_t	   b = tree_put(parent, leaf_va(0, 1), PROT_RW);
	struct pt  child = tree_fork(parent);

	(void)state;
	tree_mark(&child, pages(leaf_va(0, 1), 3));
	TREE_CHECK(parent, &child);
	EXPECT_PAGE(parent, leaf_va(0, 1), b, PROT_R);
	EXPECT_PAGE(&child, leaf_va(0, 0), a, PROT_R);
	assert_int_equal(kind_at(&child, leaf_va(0, 1)), PTE_MARK);
	assert_int_equal(kind_at(parent, leaf_va(0, 2)), PTE_EMPTY);
	tree_drop(parent);
	tree_unmark(&child, ALL_USER);
	EXPECT_PAGE(&child, leaf_va(0, 0), a, PROT_R);
	end_tree(&child);
}

static void
an_empty_range_is_no_change(void **state)
{
	struct pt *pt = fresh_tree();

	(void)state;
	tree_put(pt, leaf_va(0, 0), PROT_RW);
	stats_note();
	tree_unmap(pt, va_range(leaf_va(0, 0), leaf_va(0, 0)));
	tree_protect(pt, va_range(leaf_va(0, 0), leaf_va(0, 0)), 0);
	tree_mark(pt, va_range(leaf_va(1, 0), leaf_va(1, 0)));
	tree_mark(pt, va_range(0, 0));
	tree_unmark(pt, va_range(leaf_va(0, 0), leaf_va(0, 0)));
	EXPECT_STAT(PTE_WRITES, 0);
	EXPECT_STAT(TABLE_ALLOCS, 0);
	end_tree(pt);
}

static void
unmap_without_a_plan(void *arg)
{
	struct pt_plan none = { .first = pfn_none() };
	struct gather  g;

	gather_begin(&g, arg);
	pt_unmap(arg, pages(leaf_va(0, 0), 1), &none, &g);
}

/* A plan that is too small is never worked around. */
static void
a_change_beyond_its_plan_stops(void **state)
{
	struct pt *parent = fresh_tree();
	struct pt  child;
	char	   text[200];

	(void)state;
	tree_put(parent, leaf_va(0, 0), PROT_RW);
	tree_put(parent, leaf_va(0, 1), PROT_RW);
	child = tree_fork(parent);
	if (ARCH_HAS_UPPER_WRITE_DENIAL)
		assert_true(machine_expect_stop(unmap_without_a_plan, &child, text, sizeof(text)));
}

/*
 * DRG-08, DRG-B15, WNX-06:
 * A second CPU has read and written the page; after the call it reaches nothing.
 */
static void
other_cpus_lose_the_page_too(void **state)
{
	struct arch_fault fault;
	struct pt	  pt;
	char		  byte = 7;

	(void)state;
	machine_fresh_with(&(struct machine_config){ .nr_cpus = 3, .nr_frames = 4096 });
	pt = tree_make();
	tree_put(&pt, leaf_va(0, 0), PROT_RW);
	tree_put(&pt, leaf_va(0, 1), PROT_RW);
	pt_activate(&pt);
	machine_cpu_set(1);
	pt_activate(&pt);
	assert_int_equal(machine_access(ACCESS_STORE, leaf_va(0, 0), &byte, 1, &fault), 1);
	assert_int_equal(machine_access(ACCESS_STORE, leaf_va(0, 1), &byte, 1, &fault), 1);
	machine_cpu_set(0);
	stats_note();
	tree_unmap(&pt, pages(leaf_va(0, 0), 1));
	tree_protect(&pt, pages(leaf_va(0, 1), 1), PROT_R);
	EXPECT_STAT(SHOOTDOWNS, 2);
	EXPECT_STAT(SHOOTDOWN_IPIS, 2); /* CPU 2 never had the space */
	EXPECT_STAT(FLUSH_PAGES, 4);
	machine_cpu_set(1);
	assert_int_equal(machine_access(ACCESS_LOAD, leaf_va(0, 0), &byte, 1, &fault), 0);
	assert_int_equal(machine_access(ACCESS_STORE, leaf_va(0, 1), &byte, 1, &fault), 0);
	assert_int_equal(machine_access(ACCESS_LOAD, leaf_va(0, 1), &byte, 1, &fault), 1);
	pt_deactivate(&pt);
	machine_cpu_set(0);
	end_tree(&pt);
}

/* DRG-05, DRG-B12:
 * table 0: A . . B   table 1: C . . D   table 2: E . . F    (pages 0 and 3 of each)
 * protect, then unmap, from B to E: the end of one table, a whole one, and the first page of the next */
static void
a_range_may_straddle_tables(void **state)
{
	struct pt	     *pt = fresh_tree();
	const struct va_range middle = va_range(leaf_va(0, 3), leaf_va(2, 1));
	pfn_t		      page[6];

	(void)state;
	for (unsigned i = 0; i < 6; i++)
		page[i] = tree_put(pt, leaf_va(i / 2, i % 2 * 3), PROT_RW);
	tree_protect(pt, middle, PROT_R);
	for (unsigned i = 0; i < 6; i++)
		EXPECT_PAGE(pt, leaf_va(i / 2, i % 2 * 3), page[i],
			    i == 0 || i == 5 ? PROT_RW : PROT_R);
	stats_note();
	tree_unmap(pt, middle);
	EXPECT_STAT(TABLE_FREES, 1);
	EXPECT_PAGE(pt, leaf_va(0, 0), page[0], PROT_RW);
	EXPECT_PAGE(pt, leaf_va(2, 3), page[5], PROT_RW);
	for (unsigned i = 1; i < 5; i++)
		EXPECT_NO_PAGE(pt, leaf_va(i / 2, i % 2 * 3));
	assert_true(anonymous_frames() == 2);
	end_tree(pt);
}

TEST_SUITE(range, cmocka_unit_test(unmap_takes_exactly_the_range),
	   cmocka_unit_test(empty_tables_go_at_every_level),
	   cmocka_unit_test(only_tables_that_are_empty_go),
	   cmocka_unit_test(a_covered_table_is_dropped_by_its_slot),
	   cmocka_unit_test(many_pages_flush_the_whole_space),
	   cmocka_unit_test(unmap_of_everything_leaves_an_empty_root),
	   cmocka_unit_test(the_last_user_page_is_a_page_like_others),
	   cmocka_unit_test(what_has_no_translation_is_not_flushed),
	   cmocka_unit_test(unmap_in_shared_tables_leaves_the_other_owner_alone),
	   cmocka_unit_test(a_copied_path_is_flushed),
	   cmocka_unit_test(an_untouched_part_of_a_shared_table_costs_nothing),
	   cmocka_unit_test(protect_flushes_only_what_is_taken_away),
	   cmocka_unit_test(a_page_without_access_keeps_its_frame),
	   cmocka_unit_test(protect_allows_writing_only_to_sole_owners),
	   cmocka_unit_test(protect_keeps_accessed_and_dirty),
	   cmocka_unit_test(protect_in_shared_tables_leaves_the_other_owner_alone),
	   cmocka_unit_test(guards_replace_pages_and_outlive_protection),
	   cmocka_unit_test(guards_make_the_tables_they_need),
	   cmocka_unit_test(unmark_takes_its_own_type_only),
	   cmocka_unit_test(guards_in_shared_tables_leave_the_other_owner_alone),
	   cmocka_unit_test(an_empty_range_is_no_change),
	   cmocka_unit_test(a_change_beyond_its_plan_stops),
	   cmocka_unit_test(other_cpus_lose_the_page_too),
	   cmocka_unit_test(a_range_may_straddle_tables))
