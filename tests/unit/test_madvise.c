/* test_madvise.c - the advice that wants pages, and its errors. */
#include "unit/sketch.h"

#include <anymm/call.h>

static void
populating_reads_or_writes(void **state)
{
	struct space *sp = sketch_space();

	(void)state;
	sketch_map(sp, 1, 5, PROT_RW, 0);
	EXPECT_OK(call_madvise(sp, PAGE(1), PAGE(2), ADVICE_POPULATE_READ));
	assert_true(sketch_is_present(sp, 2));
	assert_false(sketch_is_writable(sp, 2));
	EXPECT_OK(call_madvise(sp, PAGE(2), PAGE(2), ADVICE_POPULATE_WRITE));
	assert_true(sketch_is_writable(sp, 2) && sketch_is_writable(sp, 3));
	assert_false(sketch_is_present(sp, 4));
	EXPECT_OK(call_madvise(sp, PAGE(1), PAGE(3), ADVICE_DONTNEED));
	assert_false(sketch_is_present(sp, 2));
	sketch_end(sp);
}

static void
errors_are_linuxs(void **state)
{
	const struct {
		vaddr_t	    addr;
		uint64_t    length;
		enum advice advice;
		err_t	    err;
	} cases[] = {
		{ PAGE(1), PAGE(1), ADVICE_POPULATE_READ, ERR_FAULT },
		{ PAGE(1), PAGE(1), ADVICE_POPULATE_WRITE, ERR_FAULT },
		{ PAGE(2), PAGE(2), ADVICE_POPULATE_READ, ERR_NOMEM },
		{ PAGE(3), PAGE(1), ADVICE_POPULATE_WRITE, ERR_NOMEM },
		{ PAGE(4), PAGE(1), ADVICE_POPULATE_WRITE, ERR_INVAL },
		{ PAGE(4), PAGE(1), ADVICE_POPULATE_READ, OK },
		{ PAGE(5), PAGE(1), ADVICE_POPULATE_READ, ERR_INVAL },
		{ PAGE(6), PAGE(2), ADVICE_POPULATE_READ, ERR_FAULT },
		{ PAGE(8), PAGE(1), ADVICE_POPULATE_READ, ERR_INVAL },
		{ PAGE(8), PAGE(1), ADVICE_POPULATE_WRITE, OK },
		{ PAGE(1) + 1, PAGE(1), ADVICE_POPULATE_READ, ERR_INVAL },
		{ PAGE(1), UINT64_MAX, ADVICE_POPULATE_READ, ERR_INVAL },
		{ PAGE(3), UINT64_MAX - PAGE(1), ADVICE_POPULATE_READ, ERR_INVAL },
		{ (vaddr_t)1 << 63, PAGE(1), ADVICE_POPULATE_READ, ERR_NOMEM },
		{ PAGE(3), 0, ADVICE_POPULATE_READ, OK },
		{ PAGE(1), PAGE(1), 99, ERR_INVAL },
		{ PAGE(4), PAGE(1), ADVICE_COLLAPSE, ERR_INVAL },
	};
	struct space  *sp = sketch_space();
	struct object *file = sketch_file(7, 1);

	(void)state;
	sketch_map(sp, 1, 3, PROT_RW, 0);
	sketch_map(sp, 4, 5, PROT_R, 0);
	sketch_map(sp, 5, 6, 0, 0);
	sketch_map_file(sp, 6, 8, PROT_R, file, 0, MAPF_SHARED);
	sketch_map(sp, 8, 9, PROT_W, 0);
	EXPECT_OK(call_madvise(sp, PAGE(1), PAGE(1), ADVICE_GUARD_INSTALL));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		EXPECT_ERR(call_madvise(sp, cases[i].addr, cases[i].length, cases[i].advice),
			   cases[i].err);
	object_put(file);
	sketch_end(sp);
}

TEST_SUITE(madvise, cmocka_unit_test(populating_reads_or_writes),
	   cmocka_unit_test(errors_are_linuxs))
