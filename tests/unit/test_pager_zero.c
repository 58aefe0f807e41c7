/* test_pager_zero.c - shared anonymous memory starts as zeros, also in frames used before. */
#include "unit/sketch.h"

static void
pages_are_zero_whatever_the_frame_held(void **state)
{
	struct object *object;
	pfn_t	       pfn;

	(void)state;
	machine_fresh();
	for (unsigned round = 0; round < 3; round++) {
		EXPECT_OK(object_create(&pager_zero, 1, 4, NULL, &object));
		for (unsigned index = 0; index < 4; index++) {
			uint8_t *bytes;

			EXPECT_OK(object_get_page(object, index, &pfn));
			bytes = arch_frame_ptr(pfn);
			for (unsigned i = 0; i < ARCH_PAGE_SIZE; i++)
				assert_int_equal(bytes[i], 0);
			bytes[0] = bytes[ARCH_PAGE_SIZE - 1] = 0xff;
			frame_release(pfn);
		}
		object_put(object);
	}
	machine_check();
}

TEST_SUITE(pager_zero, cmocka_unit_test(pages_are_zero_whatever_the_frame_held))
