/*
 * test_elf.c - headers of program files: what is good is read, and each way to be bad has
 * its own name and place.
 */
#include "../harness.h"

#include "elf_maker.h"
#include "exec/elf.h"

#include <string.h>

#define HEADER(n) (64 + 56 * (uint64_t)(n)) /* where program header n stands in the file */

static struct elf_file	 file;
static struct elf_image	 image;
static struct elf_limits limits = { .machine = ELF_MACHINE,
				    .min_addr = 0x10000,
				    .end = (uint64_t)1 << 38 };

/* read_headers - all of them, as exec_load does. */
static struct exec_problem
read_headers(void)
{
	struct exec_problem problem = { .what = EXEC_FINE };

	limits.file_bytes = file.nr;
	if (!elf_begin(&image, &limits, file.bytes, &problem))
		return problem;
	for (uint32_t i = 0; i < image.nr_headers; i++) {
		const uint8_t *bytes = file.bytes + image.headers_offset + i * ELF_PHDR_BYTES;

		if (!elf_add(&image, &limits, i, bytes, &problem))
			return problem;
	}
	(void)elf_end(&image, &problem);
	return problem;
}

static void
expect_load(uint32_t i, struct elf_load wanted)
{
	const struct elf_load *load = &image.loads[i];

	assert_int_equal(load->start, wanted.start);
	assert_int_equal(load->end, wanted.end);
	assert_int_equal(load->offset, wanted.offset);
	assert_int_equal(load->file_bytes, wanted.file_bytes);
	assert_int_equal(load->prot, wanted.prot);
}

static void
a_good_program_is_read(void **state)
{
	struct elf_spec spec = elf_small(ET_EXEC);

	(void)state;
	elf_make(&file, &spec);
	assert_int_equal(read_headers().what, EXEC_FINE);
	assert_false(image.is_pie);
	assert_int_equal(image.entry, 0x401040);
	assert_int_equal(image.nr_loads, 3);
	expect_load(0, (struct elf_load){ 0x400000, 0x400400, 0, 0x400, PROT_R });
	expect_load(1, (struct elf_load){ 0x401000, 0x402e00, 0x1000, 0x1e00, PROT_RX });
	expect_load(2, (struct elf_load){ 0x404e00, 0x407e00, 0x3e00, 0x500, PROT_RW });
	assert_true(image.has_headers);
	assert_int_equal(image.headers_va, 0x400040);
	assert_int_equal(image.alignment, ARCH_PAGE_SIZE);
	assert_int_equal(image.stack_prot, PROT_RW);
}

static void
a_position_independent_program_is_read(void **state)
{
	struct elf_spec spec = elf_small(ET_DYN);

	(void)state;
	spec.headers[1].align = 0x200000;
	spec.headers[1].vaddr = 0x201000;
	spec.headers[2].vaddr += 0x200000;
	spec.entry = 0x201000;
	elf_make(&file, &spec);
	assert_int_equal(read_headers().what, EXEC_FINE);
	assert_true(image.is_pie);
	assert_int_equal(image.alignment, 0x200000);
	assert_true(image.has_headers);
	assert_int_equal(image.headers_va, 0x40);
}

/* An empty segment is no segment; headers that lie in none are not in memory. */
static void
odd_but_legal_things_are_read(void **state)
{
	struct elf_spec spec = elf_small(ET_EXEC);

	(void)state;
	spec.headers[0].file_bytes = spec.headers[0].bytes = 0;
	spec.headers[0].vaddr = 3; /* nobody looks at it */
	spec.headers[5] = (struct elf_phdr){ .type = 0x12345678, .offset = UINT64_MAX };
	elf_make(&file, &spec);
	assert_int_equal(read_headers().what, EXEC_FINE);
	assert_int_equal(image.nr_loads, 2);
	assert_false(image.has_headers);
	assert_false(image.has_stack_header);
}

static void
the_policy_may_allow_writable_code(void **state)
{
	struct elf_spec spec = elf_small(ET_EXEC);

	(void)state;
	spec.headers[1].flags |= PF_W;
	spec.headers[5].flags |= PF_X;
	elf_make(&file, &spec);
	limits.allow_write_execute = true;
	assert_int_equal(read_headers().what, EXEC_FINE);
	limits.allow_write_execute = false;
	assert_int_equal(image.loads[1].prot, PROT_RWX);
	assert_int_equal(image.stack_prot, PROT_RWX);
}

/* One field of a good file, replaced. */
struct damage {
	const char    *name;
	uint64_t       at;
	unsigned       nr;
	uint64_t       value;
	enum exec_what what;
	uint32_t       header;
	uint64_t       offset; /* that the problem names */
};

#define NONE EXEC_NO_HEADER

static const struct damage damages[] = {
	{ "magic", 1, 1, 'X', EXEC_MAGIC, NONE, 0 },
	{ "32-bit", 4, 1, 1, EXEC_CLASS, NONE, 4 },
	{ "no class", 4, 1, 0, EXEC_CLASS, NONE, 4 },
	{ "big-endian", 5, 1, 2, EXEC_BYTE_ORDER, NONE, 5 },
	{ "ident version", 6, 1, 0, EXEC_VERSION, NONE, 6 },
	{ "version", 20, 4, 2, EXEC_VERSION, NONE, 20 },
	{ "FreeBSD", 7, 1, 9, EXEC_ABI, NONE, 7 },
	{ "object file", 16, 2, 1, EXEC_TYPE, NONE, 16 },
	{ "core file", 16, 2, 4, EXEC_TYPE, NONE, 16 },
	{ "AArch64", 18, 2, 183, EXEC_MACHINE, NONE, 18 },
	{ "header size", 52, 2, 63, EXEC_HEADER_SIZE, NONE, 52 },
	{ "entry size 0", 54, 2, 0, EXEC_TABLE_ENTRY, NONE, 54 },
	{ "entry size 57", 54, 2, 57, EXEC_TABLE_ENTRY, NONE, 54 },
	{ "no headers", 56, 2, 0, EXEC_TABLE_EMPTY, NONE, 56 },
	{ "74 headers", 56, 2, 74, EXEC_TABLE_LONG, NONE, 56 },
	{ "65535 headers", 56, 2, 0xffff, EXEC_TABLE_LONG, NONE, 56 },
	{ "headers at the end", 32, 8, ELF_FILE_BYTES, EXEC_TABLE_PLACE, NONE, 32 },
	{ "headers half out", 32, 8, ELF_FILE_BYTES - 56, EXEC_TABLE_PLACE, NONE, 32 },
	{ "headers wrap around", 32, 8, UINT64_MAX - 10, EXEC_TABLE_PLACE, NONE, 32 },

	{ "interpreter", HEADER(4), 4, PT_INTERP, EXEC_INTERPRETER, 4, HEADER(4) },
	{ "second stack", HEADER(4), 4, PT_GNU_STACK, EXEC_DUPLICATE, 5, HEADER(5) },
	{ "executable stack", HEADER(5) + 4, 4, 7, EXEC_STACK_EXECUTE, 5, HEADER(5) + 4 },
	{ "offset at the end", HEADER(0) + 8, 8, ELF_FILE_BYTES, EXEC_BEYOND_FILE, 0,
	  HEADER(0) + 8 },
	{ "offset wraps around", HEADER(1) + 8, 8, UINT64_MAX - 0xfff, EXEC_BEYOND_FILE, 1,
	  HEADER(1) + 8 },
	{ "file size too large", HEADER(2) + 32, 8, ELF_FILE_BYTES, EXEC_BEYOND_FILE, 2,
	  HEADER(2) + 8 },
	{ "file size wraps around", HEADER(2) + 32, 8, UINT64_MAX, EXEC_BEYOND_FILE, 2,
	  HEADER(2) + 8 },
	{ "file size above memory size", HEADER(1) + 32, 8, 0x1e01, EXEC_FILE_SIZE, 1,
	  HEADER(1) + 32 },
	{ "bytes without memory", HEADER(0) + 40, 8, 0, EXEC_FILE_SIZE, 0, HEADER(0) + 32 },
	{ "alignment 3", HEADER(0) + 48, 8, 3, EXEC_ALIGNMENT, 0, HEADER(0) + 48 },
	{ "alignment 2^63", HEADER(0) + 48, 8, (uint64_t)1 << 63, EXEC_ALIGNMENT, 0,
	  HEADER(0) + 48 },
	{ "alignment all ones", HEADER(0) + 48, 8, UINT64_MAX, EXEC_ALIGNMENT, 0, HEADER(0) + 48 },
	{ "address off by 8", HEADER(2) + 16, 8, 0x404e08, EXEC_CONGRUENCE, 2, HEADER(2) + 16 },
	{ "8 MiB alignment", HEADER(1) + 48, 8, 0x800000, EXEC_CONGRUENCE, 1, HEADER(1) + 16 },
	{ "alignment 1, other page offset", HEADER(0) + 16, 8, 0x3ff800, EXEC_CONGRUENCE, 0,
	  HEADER(0) + 16 },
	{ "address 0", HEADER(0) + 16, 8, 0, EXEC_ADDRESS, 0, HEADER(0) + 16 },
	{ "kernel address", HEADER(2) + 16, 8, UINT64_C(0xffffffff80000e00), EXEC_ADDRESS, 2,
	  HEADER(2) + 16 },
	{ "non-canonical address", HEADER(2) + 16, 8, UINT64_C(0x0000800000000e00), EXEC_ADDRESS, 2,
	  HEADER(2) + 16 },
	{ "huge memory", HEADER(2) + 40, 8, (uint64_t)1 << 47, EXEC_ADDRESS, 2, HEADER(2) + 40 },
	{ "memory wraps around", HEADER(2) + 40, 8, UINT64_MAX - 0x404dff, EXEC_ADDRESS, 2,
	  HEADER(2) + 40 },
	{ "memory of all ones", HEADER(2) + 40, 8, UINT64_MAX, EXEC_ADDRESS, 2, HEADER(2) + 40 },
	{ "below the one before", HEADER(2) + 16, 8, 0x3fde00 + 0x1000, EXEC_UNSORTED, 2,
	  HEADER(2) + 16 },
	{ "same bytes", HEADER(2) + 16, 8, 0x401e00, EXEC_OVERLAP, 2, HEADER(2) + 16 },
	{ "same page", HEADER(2) + 16, 8, 0x402e00, EXEC_OVERLAP, 2, HEADER(2) + 16 },
	{ "long one before", HEADER(1) + 40, 8, 0x4000, EXEC_READ_ONLY_TAIL, 1, HEADER(1) + 40 },
	{ "writable code", HEADER(1) + 4, 4, PF_R | PF_W | PF_X, EXEC_WRITE_EXECUTE, 1,
	  HEADER(1) + 4 },
	{ "executable data", HEADER(2) + 4, 4, PF_W | PF_X, EXEC_WRITE_EXECUTE, 2, HEADER(2) + 4 },
	{ "read-only zeros", HEADER(2) + 4, 4, PF_R, EXEC_READ_ONLY_TAIL, 2, HEADER(2) + 40 },
	{ "entry 0", 24, 8, 0, EXEC_ENTRY, NONE, 24 },
	{ "entry in constants", 24, 8, 0x400010, EXEC_ENTRY, NONE, 24 },
	{ "entry behind the text", 24, 8, 0x402e00, EXEC_ENTRY, NONE, 24 },
	{ "entry all ones", 24, 8, UINT64_MAX, EXEC_ENTRY, NONE, 24 },
	{ "no code at all", HEADER(1) + 4, 4, PF_R, EXEC_ENTRY, NONE, 24 },
};

static void
every_mistake_has_its_name_and_place(void **state)
{
	struct elf_spec spec = elf_small(ET_EXEC);

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(damages); i++) {
		const struct damage *d = &damages[i];
		struct exec_problem  problem;

		elf_make(&file, &spec);
		elf_put(&file, d->at, d->nr, d->value);
		problem = read_headers();
		if (problem.what != d->what || problem.header != d->header ||
		    problem.offset != d->offset)
			fail_msg("%s: problem %d in header %d at 0x%llx", d->name, problem.what,
				 (int)problem.header, (unsigned long long)problem.offset);
	}
}

/* The table of mistakes is complete: each that headers can have occurs in it or here. */
static void
every_kind_of_mistake_is_in_the_table(void **state)
{
	bool seen[EXEC_WHATS] = {
		[EXEC_SHORT] = true, [EXEC_TOO_MANY] = true, [EXEC_NO_SEGMENT] = true
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(damages); i++)
		seen[damages[i].what] = true;
	for (unsigned what = EXEC_SHORT; what <= EXEC_ENTRY; what++)
		if (!seen[what])
			fail_msg("mistake %u is in no table", what);
}

static void
too_many_segments_are_refused(void **state)
{
	struct elf_spec spec = { .type = ET_EXEC, .entry = 0x400000, .nr = ELF_LOADS_MAX };

	(void)state;
	for (unsigned i = 0; i <= ELF_LOADS_MAX; i++)
		spec.headers[i] =
			(struct elf_phdr){ PT_LOAD, PF_R | PF_X, 0,	0x400000 + i * 0x1000,
					   0x1000,  0x1000,	 0x1000 };
	elf_make(&file, &spec);
	assert_int_equal(read_headers().what, EXEC_FINE);
	assert_int_equal(image.nr_loads, ELF_LOADS_MAX);
	spec.nr++;
	elf_make(&file, &spec);
	assert_int_equal(read_headers().what, EXEC_TOO_MANY);
	assert_int_equal(read_headers().header, ELF_LOADS_MAX);
}

static void
a_program_without_segments_is_refused(void **state)
{
	struct elf_spec spec = { .type = ET_DYN, .nr = 1, .headers = { { .type = PT_NOTE } } };

	(void)state;
	elf_make(&file, &spec);
	assert_int_equal(read_headers().what, EXEC_NO_SEGMENT);
}

/* Any bytes at all in any field of a good file end in some answer; loads are always sane. */
static void
any_value_in_any_field_is_survived(void **state)
{
	static const uint64_t values[] = { 0,	       1,	   0xfff,
					   0x1000,     0x7fffffff, 1ull << 38,
					   1ull << 47, 1ull << 63, UINT64_MAX - 0xfff,
					   UINT64_MAX };
	uint64_t	      random = test_seed(1);
	struct elf_spec	      spec = elf_small(ET_DYN);
	unsigned	      rounds = test_rounds(20000);

	(void)state;
	for (unsigned i = 0; i < rounds; i++) {
		elf_make(&file, &spec);
		for (unsigned n = 0; n < 1 + i % 3; n++) {
			uint64_t at = test_random(&random) % (HEADER(6) - 16) / 4 * 4 + 16;
			uint64_t value = values[test_random(&random) % ARRAY_SIZE(values)];

			elf_put(&file, at, test_random(&random) % 2 ? 4 : 8,
				i % 2 ? value : test_random(&random));
		}
		if (read_headers().what != EXEC_FINE)
			continue;
		for (uint32_t n = 0; n < image.nr_loads; n++) {
			const struct elf_load *load = &image.loads[n];

			assert_true(load->start < load->end && load->end <= limits.end);
			assert_true(load->file_bytes <= load->end - load->start);
			assert_true(load->offset <= file.nr &&
				    load->file_bytes <= file.nr - load->offset);
			assert_true(n == 0 || image.loads[n - 1].end <= load->start);
			assert_true((load->prot & (PROT_W | PROT_X)) != (PROT_W | PROT_X));
		}
	}
}

static void
problems_are_told_in_a_sentence(void **state)
{
	char text[160];

	(void)state;
	exec_problem_text(&(struct exec_problem){ EXEC_BEYOND_FILE, 2, 0xb8, 0x5000 }, text,
			  sizeof(text));
	assert_string_equal(text, "program header 2, offset 0xb8: the segment's bytes lie outside "
				  "the file (0x5000)");
	exec_problem_text(&(struct exec_problem){ EXEC_MACHINE, NONE, 18, 183 }, text,
			  sizeof(text));
	assert_string_equal(text, "offset 0x12: made for another processor (0xb7)");
	for (unsigned what = 0; what < EXEC_WHATS; what++) {
		exec_problem_text(&(struct exec_problem){ .what = what }, text, sizeof(text));
		assert_null(strstr(text, "(null)"));
	}
	assert_int_equal(elf_error(EXEC_INTERPRETER), ERR_OPNOTSUPP);
	assert_int_equal(elf_error(EXEC_MAGIC), ERR_NOEXEC);
}

TEST_SUITE(elf, cmocka_unit_test(a_good_program_is_read),
	   cmocka_unit_test(a_position_independent_program_is_read),
	   cmocka_unit_test(odd_but_legal_things_are_read),
	   cmocka_unit_test(the_policy_may_allow_writable_code),
	   cmocka_unit_test(every_mistake_has_its_name_and_place),
	   cmocka_unit_test(every_kind_of_mistake_is_in_the_table),
	   cmocka_unit_test(too_many_segments_are_refused),
	   cmocka_unit_test(a_program_without_segments_is_refused),
	   cmocka_unit_test(any_value_in_any_field_is_survived),
	   cmocka_unit_test(problems_are_told_in_a_sentence))
