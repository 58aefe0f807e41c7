/*
 * test_check_ledger.c - I-LEDGER finds a frame of a kind that is not counted as such.
 */
#include "unit/damage.h"

static void
a_frame_in_the_wrong_column_is_found(void **state)
{
	pfn_t pfn;

	(void)state;
	machine_fresh();
	EXPECT_OK(frame_alloc((struct frame_request){ .kind = FRAME_KERNEL }, &pfn));
	machine_check_invariants();
	frame_of(pfn)->kind = FRAME_RESERVED;
	EXPECT_BROKEN(INV_LEDGER, "total of kind 0");
	damage_abandon();
}

static void
a_kind_that_does_not_exist_is_found(void **state)
{
	pfn_t pfn;

	(void)state;
	machine_fresh();
	EXPECT_OK(frame_alloc((struct frame_request){ .kind = FRAME_KERNEL }, &pfn));
	frame_of(pfn)->kind = FRAME_KINDS;
	EXPECT_BROKEN(INV_LEDGER, "has kind 6");
	damage_abandon();
}

TEST_SUITE(check_ledger, cmocka_unit_test(a_frame_in_the_wrong_column_is_found),
	   cmocka_unit_test(a_kind_that_does_not_exist_is_found))
