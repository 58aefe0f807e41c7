/*
 * test_space_fork.c - fork of a space: what the child has, what both may write, what is
 * left out, what failure leaves behind, what it costs.
 */
#include "unit/sketch.h"

static void
drop(struct space *child)
{
	pt_deactivate(&child->pt);
	space_put(child);
}

/* DRG-21, DRG-30, DRG-B07, WNX-03, CAM-03, CAM-11:
 * page      1 2 3 4 5 6 7
 * parent    A A F F S S .       private memory, a private file, shared memory
 * child     A A F F S S .       equal; private writes part, shared ones meet */
static void
the_child_equals_the_parent(void **state)
{
	struct space	  *sp = sketch_space();
	struct object	  *file = sketch_file(7, 10);
	struct map_request shared = sketch_anonymous(2, MAPF_SHARED | MAPF_FIXED);
	struct space	  *child;
	vaddr_t		   va;

	(void)state;
	sketch_map(sp, 1, 3, PROT_RW, 0);
	sketch_map_file(sp, 3, 5, PROT_RW, file, 2, MAPF_PRIVATE);
	shared.addr = PAGE(5);
	EXPECT_OK(space_map(sp, &shared, &va));
	sketch_store_all(sp, 1, 4);
	sketch_store(sp, 5, 5);
	EXPECT_OK(space_fork(sp, &child));
	EXPECT_REGIONS(child, "1-3 rw, 3-5 rw @7:2, 5-7 rw shared @anon:0");
	assert_int_equal(child->total_pages, sp->total_pages);
	assert_int_equal(child->committed_pages, sp->committed_pages);
	assert_int_equal(child->data_pages, sp->data_pages);
	sketch_store(sp, 1, 100);
	sketch_store(child, 2, 200);
	sketch_store(child, 5, 50);
	assert_int_equal(sketch_load(child, 1), 1);
	assert_int_equal(sketch_load(sp, 2), 2);
	assert_int_equal(sketch_load(child, 3), 3);
	assert_int_equal(sketch_load(child, 4), object_pattern(7, PAGE(3)));
	assert_int_equal(sketch_load(sp, 5), 50);
	machine_check_invariants();
	drop(child);
	object_put(file);
	sketch_end(sp);
}

/* WNX-04: a child has its regions before it has a page of its own: they name their objects, so a
 * change of the file reaches them, and pages come to them when they are touched. */
static void
a_child_has_regions_before_it_has_pages(void **state)
{
	struct space	   *sp = sketch_space();
	struct object	   *file = sketch_file(7, 10);
	struct frame_totals before, now;
	struct space	   *child;

	(void)state;
	sketch_map(sp, 1, 3, PROT_RW, 0);
	sketch_map(sp, 3, 5, PROT_RW, REGION_WIPEONFORK);
	sketch_map_file(sp, 5, 7, PROT_RW, file, 0, MAPF_SHARED);
	sketch_store_all(sp, 1, 6);
	before = frame_totals();
	EXPECT_OK(space_fork(sp, &child));
	now = frame_totals();
	EXPECT_REGIONS(child, "1-3 rw, 3-5 rw wipe, 5-7 rw shared @7:0");
	assert_int_equal(now.by_kind[FRAME_ANON], before.by_kind[FRAME_ANON]);
	assert_int_equal(now.by_kind[FRAME_OBJECT], before.by_kind[FRAME_OBJECT]);
	assert_false(sketch_is_present(child, 3) || sketch_is_present(child, 6));
	/* the second page of the file has no frame yet, and the end of the file is the child's too */
	object_resize(file, ARCH_PAGE_SIZE);
	assert_int_equal(sketch_access(child, ACCESS_LOAD, 6), FAULT_BUS_ADRERR);
	object_resize(file, 2 * ARCH_PAGE_SIZE);
	sketch_store(child, 6, 66);
	assert_int_equal(sketch_load(sp, 6), 66);
	assert_int_equal(frame_totals().by_kind[FRAME_OBJECT], now.by_kind[FRAME_OBJECT] + 1);
	sketch_store(child, 3, 33);
	assert_int_equal(frame_totals().by_kind[FRAME_ANON], now.by_kind[FRAME_ANON] + 1);
	assert_int_equal(sketch_load(sp, 3), 3);
	machine_check_invariants();
	drop(child);
	object_put(file);
	sketch_end(sp);
}

/* page      1 2 3 4 5 6
 * parent    P P S S S .       LUN-B01: private memory with shared memory right behind
 * After fork the last private page is write-protected, the first shared one is not. */
static void
protection_ends_with_the_region(void **state)
{
	struct space	  *sp = sketch_space();
	struct map_request shared = sketch_anonymous(3, MAPF_SHARED | MAPF_FIXED);
	struct space	  *child;
	uint64_t	   copies;
	vaddr_t		   va;

	(void)state;
	sketch_map(sp, 1, 3, PROT_RW, 0);
	shared.addr = PAGE(3);
	EXPECT_OK(space_map(sp, &shared, &va));
	sketch_store_all(sp, 1, 6);
	EXPECT_OK(space_fork(sp, &child));
	assert_false(sketch_is_writable(sp, 2));
	copies = stat_get(STAT_PAGE_COPIES);
	sketch_store(sp, 3, 33);
	assert_int_equal(stat_get(STAT_PAGE_COPIES), copies);
	sketch_store(sp, 2, 22);
	assert_int_equal(stat_get(STAT_PAGE_COPIES), copies + 1);
	assert_int_equal(sketch_load(child, 3), 33);
	assert_int_equal(sketch_load(child, 2), 2);
	drop(child);
	sketch_end(sp);
}

/* LUN-B01, LUN-B04:
 * page      1 2 3 4 5 6 7
 * parent    A D D A W W A      LUN-03, DRG-09: D is not in the child, W is, but empty
 * child     A . . A 0 0 A */
static void
some_regions_are_left_out_or_wiped(void **state)
{
	struct space *sp = sketch_space();
	struct space *child, *grandchild;

	(void)state;
	sketch_map(sp, 1, 8, PROT_RW, 0);
	EXPECT_OK(space_advise(sp, PAGE(2), PAGE(2), ADVICE_DONTFORK));
	EXPECT_OK(space_advise(sp, PAGE(5), PAGE(2), ADVICE_WIPEONFORK));
	sketch_store_all(sp, 1, 8);
	EXPECT_OK(space_fork(sp, &child));
	EXPECT_REGIONS(child, "1-2 rw, 4-5 rw, 5-7 rw wipe, 7-8 rw");
	assert_int_equal(sketch_load(child, 1), 1);
	assert_int_equal(sketch_access(child, ACCESS_LOAD, 2), FAULT_SEGV_MAPERR);
	assert_int_equal(sketch_load(child, 4), 4);
	assert_int_equal(sketch_load(child, 5), 0);
	assert_int_equal(sketch_load(child, 7), 7);
	assert_int_equal(sketch_load(sp, 2), 2);
	assert_int_equal(sketch_load(sp, 6), 6);
	sketch_store(sp, 3, 33);
	sketch_store(child, 5, 55);
	EXPECT_OK(space_fork(child, &grandchild));
	assert_int_equal(sketch_load(grandchild, 5), 0);
	assert_int_equal(sketch_load(child, 5), 55);
	machine_check_invariants();
	drop(grandchild);
	drop(child);
	sketch_end(sp);
}

/* A root slot whose whole span is left out, and one with nothing left: no tables for them. */
/* DRG-30:
 * page      1 2 3 4
 * parent    A L L A      L is locked
 * child     A A A A      a lock is not inherited, so nothing keeps the three apart */
static void
what_only_a_lock_keeps_apart_is_one_in_the_child(void **state)
{
	struct space *sp = sketch_space();
	struct space *child;

	(void)state;
	sketch_map(sp, 1, 5, PROT_RW, 0);
	EXPECT_OK(space_lock(sp, PAGE(2), PAGE(2), 0));
	sketch_store_all(sp, 1, 5);
	EXPECT_OK(space_fork(sp, &child));
	EXPECT_REGIONS(sp, "1-2 rw, 2-4 rw locked, 4-5 rw");
	EXPECT_REGIONS(child, "1-5 rw");
	assert_int_equal(child->nr_regions, 1);
	assert_int_equal(child->locked_pages, 0);
	assert_int_equal(child->total_pages, 4);
	machine_check_invariants();
	drop(child);
	sketch_end(sp);
}

static void
nothing_is_left_for_an_empty_child(void **state)
{
	struct space *sp = sketch_space();
	struct space *child;
	uint64_t      tables;

	(void)state;
	sketch_map(sp, 1, 11, PROT_RW, REGION_DONTFORK);
	sketch_store_all(sp, 1, 11);
	tables = frame_totals().by_kind[FRAME_TABLE];
	EXPECT_OK(space_fork(sp, &child));
	EXPECT_REGIONS(child, "");
	assert_int_equal(frame_totals().by_kind[FRAME_TABLE], tables + 1);
	assert_int_equal(child->total_pages, 0);
	drop(child);
	sketch_end(sp);
}

/* The break, the layout and the guards go along. */
static void
the_child_inherits_the_rest(void **state)
{
	struct space_layout layout = sketch_layout();
	struct space	   *sp;
	struct space	   *child;

	(void)state;
	layout.brk_start = PAGE(2);
	layout.limit_as = PAGE(7);
	sp = sketch_space_with(&layout);
	assert_int_equal(space_brk(sp, PAGE(4) + 5), PAGE(4) + 5);
	EXPECT_OK(space_advise(sp, PAGE(3), PAGE(1), ADVICE_GUARD_INSTALL));
	EXPECT_OK(space_fork(sp, &child));
	assert_int_equal(space_brk(child, 0), PAGE(4) + 5);
	assert_int_equal(space_brk(child, PAGE(6)), PAGE(6));
	assert_int_equal(space_brk(child, PAGE(10)), PAGE(6));
	EXPECT_OK(space_advise(child, PAGE(2), PAGE(4), ADVICE_DONTNEED));
	assert_int_equal(sketch_access(child, ACCESS_LOAD, 3), FAULT_SEGV_MAPERR);
	EXPECT_REGIONS(sp, "2-5 rw");
	drop(child);
	sketch_end(sp);
}

static err_t
fork_and_drop(struct space *sp)
{
	struct space *child;
	err_t	      err = space_fork(sp, &child);

	if (err == OK)
		space_put(child);
	return err;
}

/*
 * LUN-B08, DRG-31, DRG-B01:
 * each allocation fails in turn; no child, no count, no region stays behind.
 */
static void
a_failed_fork_leaves_no_trace(void **state)
{
	struct space	   *sp = sketch_space();
	struct object	   *file = sketch_file(7, 10);
	struct frame_totals before, after;

	(void)state;
	sketch_map(sp, 1, 4, PROT_RW, 0);
	sketch_map(sp, 4, 6, PROT_RW, REGION_DONTFORK);
	sketch_map_file(sp, 6, 8, PROT_RW, file, 0, MAPF_PRIVATE);
	sketch_store_all(sp, 1, 7);
	anymm_drain();
	before = frame_totals();
	assert_true(sketch_fail_each(fork_and_drop, sp) >= 4);
	anymm_drain();
	after = frame_totals();
	assert_memory_equal(before.by_kind, after.by_kind, sizeof(before.by_kind));
	assert_int_equal(file->refs, 2);
	for (unsigned page = 1; page < 7; page++) {
		assert_int_equal(sketch_load(sp, page), page);
		sketch_store(sp, page, 0);
	}
	object_put(file);
	sketch_end(sp);
}

/* WNX-B12: generations of fork and exit cost the same for ever. */
static void
generations_do_not_accumulate(void **state)
{
	struct space	   *sp = sketch_space();
	struct frame_totals first = { .total = 0 };

	(void)state;
	sketch_map(sp, 1, 8, PROT_RW, 0);
	sketch_store_all(sp, 1, 8);
	for (unsigned generation = 0; generation < 300; generation++) {
		struct frame_totals now;
		struct space	   *child;

		EXPECT_OK(space_fork(sp, &child));
		drop(sp);
		sp = child;
		sketch_store(sp, 1 + generation % 7, (uint8_t)generation);
		now = frame_totals();
		if (generation == 0)
			first = now;
		assert_int_equal(now.by_kind[FRAME_ANON], first.by_kind[FRAME_ANON]);
		assert_int_equal(now.by_kind[FRAME_TABLE], first.by_kind[FRAME_TABLE]);
	}
	machine_check_invariants();
	sketch_end(sp);
}

/*
 * LUN-02, LUN-B11, DRG-02: each attribute of a region means what it says and nothing else does: of all that a mapping
 * may ask for, alone and beside each other one, only GROWSDOWN lets a region grow, only DONTFORK keeps it from the
 * child, only WIPEONFORK empties it there.
 */
static void
no_attribute_passes_for_another(void **state)
{
	static const unsigned all[] = {
		0,
		REGION_GROWSDOWN,
		REGION_NORESERVE,
		REGION_DONTFORK,
		REGION_WIPEONFORK,
		REGION_NOMERGE,
		REGION_SEQUENTIAL,
		REGION_RANDOM,
		REGION_HUGEPAGE,
		REGION_NOHUGEPAGE,
		REGION_DONTDUMP,
		REGION_MERGEABLE,
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(all) * ARRAY_SIZE(all); i++) {
		unsigned      flags = all[i / ARRAY_SIZE(all)] | all[i % ARRAY_SIZE(all)];
		bool	      grows = flags & REGION_GROWSDOWN;
		struct space *sp = sketch_space();
		struct space *child;

		sketch_map(sp, 8, 10, PROT_RW, flags);
		sketch_store_all(sp, 8, 10);
		EXPECT_OK(space_fork(sp, &child));
		if (flags & REGION_DONTFORK)
			assert_int_equal(sketch_access(child, ACCESS_LOAD, 8), FAULT_SEGV_MAPERR);
		else
			assert_int_equal(sketch_load(child, 8), flags & REGION_WIPEONFORK ? 0 : 8);
		assert_int_equal(sketch_access(sp, ACCESS_LOAD, 7),
				 grows ? FAULT_DONE : FAULT_SEGV_MAPERR);
		assert_int_equal(sp->total_pages, grows ? 3 : 2);
		drop(child);
		sketch_end(sp);
	}
}

/* LUN-06, DRG-30:
 * page      1 2 3 4 5 6 7 8 9 10 11
 * parent    . A . H H . . . . .  S      H the heap, S a stack, the rest holes
 * child     the same, each its own from here on: what grows in one does not grow in the other */
static void
heap_stack_and_holes_are_inherited(void **state)
{
	struct space_layout layout = sketch_layout();
	struct map_request  request = sketch_anonymous(1, MAPF_PRIVATE);
	struct space	   *sp, *child;
	vaddr_t		    mine, childs;

	(void)state;
	layout.brk_start = PAGE(4);
	sp = sketch_space_with(&layout);
	sketch_map(sp, 2, 3, PROT_RW, 0);
	sketch_map(sp, 11, 12, PROT_RW, REGION_GROWSDOWN);
	assert_int_equal(space_brk(sp, PAGE(6)), PAGE(6));
	EXPECT_OK(space_fork(sp, &child));
	EXPECT_REGIONS(child, "2-3 rw, 4-6 rw, 11-12 rw down");
	assert_memory_equal(&child->layout, &sp->layout, sizeof(sp->layout));
	EXPECT_OK(space_map(sp, &request, &mine));
	EXPECT_OK(space_map(child, &request, &childs));
	assert_int_equal(mine, childs);
	EXPECT_OK(space_unmap(child, childs, PAGE(1)));
	assert_int_equal(space_brk(child, 0), PAGE(6));
	assert_int_equal(space_brk(child, PAGE(7)), PAGE(7));
	sketch_store(child, 10, 10);
	EXPECT_REGIONS(child, "2-3 rw, 4-7 rw, 10-12 rw down");
	EXPECT_OK(space_unmap(sp, mine, PAGE(1)));
	assert_int_equal(space_brk(sp, 0), PAGE(6));
	EXPECT_REGIONS(sp, "2-3 rw, 4-6 rw, 11-12 rw down");
	drop(child);
	sketch_end(sp);
}

/* CAM-03:
 * pages 1 to 4 of parent and child: what both have written to, or one has and the other has left, is shared by nobody */
static void
in_the_end_each_has_its_own(void **state)
{
	struct space *sp = sketch_space();
	struct space *child;
	uint64_t      anon;

	(void)state;
	sketch_map(sp, 1, 5, PROT_RW, 0);
	sketch_store_all(sp, 1, 5);
	anon = frame_totals().by_kind[FRAME_ANON];
	EXPECT_OK(space_fork(sp, &child));
	assert_int_equal(frame_totals().by_kind[FRAME_ANON], anon);
	for (unsigned page = 1; page < 5; page++)
		sketch_store(page % 2 ? sp : child, page, (uint8_t)(10 * page));
	assert_int_equal(frame_totals().by_kind[FRAME_ANON], 2 * anon);
	for (unsigned page = 1; page < 5; page++) {
		pfn_t mine = machine_translate(sp->pt.root, PAGE(page)).pfn;
		pfn_t childs = machine_translate(child->pt.root, PAGE(page)).pfn;

		assert_false(pfn_eq(mine, childs));
		assert_true(frame_count(mine) == 1 && frame_count(childs) == 1);
		assert_int_equal(sketch_load(sp, page), page % 2 ? 10 * page : page);
		assert_int_equal(sketch_load(child, page), page % 2 ? page : 10 * page);
	}
	drop(child);
	sketch_end(sp);
}

TEST_SUITE(space_fork, cmocka_unit_test(the_child_equals_the_parent),
	   cmocka_unit_test(a_child_has_regions_before_it_has_pages),
	   cmocka_unit_test(no_attribute_passes_for_another),
	   cmocka_unit_test(protection_ends_with_the_region),
	   cmocka_unit_test(some_regions_are_left_out_or_wiped),
	   cmocka_unit_test(what_only_a_lock_keeps_apart_is_one_in_the_child),
	   cmocka_unit_test(nothing_is_left_for_an_empty_child),
	   cmocka_unit_test(the_child_inherits_the_rest),
	   cmocka_unit_test(a_failed_fork_leaves_no_trace),
	   cmocka_unit_test(generations_do_not_accumulate),
	   cmocka_unit_test(heap_stack_and_holes_are_inherited),
	   cmocka_unit_test(in_the_end_each_has_its_own))
