/* test_commit.c - promises of memory over all spaces and shared objects, under each policy. */
#include "unit/sketch.h"

#include <anymm/commit.h>

static err_t
map(struct space *sp, unsigned pages, unsigned flags)
{
	struct map_request request = sketch_anonymous(pages, flags);
	vaddr_t		   va;

	return space_map(sp, &request, &va);
}

static void
the_sum_never_passes_the_limit(void **state)
{
	(void)state;
	machine_fresh();
	commit_set_policy(COMMIT_STRICT, 10);
	assert_true(commit_reserve(10));
	assert_false(commit_reserve(1));
	assert_true(commit_reserve(0));
	assert_false(commit_reserve(UINT64_MAX));
	commit_release(3);
	assert_true(commit_reserve(2));
	assert_int_equal(commit_total(), 9);
	commit_set_policy(COMMIT_STRICT, 5);
	assert_false(commit_reserve(1));
	commit_set_policy(COMMIT_ALWAYS, 5);
	assert_true(commit_reserve(100));
	commit_release(109);
	machine_check();
}

/* Two spaces share one limit: mappings, protection, growth, the heap and the child of a fork count. */
static void
a_strict_limit_holds_over_all_spaces(void **state)
{
	struct space_layout layout = sketch_layout();
	struct space	   *sp, *other, *child;

	(void)state;
	layout.brk_start = PAGE(1);
	sp = sketch_space_with(&layout);
	EXPECT_OK(space_create(&layout, &other));
	commit_set_policy(COMMIT_STRICT, 6);
	EXPECT_OK(map(sp, 2, MAPF_PRIVATE));
	EXPECT_OK(map(other, 3, MAPF_PRIVATE | MAPF_NORESERVE));
	EXPECT_ERR(map(sp, 2, MAPF_PRIVATE), ERR_NOMEM);
	assert_int_equal(space_brk(sp, PAGE(3)), PAGE(1));
	assert_int_equal(space_brk(sp, PAGE(2)), PAGE(2));
	assert_int_equal(commit_total(), 6);
	EXPECT_ERR(space_fork(sp, &child), ERR_NOMEM);
	EXPECT_OK(space_unmap(other, PAGE(9), PAGE(3)));
	assert_int_equal(commit_total(), 3);
	EXPECT_OK(space_fork(sp, &child));
	assert_int_equal(commit_total(), 6);
	machine_check_invariants();
	space_put(child);
	space_put(other);
	assert_int_equal(commit_total(), 3);
	sketch_end(sp);
	assert_int_equal(commit_total(), 0);
}

static void
protection_and_moves_make_promises_too(void **state)
{
	struct remap_request copy = { .addr = PAGE(1),
				      .old_length = PAGE(2),
				      .new_length = PAGE(2),
				      .flags = REMAP_MAYMOVE | REMAP_DONTUNMAP,
				      .new_addr = PAGE(8) };
	struct space	    *sp = sketch_space();
	struct va_range	     fresh;
	vaddr_t		     va;

	(void)state;
	commit_set_policy(COMMIT_STRICT, 3);
	sketch_map(sp, 1, 4, PROT_R, 0);
	assert_int_equal(commit_total(), 0);
	EXPECT_OK(space_protect(sp, PAGE(1), PAGE(2), PROT_RW));
	assert_int_equal(commit_total(), 2);
	sketch_map(sp, 5, 7, PROT_R, 0);
	EXPECT_ERR(space_protect(sp, PAGE(2), PAGE(5), PROT_RW), ERR_NOMEM);
	EXPECT_REGIONS(sp, "1-4 rw, 5-7 r");
	EXPECT_ERR(space_remap(sp, &copy, &va, &fresh), ERR_NOMEM);
	EXPECT_OK(space_protect(sp, PAGE(1), PAGE(3), PROT_R));
	assert_int_equal(commit_total(), 0);
	EXPECT_OK(space_remap(sp, &copy, &va, &fresh));
	sketch_end(sp);
}

/* Shared anonymous memory is promised with the object, as long as anybody maps it. */
static void
shared_memory_is_promised_once(void **state)
{
	struct space *sp = sketch_space();
	struct space *child;

	(void)state;
	commit_set_policy(COMMIT_STRICT, 4);
	EXPECT_OK(map(sp, 3, MAPF_SHARED));
	assert_int_equal(commit_total(), 3);
	EXPECT_ERR(map(sp, 2, MAPF_SHARED), ERR_NOMEM);
	EXPECT_OK(space_fork(sp, &child));
	assert_int_equal(commit_total(), 3);
	EXPECT_OK(space_unmap(sp, PAGE(9), PAGE(3)));
	assert_int_equal(commit_total(), 3);
	machine_check_invariants();
	space_put(child);
	assert_int_equal(commit_total(), 0);
	commit_set_policy(COMMIT_ALWAYS, 0);
	sp->layout.limit_commit = PAGE(1);
	EXPECT_OK(map(sp, 3, MAPF_SHARED));
	EXPECT_OK(map(sp, 3, MAPF_PRIVATE));
	commit_set_policy(COMMIT_HEURISTIC, 0);
	EXPECT_ERR(map(sp, 2, MAPF_SHARED), ERR_NOMEM);
	EXPECT_ERR(map(sp, 2, MAPF_PRIVATE), ERR_NOMEM);
	EXPECT_OK(map(sp, 2, MAPF_PRIVATE | MAPF_NORESERVE));
	sketch_end(sp);
}

TEST_SUITE(commit, cmocka_unit_test(the_sum_never_passes_the_limit),
	   cmocka_unit_test(a_strict_limit_holds_over_all_spaces),
	   cmocka_unit_test(protection_and_moves_make_promises_too),
	   cmocka_unit_test(shared_memory_is_promised_once))
