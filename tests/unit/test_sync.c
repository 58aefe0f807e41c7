/* test_sync.c - msync: its arguments, holes, locked memory. */
#include "unit/sketch.h"

/* LUN-10. */
static void
holes_and_locked_regions_end_it_as_in_linux(void **state)
{
	struct space *sp = sketch_space();

	(void)state;
	sketch_map(sp, 1, 3, PROT_RW, 0);
	sketch_map(sp, 5, 6, PROT_RW, 0);
	EXPECT_OK(space_sync(sp, PAGE(1), PAGE(2), SYNC_SYNC));
	EXPECT_ERR(space_sync(sp, PAGE(1), PAGE(5), SYNC_SYNC), ERR_NOMEM);
	EXPECT_ERR(space_sync(sp, PAGE(1), PAGE(5), SYNC_ASYNC), ERR_NOMEM);
	EXPECT_ERR(space_sync(sp, PAGE(5), PAGE(2), SYNC_ASYNC), ERR_NOMEM);
	EXPECT_OK(space_lock(sp, PAGE(5), PAGE(1), 0));
	EXPECT_OK(space_sync(sp, PAGE(5), PAGE(1), SYNC_SYNC));
	EXPECT_ERR(space_sync(sp, PAGE(5), PAGE(1), SYNC_INVALIDATE), ERR_BUSY);
	EXPECT_ERR(space_sync(sp, PAGE(1), PAGE(5), SYNC_SYNC | SYNC_INVALIDATE), ERR_BUSY);
	EXPECT_ERR(space_sync(sp, PAGE(1), PAGE(5), SYNC_ASYNC), ERR_NOMEM);
	sketch_end(sp);
}

/* LUN-10. */
static void
bad_arguments_are_refused(void **state)
{
	const struct {
		vaddr_t	 addr;
		uint64_t length;
		unsigned flags;
		err_t	 err;
	} cases[] = {
		{ PAGE(1) + 1, PAGE(1), SYNC_SYNC, ERR_INVAL },
		{ PAGE(1), PAGE(1), SYNC_SYNC | SYNC_ASYNC, ERR_INVAL },
		{ PAGE(1), PAGE(1), 8, ERR_INVAL },
		{ PAGE(1), 0, 8, ERR_INVAL },
		{ PAGE(1), 0, SYNC_SYNC, OK },
		{ PAGE(6), 0, SYNC_SYNC, OK },
		{ PAGE(1), PAGE(1), 0, OK },
		{ PAGE(6), PAGE(1), SYNC_SYNC, ERR_NOMEM },
		{ PAGE(1), UINT64_MAX, SYNC_SYNC, OK },
		{ PAGE(3), UINT64_MAX - PAGE(1), SYNC_SYNC, ERR_NOMEM },
		{ UINT64_MAX & ~ARCH_PAGE_MASK, PAGE(2), SYNC_SYNC, ERR_NOMEM },
		{ (vaddr_t)1 << 63, PAGE(1), SYNC_SYNC, ERR_NOMEM },
	};
	struct space *sp = sketch_space();

	(void)state;
	sketch_map(sp, 1, 3, PROT_RW, 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		EXPECT_ERR(space_sync(sp, cases[i].addr, cases[i].length, cases[i].flags),
			   cases[i].err);
	sketch_end(sp);
}

/*
 * LUN-10:
 * What was written through a shared mapping is in storage afterwards; asynchronously, not yet.
 */
static void
written_pages_reach_storage(void **state)
{
	struct space  *sp = sketch_space();
	struct object *file;

	(void)state;
	EXPECT_OK(object_create_stored(7, PAGE(4), &file));
	sketch_map_file(sp, 1, 5, PROT_RW, file, 0, MAPF_SHARED);
	sketch_store_all(sp, 1, 5);
	EXPECT_OK(space_sync(sp, PAGE(1), PAGE(4), SYNC_ASYNC));
	assert_int_equal(object_evict(file, 0, 4), 0);
	EXPECT_OK(space_sync(sp, PAGE(2), PAGE(2), SYNC_SYNC));
	assert_int_equal(object_evict(file, 0, 4), 2);
	for (unsigned page = 1; page < 5; page++)
		assert_int_equal(sketch_load(sp, page), page);
	EXPECT_OK(space_sync(sp, PAGE(1), PAGE(4), SYNC_SYNC));
	assert_int_equal(object_evict(file, 0, 4), 4);
	assert_int_equal(sketch_load(sp, 4), 4);
	object_put(file);
	sketch_end(sp);
}

/*
 * LUN-10, LUN-B15: a space that is not active is synced like any other, by its own pages. And a file and its
 * mappings are one: what is written to the file is read by everybody, so an invalidation has nothing to drop.
 */
static void
a_file_and_its_mappings_are_one(void **state)
{
	struct space_layout layout = sketch_layout();
	struct space	   *sp = sketch_space();
	struct space	   *other;
	struct object	   *file;
	uint8_t		    byte = 77;
	uint64_t	    done;

	(void)state;
	EXPECT_OK(space_create(&layout, &other));
	EXPECT_OK(object_create_stored(7, PAGE(2), &file));
	sketch_map_file(sp, 1, 3, PROT_RW, file, 0, MAPF_SHARED);
	sketch_map_file(other, 2, 4, PROT_RW, file, 0, MAPF_SHARED);
	sketch_store_all(sp, 1, 3);
	sketch_store(other, 3,
		     33); /* from here on this one is active, and has another page there */
	EXPECT_OK(space_sync(sp, PAGE(2), PAGE(1), SYNC_SYNC));
	assert_int_equal(object_evict(file, 0, 2), 1);
	assert_int_equal(sketch_load(sp, 2), 33);
	EXPECT_OK(object_write(file, 0, &byte, 1, &done));
	EXPECT_OK(space_sync(sp, PAGE(1), PAGE(2), SYNC_SYNC | SYNC_INVALIDATE));
	assert_int_equal(sketch_load(sp, 1), 77);
	assert_int_equal(sketch_load(other, 2), 77);
	pt_deactivate(&other->pt);
	space_put(other);
	object_put(file);
	sketch_end(sp);
}

TEST_SUITE(sync, cmocka_unit_test(written_pages_reach_storage),
	   cmocka_unit_test(holes_and_locked_regions_end_it_as_in_linux),
	   cmocka_unit_test(bad_arguments_are_refused),
	   cmocka_unit_test(a_file_and_its_mappings_are_one))
