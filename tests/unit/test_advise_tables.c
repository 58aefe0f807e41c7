/* test_advise_tables.c - pages and guards of a range: what stays, what goes, what it costs. */
#include "unit/sketch.h"

/* page       1 2 3 4
 * before     A A A A         each stored to
 * guard        G G           [2, 4): pages go, any access fails
 * after      A G G A         LUN-B03: guards survive protection, fork and DONTNEED */
static void
guards_survive_everything_but_removal(void **state)
{
	struct space *sp = sketch_space();
	struct space *child;

	(void)state;
	sketch_map(sp, 1, 5, PROT_RW, 0);
	sketch_store_all(sp, 1, 5);
	EXPECT_OK(space_advise(sp, PAGE(2), PAGE(2), ADVICE_GUARD_INSTALL));
	EXPECT_REGIONS(sp, "1-5 rw");
	EXPECT_OK(space_protect(sp, PAGE(1), PAGE(4), PROT_R));
	EXPECT_OK(space_protect(sp, PAGE(1), PAGE(4), PROT_RW));
	EXPECT_OK(space_advise(sp, PAGE(1), PAGE(3), ADVICE_DONTNEED));
	EXPECT_OK(space_fork(sp, &child));
	for (unsigned page = 2; page < 4; page++) {
		assert_int_equal(sketch_access(sp, ACCESS_LOAD, page), FAULT_SEGV_MAPERR);
		assert_int_equal(sketch_access(child, ACCESS_STORE, page), FAULT_SEGV_MAPERR);
	}
	assert_int_equal(sketch_load(sp, 1), 0);
	assert_int_equal(sketch_load(child, 4), 4);
	EXPECT_OK(space_advise(child, PAGE(3), PAGE(1), ADVICE_GUARD_REMOVE));
	sketch_store(child, 3, 33);
	assert_int_equal(sketch_access(child, ACCESS_LOAD, 2), FAULT_SEGV_MAPERR);
	assert_int_equal(sketch_access(sp, ACCESS_LOAD, 3), FAULT_SEGV_MAPERR);
	EXPECT_OK(space_advise(child, PAGE(1), PAGE(4), ADVICE_DONTNEED));
	assert_int_equal(sketch_access(child, ACCESS_LOAD, 2), FAULT_SEGV_MAPERR);
	assert_int_equal(sketch_load(child, 4), 0);
	pt_deactivate(&child->pt);
	space_put(child);
	sketch_end(sp);
}

/* Removing guards where there are none touches nothing, not even a shared table. */
static void
removing_no_guards_costs_nothing(void **state)
{
	struct space *sp = sketch_space();
	struct space *child;
	uint64_t      splits;

	(void)state;
	sketch_map(sp, 1, 5, PROT_RW, 0);
	sketch_store_all(sp, 1, 5);
	EXPECT_OK(space_advise(sp, PAGE(1), PAGE(1), ADVICE_GUARD_INSTALL));
	EXPECT_OK(space_fork(sp, &child));
	splits = stat_get(STAT_TABLE_SPLITS);
	EXPECT_OK(space_advise(sp, PAGE(2), PAGE(3), ADVICE_GUARD_REMOVE));
	assert_int_equal(stat_get(STAT_TABLE_SPLITS), splits);
	space_put(child);
	sketch_end(sp);
}

static err_t
guard_two_runs(struct space *sp)
{
	err_t err = space_advise(sp, PAGE(1), PAGE(8), ADVICE_GUARD_INSTALL);

	/* The hole between the runs is reported when all has been done. */
	return err == ERR_NOMEM ? OK : err;
}

static err_t
dontneed_between_guards(struct space *sp)
{
	return space_advise(sp, PAGE(1), PAGE(3), ADVICE_DONTNEED);
}

static void
a_failed_allocation_changes_nothing(void **state)
{
	struct space *sp = sketch_space();
	struct space *child;

	(void)state;
	sketch_map(sp, 1, 4, PROT_RW, 0);
	sketch_map(sp, 6, 9, PROT_RW, 0);
	sketch_store_all(sp, 1, 4);
	sketch_store_all(sp, 6, 9);
	EXPECT_OK(space_advise(sp, PAGE(2), PAGE(1), ADVICE_GUARD_INSTALL));
	EXPECT_OK(space_fork(sp, &child));
	assert_true(sketch_fail_each(dontneed_between_guards, sp) > 0 ||
		    !ARCH_HAS_UPPER_WRITE_DENIAL);
	assert_int_equal(sketch_load(child, 1), 1);
	sketch_store(sp, 1, 1);
	assert_true(sketch_fail_each(guard_two_runs, sp) >= 1);
	assert_int_equal(sketch_access(sp, ACCESS_LOAD, 8), FAULT_SEGV_MAPERR);
	assert_int_equal(sketch_load(child, 8), 8);
	pt_deactivate(&child->pt);
	space_put(child);
	sketch_end(sp);
}

TEST_SUITE(advise_tables, cmocka_unit_test(guards_survive_everything_but_removal),
	   cmocka_unit_test(removing_no_guards_costs_nothing),
	   cmocka_unit_test(a_failed_allocation_changes_nothing))
