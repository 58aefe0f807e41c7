/*
 * pins.c - where a fork has to look for pinned pages.
 *
 * A pinned private page has one owner for ever, so a fork must not share the tables above it.
 * Each of them has a note, which is set when a page is pinned or moves there. The note
 * never goes while the table lives: a fork then looks in vain, and shares page by page.
 */
#include "pt/pins.h"

#include "pt/table.h"

static void
note_below(pfn_t table, unsigned level, vaddr_t base, struct va_range range)
{
	struct va_range part = range_clip(range, va_range(base, base + level_span(level + 1)));

	table_lock(table);
	frame_of(table)->table.may_have_pins = true;
	for (vaddr_t va = part.start; level > 0 && va < part.end;) {
		vaddr_t start = va & ~(level_span(level) - 1);
		pte_t	pte = table_get(table, level_index(level, va));

		if (arch_pte_kind(pte, level) == PTE_TABLE)
			note_below(arch_pte_table_pfn(pte), level - 1, start, range);
		va = start + level_span(level);
	}
	table_unlock(table);
}

void
pt_note_pins(const struct pt *pt, struct va_range range)
{
	note_below(pt->root, ARCH_PT_LEVELS - 1, 0, range);
}
