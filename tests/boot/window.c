/*
 * window.c - see window.h.
 *
 * The window is a part of the kernel half in which nothing is mapped at first. The kernel's
 * page-fault handler asks back_page() about each fault there; a frame that exists gets a
 * page, everything else is the bug that it looks like. So a machine of terabytes runs on a
 * small PC, as long as the library touches little of it, which it shall.
 *
 * The frame number behind the largest that the library knows shows the kernel's own root
 * table, from which the roots of spaces are copied.
 *
 * Several CPUs may fault at once; a lock keeps them apart. Nothing waits under it.
 */
#include "boot/window.h"

#include <cmocka.h>

#include "../../arch/x86_64/boot/boot.h"
#include "base/mem.h"

#define WINDOW	      UINT64_C(0xffffc00000000000)
#define WINDOW_FRAMES (UINT64_C(1) << 32)
#define ROOT_SLOT(va) ((va) >> 39 & 511)

/* Flags of entries: SDM vol. 3A, 4.5. */
#define P_PRESENT UINT64_C(0x001)
#define P_WRITE	  UINT64_C(0x002)
#define P_NX	  (UINT64_C(1) << 63)
#define P_ADDRESS UINT64_C(0x000ffffffffff000)

static const struct boot_range *ranges;
static unsigned			nr_ranges;
static paddr_t			kernel_root; /* the true one while the window is open */
static uint64_t			next_page, end_page;
static _Atomic bool		busy;

bool
window_is_open(void)
{
	return ranges != NULL;
}

static bool
exists(uint64_t n)
{
	for (unsigned i = 0; i < nr_ranges; i++) {
		if (ranges[i].kind == BOOT_RAM && n - ranges[i].start.n < ranges[i].nr_frames)
			return true;
	}
	return false;
}

/* The physical address of an unused page, or 0. */
static uint64_t
take_page(void)
{
	return next_page == end_page ? 0 : next_page++ << ARCH_PAGE_SHIFT;
}

/* The leaf slot for va, with the tables on the way; NULL: no page is left for them. */
static uint64_t *
slot_of(uintptr_t va)
{
	uint64_t *table = direct(kernel_root);

	for (unsigned shift = 39; shift > ARCH_PAGE_SHIFT; shift -= ARCH_PT_INDEX_BITS) {
		uint64_t *slot = &table[va >> shift & 511];

		if (!*slot) {
			uint64_t page = take_page();

			if (!page)
				return NULL;
			memset(direct((paddr_t){ page }), 0, ARCH_PAGE_SIZE);
			*slot = page | P_PRESENT | P_WRITE;
		}
		table = direct((paddr_t){ *slot & P_ADDRESS });
	}
	return &table[va >> ARCH_PAGE_SHIFT & 511];
}

/* False: there is no page left. */
static bool
map_frame(uint64_t n)
{
	uint64_t *slot = slot_of(WINDOW + (n << ARCH_PAGE_SHIFT));
	uint64_t  page;

	if (!slot)
		return false;
	if (*slot) /* another CPU was faster */
		return true;
	page = n == WINDOW_FRAMES ? kernel_root.raw : take_page();
	if (!page)
		return false;
	*slot = page | P_PRESENT | P_NX | (n == WINDOW_FRAMES ? 0 : P_WRITE);
	if (n != WINDOW_FRAMES)
		x86_frame_poison((pfn_t){ n }, 0);
	return true;
}

/* On a page fault of the kernel: true if it can go on. */
static bool
back_page(vaddr_t va)
{
	uint64_t n = (va - WINDOW) >> ARCH_PAGE_SHIFT;
	bool	 is_backed;

	if (va < WINDOW || (n != WINDOW_FRAMES && !exists(n)))
		return false;
	while (atomic_exchange_explicit(&busy, true, memory_order_acquire))
		x86_pause();
	is_backed = map_frame(n);
	atomic_store_explicit(&busy, false, memory_order_release);
	if (!is_backed) {
		x86_sti(); /* the handler is left by a jump */
		boot_test_skip("needs more memory");
	}
	return true;
}

void
window_open(const struct boot_range *ram, unsigned nr, struct boot_range spare)
{
	ranges = ram;
	nr_ranges = nr;
	next_page = spare.start.n;
	end_page = spare.start.n + spare.nr_frames;
	kernel_root = x86_machine.kernel_root;
	x86_machine.kernel_root.raw = WINDOW_FRAMES << ARCH_PAGE_SHIFT;
	x86_machine.direct_map = WINDOW;
	fault_hook = back_page;
}

void
window_close(void)
{
	uint64_t *root = direct(kernel_root);

	if (!window_is_open())
		return;
	for (uint64_t i = ROOT_SLOT(WINDOW);
	     i <= ROOT_SLOT(WINDOW + (WINDOW_FRAMES << ARCH_PAGE_SHIFT)); i++)
		root[i] = 0;
	x86_machine.kernel_root = kernel_root;
	x86_machine.direct_map = DIRECT_MAP;
	fault_hook = NULL;
	ranges = NULL;
}
