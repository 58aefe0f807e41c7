/* test_file_io.c - read and write calls see what mappings see, and a write moves the end. */
#include "unit/sketch.h"
#include "unit/slow_pager.h"

#include <string.h>

static void
calls_and_mappings_show_the_same_bytes(void **state)
{
	struct space  *sp = sketch_space();
	struct object *file = sketch_file(7, 3);
	char	       text[8] = "abcdefg";
	char	       back[8] = "";
	uint64_t       at = ARCH_PAGE_SIZE - 3;
	size_t	       done;

	(void)state;
	sketch_map_file(sp, 1, 4, PROT_RW, file, 0, MAPF_SHARED);
	EXPECT_OK(object_write(file, at, text, sizeof(text), &done));
	assert_int_equal(done, sizeof(text));
	assert_int_equal(machine_user(sp, ACCESS_LOAD, PAGE(1) + at, back, sizeof(back)),
			 FAULT_DONE);
	assert_string_equal(back, text);
	sketch_store(sp, 2, 'X');
	EXPECT_OK(object_read(file, at, back, sizeof(back), &done));
	assert_int_equal(done, sizeof(back));
	assert_string_equal(back, "abcXefg");
	object_put(file);
	sketch_end(sp);
}

static void
a_read_ends_at_the_end(void **state)
{
	struct object *file;
	uint8_t	       bytes[10];
	size_t	       done;

	(void)state;
	machine_fresh();
	file = sketch_file(7, 1);
	object_resize(file, ARCH_PAGE_SIZE - 4);
	EXPECT_OK(object_read(file, ARCH_PAGE_SIZE - 8, bytes, sizeof(bytes), &done));
	assert_int_equal(done, 4);
	assert_int_equal(bytes[3], object_pattern(7, ARCH_PAGE_SIZE - 5));
	EXPECT_OK(object_read(file, ARCH_PAGE_SIZE, bytes, 1, &done));
	assert_int_equal(done, 0);
	EXPECT_ERR(object_read(file, UINT64_MAX - 1, bytes, 1, &done), ERR_INVAL);
	object_put(file);
	machine_check();
}

static void
a_write_beyond_the_end_leaves_zeros_between(void **state)
{
	struct object *file;
	uint8_t	       byte = 5;
	size_t	       done;

	(void)state;
	machine_fresh();
	file = sketch_file(7, 0);
	EXPECT_OK(object_write(file, 3 * ARCH_PAGE_SIZE + 9, &byte, 1, &done));
	assert_int_equal(object_size(file), 3 * ARCH_PAGE_SIZE + 10);
	EXPECT_OK(object_read(file, 3 * ARCH_PAGE_SIZE + 9, &byte, 1, &done));
	assert_int_equal(byte, 5);
	EXPECT_OK(object_read(file, 3 * ARCH_PAGE_SIZE + 8, &byte, 1, &done));
	assert_int_equal(byte, 0);
	EXPECT_ERR(object_write(file, INT64_MAX, &byte, 1, &done), ERR_INVAL);
	object_put(file);
	machine_check();
}

/* Without memory the write stops at a page's edge, and the end is behind what was written. */
static void
a_failed_write_moves_the_end_no_further_than_its_bytes(void **state)
{
	static uint8_t bytes[8192 * 2];
	struct object *file;
	size_t	       done;

	(void)state;
	machine_fresh();
	EXPECT_OK(object_create(&pager_zero, 1, 0, NULL, &file));
	memset(bytes, 3, sizeof(bytes));
	EXPECT_OK(object_write(file, 0, bytes, 1, &done));
	machine_fail_allocation(1, true);
	EXPECT_ERR(object_write(file, ARCH_PAGE_SIZE - 6, bytes, 20, &done), ERR_NOMEM);
	machine_fail_allocation(0, false);
	assert_int_equal(done, 6);
	assert_int_equal(object_size(file), ARCH_PAGE_SIZE);
	machine_check_invariants();
	object_put(file);
	machine_check();
}

/* bytes     0 ... 99 | 200 | next page
 *           file       s      w             s stored behind the end by a program, w written without memory */
static void
a_failed_write_leaves_what_is_stored_behind_the_end(void **state)
{
	struct space  *sp = sketch_space();
	struct object *file;
	uint8_t	       byte = 9;
	size_t	       done;

	(void)state;
	EXPECT_OK(object_create(&pager_zero, 1, 1, NULL, &file));
	object_resize(file, 100);
	sketch_map_file(sp, 1, 2, PROT_RW, file, 0, MAPF_SHARED);
	assert_int_equal(machine_user(sp, ACCESS_STORE, PAGE(1) + 200, &byte, 1), FAULT_DONE);
	for (unsigned n = 1; n <= 2; n++) {
		machine_fail_allocation(n, true);
		if (object_write(file, ARCH_PAGE_SIZE, &byte, 1, &done) == OK)
			break;
		machine_fail_allocation(0, false);
		assert_true(done == 0 && object_size(file) == 100 && file->nr_pages == 1);
		byte = 0;
		assert_int_equal(machine_user(sp, ACCESS_LOAD, PAGE(1) + 200, &byte, 1),
				 FAULT_DONE);
		assert_int_equal(byte, 9);
	}
	machine_fail_allocation(0, false);
	EXPECT_OK(object_write(file, ARCH_PAGE_SIZE, &byte, 1, &done));
	assert_int_equal(machine_user(sp, ACCESS_LOAD, PAGE(1) + 200, &byte, 1), FAULT_DONE);
	assert_int_equal(byte, 0);
	object_put(file);
	sketch_end(sp);
}

static void
cut_it(struct object *object, uint64_t index)
{
	(void)index;
	slow.on_wait = NULL;
	object_resize(object, ARCH_PAGE_SIZE);
}

/* The page that is read is cut off while it comes: the read ends where the object does. */
static void
a_read_meets_a_truncation(void **state)
{
	struct object *file;
	uint8_t	       bytes[8];
	size_t	       done;

	(void)state;
	machine_fresh();
	file = slow_file(4);
	slow.on_wait = cut_it;
	EXPECT_OK(object_read(file, 2 * ARCH_PAGE_SIZE, bytes, sizeof(bytes), &done));
	assert_int_equal(done, 0);
	slow_finish_all();
	object_put(file);
	machine_check();
}

TEST_SUITE(file_io, cmocka_unit_test(a_read_meets_a_truncation),
	   cmocka_unit_test(calls_and_mappings_show_the_same_bytes),
	   cmocka_unit_test(a_read_ends_at_the_end),
	   cmocka_unit_test(a_write_beyond_the_end_leaves_zeros_between),
	   cmocka_unit_test(a_failed_write_moves_the_end_no_further_than_its_bytes),
	   cmocka_unit_test(a_failed_write_leaves_what_is_stored_behind_the_end))
