/* test_mlock.c - locked memory is there when the call returns, or the call says why not. */
#include "unit/sketch.h"

#include <anymm/call.h>

static void
locking_brings_the_pages_in(void **state)
{
	struct space *sp = sketch_space();

	(void)state;
	sketch_map(sp, 1, 5, PROT_RW, 0);
	EXPECT_OK(call_mlock(sp, PAGE(1) + 5, PAGE(1)));
	assert_true(sketch_is_writable(sp, 1) && sketch_is_writable(sp, 2));
	EXPECT_OK(call_mlock2(sp, PAGE(3), 1, LOCKF_ONFAULT));
	assert_false(sketch_is_present(sp, 3));
	EXPECT_REGIONS(sp, "1-3 rw locked, 3-4 rw locked onfault, 4-5 rw");
	EXPECT_OK(call_munlock(sp, PAGE(1), PAGE(4)));
	EXPECT_REGIONS(sp, "1-5 rw");
	EXPECT_OK(call_mlockall(sp, LOCKALL_CURRENT));
	assert_true(sketch_is_writable(sp, 3) && sketch_is_writable(sp, 4));
	EXPECT_OK(call_munlockall(sp));
	EXPECT_REGIONS(sp, "1-5 rw");
	sketch_end(sp);
}

/* The errors are POSIX's, and the range is locked all the same. */
static void
a_page_that_cannot_be_had_is_an_error(void **state)
{
	struct space  *sp = sketch_space();
	struct object *file = sketch_file(7, 1);

	(void)state;
	sketch_map_file(sp, 1, 3, PROT_R, file, 0, MAPF_SHARED);
	sketch_map(sp, 4, 5, 0, 0);
	sketch_map(sp, 6, 7, PROT_RW, 0);
	sketch_map(sp, 8, 9, PROT_RW, 0);
	EXPECT_OK(space_advise(sp, PAGE(8), PAGE(1), ADVICE_GUARD_INSTALL));
	EXPECT_ERR(call_mlock(sp, PAGE(1), PAGE(2)), ERR_NOMEM);
	assert_true(sketch_is_present(sp, 1));
	EXPECT_ERR(call_mlock(sp, PAGE(4), PAGE(1)), ERR_NOMEM);
	EXPECT_ERR(call_mlock(sp, PAGE(8), PAGE(1)), ERR_NOMEM);
	machine_fail_allocation(1, true);
	EXPECT_ERR(call_mlock(sp, PAGE(6), PAGE(1)), ERR_AGAIN);
	machine_fail_allocation(0, false);
	EXPECT_REGIONS(sp, "1-3 r shared locked @7:0, 4-5 - locked, 6-7 rw locked, 8-9 rw locked");
	EXPECT_OK(call_mlockall(sp, LOCKALL_CURRENT));
	EXPECT_ERR(call_mlock(sp, PAGE(3), PAGE(1)), ERR_NOMEM);
	object_put(file);
	sketch_end(sp);
}

TEST_SUITE(mlock, cmocka_unit_test(locking_brings_the_pages_in),
	   cmocka_unit_test(a_page_that_cannot_be_had_is_an_error))
