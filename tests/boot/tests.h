/* tests.h - the results of one boot. */
#pragma once

struct boot_results {
	unsigned run, failed, skipped;
};
extern struct boot_results boot_results;
