/* expect.c - the helpers of harness.h that talk to whoever runs the tests, on the booted PC. */
#include "harness.h"

#include "base/format.h"

void
expect_err(err_t got, err_t wanted, const char *call, const char *file, int line)
{
	if (got != wanted)
		boot_test_fail(file, line, "%s gave %s (%d), expected %s (%d)", call, err_name(got),
			       got, err_name(wanted), wanted);
}

/* There is no environment: the same seed at every boot. */
uint64_t
test_seed(uint64_t usual)
{
	print_message("# seed %lu\n", (unsigned long)usual);
	return usual;
}

unsigned
test_rounds(unsigned usual)
{
	return usual > 8 ? usual / 8 : 1;
}
