/*
 * main.c - the image that runs the suites: TAP on the console, then power off.
 *
 * SUITES comes from the build, as for the programs of the simulator.
 */
#include <string.h>

#include "../../arch/x86_64/boot/boot.h"
#include "../../arch/x86_64/boot/ring3.h"
#include "base/format.h"
#include "boot/tests.h"

#define X(name) int suite_##name(void);
SUITES
#undef X

static const struct {
	const char *name;
	int (*run)(void);
} suites[] = {
#define X(name) { #name, suite_##name },
	SUITES
#undef X
};

/* Command line: suite=NAME,... runs those only. */
static bool
is_wanted(const char *name)
{
	const char *wanted = bootinfo_option("suite");
	size_t	    length = strlen(name);

	if (!wanted)
		return true;
	for (;; wanted++) {
		if (strncmp(wanted, name, length) == 0 && strchr(", ", wanted[length]))
			return true;
		while (*wanted && !strchr(", ", *wanted))
			wanted++;
		if (*wanted != ',')
			return false;
	}
}

void
kernel_main(void)
{
	ring3_init();
	boot_machine_init();
	for (size_t i = 0; i < ARRAY_SIZE(suites); i++)
		if (is_wanted(suites[i].name))
			(void)suites[i].run();
	console_printf("1..%u\n# %u CPUs: %u passed, %u failed, %u left out\n# %s\n",
		       boot_results.run, boot_nr_cpus(), boot_results.run - boot_results.failed,
		       boot_results.failed, boot_results.left_out,
		       boot_results.failed ? "FAILED" : "ok");
	boot_exit(boot_results.failed ? EXIT_FAIL : EXIT_PASS);
}
