/*
 * test_image.c - segments of a program in a space: where they lie, what they hold, and
 * that nothing is read before it is touched.
 */
#include "unit/sketch.h"

#include <string.h>

#include <anymm/usercopy.h>

#include "elf_maker.h"
#include "exec/image.h"

#define END ((vaddr_t)1 << 32)

static uint8_t		 bytes[ELF_FILE_BYTES];
static struct elf_source source;
static struct object	*file;

/* The segments of elf_small, from 0. */
static struct elf_image
small_image(vaddr_t at)
{
	return (struct elf_image){
		.is_pie = at == 0,
		.alignment = ARCH_PAGE_SIZE,
		.nr_loads = 3,
		.loads = { { at, at + 0x400, 0, 0x400, PROT_R },
			   { at + 0x1000, at + 0x2e00, 0x1000, 0x1e00, PROT_RX },
			   { at + 0x4e00, at + 0x7e00, 0x3e00, 0x500, PROT_RW } },
	};
}

static struct space_layout
layout(void)
{
	struct space_layout l = space_default_layout();

	l.min_addr = 0x10000;
	l.mmap_base = END - (16 << 20);
	l.end = END;
	l.brk_start = END / 3 * 2;
	l.huge_size = 2 << 20;
	return l;
}

static struct space *
make_space(const struct space_layout *l)
{
	struct space *sp = sketch_space_with(l);

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = elf_byte(i);
	source = (struct elf_source){ .bytes = bytes, .nr = sizeof(bytes), .broken = UINT64_MAX };
	EXPECT_OK(elf_object(&source, &file));
	return sp;
}

static struct space *
usual_space(void)
{
	struct space_layout l = layout();

	return make_space(&l);
}

static void
end(struct space *sp)
{
	object_put(file);
	sketch_end(sp);
}

static uint8_t
byte_at(struct space *sp, vaddr_t va)
{
	uint8_t byte = 0xee;

	assert_int_equal(copy_from_space(sp, &byte, va, 1), 0);
	return byte;
}

/* page       0x400   0x401 0x402   0x404 0x405   0x406 0x407
 * file       0       1     2       3     4
 * mapped     r       rx    rx      rw    rw|0    zeros */
static void
segments_lie_where_the_headers_say(void **state)
{
	struct space	*sp = usual_space();
	struct elf_image image = small_image(0x400000);
	uint32_t	 number;

	(void)state;
	EXPECT_OK(image_map(sp, &image, file, 0, &number));
	EXPECT_REGIONS(sp, "1024-1025 r @77:0, 1025-1027 rx @77:1, 1028-1030 rw @77:3, "
			   "1030-1032 rw");
	/* Only the page with a tail has been read. */
	assert_int_equal(file->nr_pages, 1);
	assert_int_equal(byte_at(sp, 0x401000), elf_byte(0x1000));
	assert_int_equal(byte_at(sp, 0x402fff), elf_byte(0x2fff));
	assert_int_equal(byte_at(sp, 0x404dff), elf_byte(0x3dff)); /* the page's head */
	assert_int_equal(byte_at(sp, 0x404e00), elf_byte(0x3e00));
	assert_int_equal(byte_at(sp, 0x4052ff), elf_byte(0x42ff));
	for (vaddr_t va = 0x405300; va < 0x408000; va++)
		assert_int_equal(byte_at(sp, va), 0);
	end(sp);
}

/* Data is the program's own: the file never sees a store. (WNX-27) */
static void
stores_stay_private(void **state)
{
	struct space	*sp = usual_space();
	struct elf_image image = small_image(0x400000);
	uint32_t	 number;
	char		 byte = 'x';

	(void)state;
	EXPECT_OK(image_map(sp, &image, file, 0, &number));
	assert_int_equal(machine_user(sp, ACCESS_STORE, 0x404e00, &byte, 1), FAULT_DONE);
	assert_int_equal(machine_user(sp, ACCESS_STORE, 0x401000, &byte, 1), FAULT_SEGV_ACCERR);
	assert_int_equal(machine_user(sp, ACCESS_STORE, 0x400000, &byte, 1), FAULT_SEGV_ACCERR);
	for (uint64_t i = 3; i < 5; i++) {
		pfn_t pfn;

		EXPECT_OK(object_get_page(file, i, &pfn));
		assert_memory_equal(arch_frame_ptr(pfn), bytes + i * 4096, 4096);
		frame_release(pfn);
	}
	end(sp);
}

static void
a_segment_of_zeros_has_no_file(void **state)
{
	struct space	*sp = usual_space();
	struct elf_image image = { .nr_loads = 2,
				   .loads = { { 0x400010, 0x402010, 0x10, 0, PROT_R },
					      { 0x404000, 0x405000, 0x1000, 0x1000, PROT_RW } } };
	uint32_t	 number;

	(void)state;
	EXPECT_OK(image_map(sp, &image, file, 0, &number));
	EXPECT_REGIONS(sp, "1024-1027 r, 1028-1029 rw @77:1");
	assert_int_equal(file->nr_pages, 0);
	assert_int_equal(byte_at(sp, 0x402010), 0);
	end(sp);
}

/* A tail that ends at a page's border needs no page. */
static void
whole_pages_have_no_tail(void **state)
{
	struct space	*sp = usual_space();
	struct elf_image image = { .nr_loads = 1,
				   .loads = { { 0x400e00, 0x404000, 0xe00, 0x1200, PROT_RW } } };
	uint32_t	 number;

	(void)state;
	EXPECT_OK(image_map(sp, &image, file, 0, &number));
	EXPECT_REGIONS(sp, "1024-1026 rw @77:0, 1026-1028 rw");
	assert_int_equal(file->nr_pages, 0);
	end(sp);
}

/* Linux places such a program at the end of the room for mappings, its heap at two thirds. */
static void
a_position_independent_image_goes_to_the_top(void **state)
{
	struct space	   *sp = usual_space();
	struct elf_image    image = small_image(0);
	struct space_layout l = layout();
	uint64_t	    bias;
	uint32_t	    number;

	(void)state;
	EXPECT_OK(image_place(sp, &image, file, &bias));
	assert_int_equal(bias, l.mmap_base - 0x8000);
	EXPECT_REGIONS(sp, "");
	EXPECT_OK(image_map(sp, &image, file, bias, &number));
	assert_int_equal(byte_at(sp, bias + 0x1000), elf_byte(0x1000));
	assert_int_equal(space_first(sp)->range.start, bias);
	assert_int_equal(image_heap(&image, &l), 0xaaaab000);
	image = small_image(0x400000);
	assert_int_equal(image_heap(&image, &l), 0x408000);
	EXPECT_OK(image_place(sp, &image, file, &bias));
	assert_int_equal(bias, 0);
	end(sp);
}

/* The first address need not be 0, and the alignment may be larger than a page. */
static void
the_bias_keeps_alignment(void **state)
{
	struct space *sp = usual_space();
	uint64_t      bias;

	(void)state;
	for (uint64_t align = 0x1000; align <= 0x400000; align <<= 1) {
		for (vaddr_t first = 0; first <= 0x30000000; first += 0x3007000) {
			struct elf_image image = small_image(first);

			image.is_pie = true;
			image.alignment = align;
			EXPECT_OK(image_place(sp, &image, file, &bias));
			assert_int_equal(bias % align, 0);
			assert_true(first + bias >= 0x10000);
			assert_true(first + bias + 0x8000 <= layout().mmap_base);
			EXPECT_REGIONS(sp, "");
		}
	}
	end(sp);
}

static void
what_does_not_fit_is_refused(void **state)
{
	struct space_layout l = layout();
	struct elf_image    image = small_image(0);
	uint32_t	    number = 9;
	uint64_t	    bias;
	struct space	   *sp;

	(void)state;
	l.limit_data =
		0x4fff; /* data has five pages: two of the file, three of zeros, so one too few */
	image.loads[2].end += 0x1000;
	sp = make_space(&l);
	EXPECT_ERR(image_map(sp, &image, file, 0x400000, &number), ERR_NOMEM);
	assert_int_equal(number, 2);
	image.loads[2].end = END;
	EXPECT_ERR(image_place(sp, &image, file, &bias), ERR_NOMEM);
	end(sp);
}

static void
a_tail_that_cannot_be_read_is_an_error(void **state)
{
	struct space	*sp = usual_space();
	struct elf_image image = small_image(0x400000);
	uint32_t	 number;

	(void)state;
	source.broken = 4;
	EXPECT_ERR(image_map(sp, &image, file, 0, &number), ERR_IO);
	assert_int_equal(number, 2);
	end(sp);
}

static void
touching_says_why_it_cannot(void **state)
{
	struct space	*sp = usual_space();
	struct elf_image image = small_image(0x400000);
	uint32_t	 number;

	(void)state;
	EXPECT_OK(image_map(sp, &image, file, 0, &number));
	EXPECT_OK(image_touch(sp, va_range(0x406ffe, 0x407010)));
	EXPECT_ERR(image_touch(sp, va_range(0x400000, 0x400001)), ERR_2BIG);
	EXPECT_ERR(image_touch(sp, va_range(0x10000, 0x10001)), ERR_2BIG);
	source.broken = 3;
	EXPECT_ERR(image_touch(sp, va_range(0x404e00, 0x404e01)), ERR_IO);
	source.broken = UINT64_MAX;
	machine_fail_allocation(1, true);
	EXPECT_ERR(image_touch(sp, va_range(0x404e00, 0x404e01)), ERR_NOMEM);
	machine_fail_allocation(0, false);
	end(sp);
}

TEST_SUITE(image, cmocka_unit_test(segments_lie_where_the_headers_say),
	   cmocka_unit_test(stores_stay_private), cmocka_unit_test(a_segment_of_zeros_has_no_file),
	   cmocka_unit_test(whole_pages_have_no_tail),
	   cmocka_unit_test(a_position_independent_image_goes_to_the_top),
	   cmocka_unit_test(the_bias_keeps_alignment),
	   cmocka_unit_test(what_does_not_fit_is_refused),
	   cmocka_unit_test(a_tail_that_cannot_be_read_is_an_error),
	   cmocka_unit_test(touching_says_why_it_cannot))
