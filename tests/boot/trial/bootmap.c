/*
 * bootmap.c - what loaders may not tell: each lie must end the boot with a message that names
 * it, and none may be followed to where it leads.
 *
 * The records lie in the image and are read by the code that reads the loader's, a second
 * time; where that ends the boot, the trial takes over again.
 */
#include "trial.h"

#include <setjmp.h>
#include <string.h>

#include "base/format.h"

#define PVH_MAGIC	  UINT32_C(0x336ec578)
#define MULTIBOOT2_LOADER UINT32_C(0x36d76289)
#define RAM		  1
#define MIB		  (UINT64_C(1) << 20)

/* As in Xen's public headers; written again here so that a wrong offset is seen. */
struct start_info {
	uint32_t magic, version, flags, nr_modules;
	uint64_t modules, command_line, rsdp, memory_map;
	uint32_t nr_memory, reserved;
};

struct memory {
	uint64_t start, bytes;
	uint32_t type, reserved;
};

struct module {
	uint64_t start, bytes, command_line, reserved;
};

/* A lie: what it does to sound records, and words of the message it must cause. */
struct lie {
	const char *name;
	void (*tell)(void);
	const char *message;
};

static struct start_info info;
static struct memory	 memory[BOOT_RANGES_MAX + 1];
static struct module	 module;
static alignas(8) uint32_t tags[64]; /* multiboot2: total, reserved, then tags */
static char    message[256];
static jmp_buf after_failure;

static void
go_on(const char *text)
{
	format(message, sizeof(message), "%s", text);
	longjmp(after_failure, 1);
}

static void
tell_truth(void)
{
	memory[0] = (struct memory){ .start = 0, .bytes = 64 * MIB, .type = RAM };
	info = (struct start_info){
		.magic = PVH_MAGIC, .version = 1, .memory_map = phys_of(memory).raw, .nr_memory = 1
	};
}

/* ---- PVH ---- */

static void
pvh_magic(void)
{
	info.magic ^= 1;
}

static void
pvh_version(void)
{
	info.version = 0;
}

static void
pvh_map_at_zero(void)
{
	info.memory_map = 0;
}

static void
pvh_map_far_away(void)
{
	info.memory_map = UINT64_C(1) << 40;
}

static void
pvh_map_without_end(void)
{
	info.nr_memory = UINT32_MAX;
}

static void
pvh_range_wraps(void)
{
	memory[0] = (struct memory){ UINT64_MAX - MIB, 2 * MIB, RAM, 0 };
}

static void
pvh_range_too_high(void)
{
	memory[0] = (struct memory){ UINT64_C(1) << 52, MIB, RAM, 0 };
}

static void
pvh_no_ram(void)
{
	memory[0].type = 2;
}

static void
pvh_only_low_ram(void)
{
	memory[0].bytes = MIB;
}

static void
pvh_less_than_a_page(void)
{
	memory[0] = (struct memory){ 2 * MIB + 1, 4096, RAM, 0 };
}

static void
pvh_too_many_ranges(void)
{
	info.nr_memory = ARRAY_SIZE(memory);
	for (unsigned i = 0; i < ARRAY_SIZE(memory); i++)
		memory[i] = (struct memory){ (2 + 2 * i) * MIB, MIB, RAM, 0 };
}

static void
pvh_module_far_away(void)
{
	info.nr_modules = 1;
	info.modules = phys_of(&module).raw;
	module = (struct module){ .start = UINT64_C(1) << 30, .bytes = 1 };
}

static void
pvh_module_without_end(void)
{
	pvh_module_far_away();
	module = (struct module){ .start = 16 * MIB, .bytes = UINT64_MAX };
}

static void
pvh_command_line_far_away(void)
{
	info.command_line = UINT64_MAX;
}

static const struct lie pvh_lies[] = {
	{ "magic", pvh_magic, "boot information: magic" },
	{ "version", pvh_version, "version 0" },
	{ "memory map at 0", pvh_map_at_zero, "memory map at 0" },
	{ "memory map far away", pvh_map_far_away, "is out of reach" },
	{ "memory map without end", pvh_map_without_end, "is out of reach" },
	{ "range that wraps around", pvh_range_wraps, "memory map: a range at" },
	{ "range above 52 bits", pvh_range_too_high, "memory map: a range at" },
	{ "no RAM", pvh_no_ram, "no RAM above 1 MiB" },
	{ "RAM below 1 MiB only", pvh_only_low_ram, "no RAM above 1 MiB" },
	{ "less than a page of RAM", pvh_less_than_a_page, "no RAM above 1 MiB" },
	{ "too many ranges", pvh_too_many_ranges, "more than 128 ranges" },
	{ "module far away", pvh_module_far_away, "module at" },
	{ "module without end", pvh_module_without_end, "module at" },
	{ "command line far away", pvh_command_line_far_away, "command line at" },
};

/* ---- multiboot2: tags are type, bytes, content; the end is 0, 8 ---- */

static void
tags_short_tag(void)
{
	const uint32_t t[] = { 24, 0, 6, 4, 0, 8 };

	memcpy(tags, t, sizeof(t));
}

static void
tags_long_tag(void)
{
	const uint32_t t[] = { 24, 0, 6, 4096, 0, 8 };

	memcpy(tags, t, sizeof(t));
}

static void
tags_without_end(void)
{
	tags[0] = UINT32_MAX;
}

static void
tags_no_map(void)
{
	const uint32_t t[] = { 16, 0, 0, 8 };

	memcpy(tags, t, sizeof(t));
}

static void
tags_small_entries(void)
{
	const uint32_t t[] = { 48, 0, 6, 32, 8, 0, 0, 0, 0, 0, 0, 8 };

	memcpy(tags, t, sizeof(t));
}

static void
tags_giant_entries(void)
{
	const uint32_t t[] = { 48, 0, 6, 32, UINT32_MAX - 7, 0, 0, 0, 0, 0, 0, 8 };

	memcpy(tags, t, sizeof(t));
}

static void
tags_cut_module(void)
{
	const uint32_t t[] = { 24, 0, 3, 8, 0, 8 };

	memcpy(tags, t, sizeof(t));
}

static void
tags_open_command_line(void)
{
	const uint32_t t[] = { 32, 0, 1, 12, 0x61616161, 0, 0, 8 };

	memcpy(tags, t, sizeof(t));
}

static const struct lie tag_lies[] = {
	{ "tag shorter than its head", tags_short_tag, "multiboot2 tag 6 at 8: 4 bytes" },
	{ "tag longer than all", tags_long_tag, "multiboot2 tag 6 at 8: 4096 bytes" },
	{ "tags without end", tags_without_end, "is out of reach" },
	{ "no memory map", tags_no_map, "no RAM above 1 MiB" },
	{ "memory entries too small", tags_small_entries, "entries of 8 bytes" },
	{ "memory entries too large", tags_giant_entries, "entries of 4294967288 bytes" },
	{ "module tag cut off", tags_cut_module, "multiboot2 tag 3 at 8: 8 bytes" },
	{ "command line without end", tags_open_command_line, "the command line has no end" },
};

/* Read what has been told; true: the boot went on. */
static bool
survives(uint32_t magic, const void *record)
{
	memset(&boot_info, 0, sizeof(boot_info));
	boot_info.command_line = "";
	message[0] = '\0';
	fail_hook = go_on;
	if (setjmp(after_failure) == 0)
		bootinfo_read(magic, phys_of(record));
	fail_hook = NULL;
	return message[0] == '\0';
}

static void
expect_message(const struct lie *lie, uint32_t magic, const void *record)
{
	tell_truth();
	lie->tell();
	if (survives(magic, record))
		trial_fail("%s: believed", lie->name);
	if (!strstr(message, lie->message))
		trial_fail("%s: %s", lie->name, message);
	trial_pass("%s", lie->name);
}

void
trial_bootmap(void)
{
	tell_truth();
	if (!survives(0, &info))
		trial_fail("the truth: %s", message);
	trial_pass("the truth is believed");
	for (size_t i = 0; i < ARRAY_SIZE(pvh_lies); i++)
		expect_message(&pvh_lies[i], 0, &info);
	for (size_t i = 0; i < ARRAY_SIZE(tag_lies); i++)
		expect_message(&tag_lies[i], MULTIBOOT2_LOADER, tags);
}
