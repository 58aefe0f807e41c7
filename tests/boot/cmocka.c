/*
 * cmocka.c - run tests and print TAP, on the booted image.
 *
 * The number of a test counts through all suites of one boot, so that the whole output is
 * one TAP stream. A test that needs a machine which this one is not says so and is named as
 * left out, with the reason.
 */
#include <cmocka.h>
#include <stdarg.h>
#include <string.h>

#include "base/format.h"
#include "boot/libc.h"
#include "boot/tests.h"

struct boot_results boot_results;

static jmp_buf out_of_test;
static char    message[512];

enum {
	TEST_FAILED = 1,
	TEST_SKIPPED = 2,
};

void
boot_test_fail(const char *file, int line, const char *fmt, ...)
{
	va_list args;
	size_t	length = format(message, sizeof(message), "%s:%d: ", file, line);

	va_start(args, fmt);
	if (length < sizeof(message))
		format_va(message + length, sizeof(message) - length, fmt, args);
	va_end(args);
	longjmp(out_of_test, TEST_FAILED);
}

static char printed[256];

void
print_error(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	format_va(printed, sizeof(printed), fmt, args);
	va_end(args);
}

void
print_message(const char *fmt, ...)
{
	bool	was_in_test = boot_results.in_test;
	char	line[256];
	va_list args;

	va_start(args, fmt);
	format_va(line, sizeof(line), fmt, args);
	va_end(args);
	boot_results.in_test = false;
	console_printf("%s", line);
	boot_results.in_test = was_in_test;
}

void
_fail(const char *file, int line)
{
	boot_test_fail(file, line, "%s", printed);
}

void
boot_test_skip(const char *why)
{
	format(message, sizeof(message), "%s", why);
	longjmp(out_of_test, TEST_SKIPPED);
}

void
boot_assert_equal(uint64_t a, uint64_t b, bool equal, const char *text, const char *file, int line)
{
	if ((a == b) != equal)
		boot_test_fail(file, line, "%s: %lx and %lx", text, (unsigned long)a,
			       (unsigned long)b);
}

void
boot_assert_string(const char *a, const char *b, const char *file, int line)
{
	if (strcmp(a, b) != 0)
		boot_test_fail(file, line, "\"%s\" is not \"%s\"", a, b);
}

void
boot_assert_memory(const void *a, const void *b, size_t bytes, bool equal, const char *file,
		   int line)
{
	if ((memcmp(a, b, bytes) == 0) != equal)
		boot_test_fail(file, line, "%lu bytes are %s", (unsigned long)bytes,
			       equal ? "not equal" : "equal");
}

/* 0, TEST_FAILED or TEST_SKIPPED. */
static int
run_one(const struct CMUnitTest *test)
{
	void *state = NULL;
	int   how = setjmp(out_of_test);

	boot_results.in_test = how == 0;
	if (how)
		return how;
	libc_forget_memory();
	if (test->setup_func)
		test->setup_func(&state);
	test->test_func(&state);
	if (test->teardown_func)
		test->teardown_func(&state);
	boot_results.in_test = false;
	return 0;
}

/* What this machine cannot run is left out by name, with the reason; it is no result. */
static void
report(const char *suite, const struct CMUnitTest *test, int how)
{
	if (how == TEST_SKIPPED) {
		boot_results.left_out++;
		console_printf("# left out: %s: %s: %s\n", suite, test->name, message);
		return;
	}
	boot_results.run++;
	if (how == TEST_FAILED) {
		boot_results.failed++;
		console_printf("not ok %u - %s: %s\n# %s\n", boot_results.run, suite, test->name,
			       message);
	} else {
		console_printf("ok %u - %s: %s\n", boot_results.run, suite, test->name);
	}
}

int
boot_run_group(const char *name, const struct CMUnitTest *tests, size_t nr)
{
	unsigned failed = boot_results.failed;

	for (size_t i = 0; i < nr; i++)
		report(name, &tests[i], run_one(&tests[i]));
	return (int)(boot_results.failed - failed);
}
