/*
 * kernel.c - what the image does once the machine is up.
 */
#include "boot.h"

#include <anymm/check.h>

#include "base/format.h"

static void
say_machine(void)
{
	uint64_t frames = 0;

	for (unsigned i = 0; i < boot_info.nr_ranges; i++)
		frames += boot_info.ranges[i].kind == BOOT_RAM ? boot_info.ranges[i].nr_frames : 0;
	console_printf("anymm on x86_64: %u CPU%s, %lu MiB%s%s\n", platform_cpus(),
		       platform_cpus() == 1 ? "" : "s", (unsigned long)(frames >> 8),
		       x86_machine.has_pcid ? ", PCID" : "", x86_machine.has_smap ? ", SMAP" : "");
}

void
kernel_main(void)
{
	struct boot_map	    map = { .ranges = boot_info.ranges, .nr_ranges = boot_info.nr_ranges };
	struct check_report report;

	say_machine();
	if (anymm_init(&map) != OK)
		boot_fail("the library does not start");
	if (!check_all(&report))
		boot_fail("%s: %s", invariant_name(report.broken), report.text);
	console_printf("ok\n");
	boot_exit(EXIT_PASS);
}
