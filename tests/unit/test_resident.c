/* test_resident.c - one region's portion of residency at a time. */
#include "unit/sketch.h"

static void
a_portion_ends_with_its_region(void **state)
{
	struct space *sp = sketch_space();
	uint8_t	      vec[8] = { 9, 9, 9, 9, 9, 9, 9, 9 };
	uint64_t      done = 77;

	(void)state;
	sketch_map(sp, 1, 4, PROT_RW, 0);
	sketch_map(sp, 4, 6, PROT_R, 0);
	sketch_store(sp, 2, 1);
	(void)sketch_load(sp, 5);
	EXPECT_OK(space_resident(sp, PAGE(1), 8, vec, &done));
	assert_int_equal(done, 3);
	assert_true(vec[0] == 0 && vec[1] == 1 && vec[2] == 0 && vec[3] == 9);
	EXPECT_OK(space_resident(sp, PAGE(4), 8, vec, &done));
	assert_int_equal(done, 2);
	assert_true(vec[0] == 0 && vec[1] == 1);
	EXPECT_OK(space_resident(sp, PAGE(2), 1, vec, &done));
	assert_int_equal(done, 1);
	assert_true(vec[0] == 1);
	done = 77;
	EXPECT_ERR(space_resident(sp, PAGE(6), 1, vec, &done), ERR_NOMEM);
	assert_int_equal(done, 77);
	sketch_end(sp);
}

TEST_SUITE(resident, cmocka_unit_test(a_portion_ends_with_its_region))
