/*
 * marks.c - find marks in a range without changing anything.
 *
 * Marks are few and their places are written down nowhere else, so an operation
 * that must spare them looks for the next run and works on what lies between.
 * Each table is locked while it is looked into.
 */
#include "pt/range.h"
#include "pt/table.h"

struct search {
	struct va_range range;
	enum mark_type	type;
	struct va_range run; /* empty until the first mark is found */
};

static bool
is_mark(pte_t pte, enum mark_type type)
{
	return arch_pte_kind(pte, 0) == PTE_MARK && arch_pte_decode_mark(pte).type == type;
}

/* visit_leaf_entry - true: the run has come to its end. */
static bool
visit_leaf_entry(struct search *s, pte_t pte, vaddr_t va)
{
	bool has_run = !range_is_empty(s->run);

	if (!is_mark(pte, s->type) || (has_run && va != s->run.end))
		return has_run;
	if (!has_run)
		s->run.start = va;
	s->run.end = va + ARCH_PAGE_SIZE;
	return false;
}

static bool visit_table(struct search *s, pfn_t table, unsigned level, vaddr_t base);

/* visit_entry - one entry of a table of this level; true: stop. */
static bool
visit_entry(struct search *s, pte_t pte, unsigned level, vaddr_t va)
{
	if (level == 0)
		return visit_leaf_entry(s, pte, va);
	return arch_pte_kind(pte, level) == PTE_TABLE &&
	       visit_table(s, arch_pte_table_pfn(pte), level - 1, va);
}

/* visit_table - the entries below one table, whose first byte is `base`; true: stop. */
static bool
visit_table(struct search *s, pfn_t table, unsigned level, vaddr_t base)
{
	struct va_range part = range_clip(s->range, va_range(base, base + level_span(level + 1)));
	bool		stop = false;

	table_lock(table);
	for (vaddr_t va = part.start; va < part.end && !stop;) {
		vaddr_t start = va & ~(level_span(level) - 1);

		stop = visit_entry(s, table_get(table, level_index(level, va)), level, start);
		va = start + level_span(level);
	}
	table_unlock(table);
	return stop;
}

bool
pt_next_mark(const struct pt *pt, struct va_range range, enum mark_type type, struct va_range *out)
{
	struct search s = { .range = range, .type = type };

	visit_table(&s, pt->root, ARCH_PT_LEVELS - 1, 0);
	if (range_is_empty(s.run))
		return false;
	*out = s.run;
	return true;
}
