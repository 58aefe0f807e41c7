/*
 * test_names.c - the list of arch_names.c is the list of arch.h.
 *
 * The count is read from the text of arch.h, so a function added there and
 * forgotten in arch_names.c fails here.
 */
#include "harness.h"

#include <string.h>

#include "contract/arch_names.h"

/* The text of arch.h, put into the program by the build. */
extern const char contract_header[], contract_header_end[];

/* next_line - the line at *at without its end, cut to fit; *at is behind it then. */
static void
next_line(const char **at, char *line, size_t bytes)
{
	size_t n = 0;

	while (*at < contract_header_end && **at != '\n') {
		if (n + 1 < bytes)
			line[n++] = **at;
		++*at;
	}
	line[n] = '\0';
	++*at;
}

/* prototypes_in_contract - lines of arch.h that declare a function. */
static unsigned
prototypes_in_contract(void)
{
	const char *at = contract_header;
	char	    line[256];
	unsigned    n = 0;

	while (at < contract_header_end) {
		const char *declared;

		next_line(&at, line, sizeof(line));
		declared = strstr(line, "static inline");
		n += declared && strstr(declared, "arch_") && strchr(declared, '(');
	}
	return n;
}

static void
every_contract_function_is_defined(void **state)
{
	(void)state;
	assert_int_equal(names_defined(), prototypes_in_contract());
}

TEST_SUITE(names, cmocka_unit_test(every_contract_function_is_defined))
