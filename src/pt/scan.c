/*
 * scan.c - look at every entry of a range and change nothing: for statistics, and for who
 * looks for pages of a kind.
 *
 * Tables are locked on the way down, so that entries do not change while they are told.
 */
#include "pt/scan.h"

#include "pt/table.h"

static void scan_below(struct pt_scan *scan, pfn_t table, unsigned level, vaddr_t base,
		       struct va_range range, bool shared);

static void
scan_entry(struct pt_scan *scan, pte_t pte, unsigned level, vaddr_t va, struct va_range range,
	   bool shared)
{
	pfn_t child;

	switch (arch_pte_kind(pte, level)) {
	case PTE_TABLE:
		child = arch_pte_table_pfn(pte);
		if (!table_uses(child, level - 1, va, range))
			break;
		scan->nr_tables++;
		table_lock(child);
		scan_below(scan, child, level - 1, va, range, shared || frame_count(child) > 1);
		table_unlock(child);
		break;
	case PTE_LEAF:
	case PTE_MARK:
		scan->entry(scan, pte, va, shared);
		break;
	case PTE_EMPTY:
		break;
	}
}

/* scan_below - the entries of one locked table, whose first byte is `base`. */
static void
scan_below(struct pt_scan *scan, pfn_t table, unsigned level, vaddr_t base, struct va_range range,
	   bool shared)
{
	struct va_range part = range_clip(range, va_range(base, base + level_span(level + 1)));

	for (vaddr_t va = part.start; va < part.end;) {
		vaddr_t start = va & ~(level_span(level) - 1);

		scan_entry(scan, table_get(table, level_index(level, va)), level, start, range,
			   shared);
		va = start + level_span(level);
	}
}

void
pt_scan_range(const struct pt *pt, struct va_range range, struct pt_scan *scan)
{
	table_lock(pt->root);
	scan_below(scan, pt->root, ARCH_PT_LEVELS - 1, 0, range, false);
	table_unlock(pt->root);
}
