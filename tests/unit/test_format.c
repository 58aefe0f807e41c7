/* test_format.c - text against what the C library's printf makes of the same arguments, and by hand. */
#include <stdio.h>

#include "base/format.h"
#include "phys_machine.h"

/* SAME - our text and length are those of snprintf. */
#define SAME(...) \
	do { \
		char   ours[128]; \
		char   theirs[128]; \
		size_t length = format(ours, sizeof(ours), __VA_ARGS__); \
		assert_int_equal(length, snprintf(theirs, sizeof(theirs), __VA_ARGS__)); \
		assert_string_equal(ours, theirs); \
	} while (0)

static void
numbers_are_printed_as_printf_does(void **state)
{
	(void)state;
	SAME("%d %d %d", 0, -1, 2147483647);
	SAME("%d", -2147483647 - 1);
	SAME("%i", 42);
	SAME("%u %u", 0u, 4294967295u);
	SAME("%x %X", 0xdeadbeefu, 0xdeadbeefu);
	SAME("%ld %lu %lx", -5L, 5UL, 0x5abcUL);
	SAME("%lld %llu %llx", INT64_MIN + 0LL, UINT64_MAX + 0ULL, UINT64_MAX + 0ULL);
	SAME("%zu %zx %zd", sizeof(int), (size_t)4096, (ptrdiff_t)-7);
	SAME("%p", (void *)0x1234abcd);
}

static void
fields_are_padded_as_printf_does(void **state)
{
	(void)state;
	SAME("[%5d] [%-5d] [%05d]", 42, 42, 42);
	SAME("[%5d] [%-5d] [%05d]", -42, -42, -42);
	SAME("[%2d] [%02d]", 12345, 12345);
	SAME("[%08x] [%-8x] [%8x]", 0xabcu, 0xabcu, 0xabcu);
	SAME("[%20p] [%-20p]", (void *)0x1000, (void *)0x1000);
	SAME("[%10s] [%-10s] [%2s]", "abc", "abc", "abc");
	SAME("[%.2s] [%.0s] [%5.1s] [%.9s]", "abc", "abc", "abc", "abc");
	SAME("[%c] [%3c] [%-3c]", 'x', 'y', 'z');
	SAME("[%*d] [%-*d] [%.*s]", 6, 1, 6, 2, 2, "abc");
	SAME("100%%");
	SAME("%s", "");
}

static void
a_string_without_end_is_read_up_to_its_precision(void **state)
{
	static const char letters[3] = { 'a', 'b', 'c' };
	char		  text[8];

	(void)state;
	assert_int_equal(format(text, sizeof(text), "%.3s", letters), 3);
	assert_string_equal(text, "abc");
}

static void
no_string_is_named(void **state)
{
	const char *volatile none = NULL;
	char text[16];

	(void)state;
	assert_int_equal(format(text, sizeof(text), "<%s>", none), 8);
	assert_string_equal(text, "<(null)>");
}

static void
what_does_not_fit_is_counted_but_dropped(void **state)
{
	char text[5] = "zzzz";

	(void)state;
	assert_int_equal(format(text, sizeof(text), "%d", 1234567), 7);
	assert_string_equal(text, "1234");
	assert_int_equal(format(text, 1, "abc"), 3);
	assert_string_equal(text, "");
	assert_int_equal(format(NULL, 0, "%s!", "abc"), 4);
}

/* The compiler would refuse these formats if it saw them. */
static void
unknown_conversions_are_shown_as_they_stand(void **state)
{
	const char *volatile odd = "%q and %";
	char	text[16];
	va_list none;

	(void)state;
	memset(&none, 0, sizeof(none));
	assert_int_equal(format_va(text, sizeof(text), odd, none), 8);
	assert_string_equal(text, "%q and %");
}

static void
text_is_never_padded_with_zeros(void **state)
{
	const char *volatile odd = "[%05s] [%03c]";
	char text[32];

	(void)state;
	assert_int_equal(format(text, sizeof(text), odd, "ab", 'c'), 13);
	assert_string_equal(text, "[   ab] [  c]");
}

/* 300 characters: more than the console's buffer holds at once. */
static void
the_console_gets_long_text_whole(void **state)
{
	char wanted[302];

	(void)state;
	phys_fresh(64);
	machine_console_text();
	memset(wanted, ' ', 300);
	wanted[299] = '7';
	wanted[300] = '\n';
	wanted[301] = '\0';
	console_printf("%300d\n", 7);
	assert_string_equal(machine_console_text(), wanted);
	console_printf("%s", "");
	assert_string_equal(machine_console_text(), "");
}

TEST_SUITE(format, cmocka_unit_test(numbers_are_printed_as_printf_does),
	   cmocka_unit_test(fields_are_padded_as_printf_does),
	   cmocka_unit_test(a_string_without_end_is_read_up_to_its_precision),
	   cmocka_unit_test(no_string_is_named),
	   cmocka_unit_test(what_does_not_fit_is_counted_but_dropped),
	   cmocka_unit_test(unknown_conversions_are_shown_as_they_stand),
	   cmocka_unit_test(text_is_never_padded_with_zeros),
	   cmocka_unit_test(the_console_gets_long_text_whole))
