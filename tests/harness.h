/*
 * harness.h - what every test file starts from.
 *
 * A test file holds tests of CMocka's kind and ends with one TEST_SUITE, whose
 * name is that of the file without "test_". Each test starts a fresh machine and
 * ends with machine_check():
 *
 *	static void
 *	unmap_gives_the_frames_back(void **state)
 *	{
 *		machine_fresh();
 *		...
 *		machine_check();
 *	}
 *
 *	TEST_SUITE(unmap, cmocka_unit_test(unmap_gives_the_frames_back))
 *
 * Only the plain part of CMocka is used here and in the tests (assert_true,
 * assert_int_equal, assert_string_equal, fail_msg, setup and teardown), so that
 * the same files build against a small freestanding version of it.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <anymm/err.h>

#include "machine.h"

#define TEST_SUITE(name, ...) \
	int suite_##name(void); \
	int suite_##name(void) \
	{ \
		static const struct CMUnitTest tests[] = { __VA_ARGS__ }; \
		return cmocka_run_group_tests_name(#name, tests, NULL, NULL); \
	}

/* EXPECT_OK, EXPECT_ERR - the call gives exactly this result; a failure prints both by name. */
#define EXPECT_OK(call)		 expect_err((call), OK, #call, __FILE__, __LINE__)
#define EXPECT_ERR(call, wanted) expect_err((call), (wanted), #call, __FILE__, __LINE__)

void expect_err(err_t got, err_t wanted, const char *call, const char *file, int line);

/*
 * machine_fresh - a machine with one CPU and 32 MiB, and the library on it.
 * machine_fresh_with - a machine as described. A field that is 0 has machine.h's default.
 * Either replaces the machine of the test before, also after a failure.
 */
void machine_fresh(void);
void machine_fresh_with(const struct machine_config *config);

/* machine_check_invariants - check_all, failing the test with its report. For use after each step. */
void machine_check_invariants(void);

/*
 * machine_check - the end of a test: all invariants hold, and the frames in use
 * are those of the fresh machine, kind by kind.
 */
void machine_check(void);

/* machine_rebase - take the frames in use now as what machine_check shall find (for tests that keep some). */
void machine_rebase(void);

/*
 * test_seed - the seed of a random test: the environment's ANYMM_SEED, or the given
 * one. Prints it with the command that repeats the run.
 */
uint64_t test_seed(uint64_t usual);

/*
 * test_rounds - how often a random test tells its story: as often as usual, or a part of that
 * where the machine is an emulated one. At least once.
 */
unsigned test_rounds(unsigned usual);

/* test_random - the next number of the sequence that starts at *state (any value). */
uint64_t test_random(uint64_t *state);
