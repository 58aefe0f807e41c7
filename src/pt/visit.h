/*
 * visit.h - change leaves in place, also in tables that several spaces share.
 */
#pragma once

#include <anymm/pt.h>

/* A walk. What it clears or changes, the caller flushes in every space that maps the same there. */
struct pt_visit {
	/* One leaf of the range. HOLDS the table's lock; may clear the entry. */
	void (*leaf)(struct pt_visit *visit, pfn_t table, unsigned index, vaddr_t va);
	/* One mark of the range, likewise; NULL: marks are passed over. */
	void (*mark)(struct pt_visit *visit, pfn_t table, unsigned index);
	/* A table that became empty was unhooked; takes over the count that its slot had. */
	void (*hold)(struct pt_visit *visit, pfn_t pfn);
};

/*
 * pt_visit_leaves - call leaf for each leaf of the range, ascending; unhook tables that are empty.
 *   needs  the tables stay: the caller keeps the space from dying, its lock is not needed
 */
void pt_visit_leaves(struct pt *pt, struct va_range range, struct pt_visit *visit);
