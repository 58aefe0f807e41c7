/* test_pager_memory_file.c - a memory file holds its pattern, and patterns tell pages apart. */
#include "unit/sketch.h"

#include <string.h>

static void
every_byte_is_the_pattern(void **state)
{
	const uint64_t indices[] = { 0, 1, 63, 100000, ((uint64_t)1 << 51) - 1 };
	struct object *file;
	pfn_t	       pfn;

	(void)state;
	machine_fresh();
	file = sketch_file(12345, UINT64_MAX);
	for (unsigned i = 0; i < ARRAY_SIZE(indices); i++) {
		const uint8_t *bytes;

		EXPECT_OK(object_get_page(file, indices[i], &pfn));
		bytes = arch_frame_ptr(pfn);
		for (uint64_t at = 0; at < ARCH_PAGE_SIZE; at++)
			assert_int_equal(bytes[at],
					 object_pattern(12345, indices[i] * ARCH_PAGE_SIZE + at));
		frame_release(pfn);
	}
	object_put(file);
	machine_check();
}

/* The values are part of recorded scenarios, so they may not change. */
static void
the_pattern_is_fixed(void **state)
{
	uint8_t	      bytes[16];
	const uint8_t expected[16] = { 0x69, 0x32, 0x76, 0x31, 0x19, 0x78, 0x9e, 0x46,
				       0xd9, 0x94, 0xf0, 0x62, 0xf4, 0x7a, 0x24, 0x62 };

	(void)state;
	for (unsigned i = 0; i < 16; i++)
		bytes[i] = object_pattern(7, i);
	assert_memory_equal(bytes, expected, 16);
}

/* No two of many pages and files are equal, and all byte values occur about equally often. */
static void
pages_differ_and_bytes_are_spread(void **state)
{
	static uint8_t pages[32][64];
	unsigned       seen[256] = { 0 };

	(void)state;
	for (unsigned n = 0; n < 32; n++) {
		for (unsigned i = 0; i < 64; i++)
			pages[n][i] = object_pattern(n % 4, (uint64_t)(n / 4) * ARCH_PAGE_SIZE + i);
		for (unsigned m = 0; m < n; m++)
			assert_memory_not_equal(pages[m], pages[n], 64);
	}
	for (unsigned i = 0; i < 65536; i++)
		seen[object_pattern(3, i)]++;
	for (unsigned value = 0; value < 256; value++)
		assert_in_range(seen[value], 180, 340);
}

/* size      1 page    100    200    300: what was cut off once stays zeros behind each later end */
static void
the_smallest_size_counts(void **state)
{
	struct object *file;
	uint8_t	       bytes[2] = { 1, 1 };
	size_t	       done;

	(void)state;
	machine_fresh();
	EXPECT_OK(object_create(&pager_memory_file, 7, 1, NULL, &file));
	object_resize(file, 100);
	object_resize(file, 200);
	object_resize(file, 300);
	EXPECT_OK(object_read(file, 99, bytes, 2, &done));
	assert_int_equal(bytes[0], object_pattern(7, 99));
	assert_int_equal(bytes[1], 0);
	object_put(file);
	machine_check();
}

TEST_SUITE(pager_memory_file, cmocka_unit_test(the_smallest_size_counts),
	   cmocka_unit_test(every_byte_is_the_pattern), cmocka_unit_test(the_pattern_is_fixed),
	   cmocka_unit_test(pages_differ_and_bytes_are_spread))
