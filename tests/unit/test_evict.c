/*
 * test_evict.c - the clock's look at one leaf table: who goes, who stays, and that nobody
 * sees a page that is on its way.
 */
#include "unit/sketch.h"
#include "unit/swap_store.h"

#include "pt/cursor.h"
#include "pt/evict.h"
#include "pt/state.h"
#include "pt/table.h"

static struct swap_store store;

/* A sketch with pages [1, 9) of private memory, of which [1, to) hold their number, and a device. */
static struct space *
touched_sketch(unsigned to)
{
	struct space *sp = sketch_space();

	swap_store_make(&store, 32);
	sketch_map(sp, 1, 9, PROT_RW, 0);
	sketch_store_all(sp, 1, to);
	return sp;
}

static void
drop(struct space *sp)
{
	pt_deactivate(&sp->pt);
	space_put(sp);
}

static void
end_sketch(struct space *sp)
{
	drop(sp);
	assert_int_equal(swap_usage().nr_used, 0);
	swap_store_drop(&store);
	machine_check();
}

/* look_once - every frame of the machine is asked once. gives the number of pages unhooked */
static unsigned
look_once(void)
{
	unsigned nr = 0;

	for (pfn_t pfn = frame_first(); !pfn_is_none(pfn); pfn = frame_next(pfn)) {
		unsigned     index = 0;
		struct evict e;

		evict_begin(&e);
		assert_true(evict_table(&e, pfn, &index));
		evict_flush(&e);
		nr += e.nr_pages;
	}
	return nr;
}

/* Twice: a page that was touched has a second chance. */
static unsigned
look_twice(void)
{
	unsigned nr = look_once();

	return nr + look_once();
}

static struct pt_view
view_of(struct space *sp, unsigned page)
{
	return pt_look(&sp->pt, PAGE(page));
}

static bool
is_out(struct space *sp, unsigned page)
{
	struct pt_view view = view_of(sp, page);

	return !swap_is_none(entry_swap(view.pte, view.level));
}

/* accessed   A A A A . . . .
 * look       a a a a            nobody goes
 * touch 2    a A a a
 * look       s a s s            only the page that was touched stays */
static void
a_page_in_use_has_a_second_chance(void **state)
{
	struct space *sp = touched_sketch(5);

	(void)state;
	assert_int_equal(look_once(), 0);
	pt_activate(&sp->pt);
	shootdown_everything(); /* a CPU that has the page cached sets no bit */
	assert_int_equal(sketch_load(sp, 2), 2);
	assert_int_equal(look_once(), 3);
	assert_true(is_out(sp, 1) && !is_out(sp, 2) && is_out(sp, 3) && is_out(sp, 4));
	machine_check_invariants();
	for (unsigned page = 1; page < 5; page++)
		assert_int_equal(sketch_load(sp, page), page);
	assert_int_equal(store.reads + store.writes, 0); /* nobody has stored them yet */
	end_sketch(sp);
}

static void
map_locked(struct space *sp, unsigned page)
{
	struct map_request request = sketch_anonymous(1, MAPF_PRIVATE | MAPF_FIXED | MAPF_LOCKED);
	vaddr_t		   va;

	request.addr = PAGE(page);
	EXPECT_OK(space_map(sp, &request, &va));
}

/* zero frame, wired, pinned, an object's page privately and shared: they stay where they are */
static void
what_must_stay_stays(void **state)
{
	struct space  *sp = touched_sketch(3);
	struct object *file = sketch_file(7, 4);
	pfn_t	       pinned;

	(void)state;
	sketch_load(sp, 3);
	map_locked(sp, 9);
	sketch_store(sp, 9, 9);
	sketch_map_file(sp, 10, 11, PROT_RW, file, 0, MAPF_PRIVATE);
	sketch_load(sp, 10);
	sketch_map_file(sp, 11, 12, PROT_RW, file, 1, MAPF_SHARED);
	sketch_store(sp, 11, 11);
	pinned = arch_pte_decode_leaf(view_of(sp, 2).pte, 0).pfn;
	atomic_store(&frame_of(pinned)->page.pins, 1);
	assert_int_equal(look_twice(), 1);
	assert_int_equal(look_twice(), 0);
	assert_true(is_out(sp, 1));
	for (unsigned page = 2; page < 12; page++)
		assert_false(is_out(sp, page));
	atomic_store(&frame_of(pinned)->page.pins, 0);
	assert_int_equal(look_twice(), 1);
	machine_check_invariants();
	object_put(file);
	end_sketch(sp);
}

/* parent ─┐
 *         ├─▶ leaf table   one look, in place: both see the marks, and each gets its page back
 * child ──┘ */
static void
a_shared_table_is_looked_at_once(void **state)
{
	struct space *sp = touched_sketch(4);
	struct space *child;
	uint64_t      outs = stat_get(STAT_PAGE_OUTS);

	(void)state;
	EXPECT_OK(space_fork(sp, &child));
	look_twice();
	/* A machine that copies its tables has two leaves of each page, and one slot. */
	assert_int_equal(stat_get(STAT_PAGE_OUTS) - outs, ARCH_HAS_UPPER_WRITE_DENIAL ? 3 : 6);
	assert_int_equal(swap_usage().nr_used, 3);
	assert_true(is_out(sp, 1) && is_out(child, 1));
	machine_check_invariants();
	sketch_store(child, 1, 101);
	assert_int_equal(sketch_load(sp, 1), 1);
	sketch_store(sp, 2, 102);
	assert_int_equal(sketch_load(child, 2), 2);
	assert_int_equal(sketch_load(child, 1), 101);
	assert_int_equal(sketch_load(child, 3), 3);
	machine_check_invariants();
	drop(child);
	assert_int_equal(sketch_load(sp, 3), 3);
	end_sketch(sp);
}

/* A table that somebody has locked is in use: the clock goes on without waiting. */
static void
a_locked_table_is_passed_over(void **state)
{
	struct space  *sp = touched_sketch(4);
	struct pt_view view;

	(void)state;
	assert_int_equal(look_once(), 0);
	view = pt_look_locked(&sp->pt, PAGE(1));
	assert_int_equal(look_once(), 0);
	pt_look_done(&view);
	assert_int_equal(look_once(), 3);
	end_sketch(sp);
}

/* While the batch is not flushed the table stays locked, and its pages keep their frames. */
static void
a_batch_is_flushed_before_anybody_sees_it(void **state)
{
	struct space *sp = touched_sketch(4);
	pfn_t	      table = view_of(sp, 1).table;
	unsigned      index = 0;
	struct evict  e;

	(void)state;
	assert_int_equal(look_once(), 0);
	pt_activate(&sp->pt);
	evict_begin(&e);
	assert_true(evict_table(&e, table, &index));
	assert_int_equal(e.nr_pages, min_u64(3, ARCH_PT_ENTRIES - 1));
	assert_int_equal(frame_of(table)->lock, TABLE_VISIBLE | BYTE_LOCKED);
	assert_int_equal(frame_count(e.pages[0].pfn),
			 2); /* the leaf's, held for the flush, and the cache's */
	evict_flush(&e);
	assert_int_equal(frame_of(table)->lock, TABLE_VISIBLE);
	assert_int_equal(frame_count(e.pages[0].pfn), 1);
	end_sketch(sp);
}

/* slots 2, pages 3: two go, one stays */
static void
a_full_device_leaves_pages_in_place(void **state)
{
	struct space *sp = sketch_space();
	struct evict  e;
	unsigned      index = 0;

	(void)state;
	swap_store_make(&store, 2);
	sketch_map(sp, 0, 3, PROT_RW, 0);
	sketch_store_all(sp, 0, 3);
	assert_int_equal(look_once(), 0);
	evict_begin(&e);
	assert_true(evict_table(&e, view_of(sp, 0).table, &index));
	assert_int_equal(e.nr_pages, 2);
	assert_true(e.no_slots);
	evict_flush(&e);
	assert_true(is_out(sp, 0) && is_out(sp, 1) && !is_out(sp, 2));
	machine_check_invariants();
	end_sketch(sp);
}

/* Frames of all other kinds, free ones and holes are nobody's leaf table. */
static void
other_frames_are_passed_over(void **state)
{
	struct space *sp = touched_sketch(4);
	unsigned      index = 0;
	struct evict  e;

	(void)state;
	evict_begin(&e);
	assert_true(evict_table(&e, sp->pt.root, &index));
	assert_true(evict_table(&e, (pfn_t){ UINT32_MAX }, &index));
	assert_true(evict_table(&e, arch_pte_decode_leaf(view_of(sp, 1).pte, 0).pfn, &index));
	assert_int_equal(e.scanned, 0);
	assert_int_equal(index, 0);
	evict_flush(&e);
	end_sketch(sp);
}

/* What is out goes with unmap, with advice, and with the space; what a child names stays. */
static void
slots_go_with_their_last_mark(void **state)
{
	struct space *sp = touched_sketch(9);
	struct space *child;

	(void)state;
	look_twice();
	assert_int_equal(swap_usage().nr_used, 8);
	EXPECT_OK(space_unmap(sp, PAGE(1), PAGE(2)));
	assert_int_equal(swap_usage().nr_used, 6);
	EXPECT_OK(space_advise(sp, PAGE(3), PAGE(1), ADVICE_DONTNEED));
	assert_int_equal(swap_usage().nr_used, 5);
	assert_int_equal(sketch_load(sp, 3), 0);
	EXPECT_OK(space_protect(sp, PAGE(4), PAGE(2), PROT_R));
	assert_true(is_out(sp, 4));
	assert_int_equal(sketch_access(sp, ACCESS_STORE, 4), FAULT_SEGV_ACCERR);
	assert_int_equal(sketch_load(sp, 4), 4);
	assert_false(sketch_is_writable(sp, 4));
	EXPECT_OK(space_fork(sp, &child));
	EXPECT_OK(space_unmap(sp, PAGE(6), PAGE(3)));
	machine_check_invariants();
	assert_int_equal(sketch_load(child, 7), 7);
	assert_int_equal(sketch_load(child, 5), 5);
	drop(sp);
	machine_check_invariants();
	assert_int_equal(sketch_load(child, 8), 8);
	end_sketch(child);
}

/* What is out looks to a digest like what is in, wherever it is at the moment. */
static void
a_digest_does_not_see_the_device(void **state)
{
	struct space *sp = touched_sketch(5);
	struct digest before = digest_all();
	struct digest after;

	(void)state;
	look_twice();
	after = digest_all();
	assert_true(before.lo == after.lo && before.hi == after.hi);
	assert_int_equal(swap_trim(32), 4);
	after = digest_all();
	assert_true(before.lo == after.lo && before.hi == after.hi);
	assert_int_equal(sketch_load(sp, 3), 3);
	after = digest_all();
	assert_true(before.lo == after.lo && before.hi == after.hi);
	sketch_store(sp, 3, 4);
	after = digest_all();
	assert_false(before.lo == after.lo && before.hi == after.hi);
	end_sketch(sp);
}

TEST_SUITE(evict, cmocka_unit_test(a_page_in_use_has_a_second_chance),
	   cmocka_unit_test(what_must_stay_stays),
	   cmocka_unit_test(a_shared_table_is_looked_at_once),
	   cmocka_unit_test(a_locked_table_is_passed_over),
	   cmocka_unit_test(a_batch_is_flushed_before_anybody_sees_it),
	   cmocka_unit_test(a_full_device_leaves_pages_in_place),
	   cmocka_unit_test(other_frames_are_passed_over),
	   cmocka_unit_test(slots_go_with_their_last_mark),
	   cmocka_unit_test(a_digest_does_not_see_the_device))
