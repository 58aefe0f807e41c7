/*
 * paging.c - the kernel half: direct map, image, stacks, device registers.
 *
 *	direct map     all RAM of the memory map, 2 MiB pages, writable, never executable;
 *	               the part that holds the image's text and constants is read-only
 *	image          text: execute; constants: read; data: write. Nothing is both
 *	               writable and executable
 *	stacks         16 KiB each, with an unmapped page below
 *	user window    a page of probe code that ring 3 may run, the same in every space
 *
 * The tables are made before the library has any memory: their frames are taken
 * from the end of the first large range of RAM, and reserved there. Every root slot of
 * the kernel half that is used exists before the first space is made, so all
 * spaces see later changes too. Levels here count as in the library: 0 is a leaf table.
 */
#include "boot.h"

#include "base/mem.h"

#define LARGE_PAGE (UINT64_C(1) << 21)

/* The level of the table that is the library's window: it hangs in the root. */
#define WINDOW_LEVEL (ARCH_PT_LEVELS - 2)

/* Flags of entries: SDM vol. 3A, 4.5. */
#define P_PRESENT  UINT64_C(0x001)
#define P_WRITE	   UINT64_C(0x002)
#define P_USER	   UINT64_C(0x004)
#define P_UNCACHED UINT64_C(0x018) /* PCD and PWT */
#define P_LARGE	   UINT64_C(0x080)
#define P_GLOBAL   UINT64_C(0x100)
#define P_NX	   (UINT64_C(1) << 63)
#define P_ADDRESS  UINT64_C(0x000ffffffffff000)

static paddr_t	 root_table;
static uint64_t	 pool_next, pool_end; /* physical, for tables and stacks */
static uintptr_t next_stack = STACKS_START;
static bool	 direct_map_is_ready;

/* Before the direct map is used, the boot tables reach the first GiB through the image's half. */
static void *
reach(uint64_t paddr)
{
	return (void *)((direct_map_is_ready ? DIRECT_MAP : IMAGE_VIRTUAL) + paddr);
}

static uint64_t
pool_take(void)
{
	uint64_t page = pool_next;

	if (page == pool_end)
		boot_fail("no more memory for kernel tables and stacks");
	pool_next += ARCH_PAGE_SIZE;
	memset(reach(page), 0, ARCH_PAGE_SIZE);
	return page;
}

static uint64_t
highest_address(void)
{
	uint64_t end = 0;

	for (unsigned i = 0; i < boot_info.nr_ranges; i++) {
		const struct boot_range *r = &boot_info.ranges[i];

		end = max_u64(end, (r->start.n + r->nr_frames) << ARCH_PAGE_SHIFT);
	}
	return end;
}

/* The stretch lies in one range of RAM that the boot tables map, and clear of the module. */
static bool
pool_fits(uint64_t start, uint64_t bytes)
{
	paddr_t module = phys_of(boot_info.module.text);

	if (boot_info.module.bytes && start < module.raw + boot_info.module.bytes &&
	    module.raw < start + bytes)
		return false;
	for (unsigned i = 0; i < boot_info.nr_ranges; i++) {
		const struct boot_range *r = &boot_info.ranges[i];
		uint64_t		 from = r->start.n << ARCH_PAGE_SHIFT;
		uint64_t		 to = from + (r->nr_frames << ARCH_PAGE_SHIFT);

		if (r->kind == BOOT_RAM && from <= start && start + bytes <= to)
			return start + bytes <= UINT64_C(1) << 30;
	}
	return false;
}

/*
 * The pool: enough for the direct map's directories, the image's tables, and the
 * stacks. It lies behind the image, or behind the module if that is in the way.
 */
static void
pool_init(void)
{
	uint64_t bytes = highest_address() / LARGE_PAGE / 512 * ARCH_PAGE_SIZE + (4 << 20);
	uint64_t start = phys_of(image_end).raw;

	if (!pool_fits(start, bytes) && boot_info.module.bytes)
		start = (phys_of(boot_info.module.text).raw + boot_info.module.bytes +
			 ARCH_PAGE_MASK) &
			~ARCH_PAGE_MASK;
	if (!pool_fits(start, bytes))
		boot_fail("too little RAM: %lu KiB behind the image are needed",
			  (unsigned long)(bytes >> 10));
	pool_next = start;
	pool_end = start + bytes;
	bootinfo_reserve((paddr_t){ start }, bytes);
}

/* The slot for va at `level`, with tables made on the way. Upper entries allow all; leaves decide. */
static uint64_t *
slot_of(uintptr_t va, unsigned level)
{
	uint64_t *table = reach(root_table.raw);

	for (unsigned l = ARCH_PT_LEVELS - 1;; l--) {
		uint64_t *slot = table + (va >> (ARCH_PAGE_SHIFT + l * ARCH_PT_INDEX_BITS)) % 512;

		if (l == level)
			return slot;
		if (*slot == 0)
			*slot = pool_take() | P_PRESENT | P_WRITE;
		table = reach(*slot & P_ADDRESS);
	}
}

static void
map_pages(uintptr_t va, uint64_t paddr, uint64_t bytes, uint64_t flags)
{
	for (uint64_t at = 0; at < bytes; at += ARCH_PAGE_SIZE)
		*slot_of(va + at, 0) = (paddr + at) | P_PRESENT | P_GLOBAL | flags;
}

/* Replace a large leaf of the direct map by 512 small ones. */
static void
split_large(uintptr_t va)
{
	uint64_t *slot = slot_of(va, 1);
	uint64_t  old = *slot, page;
	uint64_t *table;

	if (!(old & P_LARGE))
		return;
	page = pool_take();
	table = reach(page);
	for (unsigned i = 0; i < 512; i++)
		table[i] = (old & ~P_LARGE) + i * ARCH_PAGE_SIZE;
	*slot = page | P_PRESENT | P_WRITE;
}

static void
map_direct(void)
{
	for (unsigned i = 0; i < boot_info.nr_ranges; i++) {
		const struct boot_range *r = &boot_info.ranges[i];
		uint64_t		 from = (r->start.n << ARCH_PAGE_SHIFT) & ~(LARGE_PAGE - 1);
		uint64_t		 to = (r->start.n + r->nr_frames) << ARCH_PAGE_SHIFT;

		for (uint64_t at = from; r->kind == BOOT_RAM && at < to; at += LARGE_PAGE)
			*slot_of(DIRECT_MAP + at, 1) =
				at | P_PRESENT | P_WRITE | P_LARGE | P_GLOBAL | P_NX;
	}
	/* The first MiB: firmware tables, and the page on which other CPUs start. */
	*slot_of(DIRECT_MAP, 1) = P_PRESENT | P_WRITE | P_LARGE | P_GLOBAL | P_NX;
}

static void
map_image(void)
{
	uint64_t text = (uint64_t)(text_end - text_start);
	uint64_t rodata = (uint64_t)(rodata_end - text_end);

	map_pages((uintptr_t)text_start, phys_of(text_start).raw, text, 0);
	map_pages((uintptr_t)text_end, phys_of(text_end).raw, rodata, P_NX);
	map_pages((uintptr_t)rodata_end, phys_of(rodata_end).raw,
		  (uint64_t)(image_end - rodata_end), P_WRITE | P_NX);
	/* The same frames through the direct map: text and constants cannot be written there either. */
	for (uint64_t at = 0; at < text + rodata; at += ARCH_PAGE_SIZE) {
		uintptr_t va = DIRECT_MAP + phys_of(text_start).raw + at;

		split_large(va);
		*slot_of(va, 0) &= ~P_WRITE;
	}
}

/* The modules lie in RAM: from now on they are read through the direct map. */
static void
move_to_direct_map(void)
{
	if (boot_info.module.bytes)
		boot_info.module.text = direct(phys_of(boot_info.module.text));
	if ((uintptr_t)boot_info.command_line >= IMAGE_VIRTUAL &&
	    (boot_info.command_line < text_start || boot_info.command_line >= image_end))
		boot_info.command_line = direct(phys_of(boot_info.command_line));
}

void
paging_init(void)
{
	pool_init();
	root_table.raw = pool_take();
	map_direct();
	map_image();
	(void)slot_of(STACKS_START, 0);
	(void)slot_of(USER_WINDOW, 0);
	(void)slot_of(WINDOW_START, WINDOW_LEVEL);
	x86_write_cr3(root_table.raw);
	direct_map_is_ready = true;
	move_to_direct_map();
	x86_machine.kernel_root = root_table;
	x86_machine.direct_map = DIRECT_MAP;
}

uintptr_t
paging_stack(unsigned pages)
{
	next_stack += ARCH_PAGE_SIZE; /* the guard stays unmapped */
	for (unsigned i = 0; i < pages; i++, next_stack += ARCH_PAGE_SIZE)
		map_pages(next_stack, pool_take(), ARCH_PAGE_SIZE, P_WRITE | P_NX);
	return next_stack;
}

struct platform_window
platform_kernel_window(void)
{
	uint64_t root_slot = *slot_of(WINDOW_START, ARCH_PT_LEVELS - 1);

	/* Through another direct map than ours the library does not reach the table. */
	if (x86_machine.direct_map != DIRECT_MAP)
		return (struct platform_window){ .table = pfn_none() };
	return (struct platform_window){ .table = { (root_slot & P_ADDRESS) >> ARCH_PAGE_SHIFT },
					 .level = WINDOW_LEVEL,
					 .start = WINDOW_START };
}

void
paging_map_device(paddr_t page)
{
	uintptr_t va = DIRECT_MAP + page.raw;

	split_large(va);
	*slot_of(va, 0) = page.raw | P_PRESENT | P_WRITE | P_UNCACHED | P_GLOBAL | P_NX;
	x86_invlpg(va);
}

void
paging_map_firmware(paddr_t page)
{
	uintptr_t va = DIRECT_MAP + page.raw;

	if (*slot_of(va, 1) & P_LARGE || *slot_of(va, 0))
		return;
	*slot_of(va, 0) = page.raw | P_PRESENT | P_GLOBAL | P_NX;
}

void
paging_user_page(unsigned window_page, const void *image_page)
{
	uintptr_t va = USER_WINDOW + window_page * ARCH_PAGE_SIZE;

	*slot_of(va, 0) = phys_of(image_page).raw | P_PRESENT | P_USER | P_GLOBAL;
	for (unsigned level = 1; level < ARCH_PT_LEVELS; level++)
		*slot_of(va, level) |= P_USER;
	x86_invlpg(va);
}
