/*
 * test_arguments.c - the stack of a new program, read as a program's start code reads it.
 *
 * What must lie where is the System V ABI of x86-64, section 3.4.1; the addresses are
 * those that Linux chooses.
 */
#include "unit/sketch.h"

#include <stdio.h>
#include <string.h>

#include <anymm/usercopy.h>

#include "exec/arguments.h"

#define END	  ((vaddr_t)1 << 32)
#define KIB	  ((uint64_t)1024)
#define USER_LIST ((vaddr_t)0x100000) /* where tests put the caller's vectors and strings */

static struct stack_writer writer;
static vaddr_t		   sp_at;

/* A program with headers at 0x400040 and entry 0x401040. */
static const struct elf_image program = {
	.entry = 0x401040, .nr_headers = 6, .has_headers = true, .headers_va = 0x400040
};

static struct space_layout
layout(uint64_t stack_limit)
{
	struct space_layout l = space_default_layout();

	l.min_addr = 0x10000;
	l.mmap_base = END - (16 << 20);
	l.end = END;
	l.brk_start = 0;
	l.limit_stack = stack_limit;
	return l;
}

static struct space *
make_space(uint64_t stack_limit)
{
	struct space_layout l = layout(stack_limit);
	struct space	   *sp = sketch_space_with(&l);

	EXPECT_OK(arguments_map_stack(&writer, sp, END, PROT_RW));
	return sp;
}

static err_t
write_arguments(const struct exec_request *request, uint64_t bias)
{
	return arguments_write(&writer, request, &program, bias, &sp_at);
}

static uint64_t
read_word(struct space *sp, vaddr_t va)
{
	uint64_t value = 0;

	assert_int_equal(copy_from_space(sp, &value, va, sizeof(value)), 0);
	return value;
}

static void
expect_text(struct space *sp, vaddr_t va, const char *wanted)
{
	char text[64] = "";

	assert_true(strlen(wanted) < sizeof(text));
	assert_int_equal(copy_from_space(sp, text, va, strlen(wanted) + 1), 0);
	assert_string_equal(text, wanted);
}

/* Pointers up to a 0 from *at on; *at is behind it afterwards. */
static uint64_t
skip_pointers(struct space *sp, vaddr_t *at)
{
	uint64_t nr = 0;

	for (; read_word(sp, *at); *at += 8)
		nr++;
	*at += 8;
	return nr;
}

/* The value of an entry of the auxiliary vector at `at`. */
static uint64_t
aux_value(struct space *sp, vaddr_t at, uint64_t type)
{
	for (; read_word(sp, at); at += 16)
		if (read_word(sp, at) == type)
			return read_word(sp, at + 8);
	fail_msg("no entry %llu", (unsigned long long)type);
	return 0;
}

static void
a_program_finds_what_it_was_given(void **state)
{
	static const char *const     args[] = { "prog", "-v", "", "last", NULL };
	static const char *const     env[] = { "A=1", "PATH=/bin", NULL };
	static const struct exec_aux extra[] = { { 16, 0x1234 }, { 11, 1000 } };
	struct exec_request	     request = {
			 .name = "/bin/prog",
			 .args = { .kernel = args },
			 .env = { .kernel = env },
			 .aux = extra,
			 .nr_aux = 2,
			 .platform = "x86_64",
			 .random = "0123456789abcde",
	};
	struct space *sp = make_space(8192 * KIB);
	vaddr_t	      at, aux;
	uint8_t	      random[16];

	(void)state;
	EXPECT_OK(write_arguments(&request, 0x1000));
	assert_int_equal(sp_at % 16, 0);
	assert_int_equal(read_word(sp, sp_at), 4);
	at = sp_at + 8;
	for (unsigned i = 0; i < 4; i++)
		expect_text(sp, read_word(sp, at + 8 * i), args[i]);
	assert_int_equal(skip_pointers(sp, &at), 4);
	for (unsigned i = 0; i < 2; i++)
		expect_text(sp, read_word(sp, at + 8 * i), env[i]);
	assert_int_equal(skip_pointers(sp, &at), 2);

	aux = at;
	assert_int_equal(read_word(sp, aux), 16);
	assert_int_equal(aux_value(sp, aux, 11), 1000);
	assert_int_equal(aux_value(sp, aux, EXEC_AUX_PAGE_SIZE), ARCH_PAGE_SIZE);
	assert_int_equal(aux_value(sp, aux, EXEC_AUX_HEADERS), 0x401040);
	assert_int_equal(aux_value(sp, aux, EXEC_AUX_HEADER_SIZE), 56);
	assert_int_equal(aux_value(sp, aux, EXEC_AUX_NR_HEADERS), 6);
	assert_int_equal(aux_value(sp, aux, EXEC_AUX_BASE), 0);
	assert_int_equal(aux_value(sp, aux, EXEC_AUX_FLAGS), 0);
	assert_int_equal(aux_value(sp, aux, EXEC_AUX_ENTRY), 0x402040);
	expect_text(sp, aux_value(sp, aux, EXEC_AUX_NAME), "/bin/prog");
	expect_text(sp, aux_value(sp, aux, EXEC_AUX_PLATFORM), "x86_64");
	at = aux_value(sp, aux, EXEC_AUX_RANDOM);
	assert_int_equal(copy_from_space(sp, random, at, 16), 0);
	assert_memory_equal(random, request.random, 16);

	/* Addresses as Linux has them: 8 zero bytes, the name, strings in order, alignment. */
	assert_int_equal(read_word(sp, END - 8), 0);
	assert_int_equal(aux_value(sp, aux, EXEC_AUX_NAME), END - 8 - 10);
	assert_int_equal(read_word(sp, sp_at + 8), END - 8 - 10 - 4 - 10 - 5 - 3 - 1 - 5);
	at = (read_word(sp, sp_at + 8) & ~(vaddr_t)15) - 7;
	assert_int_equal(aux_value(sp, aux, EXEC_AUX_PLATFORM), at);
	assert_int_equal(aux_value(sp, aux, EXEC_AUX_RANDOM), at - 16);
	sketch_end(sp);
}

/* No list at all, no platform, no headers in memory: a program still gets a name to call itself. */
static void
nothing_given_is_an_empty_argument(void **state)
{
	struct exec_request request = { .name = "x" };
	struct elf_image    bare = { .entry = 0x401040, .nr_headers = 1 };
	struct space	   *sp = make_space(8192 * KIB);
	vaddr_t		    at;

	(void)state;
	EXPECT_OK(arguments_write(&writer, &request, &bare, 0x5000, &sp_at));
	assert_int_equal(read_word(sp, sp_at), 1);
	expect_text(sp, read_word(sp, sp_at + 8), "");
	at = sp_at + 8;
	assert_int_equal(skip_pointers(sp, &at), 1);
	assert_int_equal(skip_pointers(sp, &at), 0);
	assert_int_equal(aux_value(sp, at, EXEC_AUX_HEADERS), 0);
	for (; read_word(sp, at); at += 16)
		assert_int_not_equal(read_word(sp, at), EXEC_AUX_PLATFORM);
	sketch_end(sp);
}

/* As Linux leaves it: down to 128 KiB below the page of the lowest string. */
static void
the_region_reaches_below_the_strings(void **state)
{
	struct exec_request request = { .name = "x" };
	struct space	   *sp = make_space(8192 * KIB);

	(void)state;
	EXPECT_OK(write_arguments(&request, 0));
	EXPECT_REGIONS(sp, "1048543-1048576 rw down");
	sketch_end(sp);

	sp = make_space(64 * KIB);
	EXPECT_OK(write_arguments(&request, 0));
	EXPECT_REGIONS(sp, "1048560-1048576 rw down");
	sketch_end(sp);
}

/* A stack that cannot reach so far down stays as long as it is. */
static void
a_neighbour_shortens_the_region(void **state)
{
	struct exec_request request = { .name = "x" };
	struct space	   *sp = make_space(8192 * KIB);

	(void)state;
	sketch_map(sp, 1048560, 1048561, PROT_R, 0);
	EXPECT_OK(write_arguments(&request, 0));
	EXPECT_REGIONS(sp, "1048560-1048561 r, 1048575-1048576 rw down");
	sketch_end(sp);
}

/* The caller's lists lie in a space of its own. */
struct caller {
	struct space *sp;
	vaddr_t	      next_string;
	uint64_t      nr;
};

static struct caller
make_caller(void)
{
	struct space_layout l = layout(8192 * KIB);
	struct caller	    c = { .next_string = USER_LIST + 512 * KIB + 4090 };

	EXPECT_OK(space_create(&l, &c.sp));
	sketch_map(c.sp, USER_LIST / 4096, USER_LIST / 4096 + 2048, PROT_RW, 0);
	return c;
}

/* One more string of `length` bytes `byte`, in the list. */
static void
give(struct caller *c, size_t length, char byte)
{
	static char text[200000];

	memset(text, byte, length);
	text[length] = 0;
	assert_int_equal(copy_to_space(c->sp, c->next_string, text, length + 1), 0);
	assert_int_equal(copy_to_space(c->sp, USER_LIST + 8 * c->nr++, &c->next_string, 8), 0);
	c->next_string += length + 1;
}

static struct exec_request
request_of(const struct caller *c)
{
	return (struct exec_request){ .name = "",
				      .args = { .space = c->sp, .user = USER_LIST },
				      .env = { .space = c->sp, .user = 0 } };
}

static void
drop(struct caller *c)
{
	pt_deactivate(&c->sp->pt);
	space_put(c->sp);
}

static void
strings_come_from_another_space(void **state)
{
	struct space	   *sp = make_space(8192 * KIB);
	struct caller	    c = make_caller();
	struct exec_request request = request_of(&c);
	uint64_t	    last;

	(void)state;
	for (unsigned i = 0; i < 300; i++)
		give(&c, 1 + i * 3 % 61, (char)('a' + i % 26));
	give(&c, 5000, 'z');
	EXPECT_OK(write_arguments(&request, 0));
	assert_int_equal(read_word(sp, sp_at), 301);
	for (unsigned i = 0; i < 300; i++) {
		char wanted[64] = "";

		memset(wanted, 'a' + i % 26, 1 + i * 3 % 61);
		expect_text(sp, read_word(sp, sp_at + 8 + 8 * i), wanted);
	}
	last = read_word(sp, sp_at + 8 + 8 * 300);
	for (unsigned i = 0; i <= 5000; i++) {
		char byte = 1;

		assert_int_equal(copy_from_space(sp, &byte, last + i, 1), 0);
		assert_int_equal(byte, i < 5000 ? 'z' : 0);
	}
	assert_int_equal(read_word(sp, sp_at + 8 + 8 * 301), 0);
	drop(&c);
	sketch_end(sp);
}

/* Strings, the name, and their pointers share a quarter of the stack's limit: 256 KiB here. (E2BIG) */
static void
a_quarter_of_the_stack_is_the_limit(void **state)
{
	(void)state;
	for (unsigned over = 0; over < 2; over++) {
		struct space	   *sp = make_space(1024 * KIB);
		struct caller	    c = make_caller();
		struct exec_request request = request_of(&c);

		/* Three pointers, the name's zero, three strings and their zeros. */
		give(&c, 100 * KIB, 'a');
		give(&c, 100 * KIB, 'b');
		give(&c, 56 * KIB - 3 * 8 - 1 - 3 + over, 'c');
		EXPECT_ERR(write_arguments(&request, 0), over ? ERR_2BIG : OK);
		drop(&c);
		sketch_end(sp);
	}
}

/* One string has at most 128 KiB with its zero. */
static void
one_string_has_a_limit_of_its_own(void **state)
{
	static char kernel_string[128 * 1024 + 1];
	const char *list[] = { kernel_string, NULL };

	(void)state;
	memset(kernel_string, 'k', sizeof(kernel_string) - 1);
	for (unsigned over = 0; over < 2; over++) {
		struct space	   *sp = make_space(8192 * KIB);
		struct caller	    c = make_caller();
		struct exec_request request = request_of(&c);

		give(&c, 128 * KIB - 1 + over, 'a');
		kernel_string[128 * 1024 - 1] = over ? 'k' : 0;
		request.env = (struct exec_strings){ .kernel = list };
		EXPECT_ERR(write_arguments(&request, 0), over ? ERR_2BIG : OK);
		request.args.user = 0;
		EXPECT_OK(arguments_map_stack(&writer, sp, END / 2, PROT_RW));
		EXPECT_ERR(write_arguments(&request, 0), over ? ERR_2BIG : OK);
		drop(&c);
		sketch_end(sp);
	}
}

/* However small the stack, 128 KiB of strings are allowed; but they must fit the stack. */
static void
a_small_stack_is_too_small(void **state)
{
	struct space	   *sp = make_space(64 * KIB);
	struct caller	    c = make_caller();
	struct exec_request request = request_of(&c);

	(void)state;
	give(&c, 50 * KIB, 'a');
	EXPECT_OK(write_arguments(&request, 0));
	EXPECT_OK(arguments_map_stack(&writer, sp, END / 2, PROT_RW));
	give(&c, 20 * KIB, 'b');
	EXPECT_ERR(write_arguments(&request, 0), ERR_2BIG);
	drop(&c);
	sketch_end(sp);
}

/* Pointers alone can be too many, also without an end. */
static void
endless_lists_end(void **state)
{
	struct space	   *sp = make_space(8192 * KIB);
	struct caller	    c = make_caller();
	struct exec_request request = request_of(&c);
	static uint64_t	    pointers[512];

	(void)state;
	for (unsigned i = 0; i < 512; i++)
		pointers[i] = USER_LIST + 8;
	for (unsigned i = 0; i < 2048; i++)
		assert_int_equal(copy_to_space(c.sp, USER_LIST + i * 4096, pointers, 4096), 0);
	EXPECT_ERR(write_arguments(&request, 0), ERR_2BIG);
	request.env = request.args;
	request.args.user = 0;
	EXPECT_ERR(write_arguments(&request, 0), ERR_2BIG);
	drop(&c);
	sketch_end(sp);
}

static void
bad_addresses_are_refused(void **state)
{
	static const vaddr_t bad[] = { 8,
				       0xfff,
				       USER_LIST - 4,
				       USER_LIST + 2048 * 4096 - 4,
				       UINT64_C(0x800000000000),
				       UINT64_MAX - 7,
				       UINT64_MAX };
	struct space	    *sp = make_space(8192 * KIB);
	struct caller	     c = make_caller();
	struct exec_request  request = request_of(&c);
	vaddr_t		     end = USER_LIST + 2048 * 4096;

	(void)state;
	give(&c, 5, 'a');
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		request.args.user = bad[i];
		EXPECT_ERR(write_arguments(&request, 0), ERR_FAULT);
		request.args.user = USER_LIST;
		assert_int_equal(copy_to_space(c.sp, USER_LIST, &bad[i], 8), 0);
		if (bad[i] != end - 4)
			EXPECT_ERR(write_arguments(&request, 0), ERR_FAULT);
	}
	/* A string that runs into the end of its mapping. */
	assert_int_equal(copy_to_space(c.sp, end - 4, "aaaa", 4), 0);
	end -= 4;
	assert_int_equal(copy_to_space(c.sp, USER_LIST, &end, 8), 0);
	EXPECT_ERR(write_arguments(&request, 0), ERR_FAULT);
	drop(&c);
	sketch_end(sp);
}

/* Each allocation fails once: an error, and after the next try everything is there. */
static void
lack_of_memory_is_an_error(void **state)
{
	unsigned failures = 0;

	(void)state;
	for (unsigned n = 1;; n++) {
		struct space	   *sp = make_space(8192 * KIB);
		struct caller	    c = make_caller();
		struct exec_request request = request_of(&c);
		err_t		    err;

		for (unsigned i = 0; i < 20; i++)
			give(&c, 900, 'a');
		machine_fail_allocation(n, false);
		err = write_arguments(&request, 0);
		machine_fail_allocation(0, false);
		failures += err == ERR_NOMEM;
		assert_true(err == OK || err == ERR_NOMEM);
		drop(&c);
		sketch_end(sp);
		if (err == OK)
			break;
	}
	assert_true(failures > 5);
}

TEST_SUITE(arguments, cmocka_unit_test(a_program_finds_what_it_was_given),
	   cmocka_unit_test(nothing_given_is_an_empty_argument),
	   cmocka_unit_test(the_region_reaches_below_the_strings),
	   cmocka_unit_test(a_neighbour_shortens_the_region),
	   cmocka_unit_test(strings_come_from_another_space),
	   cmocka_unit_test(a_quarter_of_the_stack_is_the_limit),
	   cmocka_unit_test(one_string_has_a_limit_of_its_own),
	   cmocka_unit_test(a_small_stack_is_too_small), cmocka_unit_test(endless_lists_end),
	   cmocka_unit_test(bad_addresses_are_refused),
	   cmocka_unit_test(lack_of_memory_is_an_error))
