/* test_advise.c - advice: pages dropped, flags for fork, guards, holes, errors. */
#include "unit/sketch.h"

/* page       1 2 3 4 5
 * before     A A A A A       each stored to
 * dontneed     x x           [2, 4)
 * after      A 0 0 A A       one region still; the pages read as zeros */
static void
dontneed_gives_zeros_back(void **state)
{
	struct space *sp = sketch_space();
	uint64_t      anon;

	(void)state;
	sketch_map(sp, 1, 6, PROT_RW, 0);
	sketch_store_all(sp, 1, 6);
	anon = frame_totals().by_kind[FRAME_ANON];
	EXPECT_OK(space_advise(sp, PAGE(2), PAGE(2), ADVICE_DONTNEED));
	assert_int_equal(frame_totals().by_kind[FRAME_ANON], anon - 2);
	EXPECT_REGIONS(sp, "1-6 rw");
	assert_int_equal(sketch_load(sp, 2), 0);
	assert_int_equal(sketch_load(sp, 3), 0);
	assert_int_equal(sketch_load(sp, 1), 1);
	assert_int_equal(sketch_load(sp, 4), 4);
	sketch_end(sp);
}

/* What an object backs comes back from it: a shared page as it was, a private copy as the file is. */
static void
dontneed_reads_the_object_again(void **state)
{
	struct space  *sp = sketch_space();
	struct object *file = sketch_file(7, 10);

	(void)state;
	sketch_map_file(sp, 1, 2, PROT_RW, file, 0, MAPF_PRIVATE);
	sketch_map_file(sp, 3, 4, PROT_RW, file, 1, MAPF_SHARED);
	sketch_store(sp, 1, 99);
	sketch_store(sp, 3, 98);
	EXPECT_ERR(space_advise(sp, PAGE(1), PAGE(3), ADVICE_DONTNEED), ERR_NOMEM);
	assert_false(sketch_is_present(sp, 1));
	assert_false(sketch_is_present(sp, 3));
	assert_int_equal(sketch_load(sp, 1), object_pattern(7, 0));
	assert_int_equal(sketch_load(sp, 3), 98);
	object_put(file);
	sketch_end(sp);
}

/* The child keeps what the parent no longer needs. */
static void
dontneed_concerns_one_space(void **state)
{
	struct space *sp = sketch_space();
	struct space *child;

	(void)state;
	sketch_map(sp, 1, 4, PROT_RW, 0);
	sketch_store_all(sp, 1, 4);
	EXPECT_OK(space_fork(sp, &child));
	EXPECT_OK(space_advise(sp, PAGE(1), PAGE(3), ADVICE_DONTNEED));
	assert_int_equal(sketch_load(sp, 2), 0);
	assert_int_equal(sketch_load(child, 2), 2);
	pt_deactivate(&child->pt);
	space_put(child);
	sketch_end(sp);
}

static void
free_may_be_a_mere_hint(void **state)
{
	struct space  *sp = sketch_space();
	struct object *file = sketch_file(7, 10);

	(void)state;
	sketch_map(sp, 1, 3, PROT_RW, 0);
	sketch_store(sp, 1, 5);
	EXPECT_OK(space_advise(sp, PAGE(1), PAGE(2), ADVICE_FREE));
	EXPECT_OK(space_advise(sp, PAGE(1), PAGE(2), ADVICE_NORMAL));
	assert_int_equal(sketch_load(sp, 1), 5);
	sketch_map_file(sp, 3, 4, PROT_R, file, 0, MAPF_PRIVATE);
	EXPECT_ERR(space_advise(sp, PAGE(1), PAGE(3), ADVICE_FREE), ERR_INVAL);
	EXPECT_ERR(space_advise(sp, PAGE(3), PAGE(2), ADVICE_NORMAL), ERR_NOMEM);
	object_put(file);
	sketch_end(sp);
}

/* page       1 2 3 4 5
 * dontfork     d d           cuts; taken back, it is one region again
 * wipe       w w             in the child, but empty */
static void
fork_flags_cut_and_join(void **state)
{
	struct space *sp = sketch_space();

	(void)state;
	sketch_map(sp, 1, 6, PROT_RW, 0);
	EXPECT_OK(space_advise(sp, PAGE(2), PAGE(2), ADVICE_DONTFORK));
	EXPECT_REGIONS(sp, "1-2 rw, 2-4 rw dontfork, 4-6 rw");
	EXPECT_OK(space_advise(sp, PAGE(2), PAGE(2), ADVICE_DOFORK));
	EXPECT_REGIONS(sp, "1-6 rw");
	EXPECT_OK(space_advise(sp, PAGE(1), PAGE(2), ADVICE_WIPEONFORK));
	EXPECT_REGIONS(sp, "1-3 rw wipe, 3-6 rw");
	EXPECT_OK(space_advise(sp, PAGE(2), PAGE(4), ADVICE_KEEPONFORK));
	EXPECT_REGIONS(sp, "1-2 rw wipe, 2-6 rw");
	sketch_end(sp);
}

/* Wiping needs private anonymous memory; a range with anything else is refused whole. */
static void
wipe_on_fork_needs_private_anonymous_memory(void **state)
{
	struct space	  *sp = sketch_space();
	struct object	  *file = sketch_file(7, 10);
	struct map_request shared = sketch_anonymous(1, MAPF_SHARED | MAPF_FIXED);
	vaddr_t		   va;

	(void)state;
	sketch_map(sp, 1, 2, PROT_RW, 0);
	sketch_map_file(sp, 2, 3, PROT_RW, file, 0, MAPF_PRIVATE);
	shared.addr = PAGE(4);
	EXPECT_OK(space_map(sp, &shared, &va));
	EXPECT_ERR(space_advise(sp, PAGE(1), PAGE(2), ADVICE_WIPEONFORK), ERR_INVAL);
	EXPECT_ERR(space_advise(sp, PAGE(4), PAGE(1), ADVICE_WIPEONFORK), ERR_INVAL);
	EXPECT_OK(space_advise(sp, PAGE(4), PAGE(1), ADVICE_DONTFORK));
	EXPECT_REGIONS(sp, "1-2 rw, 2-3 rw @7:0, 4-5 rw shared dontfork @anon:0");
	object_put(file);
	sketch_end(sp);
}

/* page       1 2 3 4 5 6
 * before     A A . B B .
 * dontfork   d d d d d d      rule 15: all that is mapped is done, then ERR_NOMEM */
static void
holes_are_passed_over_and_reported(void **state)
{
	struct space *sp = sketch_space();

	(void)state;
	sketch_map(sp, 1, 3, PROT_RW, 0);
	sketch_map(sp, 4, 6, PROT_R, 0);
	EXPECT_ERR(space_advise(sp, PAGE(1), PAGE(6), ADVICE_DONTFORK), ERR_NOMEM);
	EXPECT_REGIONS(sp, "1-3 rw dontfork, 4-6 r dontfork");
	EXPECT_ERR(space_advise(sp, PAGE(2), PAGE(3), ADVICE_GUARD_INSTALL), ERR_NOMEM);
	assert_int_equal(sketch_access(sp, ACCESS_LOAD, 2), FAULT_SEGV_MAPERR);
	assert_int_equal(sketch_access(sp, ACCESS_LOAD, 4), FAULT_SEGV_MAPERR);
	assert_int_equal(sketch_load(sp, 5), 0);
	EXPECT_ERR(space_advise(sp, PAGE(8), PAGE(2), ADVICE_DONTNEED), ERR_NOMEM);
	EXPECT_ERR(space_advise(sp, PAGE(5), UINT64_MAX / 2, ADVICE_DONTNEED), ERR_NOMEM);
	EXPECT_ERR(space_advise(sp, PAGE(5), (uint64_t)1 << 62, ADVICE_DONTNEED), ERR_NOMEM);
	sketch_end(sp);
}

static void
bad_arguments_are_refused(void **state)
{
	const struct {
		vaddr_t	 addr;
		uint64_t length;
		int	 advice;
		err_t	 err;
	} cases[] = {
		{ PAGE(1), PAGE(1), 99, ERR_INVAL },
		{ PAGE(1), 0, 99, ERR_INVAL },
		{ PAGE(1), PAGE(1), -1, ERR_INVAL },
		{ PAGE(1) + 1, PAGE(1), ADVICE_DONTNEED, ERR_INVAL },
		{ PAGE(1) + 1, 0, ADVICE_DONTNEED, ERR_INVAL },
		{ PAGE(1), 0, ADVICE_DONTNEED, OK },
		{ PAGE(9), 0, ADVICE_DONTNEED, OK },
		{ PAGE(1), UINT64_MAX, ADVICE_DONTNEED, ERR_INVAL },
		{ PAGE(1), UINT64_MAX - 4095, ADVICE_DONTNEED, ERR_INVAL },
		{ UINT64_MAX - 4095, PAGE(2), ADVICE_DONTNEED, ERR_INVAL },
		{ PAGE(1), 1, ADVICE_NORMAL, OK },
	};
	struct space *sp = sketch_space();

	(void)state;
	sketch_map(sp, 1, 2, PROT_RW, 0);
	sketch_store(sp, 1, 1);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		EXPECT_ERR(space_advise(sp, cases[i].addr, cases[i].length,
					(enum advice)cases[i].advice),
			   cases[i].err);
	assert_int_equal(sketch_load(sp, 1), 1);
	sketch_end(sp);
}

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
	return err == ERR_NOMEM && !sketch_is_present(sp, 1) ? OK : err;
}

static err_t
dontneed_between_guards(struct space *sp)
{
	return space_advise(sp, PAGE(1), PAGE(3), ADVICE_DONTNEED);
}

static err_t
dontfork_page_2(struct space *sp)
{
	return space_advise(sp, PAGE(2), PAGE(1), ADVICE_DONTFORK);
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
	assert_int_equal(sketch_fail_each(dontfork_page_2, sp), 2);
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

TEST_SUITE(advise, cmocka_unit_test(dontneed_gives_zeros_back),
	   cmocka_unit_test(dontneed_reads_the_object_again),
	   cmocka_unit_test(dontneed_concerns_one_space), cmocka_unit_test(free_may_be_a_mere_hint),
	   cmocka_unit_test(fork_flags_cut_and_join),
	   cmocka_unit_test(wipe_on_fork_needs_private_anonymous_memory),
	   cmocka_unit_test(holes_are_passed_over_and_reported),
	   cmocka_unit_test(bad_arguments_are_refused),
	   cmocka_unit_test(guards_survive_everything_but_removal),
	   cmocka_unit_test(removing_no_guards_costs_nothing),
	   cmocka_unit_test(a_failed_allocation_changes_nothing))
