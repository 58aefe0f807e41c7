/* test_protect.c - protection of a range: cutting, joining, holes, errors, what hardware may do. */
#include "unit/sketch.h"

/* DRG-34:
 * page       1 2 3 4 5
 * before     A A A A A
 * protect      r r           [2, 4) read only
 * after      A B B A A
 * protect      w w           and back: one region again */
static void
cutting_and_joining_are_inverse(void **state)
{
	struct space *sp = sketch_space();

	(void)state;
	sketch_map(sp, 1, 6, PROT_RW, 0);
	sketch_store_all(sp, 1, 6);
	EXPECT_OK(space_protect(sp, PAGE(2), PAGE(2), PROT_R));
	EXPECT_REGIONS(sp, "1-2 rw, 2-4 r, 4-6 rw");
	assert_int_equal(sketch_access(sp, ACCESS_STORE, 2), FAULT_SEGV_ACCERR);
	assert_int_equal(sketch_access(sp, ACCESS_STORE, 3), FAULT_SEGV_ACCERR);
	assert_int_equal(sketch_load(sp, 3), 3);
	sketch_store(sp, 4, 40);
	EXPECT_OK(space_protect(sp, PAGE(2), PAGE(2), PROT_RW));
	EXPECT_REGIONS(sp, "1-6 rw");
	sketch_store(sp, 2, 20);
	assert_int_equal(sketch_load(sp, 3), 3);
	sketch_end(sp);
}

/* page       1 2 3 4 5
 * before     A A B B C       rw r x
 * protect        r r r       only C changes, and joins B */
static void
what_agrees_afterwards_is_joined(void **state)
{
	struct space *sp = sketch_space();

	(void)state;
	sketch_map(sp, 1, 3, PROT_RW, 0);
	sketch_map(sp, 3, 5, PROT_R, 0);
	sketch_map(sp, 5, 6, PROT_X, 0);
	EXPECT_OK(space_protect(sp, PAGE(3), PAGE(3), PROT_R));
	EXPECT_REGIONS(sp, "1-3 rw, 3-6 r");
	EXPECT_OK(space_protect(sp, PAGE(1), PAGE(5), 0));
	EXPECT_REGIONS(sp, "1-6 -");
	assert_int_equal(sketch_access(sp, ACCESS_LOAD, 1), FAULT_SEGV_ACCERR);
	sketch_end(sp);
}

/* A page without any access keeps its frame and its contents. */
static void
contents_survive_no_access(void **state)
{
	struct space *sp = sketch_space();

	(void)state;
	sketch_map(sp, 1, 3, PROT_RW, 0);
	sketch_store(sp, 1, 77);
	EXPECT_OK(space_protect(sp, PAGE(1), PAGE(1), 0));
	assert_int_equal(sketch_access(sp, ACCESS_LOAD, 1), FAULT_SEGV_ACCERR);
	EXPECT_OK(space_protect(sp, PAGE(1), PAGE(1), PROT_R));
	assert_int_equal(sketch_load(sp, 1), 77);
	assert_int_equal(sketch_access(sp, ACCESS_STORE, 1), FAULT_SEGV_ACCERR);
	assert_int_equal(sketch_access(sp, ACCESS_FETCH, 1), FAULT_SEGV_ACCERR);
	sketch_end(sp);
}

/* page       1 2 3 4 5 6
 * before     A A . A A A
 * protect    r r r r         rule 15: an error at the hole, the part before it is done
 * after      B B . A A A */
static void
a_hole_ends_the_call_after_the_part_before_it(void **state)
{
	struct space *sp = sketch_space();

	(void)state;
	sketch_map(sp, 1, 3, PROT_RW, 0);
	sketch_map(sp, 4, 7, PROT_RW, 0);
	EXPECT_ERR(space_protect(sp, PAGE(1), PAGE(4), PROT_R), ERR_NOMEM);
	EXPECT_REGIONS(sp, "1-3 r, 4-7 rw");
	EXPECT_ERR(space_protect(sp, PAGE(3), PAGE(2), PROT_R), ERR_NOMEM);
	EXPECT_ERR(space_protect(sp, PAGE(5), PAGE(3), PROT_R), ERR_NOMEM);
	EXPECT_REGIONS(sp, "1-3 r, 4-5 rw, 5-7 r");
	sketch_end(sp);
}

static void
bad_arguments_are_refused(void **state)
{
	const struct {
		vaddr_t	 addr;
		uint64_t length;
		uint64_t prot;
		err_t	 err;
	} cases[] = {
		{ PAGE(1) + 1, PAGE(1), PROT_R, ERR_INVAL },
		{ PAGE(1) + 1, 0, PROT_R, ERR_INVAL },
		{ PAGE(1), 0, PROT_R, OK },
		{ PAGE(1), 0, 0x40, OK },
		{ PAGE(1), PAGE(1), 0x10, ERR_INVAL },
		{ PAGE(1), PAGE(1), PROT_RWX | 0x80000000u, ERR_INVAL },
		{ PAGE(1), PAGE(1), PROT_R | 0x3000000, ERR_INVAL },
		{ PAGE(1), PAGE(1), PROT_R | 0x2000000, ERR_INVAL },
		{ PAGE(1), PAGE(1), PROT_R | 0x1000000, ERR_INVAL },
		{ PAGE(5), PAGE(1), PROT_R | 0x1000000, ERR_NOMEM },
		{ PAGE(1), PAGE(1), PROT_RW | 0x8, OK },
		{ PAGE(1), PAGE(1), (uint64_t)1 << 32, ERR_INVAL },
		{ PAGE(1), UINT64_MAX, PROT_R, ERR_NOMEM },
		{ PAGE(1), UINT64_MAX - 5000, PROT_R, ERR_NOMEM },
		{ PAGE(1), UINT64_MAX - 5000, 0x40, ERR_NOMEM },
		{ UINT64_MAX & ~ARCH_PAGE_MASK, PAGE(1), PROT_R, ERR_NOMEM },
		{ PAGE(20), PAGE(1), PROT_R, ERR_NOMEM },
	};
	struct space *sp = sketch_space();

	(void)state;
	sketch_map(sp, 1, 4, PROT_RW, 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		EXPECT_ERR(space_protect(sp, cases[i].addr, cases[i].length, cases[i].prot),
			   cases[i].err);
	EXPECT_REGIONS(sp, "1-4 rw");
	sketch_end(sp);
}

/*
 * A shared mapping of a file that was opened read-only never becomes writable; a private one may.
 * What stands before it in the range has been changed when the call fails.
 */
static void
a_read_only_file_stays_so_when_shared(void **state)
{
	struct space	  *sp = sketch_space();
	struct object	  *file = sketch_file(7, 10);
	struct map_request request = {
		.addr = PAGE(2),
		.length = PAGE(2),
		.prot = PROT_R,
		.flags = MAPF_SHARED | MAPF_FIXED,
		.object = file,
		.readonly_file = true,
	};
	vaddr_t va;

	(void)state;
	EXPECT_OK(space_map(sp, &request, &va));
	sketch_map(sp, 1, 2, PROT_R, 0);
	EXPECT_ERR(space_protect(sp, PAGE(1), PAGE(3), PROT_RW), ERR_ACCES);
	EXPECT_REGIONS(sp, "1-2 rw, 2-4 r shared maynotwrite @7:0");
	EXPECT_OK(space_protect(sp, PAGE(2), PAGE(1), 0));
	EXPECT_OK(space_protect(sp, PAGE(2), PAGE(1), PROT_R));
	request.addr = PAGE(6);
	request.flags = MAPF_PRIVATE | MAPF_FIXED;
	EXPECT_OK(space_map(sp, &request, &va));
	EXPECT_OK(space_protect(sp, PAGE(6), PAGE(2), PROT_RW));
	EXPECT_REGIONS(sp, "1-2 rw, 2-4 r shared maynotwrite @7:0, 6-8 rw @7:0");
	object_put(file);
	sketch_end(sp);
}

/* "From the start of the stack": the range is extended down to where the region begins. */
static void
growsdown_reaches_the_start_of_the_stack(void **state)
{
	struct space *sp = sketch_space();

	(void)state;
	sketch_map(sp, 6, 10, PROT_RW, REGION_GROWSDOWN);
	EXPECT_OK(space_protect(sp, PAGE(8), PAGE(1), PROT_R | 0x1000000));
	EXPECT_REGIONS(sp, "6-9 r down, 9-10 rw down");
	sketch_end(sp);
}

/* After a fork both sides map one frame: becoming writable again may not write it in place. */
static void
shared_frames_stay_protected(void **state)
{
	struct space *sp = sketch_space();
	struct space *child;

	(void)state;
	sketch_map(sp, 1, 3, PROT_RW, 0);
	sketch_store(sp, 1, 11);
	EXPECT_OK(space_fork(sp, &child));
	EXPECT_OK(space_protect(sp, PAGE(1), PAGE(2), PROT_R));
	EXPECT_OK(space_protect(sp, PAGE(1), PAGE(2), PROT_RW));
	assert_false(sketch_is_writable(sp, 1));
	sketch_store(sp, 1, 12);
	assert_int_equal(sketch_load(child, 1), 11);
	pt_deactivate(&child->pt);
	space_put(child);
	sketch_end(sp);
}

/* page       1 2 3 4 5 6 7 8      limits: four pages of data, three for one request
 * before     A A A A N N . .      read only; N differs from A by its flag
 * protect    w w w w              too much for one request
 * protect    w w w                allowed
 * protect          w w w          A's page is done; N would be the fifth and sixth page */
static void
limits_hold_for_what_becomes_writable(void **state)
{
	struct space_layout layout = sketch_layout();
	struct space	   *sp;

	(void)state;
	layout.limit_data = PAGE(4);
	layout.limit_commit = PAGE(3);
	sp = sketch_space_with(&layout);
	sketch_map(sp, 1, 5, PROT_R, 0);
	sketch_map(sp, 5, 7, PROT_R, REGION_NORESERVE);
	EXPECT_ERR(space_protect(sp, PAGE(1), PAGE(4), PROT_RW), ERR_NOMEM);
	EXPECT_REGIONS(sp, "1-5 r, 5-7 r noreserve");
	EXPECT_OK(space_protect(sp, PAGE(1), PAGE(3), PROT_RW));
	EXPECT_ERR(space_protect(sp, PAGE(4), PAGE(3), PROT_RW), ERR_NOMEM);
	EXPECT_REGIONS(sp, "1-5 rw, 5-7 r noreserve");
	EXPECT_ERR(space_protect(sp, PAGE(5), PAGE(1), PROT_RW), ERR_NOMEM);
	EXPECT_OK(space_protect(sp, PAGE(1), PAGE(1), PROT_R));
	EXPECT_OK(space_protect(sp, PAGE(5), PAGE(1), PROT_RW));
	EXPECT_REGIONS(sp, "1-2 r, 2-5 rw, 5-6 rw noreserve, 6-7 r noreserve");
	assert_int_equal(sp->data_pages, 4);
	assert_int_equal(sp->committed_pages, 3);
	sketch_end(sp);
}

static err_t
protect_page_3(struct space *sp)
{
	return space_protect(sp, PAGE(3), PAGE(1), PROT_R);
}

static void
a_failed_allocation_changes_nothing(void **state)
{
	struct space *sp = sketch_space();
	struct space *child;

	(void)state;
	sketch_map(sp, 1, 6, PROT_RW, 0);
	sketch_store_all(sp, 1, 6);
	EXPECT_OK(space_fork(sp, &child));
	assert_true(sketch_fail_each(protect_page_3, sp) >= 2 + ARCH_HAS_UPPER_WRITE_DENIAL);
	EXPECT_REGIONS(sp, "1-3 rw, 3-4 r, 4-6 rw");
	pt_deactivate(&child->pt);
	space_put(child);
	sketch_end(sp);
}

TEST_SUITE(protect, cmocka_unit_test(cutting_and_joining_are_inverse),
	   cmocka_unit_test(what_agrees_afterwards_is_joined),
	   cmocka_unit_test(contents_survive_no_access),
	   cmocka_unit_test(a_hole_ends_the_call_after_the_part_before_it),
	   cmocka_unit_test(bad_arguments_are_refused),
	   cmocka_unit_test(a_read_only_file_stays_so_when_shared),
	   cmocka_unit_test(growsdown_reaches_the_start_of_the_stack),
	   cmocka_unit_test(shared_frames_stay_protected),
	   cmocka_unit_test(limits_hold_for_what_becomes_writable),
	   cmocka_unit_test(a_failed_allocation_changes_nothing))
