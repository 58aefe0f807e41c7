/*
 * bootinfo.c - what the loader tells: memory, modules, command line, ACPI.
 *
 * Two formats, read into one record. Everything here comes from outside the
 * kernel, so every length is checked before it is followed; what is wrong ends
 * the boot with a message that names it. Addresses are physical and below 1 GiB, which
 * the boot tables map.
 *
 * Sources: the PVH start info of Xen's public headers (version 1), and the
 * multiboot2 specification, section 3.6.
 */
#include "boot.h"

#include "base/mem.h"

#define MULTIBOOT2_LOADER UINT32_C(0x36d76289)
#define PVH_MAGIC	  UINT32_C(0x336ec578)
#define BOOT_MAPPED	  (UINT64_C(1) << 30)
#define MEMORY_RAM	  1 /* both formats use the BIOS's types */
#define LOW_MEMORY_END	  UINT64_C(0x100000)

struct boot_info boot_info = { .command_line = "" };

static void *
mapped(uint64_t paddr, uint64_t bytes, const char *what)
{
	if (paddr == 0 || paddr >= BOOT_MAPPED || bytes > BOOT_MAPPED - paddr)
		boot_fail("boot information: %s at %lx, %lu bytes, is out of reach", what,
			  (unsigned long)paddr, (unsigned long)bytes);
	return (void *)(IMAGE_VIRTUAL + paddr);
}

static void
add_range(uint64_t start, uint64_t end, enum boot_kind kind)
{
	if (start >= end)
		return;
	if (boot_info.nr_ranges == BOOT_RANGES_MAX)
		boot_fail("memory map: more than %u ranges", BOOT_RANGES_MAX);
	boot_info.ranges[boot_info.nr_ranges++] = (struct boot_range){
		.start = { start >> ARCH_PAGE_SHIFT },
		.nr_frames = (end - start) >> ARCH_PAGE_SHIFT,
		.kind = kind,
	};
}

/* RAM shrinks to whole frames, what is reserved grows to them. */
static void
add_memory(uint64_t start, uint64_t bytes, uint32_t type)
{
	uint64_t end = start + bytes;

	if (end < start || end >> ARCH_PADDR_BITS)
		boot_fail("memory map: a range at %lx of %lx bytes", (unsigned long)start,
			  (unsigned long)bytes);
	if (type != MEMORY_RAM)
		return; /* what is not RAM is nowhere in the map */
	/* The first MiB belongs to firmware and to the starting of CPUs. */
	start = max_u64(start, LOW_MEMORY_END);
	add_range((start + ARCH_PAGE_MASK) & ~ARCH_PAGE_MASK, end & ~ARCH_PAGE_MASK, BOOT_RAM);
}

void
bootinfo_reserve(paddr_t start, uint64_t bytes)
{
	add_range(start.raw & ~ARCH_PAGE_MASK,
		  (start.raw + bytes + ARCH_PAGE_MASK) & ~ARCH_PAGE_MASK, BOOT_RESERVED);
}

static void
set_module(uint64_t start, uint64_t bytes)
{
	if (boot_info.module.bytes || !bytes)
		return;
	boot_info.module.text = mapped(start, bytes, "module");
	boot_info.module.bytes = bytes;
	bootinfo_reserve((paddr_t){ start }, bytes);
}

struct pvh_info {
	uint32_t magic, version, flags, nr_modules;
	uint64_t modules, command_line, rsdp, memory_map;
	uint32_t nr_memory, reserved;
};

struct pvh_module {
	uint64_t start, bytes, command_line, reserved;
};

struct pvh_memory {
	uint64_t start, bytes;
	uint32_t type, reserved;
};

static void
read_pvh(uint64_t paddr)
{
	const struct pvh_info	*info = mapped(paddr, sizeof(*info), "start info");
	const struct pvh_memory *memory;
	const struct pvh_module *module;

	if (info->magic != PVH_MAGIC || info->version < 1)
		boot_fail("boot information: magic %x, version %u", info->magic, info->version);
	memory =
		mapped(info->memory_map, (uint64_t)info->nr_memory * sizeof(*memory), "memory map");
	for (uint32_t i = 0; i < info->nr_memory; i++)
		add_memory(memory[i].start, memory[i].bytes, memory[i].type);
	if (info->command_line)
		boot_info.command_line = mapped(info->command_line, 1, "command line");
	boot_info.rsdp.raw = info->rsdp;
	if (info->nr_modules) {
		module = mapped(info->modules, sizeof(*module), "module list");
		set_module(module->start, module->bytes);
	}
}

struct mb2_tag {
	uint32_t type, bytes;
	union {
		char command_line[0];
		struct {
			uint32_t start, end;
		} module;
		struct {
			uint32_t entry_bytes, version;
			char	 entries[0];
		} memory;
		char rsdp[0];
	};
};

struct mb2_memory {
	uint64_t start, bytes;
	uint32_t type, reserved;
};

enum {
	MB2_END = 0,
	MB2_COMMAND_LINE = 1,
	MB2_MODULE = 3,
	MB2_MEMORY = 6,
	MB2_RSDP_1 = 14,
	MB2_RSDP_2 = 15,
};

static void
read_mb2_memory(const struct mb2_tag *tag)
{
	if (tag->memory.entry_bytes < sizeof(struct mb2_memory) ||
	    tag->memory.entry_bytes > tag->bytes)
		boot_fail("memory map: entries of %u bytes", tag->memory.entry_bytes);
	for (uint32_t at = 16; at + tag->memory.entry_bytes <= tag->bytes;
	     at += tag->memory.entry_bytes) {
		const struct mb2_memory *m = (const void *)((const char *)tag + at);

		add_memory(m->start, m->bytes, m->type);
	}
}

/* The least that a tag of this type holds, its head included. */
static uint32_t
least_bytes(uint32_t type)
{
	switch (type) {
	case MB2_COMMAND_LINE:
		return 9;
	case MB2_MODULE:
	case MB2_MEMORY:
		return 16;
	case MB2_RSDP_1:
	case MB2_RSDP_2:
		return 28;
	default:
		return 8;
	}
}

static void
read_mb2_tag(const struct mb2_tag *tag)
{
	switch (tag->type) {
	case MB2_COMMAND_LINE:
		if (((const char *)tag)[tag->bytes - 1])
			boot_fail("multiboot2: the command line has no end");
		boot_info.command_line = tag->command_line;
		break;
	case MB2_MODULE:
		if (tag->module.end > tag->module.start)
			set_module(tag->module.start, tag->module.end - tag->module.start);
		break;
	case MB2_MEMORY:
		read_mb2_memory(tag);
		break;
	case MB2_RSDP_1:
	case MB2_RSDP_2:
		boot_info.rsdp = phys_of(tag->rsdp);
		break;
	default:
		break;
	}
}

static void
read_multiboot2(uint64_t paddr)
{
	const uint32_t *total = mapped(paddr, 8, "multiboot2 tags");
	const char     *tags = mapped(paddr, *total, "multiboot2 tags");

	bootinfo_reserve((paddr_t){ paddr }, *total);
	for (uint32_t at = 8; at + 8 <= *total;) {
		const struct mb2_tag *tag = (const void *)(tags + at);

		if (tag->bytes < least_bytes(tag->type) || tag->bytes > *total - at)
			boot_fail("multiboot2 tag %u at %u: %u bytes", tag->type, at, tag->bytes);
		if (tag->type == MB2_END)
			break;
		read_mb2_tag(tag);
		at += (tag->bytes + 7) & ~UINT32_C(7);
	}
}

static bool
has_ram(void)
{
	for (unsigned i = 0; i < boot_info.nr_ranges; i++) {
		if (boot_info.ranges[i].kind == BOOT_RAM)
			return true;
	}
	return false;
}

void
bootinfo_read(uint32_t magic, paddr_t info)
{
	paddr_t image = phys_of(image_start);

	if (magic == MULTIBOOT2_LOADER)
		read_multiboot2(info.raw);
	else
		read_pvh(info.raw);
	if (!has_ram())
		boot_fail("memory map: no RAM above 1 MiB");
	bootinfo_reserve(image, (uint64_t)(image_end - image_start));
}

const char *
bootinfo_option(const char *name)
{
	for (const char *p = boot_info.command_line; *p;) {
		const char *n = name;

		while (*n && *p == *n) {
			p++;
			n++;
		}
		if (!*n && *p == '=')
			return p + 1;
		while (*p && *p != ' ')
			p++;
		while (*p == ' ')
			p++;
	}
	return NULL;
}

bool
bootinfo_option_is(const char *name, const char *value)
{
	const char *p = bootinfo_option(name);

	while (p && *p && *p == *value) {
		p++;
		value++;
	}
	return p && !*value && (!*p || *p == ' ');
}

uint64_t
bootinfo_number(const char *name, uint64_t otherwise)
{
	const char *p = bootinfo_option(name);
	uint64_t    number = 0;

	if (!p)
		return otherwise;
	for (; *p >= '0' && *p <= '9'; p++)
		number = number * 10 + (uint64_t)(*p - '0');
	return number;
}

/* The reserved range that overlaps [start, end), or NULL. */
static const struct boot_range *
reserved_in(uint64_t start, uint64_t end)
{
	for (unsigned i = 0; i < boot_info.nr_ranges; i++) {
		const struct boot_range *r = &boot_info.ranges[i];

		if (r->kind == BOOT_RESERVED && r->start.n < end &&
		    start < r->start.n + r->nr_frames)
			return r;
	}
	return NULL;
}

/* The highest stretch of the range that nothing reserved overlaps; 0: none. */
static uint64_t
highest_free(const struct boot_range *range, uint64_t frames)
{
	uint64_t end = range->start.n + range->nr_frames;

	while (end >= range->start.n + frames) {
		const struct boot_range *r = reserved_in(end - frames, end);

		if (!r)
			return end - frames;
		end = r->start.n;
	}
	return 0;
}

/* As high as possible: below it the library finds one whole stretch. */
void *
bootinfo_take(uint64_t bytes)
{
	uint64_t frames = (bytes + ARCH_PAGE_MASK) >> ARCH_PAGE_SHIFT;

	for (unsigned i = 0; i < boot_info.nr_ranges; i++) {
		const struct boot_range *r = &boot_info.ranges[i];
		paddr_t			 at = { 0 };

		if (r->kind == BOOT_RAM)
			at.raw = highest_free(r, frames) << ARCH_PAGE_SHIFT;
		if (at.raw) {
			bootinfo_reserve(at, bytes);
			return direct(at);
		}
	}
	return NULL;
}
