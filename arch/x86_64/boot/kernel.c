/*
 * kernel.c - what the image does once the machine is up: the scenario that came as a
 * module, or without one the demonstration (demo/).
 *
 * With a scenario the console carries the scenario's output and nothing else, so that it
 * can be compared byte by byte with the simulator's. Command line:
 *
 *   name=FILE      what to call the scenario in messages
 *   check=MODE     step, end or none
 */
#include "boot.h"
#include "demo/demo.h"
#include "ring3.h"

#include "base/format.h"
#include "base/mem.h"
#include "scenario/scenario.h"
#include "scenario/swap.h"

#define ARENA_BYTES (UINT64_C(16) << 20)
#define NAME_BYTES  256

static void
write_console(void *ctx, const char *text, size_t bytes)
{
	(void)ctx;
	x86_console_write(text, bytes);
}

/* The option's value, ended, in buf. */
static bool
option(const char *name, char *buf, size_t bytes)
{
	const char *value = bootinfo_option(name);
	size_t	    length = 0;

	if (!value)
		return false;
	while (value[length] && value[length] != ' ' && length + 1 < bytes)
		length++;
	memcpy(buf, value, length);
	buf[length] = '\0';
	return true;
}

static enum scenario_check
check_mode(void)
{
	char mode[8];

	if (option("check", mode, sizeof(mode)) && mode[0] == 'e')
		return SCENARIO_CHECK_END;
	return option("check", mode, sizeof(mode)) && mode[0] == 'n' ? SCENARIO_CHECK_NONE
								     : SCENARIO_CHECK_ALL;
}

unsigned
platform_cpus(void)
{
	return boot_nr_cpus();
}

static void
start_library(const struct boot_map *map)
{
	if (anymm_init(map) != OK)
		boot_fail("the library does not start");
}

/* The ranges as those of a machine with so many nodes. */
static void
start_on(const struct boot_range *ranges, unsigned nr, const struct scenario_machine *machine)
{
	static struct boot_range parts[BOOT_RANGES_MAX];
	unsigned nr_parts = boot_cut_nodes(machine->nodes, machine->cpus, ranges, nr, parts);

	start_library(&(struct boot_map){ .ranges = parts, .nr_ranges = nr_parts });
}

/* All of the machine's memory. */
static void
start_whole(const struct scenario_machine *machine)
{
	start_on(boot_info.ranges, boot_info.nr_ranges, machine);
}

/* So many frames of it, and no more. */
static void
start_small(const struct scenario_machine *machine)
{
	uint64_t	  frames = machine->memory;
	void		 *memory = bootinfo_take(frames << ARCH_PAGE_SHIFT);
	struct boot_range range = { .nr_frames = frames, .kind = BOOT_RAM };

	if (!memory)
		boot_fail("no %lu frames in one piece", (unsigned long)frames);
	range.start.n = ((uintptr_t)memory - DIRECT_MAP) >> ARCH_PAGE_SHIFT;
	start_on(&range, 1, machine);
}

/* What the scenario's first line asks for. What is wrong with that line, or missing, scenario_run says. */
static void
start_machine(const struct scenario_config *config)
{
	struct scenario_machine machine;
	struct scenario_result	result;
	void		       *swap = NULL;

	if (!scenario_read_machine(config, &machine, &result))
		machine = (struct scenario_machine){ 0 };
	if (machine.swap)
		swap = bootinfo_take(machine.swap << ARCH_PAGE_SHIFT);
	if (machine.memory)
		start_small(&machine);
	else
		start_whole(&machine);
	if (swap && scenario_swap(swap, machine.swap) != OK)
		boot_fail("no frames for the records of %lu swap slots",
			  (unsigned long)machine.swap);
}

static uint32_t
run_scenario(void)
{
	static char	       name[NAME_BYTES] = "scenario";
	struct scenario_config config = {
		.name = name,
		.text = boot_info.module.text,
		.bytes = boot_info.module.bytes,
		.arena = bootinfo_take(ARENA_BYTES),
		.arena_bytes = ARENA_BYTES,
		.check = check_mode(),
		.write = write_console,
	};
	struct scenario_result result;

	if (!config.arena)
		boot_fail("no RAM for the interpreter");
	(void)option("name", name, sizeof(name));
	start_machine(&config);
	scenario_run(&config, &result);
	return scenario_conclude(&config, &result);
}

static void
say_machine(void)
{
	uint64_t frames = 0;

	for (unsigned i = 0; i < boot_info.nr_ranges; i++)
		frames += boot_info.ranges[i].kind == BOOT_RAM ? boot_info.ranges[i].nr_frames : 0;
	console_printf("anymm on x86_64: %u CPU%s, %lu MiB%s%s\n", boot_nr_cpus(),
		       boot_nr_cpus() == 1 ? "" : "s", (unsigned long)(frames >> 8),
		       x86_machine.has_pcid ? ", PCID" : "", x86_machine.has_smap ? ", SMAP" : "");
}

void
kernel_main(void)
{
	bool fine;

	ring3_init();
	if (boot_info.module.bytes)
		boot_exit(EXIT_PASS + run_scenario());
	say_machine();
	start_whole(&(struct scenario_machine){ 0 });
	fine = demo_run();
	console_printf(fine ? "ok\n" : "FAILED\n");
	boot_exit(fine ? EXIT_PASS : EXIT_FAIL);
}
