/*
 * test_tables.c - the clock's hand over page tables: how far it goes, and what it brings.
 */
#include "unit/sketch.h"
#include "unit/swap_store.h"

#include "reclaim/tables.h"

static struct swap_store store;

static struct space *
touched_sketch(void)
{
	struct space *sp = sketch_space();

	swap_store_make(&store, 32);
	sketch_map(sp, 1, 9, PROT_RW, 0);
	sketch_store_all(sp, 1, 9);
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

/* Twice around at most: once to take the accessed bits, once to take the pages. */
static void
all_pages_can_be_had_at_once(void **state)
{
	struct space *sp = touched_sketch();
	uint64_t      anon = frame_totals().by_kind[FRAME_ANON];

	(void)state;
	assert_int_equal(anon, 8);
	assert_int_equal(tables_reclaim(100), 8);
	assert_int_equal(frame_totals().by_kind[FRAME_ANON], 0);
	assert_int_equal(store.writes, 8);
	assert_int_equal(tables_reclaim(100), 0);
	machine_check_invariants();
	for (unsigned page = 1; page < 9; page++)
		assert_int_equal(sketch_load(sp, page), page);
	end_sketch(sp);
}

static void
without_a_device_nothing_is_looked_at(void **state)
{
	struct space *sp = sketch_space();

	(void)state;
	sketch_map(sp, 1, 9, PROT_RW, 0);
	sketch_store_all(sp, 1, 9);
	assert_int_equal(tables_reclaim(1), 0);
	assert_int_equal(frame_totals().by_kind[FRAME_ANON], 8);
	sketch_end(sp);
}

/* A frame with two mappings in tables of their own is free when both have let go, and is written once. */
static void
a_shared_frame_is_written_once(void **state)
{
	struct space *sp = touched_sketch();
	struct space *child;

	(void)state;
	EXPECT_OK(space_fork(sp, &child));
	sketch_store(child, 8, 88); /* from here on the last table is the child's own */
	assert_int_equal(tables_reclaim(100), 9);
	assert_int_equal(store.writes, 9);
	machine_check_invariants();
	assert_int_equal(sketch_load(child, 7), 7);
	assert_int_equal(sketch_load(sp, 8), 8);
	assert_int_equal(sketch_load(child, 8), 88);
	drop(child);
	end_sketch(sp);
}

/* write errors: pages stay in memory, out of the tables, and go when the device recovers */
static void
a_device_that_cannot_write_frees_nothing(void **state)
{
	struct space *sp = touched_sketch();

	(void)state;
	store.fails_writes = true;
	assert_int_equal(tables_reclaim(4), 0);
	assert_int_equal(frame_totals().by_kind[FRAME_ANON], 8);
	machine_check_invariants();
	assert_int_equal(sketch_load(sp, 1), 1);
	store.fails_writes = false;
	assert_true(tables_reclaim(4) >= 4);
	for (unsigned page = 1; page < 9; page++)
		assert_int_equal(sketch_load(sp, page), page);
	end_sketch(sp);
}

/* The hand remembers where it was, and survives a place that does not exist. */
static void
the_hand_starts_anywhere(void **state)
{
	struct space *sp = touched_sketch();

	(void)state;
	atomic_store(&reclaim_state()->table_hand, UINT64_MAX);
	assert_int_equal(tables_reclaim(100), 8);
	end_sketch(sp);
}

TEST_SUITE(tables, cmocka_unit_test(all_pages_can_be_had_at_once),
	   cmocka_unit_test(without_a_device_nothing_is_looked_at),
	   cmocka_unit_test(a_shared_frame_is_written_once),
	   cmocka_unit_test(a_device_that_cannot_write_frees_nothing),
	   cmocka_unit_test(the_hand_starts_anywhere))
