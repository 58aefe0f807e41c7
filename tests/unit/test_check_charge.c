/*
 * test_check_charge.c - I-CHARGE finds each sum of a space that is not its regions'.
 */
#include "unit/damage.h"

static void
each_wrong_sum_is_found(void **state)
{
	struct space *sp = sketch_space();

	(void)state;
	sketch_map(sp, 1, 4, PROT_RW, 0);
	sketch_map(sp, 6, 8, PROT_R, 0);
	machine_check_invariants();
	sp->nr_regions++;
	EXPECT_BROKEN(INV_CHARGE, "regions 3, its regions 2");
	sp->nr_regions--;
	sp->total_pages--;
	EXPECT_BROKEN(INV_CHARGE, "pages 4, its regions 5");
	sp->total_pages++;
	sp->committed_pages++;
	EXPECT_BROKEN(INV_CHARGE, "committed pages 4, its regions 3");
	sp->committed_pages--;
	sp->data_pages = 0;
	EXPECT_BROKEN(INV_CHARGE, "data pages 0, its regions 3");
	damage_abandon();
}

static void
what_is_charged_depends_on_the_region(void **state)
{
	struct space *sp = sketch_space();

	(void)state;
	sketch_map(sp, 1, 2, PROT_RW, REGION_NORESERVE);
	sketch_map(sp, 5, 6, PROT_RW, REGION_GROWSDOWN);
	machine_check_invariants();
	assert_int_equal(sp->committed_pages, 1);
	assert_int_equal(sp->data_pages, 1);
	sketch_end(sp);
}

TEST_SUITE(check_charge, cmocka_unit_test(each_wrong_sum_is_found),
	   cmocka_unit_test(what_is_charged_depends_on_the_region))
