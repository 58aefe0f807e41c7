/* test_limit.c - limits at their exact edges, and with the largest numbers there are. */
#include "space/limit.h"

#include <anymm/commit.h>

#include "unit/sketch.h"

static struct space sums;

static struct space *
space_with(uint64_t total, uint64_t data)
{
	sums = (struct space){ .layout = sketch_layout(),
			       .total_pages = total,
			       .data_pages = data };
	return &sums;
}

static void
the_edge_is_allowed_and_a_page_more_is_not(void **state)
{
	struct space *sp = space_with(10, 4);

	(void)state;
	sp->layout.limit_as = PAGE(12);
	assert_false(limit_forbids(sp, PAGE(2), PROT_R, 0));
	assert_true(limit_forbids(sp, PAGE(3), PROT_R, 0));
	sp->layout.limit_as = PAGE(12) + 4095;
	assert_true(limit_forbids(sp, PAGE(3), PROT_R, 0));
	sp->layout.limit_as = UINT64_MAX;
	sp->layout.limit_data = PAGE(5);
	assert_false(limit_forbids(sp, PAGE(1), PROT_RW, 0));
	assert_true(limit_forbids(sp, PAGE(2), PROT_RW, 0));
	assert_true(limit_forbids_data(sp, PAGE(2)));
	assert_false(limit_forbids_data(sp, PAGE(1)));
}

static void
limits_on_data_concern_data_only(void **state)
{
	struct space *sp = space_with(10, 4);

	(void)state;
	sp->layout.limit_data = 0;
	assert_true(limit_forbids(sp, PAGE(1), PROT_RW, 0));
	assert_false(limit_forbids(sp, PAGE(1), PROT_RX, 0));
	assert_false(limit_forbids(sp, PAGE(1), PROT_RW, REGION_SHARED));
	assert_false(limit_forbids(sp, PAGE(1), PROT_RW, REGION_GROWSDOWN));
	assert_true(limit_forbids_data(sp, PAGE(1)));
}

static void
locked_memory_has_a_limit_of_its_own(void **state)
{
	struct space *sp = space_with(10, 4);

	(void)state;
	sp->locked_pages = 2;
	sp->layout.limit_memlock = PAGE(3);
	assert_false(limit_forbids_locked(sp, PAGE(1), REGION_LOCKED));
	assert_true(limit_forbids_locked(sp, PAGE(2), REGION_LOCKED));
	assert_false(limit_forbids_locked(sp, PAGE(2), REGION_LOCKONFAULT));
}

/* A promise that was not used is given back at the end, whatever became of the operation. */
static void
promises_are_settled(void **state)
{
	struct space *sp;

	(void)state;
	machine_fresh();
	sp = space_with(10, 4);
	sp->layout.limit_commit = PAGE(3);
	assert_true(limit_charge(sp, PAGE(3)));
	assert_true(limit_charge(sp, PAGE(2)));
	assert_false(limit_charge(sp, PAGE(4)));
	assert_int_equal(commit_total(), 5);
	sp->committed_pages = 2;
	limit_settle(sp);
	assert_int_equal(sp->charged_pages, 2);
	assert_int_equal(commit_total(), 2);
	sp->committed_pages = 0;
	limit_settle(sp);
	assert_int_equal(commit_total(), 0);
	commit_set_policy(COMMIT_ALWAYS, 0);
	assert_false(limit_forbids_promise(sp, PAGE(4)));
	machine_check();
}

/* Sums as large as an address space do not wrap around. */
static void
nothing_overflows(void **state)
{
	uint64_t      all = ((uint64_t)1 << 56) >> ARCH_PAGE_SHIFT;
	struct space *sp = space_with(all, all);

	(void)state;
	assert_false(limit_forbids(sp, (uint64_t)1 << 56, PROT_RW, 0));
	sp->layout.limit_as = (uint64_t)1 << 56;
	assert_false(limit_forbids(sp, 0, PROT_RW, 0));
	assert_true(limit_forbids(sp, PAGE(1), PROT_RW, 0));
}

/* A program may ask to lock any number of bytes: added to what is locked, they do not wrap around. */
static void
the_longest_request_is_over_the_limit(void **state)
{
	struct space *sp = space_with(4, 4);

	(void)state;
	sp->layout.limit_memlock = PAGE(3);
	sp->locked_pages = 3;
	assert_true(limit_forbids_locked(sp, -PAGE(2), REGION_LOCKED));
	assert_true(limit_forbids_locked(sp, -PAGE(3), REGION_LOCKED));
	sp->layout.limit_memlock = UINT64_MAX;
	assert_false(limit_forbids_locked(sp, -PAGE(3), REGION_LOCKED));
}

TEST_SUITE(limit, cmocka_unit_test(the_edge_is_allowed_and_a_page_more_is_not),
	   cmocka_unit_test(limits_on_data_concern_data_only),
	   cmocka_unit_test(locked_memory_has_a_limit_of_its_own),
	   cmocka_unit_test(promises_are_settled), cmocka_unit_test(nothing_overflows),
	   cmocka_unit_test(the_longest_request_is_over_the_limit))
