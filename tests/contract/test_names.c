/*
 * test_names.c - the list of arch_names.c is the list of arch.h.
 *
 * The count is read from the text of arch.h, so a function added there and
 * forgotten in arch_names.c fails here.
 */
#include "harness.h"

#include <stdio.h>
#include <string.h>

#include "contract/arch_names.h"

/* prototypes_in_contract - lines of arch.h that declare a function. */
static unsigned
prototypes_in_contract(void)
{
	FILE	*file = fopen(CONTRACT_HEADER, "r");
	char	 line[256];
	unsigned n = 0;

	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		const char *declared = strstr(line, "static inline");

		n += declared && strstr(declared, "arch_") && strchr(declared, '(');
	}
	fclose(file);
	return n;
}

static void
every_contract_function_is_defined(void **state)
{
	(void)state;
	assert_int_equal(names_defined(), prototypes_in_contract());
}

TEST_SUITE(names, cmocka_unit_test(every_contract_function_is_defined))
