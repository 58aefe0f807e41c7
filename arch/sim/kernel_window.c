/*
 * kernel_window.c - the window of kernel stacks, and the ledger of what left it.
 *
 * The window is one table of the kernel half, which all roots share, so every CPU may
 * have cached whatever was reachable through it, under any tag. When an entry of it, or of a table
 * below it, loses its page or table, that frame is noted with all CPUs; a CPU
 * that drops everything is taken off. Until the last one is, the frame must not become free.
 * Flushes of less than everything do not count: other tags would keep the translation.
 */
#include "kernel_window.h"

#include <inttypes.h>

#define NOTES_MAX 4096

static struct {
	uint64_t   pfn;
	cpu_mask_t cpus;
} notes[NOTES_MAX];
static unsigned nr_notes;

struct platform_window
platform_kernel_window(void)
{
	const vaddr_t half = SIM_HAS_HALVES ? ~(vaddr_t)0 << (SIM_VA_BITS - 1) : 0;
	const vaddr_t slot = (vaddr_t)(HW_ENTRIES - 1) << (SIM_VA_BITS - SIM_INDEX_BITS);

	if (HW_ROOT < 2)
		return (struct platform_window){ .table = pfn_none() };
	return (struct platform_window){
		.table = pfn_add(sim_fixed.area, AREA_WINDOW),
		.level = HW_ROOT - 2,
		.start = half | slot | (vaddr_t)1 << (SIM_VA_BITS - 2 * SIM_INDEX_BITS),
	};
}

void
kernel_window_start(void)
{
	nr_notes = 0;
}

/* hangs_below - frame `pfn` is `table` or hangs below it. At most three levels. */
static bool
hangs_below(uint64_t table, unsigned level, uint64_t pfn)
{
	const uint64_t *entries = arch_frame_ptr((pfn_t){ table });

	if (table == pfn)
		return true;
	for (unsigned i = 0; level > 0 && i < HW_ENTRIES; i++) {
		uint64_t entry = entries[i];

		if (entry & HW_VALID && entry & HW_TABLE &&
		    hangs_below(entry & HW_FRAME, level - 1, pfn))
			return true;
	}
	return false;
}

/*
 * is_in_window - for leaves, that are the kernel's only here and in few tests, anywhere in it; for tables, of
 * which users change many, only at its top, below which no table goes alone.
 */
static bool
is_in_window(const uint64_t *slot, uint64_t old)
{
	struct platform_window window = platform_kernel_window();
	uint64_t pfn = (uint64_t)((const unsigned char *)slot - sim_ram.base) >> ARCH_PAGE_SHIFT;

	if (pfn_is_none(window.table))
		return false;
	return hangs_below(window.table.n, old & HW_TABLE ? 0 : window.level, pfn);
}

void
kernel_window_entry_changed(const uint64_t *slot, uint64_t old, uint64_t next)
{
	if (!(old & HW_VALID) || !(old & (HW_KERNEL | HW_TABLE)) ||
	    (next & HW_VALID && ((old ^ next) & HW_FRAME) == 0) || !is_in_window(slot, old))
		return;
	if (nr_notes == NOTES_MAX)
		sim_violation("more than %u pages left the kernel's window without a flush",
			      NOTES_MAX);
	notes[nr_notes].pfn = old & HW_FRAME;
	notes[nr_notes].cpus =
		sim_fixed.nr_cpus == CPU_MAX ? ~(cpu_mask_t)0 : cpu_bit(sim_fixed.nr_cpus) - 1;
	nr_notes++;
}

bool
kernel_window_flush_all(void)
{
	unsigned kept = 0;
	bool	 any = false;

	for (unsigned i = 0; i < nr_notes; i++) {
		any |= (notes[i].cpus & cpu_bit(sim_cpu_now)) != 0;
		notes[i].cpus &= ~cpu_bit(sim_cpu_now);
		if (notes[i].cpus)
			notes[kept++] = notes[i];
	}
	nr_notes = kept;
	return any;
}

void
kernel_window_frame_retired(pfn_t pfn)
{
	for (unsigned i = 0; i < nr_notes; i++)
		if (notes[i].pfn == pfn.n)
			sim_violation("frame %" PRIu64 " is freed, but CPUs may still reach it "
				      "through the kernel's window (CPU mask 0x%" PRIx64 ")",
				      pfn.n, notes[i].cpus);
}
