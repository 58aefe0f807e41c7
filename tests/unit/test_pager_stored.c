/* test_pager_stored.c - a file that keeps its bytes: holes, ends, and what is cut off stays off. */
#include "unit/sketch.h"

#include <string.h>

static struct object *file;

static void
fresh(uint64_t size_bytes)
{
	machine_fresh();
	EXPECT_OK(object_create_stored(9, size_bytes, &file));
}

static void
put_byte(uint64_t offset, uint8_t byte)
{
	size_t done;

	EXPECT_OK(object_write(file, offset, &byte, 1, &done));
}

static uint8_t
get_byte(uint64_t offset)
{
	uint8_t byte = 0xee;
	size_t	done;

	EXPECT_OK(object_read(file, offset, &byte, 1, &done));
	assert_int_equal(done, 1);
	return byte;
}

static void
drop(void)
{
	EXPECT_OK(object_write_back(file, 0, UINT64_MAX));
	object_evict(file, 0, UINT64_MAX);
	assert_int_equal(file->nr_pages, 0);
}

static void
bytes_come_back_and_holes_stay_empty(void **state)
{
	(void)state;
	fresh(10 * ARCH_PAGE_SIZE);
	put_byte(5 * ARCH_PAGE_SIZE + 1, 51);
	drop();
	assert_int_equal(get_byte(5 * ARCH_PAGE_SIZE + 1), 51);
	assert_int_equal(get_byte(4 * ARCH_PAGE_SIZE + 1), 0);
	machine_check_invariants();
	object_put(file);
	assert_int_equal(object_live(), 0);
	machine_check();
}

static void
what_was_cut_or_punched_does_not_come_back(void **state)
{
	(void)state;
	fresh(4 * ARCH_PAGE_SIZE);
	for (uint64_t i = 0; i < 4; i++)
		put_byte(i * ARCH_PAGE_SIZE + 100, (uint8_t)(i + 1));
	drop();
	object_punch(file, 1, 1);
	object_resize(file, 2 * ARCH_PAGE_SIZE + 50);
	object_resize(file, 4 * ARCH_PAGE_SIZE);
	assert_int_equal(get_byte(100), 1);
	assert_int_equal(get_byte(ARCH_PAGE_SIZE + 100), 0);
	assert_int_equal(get_byte(2 * ARCH_PAGE_SIZE + 100), 0);
	assert_int_equal(get_byte(3 * ARCH_PAGE_SIZE + 100), 0);
	object_put(file);
	machine_check();
}

/* Bytes that a mapping wrote beyond the end do not reach storage. */
static void
nothing_beyond_the_end_is_stored(void **state)
{
	struct space *sp = sketch_space();

	(void)state;
	EXPECT_OK(object_create_stored(9, 100, &file));
	sketch_map_file(sp, 1, 2, PROT_RW, file, 0, MAPF_SHARED);
	assert_int_equal(machine_user(sp, ACCESS_STORE, PAGE(1) + 200, &(uint8_t){ 9 }, 1),
			 FAULT_DONE);
	drop();
	object_resize(file, 300);
	assert_int_equal(get_byte(200), 0);
	object_put(file);
	sketch_end(sp);
}

/* Storage takes memory; without it the page stays dirty and is stored later. */
static void
storage_may_run_out(void **state)
{
	(void)state;
	fresh(ARCH_PAGE_SIZE);
	put_byte(0, 1);
	machine_fail_allocation(1, true);
	EXPECT_ERR(object_write_back(file, 0, 1), ERR_NOMEM);
	machine_fail_allocation(0, false);
	assert_int_equal(object_evict(file, 0, 1), 0);
	drop();
	assert_int_equal(get_byte(0), 1);
	for (unsigned n = 1; n <= 2; n++) {
		struct object *other;

		machine_fail_allocation(n, false);
		EXPECT_ERR(object_create_stored(10, 1, &other), ERR_NOMEM);
	}
	machine_fail_allocation(0, false);
	object_put(file);
	machine_check();
}

TEST_SUITE(pager_stored, cmocka_unit_test(bytes_come_back_and_holes_stay_empty),
	   cmocka_unit_test(what_was_cut_or_punched_does_not_come_back),
	   cmocka_unit_test(nothing_beyond_the_end_is_stored),
	   cmocka_unit_test(storage_may_run_out))
