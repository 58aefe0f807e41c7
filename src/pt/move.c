/*
 * move.c - entries of one range to another place of the same space.
 *
 *	from   | a b c . . d |          taken out in batches: from one leaf table at a
 *	       \  \  \       \         time, or one whole leaf table by its slot
 *	to       | a b c . . d |
 *
 * A batch is out of the tables for a moment and keeps its counts. No two paths
 * are locked at once: source and destination may have tables in common. A leaf table
 * moves by its slot if it lies wholly in the range and lands on a whole slot.
 * Shared tables on either path become exclusive first, with copies from the plan.
 *
 * What was there is flushed with the gather; that a CPU still reaches a page by its
 * old address until then is no harm, because the page lives on.
 */
#include <anymm/stats.h>

#include "base/assert.h"
#include "pt/path.h"
#include "pt/table.h"

#define BATCH 64

/* One move. `at` and what follows belong to the batch on its way. */
struct move {
	struct va_range from;
	vaddr_t		to;
	struct pt_plan *plan;
	struct gather  *g;
	vaddr_t		at;    /* everything below has been taken */
	unsigned	level; /* of the entries taken: 0, or 1 for a whole leaf table */
	vaddr_t		first; /* where entry[0] was */
	unsigned	nr;
	pte_t		entry[BATCH]; /* some may be empty */
};

/* The table whose first byte is `base`, as a range. */
static struct va_range
table_range(unsigned level, vaddr_t base)
{
	return va_range(base, base + level_span(level + 1));
}

/* The plan. */

struct tally {
	struct va_range range;
	uint64_t	tables[ARCH_PT_LEVELS]; /* with something in the range, by level */
	err_t		err;
};

static void
tally_below(struct tally *tally, pfn_t table, unsigned level, vaddr_t base)
{
	struct va_range part = range_clip(tally->range, table_range(level, base));

	table_lock(table);
	for (vaddr_t va = part.start; level > 0 && va < part.end;) {
		vaddr_t start = va & ~(level_span(level) - 1);
		pte_t	pte = table_get(table, level_index(level, va));
		pfn_t	child;

		va = start + level_span(level);
		if (arch_pte_kind(pte, level) != PTE_TABLE)
			continue;
		child = arch_pte_table_pfn(pte);
		if (!table_uses(child, level - 1, start, tally->range))
			continue;
		tally->tables[level - 1]++;
		tally_below(tally, child, level - 1, start);
	}
	table_unlock(table);
}

static err_t check_copies(pfn_t table, unsigned level, vaddr_t base, struct va_range range,
			  bool shared);

static err_t
check_copies_of_child(pfn_t child, unsigned level, vaddr_t base, struct va_range range, bool shared)
{
	bool  copy = shared || frame_count(child) > 1;
	err_t err = OK;

	table_lock(child);
	if (copy)
		err = table_can_copy(child);
	if (err == OK)
		err = check_copies(child, level, base, range, copy);
	table_unlock(child);
	return err;
}

/* check_copies - every table on the way to the range may be copied as far as counts go. HOLDS its lock. */
static err_t
check_copies(pfn_t table, unsigned level, vaddr_t base, struct va_range range, bool shared)
{
	struct va_range part = range_clip(range, table_range(level, base));
	err_t		err = OK;

	for (vaddr_t va = part.start; level > 0 && va < part.end && err == OK;) {
		vaddr_t start = va & ~(level_span(level) - 1);
		pte_t	pte = table_get(table, level_index(level, va));

		va = start + level_span(level);
		if (arch_pte_kind(pte, level) == PTE_TABLE)
			err = check_copies_of_child(arch_pte_table_pfn(pte), level - 1, start,
						    range, shared);
	}
	return err;
}

/* is_slot_move - full leaf tables of the range land on whole slots. */
static bool
is_slot_move(struct va_range from, vaddr_t to)
{
	return ((to - from.start) & (level_span(1) - 1)) == 0;
}

/*
 * Tables of one level on the paths to the new place, at most: a table's part lands in
 * two of them, and there are no more than the range touches.
 */
static uint64_t
tables_at_new_place(const struct tally *tally, unsigned level, struct va_range from, vaddr_t to)
{
	vaddr_t	 last = to + (from.end - from.start) - 1;
	unsigned shift = level_shift(level + 1);
	uint64_t touched = (last >> shift) - (to >> shift) + 1;

	if (level == 0 && is_slot_move(from, to))
		return min_u64(tally->tables[0], 2);
	return min_u64(2 * tally->tables[level], touched);
}

err_t
pt_plan_move(struct pt_plan *plan, struct pt *pt, struct va_range from, vaddr_t to)
{
	struct va_range place = va_range(to, to + (from.end - from.start));
	struct tally	tally = { .range = from };
	uint64_t	tables = 0;
	err_t		err;

	tally_below(&tally, pt->root, ARCH_PT_LEVELS - 1, 0);
	if (tally.tables[ARCH_PT_LEVELS - 2] == 0) {
		*plan = (struct pt_plan){ .first = pfn_none() };
		return OK;
	}
	table_lock(pt->root);
	err = check_copies(pt->root, ARCH_PT_LEVELS - 1, 0, place, false);
	table_unlock(pt->root);
	if (err)
		return err;
	for (unsigned level = 0; level < ARCH_PT_LEVELS - 1; level++)
		tables += tables_at_new_place(&tally, level, from, to);
	return pt_plan_edit(plan, pt, from, tables);
}

/* The commit: out of the old place. */

static void
take_entry(struct move *m, pfn_t table, unsigned index, vaddr_t va)
{
	pte_t pte = table_get(table, index);

	m->at = va + ARCH_PAGE_SIZE;
	if (arch_pte_equal(pte, arch_pte_empty())) {
		if (m->nr > 0)
			m->entry[m->nr++] = pte;
		return;
	}
	if (m->nr == 0)
		m->first = va;
	m->entry[m->nr++] = table_set(table, index, arch_pte_empty());
	if (arch_pte_kind(pte, 0) == PTE_LEAF)
		gather_page(m->g, va);
}

static void
take_leaf_table(struct move *m, pfn_t table, unsigned index, vaddr_t va)
{
	m->level = 1;
	m->first = va;
	m->nr = 1;
	m->entry[0] = table_set(table, index, arch_pte_empty());
	m->at = va + level_span(1);
	gather_space(m->g);
}

static bool
moves_by_slot(const struct move *m, unsigned level, struct va_range span)
{
	return level == 1 && is_slot_move(m->from, m->to) && range_covers(m->from, span);
}

static void take_below(struct move *m, pfn_t table, unsigned level, vaddr_t base);

/* take_child - from below one slot, or the slot itself; an empty table goes. */
static void
take_child(struct move *m, pfn_t table, unsigned level, unsigned index, struct va_range span)
{
	pfn_t shared = arch_pte_table_pfn(table_get(table, index));
	pfn_t child;

	if (frame_count(shared) > 1 && !table_uses(shared, level - 1, span.start, m->from))
		return;
	child = path_take_child(m->plan, m->g, table, index, max_u64(span.start, m->at));
	if (moves_by_slot(m, level, span)) {
		take_leaf_table(m, table, index, span.start);
	} else {
		take_below(m, child, level - 1, span.start);
		if (table_live(child) == 0) {
			table_set(table, index, arch_pte_empty());
			gather_table(m->g, span.start);
			gather_hold(m->g, child);
		}
	}
	table_unlock(child);
}

/* take_below - the next batch below one table, if there is one. */
static void
take_below(struct move *m, pfn_t table, unsigned level, vaddr_t base)
{
	struct va_range part = range_clip(va_range(m->at, m->from.end), table_range(level, base));

	for (vaddr_t va = part.start; va < part.end && m->nr < BATCH;) {
		vaddr_t		start = va & ~(level_span(level) - 1);
		struct va_range span = va_range(start, start + level_span(level));
		unsigned	index = level_index(level, va);

		va = span.end;
		if (level == 0) {
			take_entry(m, table, index, start);
			continue;
		}
		if (arch_pte_kind(table_get(table, index), level) == PTE_TABLE)
			take_child(m, table, level, index, span);
		if (m->nr > 0)
			return;
		m->at = min_u64(span.end, m->from.end);
	}
}

static bool
take_batch(struct move *m, struct pt *pt)
{
	m->nr = 0;
	m->level = 0;
	table_lock(pt->root);
	take_below(m, pt->root, ARCH_PT_LEVELS - 1, 0);
	table_unlock(pt->root);
	return m->nr > 0;
}

/* The commit: into the new place. */

/* open_place - the table of this level on the path to va, exclusive and locked. */
static pfn_t
open_place(struct move *m, struct pt *pt, vaddr_t va)
{
	pfn_t table = pt->root;

	table_lock(table);
	for (unsigned level = ARCH_PT_LEVELS - 1; level > m->level; level--) {
		unsigned index = level_index(level, va);
		pfn_t	 child;

		if (arch_pte_kind(table_get(table, index), level) == PTE_TABLE) {
			child = path_take_child(m->plan, m->g, table, index, va);
		} else {
			child = path_new_table(m->plan, level - 1);
			table_lock(child);
			table_set(table, index, arch_pte_table(child, true));
			table_show(child);
		}
		table_unlock(table);
		table = child;
	}
	return table;
}

static void
put_batch(struct move *m, struct pt *pt)
{
	pfn_t	table = pfn_none();
	vaddr_t open = 0; /* first byte of the table that is open */

	for (unsigned i = 0; i < m->nr; i++) {
		vaddr_t from = m->first + ((vaddr_t)i << level_shift(m->level));
		vaddr_t va = m->to + (from - m->from.start);
		vaddr_t base = va & ~(level_span(m->level + 1) - 1);
		pte_t	old;

		if (arch_pte_equal(m->entry[i], arch_pte_empty()))
			continue;
		if (pfn_is_none(table) || base != open) {
			if (!pfn_is_none(table))
				table_unlock(table);
			table = open_place(m, pt, va);
			open = base;
		}
		old = table_set(table, level_index(m->level, va), m->entry[i]);
		REQUIRE(arch_pte_equal(old, arch_pte_empty()), "something is mapped at %lx",
			(unsigned long)va);
	}
	if (!pfn_is_none(table))
		table_unlock(table);
}

void
pt_move(struct pt *pt, struct va_range from, vaddr_t to, struct pt_plan *plan, struct gather *g)
{
	struct move m = { .from = from, .to = to, .plan = plan, .g = g, .at = from.start };

	while (take_batch(&m, pt))
		put_batch(&m, pt);
}
