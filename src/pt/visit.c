/*
 * visit.c - walk the leaves of a range in place.
 *
 * This is how an object reaches the mappings of its pages. Every other change of a table makes
 * its path exclusive first; this one does not, because it is meant for everybody: all spaces that
 * reach a table map the same object there, and lose the same page.
 *
 *	A: root ─┐
 *	         ├─ table (2) ── leaf (2)      one change serves A and B
 *	B: root ─┘
 *
 * A table that becomes empty is unhooked from the table above it. If that one is shared, this too
 * serves all; where the empty table hangs in several places, the caller's walk through each
 * space finds it there.
 *
 * Locks: the whole path, root first, so nothing on it can be unhooked meanwhile. The lock of the
 * space is not held; faults, changes and fork meet this walk at the tables.
 */
#include "pt/visit.h"

#include "pt/table.h"

struct walk {
	struct va_range	 range;
	struct pt_visit *visit;
};

static void visit_below(struct walk *w, pfn_t table, unsigned level, vaddr_t base);

static void
visit_child(struct walk *w, pfn_t table, unsigned level, unsigned index, vaddr_t base)
{
	pfn_t child = arch_pte_table_pfn(table_get(table, index));
	bool  is_empty;

	table_lock(child);
	visit_below(w, child, level - 1, base);
	is_empty = table_live(child) == 0;
	if (is_empty)
		table_set(table, index, arch_pte_empty());
	table_unlock(child);
	if (is_empty)
		w->visit->hold(w->visit, child);
}

/* Entries of one locked table, whose first byte is `base`. */
static void
visit_below(struct walk *w, pfn_t table, unsigned level, vaddr_t base)
{
	struct va_range part = range_clip(w->range, va_range(base, base + level_span(level + 1)));

	for (vaddr_t va = part.start; va < part.end && table_live(table);) {
		vaddr_t	      start = va & ~(level_span(level) - 1);
		unsigned      index = level_index(level, va);
		enum pte_kind kind = arch_pte_kind(table_get(table, index), level);

		va = start + level_span(level);
		if (kind == PTE_TABLE)
			visit_child(w, table, level, index, start);
		else if (kind == PTE_LEAF)
			w->visit->leaf(w->visit, table, index, start);
		else if (kind == PTE_MARK && w->visit->mark)
			w->visit->mark(w->visit, table, index);
	}
}

void
pt_visit_leaves(struct pt *pt, struct va_range range, struct pt_visit *visit)
{
	struct walk w = { .range = range, .visit = visit };

	table_lock(pt->root);
	visit_below(&w, pt->root, ARCH_PT_LEVELS - 1, 0);
	table_unlock(pt->root);
}
