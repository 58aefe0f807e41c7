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

/* Wiping needs private anonymous memory; the first region that is not ends the call, as in Linux. */
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
	EXPECT_REGIONS(sp, "1-2 rw wipe, 2-3 rw @7:0, 4-5 rw shared dontfork @anon:0");
	object_put(file);
	sketch_end(sp);
}

/* What cannot be shared twice is passed over without a word. */
static void
only_private_memory_is_mergeable(void **state)
{
	struct space	  *sp = sketch_space();
	struct map_request shared = sketch_anonymous(1, MAPF_SHARED | MAPF_FIXED);
	vaddr_t		   va;

	(void)state;
	sketch_map(sp, 1, 2, PROT_RW, 0);
	shared.addr = PAGE(2);
	EXPECT_OK(space_map(sp, &shared, &va));
	sketch_map(sp, 3, 4, PROT_RW, 0);
	EXPECT_OK(space_advise(sp, PAGE(1), PAGE(3), ADVICE_MERGEABLE));
	EXPECT_REGIONS(sp, "1-2 rw mergeable, 2-3 rw shared @anon:0, 3-4 rw mergeable");
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

static err_t
dontfork_page_2(struct space *sp)
{
	return space_advise(sp, PAGE(2), PAGE(1), ADVICE_DONTFORK);
}

static void
a_failed_allocation_changes_nothing(void **state)
{
	struct space *sp = sketch_space();

	(void)state;
	sketch_map(sp, 1, 4, PROT_RW, 0);
	assert_int_equal(sketch_fail_each(dontfork_page_2, sp), 2);
	EXPECT_REGIONS(sp, "1-2 rw, 2-3 rw dontfork, 3-4 rw");
	sketch_end(sp);
}

/* Hints that leave a flag, and those that leave nothing; opposites replace each other. */
static void
hints_are_flags_of_the_region(void **state)
{
	const struct {
		enum advice advice;
		const char *regions;
	} steps[] = {
		{ ADVICE_SEQUENTIAL, "1-2 rw, 2-3 rw sequential, 3-4 rw" },
		{ ADVICE_RANDOM, "1-2 rw, 2-3 rw random, 3-4 rw" },
		{ ADVICE_NORMAL, "1-4 rw" },
		{ ADVICE_HUGEPAGE, "1-2 rw, 2-3 rw huge, 3-4 rw" },
		{ ADVICE_NOHUGEPAGE, "1-2 rw, 2-3 rw nohuge, 3-4 rw" },
		{ ADVICE_DONTDUMP, "1-2 rw, 2-3 rw nohuge dontdump, 3-4 rw" },
		{ ADVICE_DODUMP, "1-2 rw, 2-3 rw nohuge, 3-4 rw" },
		{ ADVICE_HUGEPAGE, "1-2 rw, 2-3 rw huge, 3-4 rw" },
		{ ADVICE_MERGEABLE, "1-2 rw, 2-3 rw huge mergeable, 3-4 rw" },
		{ ADVICE_UNMERGEABLE, "1-2 rw, 2-3 rw huge, 3-4 rw" },
		{ ADVICE_WILLNEED, "1-2 rw, 2-3 rw huge, 3-4 rw" },
		{ ADVICE_COLD, "1-2 rw, 2-3 rw huge, 3-4 rw" },
		{ ADVICE_PAGEOUT, "1-2 rw, 2-3 rw huge, 3-4 rw" },
	};
	struct space *sp = sketch_space();

	(void)state;
	sketch_map(sp, 1, 4, PROT_RW, 0);
	sketch_store(sp, 2, 22);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		EXPECT_OK(space_advise(sp, PAGE(2), PAGE(1), steps[i].advice));
		EXPECT_REGIONS(sp, steps[i].regions);
	}
	EXPECT_ERR(space_advise(sp, PAGE(2), PAGE(1), ADVICE_COLLAPSE), ERR_INVAL);
	assert_int_equal(sketch_load(sp, 2), 22);
	sketch_end(sp);
}

/* Locked pages stay, unless the advice says that it means them; the part before them is done. */
static void
locked_pages_are_not_thrown_away(void **state)
{
	const enum advice refused[] = { ADVICE_DONTNEED, ADVICE_FREE, ADVICE_COLD, ADVICE_PAGEOUT,
					ADVICE_GUARD_INSTALL };
	struct space	 *sp = sketch_space();

	(void)state;
	sketch_map(sp, 1, 4, PROT_RW, 0);
	sketch_store_all(sp, 1, 4);
	EXPECT_OK(space_lock(sp, PAGE(2), PAGE(1), 0));
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		EXPECT_ERR(space_advise(sp, PAGE(2), PAGE(2), refused[i]), ERR_INVAL);
	assert_int_equal(sketch_load(sp, 3), 3);
	EXPECT_ERR(space_advise(sp, PAGE(1), PAGE(3), ADVICE_DONTNEED), ERR_INVAL);
	assert_false(sketch_is_present(sp, 1));
	assert_true(sketch_is_present(sp, 2));
	assert_true(sketch_is_present(sp, 3));
	EXPECT_OK(space_advise(sp, PAGE(1), PAGE(3), ADVICE_DONTNEED_LOCKED));
	assert_false(sketch_is_present(sp, 2));
	assert_false(sketch_is_present(sp, 3));
	EXPECT_OK(space_advise(sp, PAGE(1), PAGE(3), ADVICE_GUARD_REMOVE));
	sketch_end(sp);
}

/* What a program may not write it may not throw away either, once it is sealed. */
static void
sealed_read_only_contents_stay(void **state)
{
	const enum advice refused[] = { ADVICE_DONTNEED,   ADVICE_DONTNEED_LOCKED,
					ADVICE_FREE,	   ADVICE_DONTFORK,
					ADVICE_WIPEONFORK, ADVICE_GUARD_INSTALL };
	struct space	 *sp = sketch_space();

	(void)state;
	sketch_map(sp, 1, 3, PROT_RW, 0);
	sketch_store_all(sp, 1, 3);
	EXPECT_OK(space_protect(sp, PAGE(1), PAGE(1), PROT_R));
	EXPECT_OK(space_seal(sp, PAGE(1), PAGE(2), 0));
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		EXPECT_ERR(space_advise(sp, PAGE(1), PAGE(1), refused[i]), ERR_PERM);
	assert_int_equal(sketch_load(sp, 1), 1);
	EXPECT_OK(space_advise(sp, PAGE(1), PAGE(1), ADVICE_WILLNEED));
	EXPECT_OK(space_advise(sp, PAGE(2), PAGE(1), ADVICE_DONTNEED));
	assert_false(sketch_is_present(sp, 2));
	sketch_end(sp);
}

TEST_SUITE(advise, cmocka_unit_test(hints_are_flags_of_the_region),
	   cmocka_unit_test(locked_pages_are_not_thrown_away),
	   cmocka_unit_test(sealed_read_only_contents_stay),
	   cmocka_unit_test(dontneed_gives_zeros_back),
	   cmocka_unit_test(dontneed_reads_the_object_again),
	   cmocka_unit_test(dontneed_concerns_one_space), cmocka_unit_test(free_may_be_a_mere_hint),
	   cmocka_unit_test(fork_flags_cut_and_join),
	   cmocka_unit_test(wipe_on_fork_needs_private_anonymous_memory),
	   cmocka_unit_test(only_private_memory_is_mergeable),
	   cmocka_unit_test(holes_are_passed_over_and_reported),
	   cmocka_unit_test(bad_arguments_are_refused),
	   cmocka_unit_test(a_failed_allocation_changes_nothing))
