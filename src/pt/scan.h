/*
 * scan.h - look at every entry of a range and change nothing.
 */
#pragma once

#include <anymm/pt.h>

struct pt_scan {
	/* One leaf or mark of the range; `shared`: a table on its path belongs to other spaces too. */
	void (*entry)(struct pt_scan *scan, pte_t pte, vaddr_t va, bool shared);
	uint64_t
		nr_tables; /* pt_scan_range counts those that have something in the range, root apart */
};

/*
 * pt_scan_range - entries in order of address. entry is called with the table locked.
 *   needs  HOLDS_READ the space's lock
 *   cost   O(tables with something in the range)
 */
void pt_scan_range(const struct pt *pt, struct va_range range, struct pt_scan *scan);
