/* expect.c - the helpers of harness.h that need no machine. */
#include "harness.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

void
expect_err(err_t got, err_t wanted, const char *call, const char *file, int line)
{
	if (got != wanted) {
		print_error("%s gave %s (%d), expected %s (%d)\n", call, err_name(got), got,
			    err_name(wanted), wanted);
		_fail(file, line);
	}
}

uint64_t
test_seed(uint64_t usual)
{
	const char *given = getenv("ANYMM_SEED");
	uint64_t    seed = given ? strtoull(given, NULL, 0) : usual;

	fprintf(stderr, "seed %" PRIu64 "; repeat with ANYMM_SEED=%" PRIu64 "\n", seed, seed);
	return seed;
}

unsigned
test_rounds(unsigned usual)
{
	return usual;
}
