/* tests.h - the results of one boot, and the machine between tests. */
#pragma once

#include <stdbool.h>

struct boot_results {
	unsigned run, failed, left_out;
	bool	 in_test; /* what is printed belongs to the test, not to the TAP */
};
extern struct boot_results boot_results;

/* boot_machine_init - take the RAM that tests run in. Once. */
void boot_machine_init(void);
