/*
 * cmocka.h - the part of CMocka's interface that the tests use, without a C library:
 * each test runs under setjmp, a failed assertion jumps out, and the result is a line of TAP.
 */
#pragma once

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct CMUnitTest {
	const char *name;
	void (*test_func)(void **state);
	int (*setup_func)(void **state);
	int (*teardown_func)(void **state);
};

#define cmocka_unit_test(f) \
	{ \
#f, f, NULL, NULL \
	}
#define cmocka_unit_test_setup(f, before) \
	{ \
#f, f, before, NULL \
	}
#define cmocka_unit_test_teardown(f, after) \
	{ \
#f, f, NULL, after \
	}
#define cmocka_unit_test_setup_teardown(f, before, after) \
	{ \
#f, f, before, after \
	}

#define cmocka_run_group_tests_name(name, tests, before, after) \
	boot_run_group(name, tests, sizeof(tests) / sizeof((tests)[0]))

int boot_run_group(const char *name, const struct CMUnitTest *tests, size_t nr);

[[gnu::noreturn]] void boot_test_fail(const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
[[gnu::noreturn]] void boot_test_skip(const char *why);

void boot_assert_equal(uint64_t a, uint64_t b, bool equal, const char *text, const char *file,
		       int line);
void boot_assert_string(const char *a, const char *b, const char *file, int line);
void boot_assert_memory(const void *a, const void *b, size_t bytes, bool equal, const char *file,
			int line);

/* print_error - text for the failure that _fail then is. */
void		       print_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
[[gnu::noreturn]] void _fail(const char *file, int line);

/* print_message - a line of the TAP stream, which the caller begins with "# ". */
void print_message(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#define skip()	      boot_test_skip("the test says that it has nothing to show here")
#define fail_msg(...) boot_test_fail(__FILE__, __LINE__, __VA_ARGS__)
#define fail()	      boot_test_fail(__FILE__, __LINE__, "failed")

#define assert_true(x) \
	do { \
		if (!(x)) \
			boot_test_fail(__FILE__, __LINE__, "%s", #x); \
	} while (0)
#define assert_false(x) \
	do { \
		if (x) \
			boot_test_fail(__FILE__, __LINE__, "not expected: %s", #x); \
	} while (0)
#define assert_null(p)	   assert_true((p) == NULL)
#define assert_non_null(p) assert_true((p) != NULL)

#define assert_int_equal(a, b) \
	boot_assert_equal((uint64_t)(a), (uint64_t)(b), true, #a " == " #b, __FILE__, __LINE__)
#define assert_int_not_equal(a, b) \
	boot_assert_equal((uint64_t)(a), (uint64_t)(b), false, #a " != " #b, __FILE__, __LINE__)
#define assert_ptr_equal(a, b) \
	boot_assert_equal((uint64_t)(uintptr_t)(a), (uint64_t)(uintptr_t)(b), true, #a " == " #b, \
			  __FILE__, __LINE__)
#define assert_ptr_not_equal(a, b) \
	boot_assert_equal((uint64_t)(uintptr_t)(a), (uint64_t)(uintptr_t)(b), false, #a " != " #b, \
			  __FILE__, __LINE__)
#define assert_in_range(v, least, most)	 assert_true((v) >= (least) && (v) <= (most))
#define assert_string_equal(a, b)	 boot_assert_string(a, b, __FILE__, __LINE__)
#define assert_memory_equal(a, b, n)	 boot_assert_memory(a, b, n, true, __FILE__, __LINE__)
#define assert_memory_not_equal(a, b, n) boot_assert_memory(a, b, n, false, __FILE__, __LINE__)
