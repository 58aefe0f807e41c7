/* test_seal.c - what a sealed region refuses, and how little else changes. */
#include "unit/sketch.h"

/* page      1 2 3 4 5
 * seal        x x            two regions more, for ever
 * then every way of taking it away is refused, and the part before it stays or goes as in Linux */
static void
a_sealed_region_stays_as_it_is(void **state)
{
	struct map_request over = sketch_anonymous(2, MAPF_PRIVATE | MAPF_FIXED);
	struct space	  *sp = sketch_space();
	vaddr_t		   va;

	(void)state;
	sketch_map(sp, 1, 6, PROT_RW, 0);
	sketch_store_all(sp, 1, 6);
	EXPECT_OK(space_seal(sp, PAGE(2), PAGE(2), 0));
	EXPECT_OK(space_seal(sp, PAGE(3), 1, 0));
	EXPECT_REGIONS(sp, "1-2 rw, 2-4 rw sealed, 4-6 rw");
	EXPECT_ERR(space_unmap(sp, PAGE(1), PAGE(5)), ERR_PERM);
	over.addr = PAGE(3);
	EXPECT_ERR(space_map(sp, &over, &va), ERR_PERM);
	EXPECT_ERR(space_protect(sp, PAGE(2), PAGE(1), PROT_RW), ERR_PERM);
	EXPECT_REGIONS(sp, "1-2 rw, 2-4 rw sealed, 4-6 rw");
	EXPECT_ERR(space_protect(sp, PAGE(1), PAGE(5), PROT_R), ERR_PERM);
	EXPECT_REGIONS(sp, "1-2 r, 2-4 rw sealed, 4-6 rw");
	assert_int_equal(sketch_load(sp, 1), 1);
	sketch_store(sp, 3, 33);
	EXPECT_OK(space_lock(sp, PAGE(2), PAGE(1), 0));
	EXPECT_REGIONS(sp, "1-2 r, 2-3 rw locked sealed, 3-4 rw sealed, 4-6 rw");
	sketch_end(sp);
}

static void
the_child_inherits_the_seal(void **state)
{
	struct space *sp = sketch_space();
	struct space *child;

	(void)state;
	sketch_map(sp, 1, 3, PROT_RW, 0);
	EXPECT_OK(space_seal(sp, PAGE(1), PAGE(1), 0));
	EXPECT_OK(space_fork(sp, &child));
	EXPECT_REGIONS(child, "1-2 rw sealed, 2-3 rw");
	EXPECT_ERR(space_unmap(child, PAGE(1), PAGE(1)), ERR_PERM);
	space_put(child);
	sketch_end(sp);
}

static void
bad_arguments_are_refused(void **state)
{
	struct space *sp = sketch_space();

	(void)state;
	sketch_map(sp, 1, 3, PROT_RW, 0);
	sketch_map(sp, 4, 5, PROT_RW, 0);
	EXPECT_ERR(space_seal(sp, PAGE(1), PAGE(1), 1), ERR_INVAL);
	EXPECT_ERR(space_seal(sp, PAGE(1) + 1, PAGE(1), 0), ERR_INVAL);
	EXPECT_ERR(space_seal(sp, PAGE(1), PAGE(1), (uint64_t)1 << 32), ERR_INVAL);
	EXPECT_ERR(space_seal(sp, PAGE(1), UINT64_MAX, 0), ERR_INVAL);
	EXPECT_ERR(space_seal(sp, PAGE(3), UINT64_MAX - PAGE(1), 0), ERR_INVAL);
	EXPECT_ERR(space_seal(sp, PAGE(1), PAGE(4), 0), ERR_NOMEM);
	EXPECT_ERR(space_seal(sp, PAGE(2), PAGE(2), 0), ERR_NOMEM);
	EXPECT_ERR(space_seal(sp, PAGE(3), PAGE(1), 0), ERR_NOMEM);
	EXPECT_OK(space_seal(sp, PAGE(8), 0, 0));
	EXPECT_REGIONS(sp, "1-3 rw, 4-5 rw");
	sketch_end(sp);
}

static err_t
seal_the_middle(struct space *sp)
{
	return space_seal(sp, PAGE(2), PAGE(2), 0);
}

static void
a_failed_call_changes_nothing(void **state)
{
	struct space *sp = sketch_space();

	(void)state;
	sketch_map(sp, 1, 5, PROT_RW, 0);
	assert_true(sketch_fail_each(seal_the_middle, sp) > 0);
	EXPECT_REGIONS(sp, "1-2 rw, 2-4 rw sealed, 4-5 rw");
	sketch_end(sp);
}

TEST_SUITE(seal, cmocka_unit_test(a_sealed_region_stays_as_it_is),
	   cmocka_unit_test(the_child_inherits_the_seal),
	   cmocka_unit_test(bad_arguments_are_refused),
	   cmocka_unit_test(a_failed_call_changes_nothing))
