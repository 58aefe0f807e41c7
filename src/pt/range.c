/*
 * range.c - unmap, protect and mark a range: the commits.
 *
 * One walk from the root, locking each table on the way down and keeping it
 * locked, because a table that becomes empty is unhooked from the one above. A
 * shared table in the way is replaced by a copy from the plan, so nothing here
 * can fail; one that has nothing in the range is left as it is. Fully covered
 * subtrees are dropped by one slot when the range is unmapped, whatever they hold.
 */
#include "pt/range.h"

#include <anymm/stats.h>

#include "base/assert.h"
#include "pt/path.h"
#include "pt/table.h"
#include "swap/slots.h"

struct edit {
	struct va_range range;
	struct pt_plan *plan;
	struct gather  *g;
	/* One leaf-level entry that is not empty. HOLDS the table's lock. */
	void (*leaf)(struct edit *e, pfn_t table, unsigned index, vaddr_t va);
	bool	       drop_spans; /* clear slots whose whole span is in the range */
	prot_t	       prot;	   /* pt_protect */
	enum mark_type mark;	   /* pt_unmark */
	bool	       wired;	   /* pt_wire */
};

pfn_t
path_new_table(struct pt_plan *plan, unsigned level)
{
	pfn_t	      pfn = plan->first;
	struct frame *f;

	REQUIRE(!pfn_is_none(pfn), "the plan is used up");
	f = frame_of(pfn);
	plan->first = f->table.next == UINT32_MAX ? pfn_none() : (pfn_t){ f->table.next };
	plan->nr--;
	f->table.next = 0;
	f->table.level = (uint8_t)level;
	return pfn;
}

pfn_t
path_take_child(struct pt_plan *plan, struct gather *g, pfn_t parent, unsigned index, vaddr_t va)
{
	pfn_t shared = arch_pte_table_pfn(table_get(parent, index));
	pfn_t copy;

	table_lock(shared);
	if (frame_count(shared) == 1) {
		if (table_allow_write(parent, index))
			stat_inc(STAT_TABLE_RECLAIMS);
		return shared;
	}
	copy = path_new_table(plan, frame_of(shared)->table.level);
	table_copy(shared, copy);
	table_set(parent, index, arch_pte_table(copy, true));
	table_unlock(shared);
	gather_table(g, va);
	gather_hold(g, shared);
	stat_inc(STAT_TABLE_SPLITS);
	table_lock(copy);
	table_show(copy);
	return copy;
}

/* A leaf without any access has no translation. */
static bool
leaf_can_be_cached(pte_t pte, unsigned level)
{
	return arch_pte_kind(pte, level) == PTE_LEAF && arch_pte_decode_leaf(pte, level).prot;
}

/* Note which translations go when a slot that names this table is cleared. */
static void
gather_subtree(struct gather *g, pfn_t table, unsigned level, vaddr_t base)
{
	unsigned left = table_live(table);

	if (level > 0 || left > GATHER_PAGES) {
		gather_space(g);
		return;
	}
	for (unsigned i = 0; left; i++) {
		pte_t pte = table_get(table, i);

		if (arch_pte_equal(pte, arch_pte_empty()))
			continue;
		left--;
		if (leaf_can_be_cached(pte, 0))
			gather_page(g, base + ((vaddr_t)i << ARCH_PAGE_SHIFT));
	}
	gather_table(g, base);
}

/* Clear one leaf, or mark, and hand its count to the gather. */
static void
drop_leaf(struct edit *e, pfn_t table, unsigned index, vaddr_t va)
{
	pte_t  old = table_set(table, index, arch_pte_empty());
	pfn_t  pfn = entry_pfn(old, 0);
	swap_t slot = entry_swap(old, 0);

	if (leaf_can_be_cached(old, 0))
		gather_page(e->g, va);
	if (arch_pte_kind(old, 0) == PTE_LEAF)
		leaf_keep_dirty(old);
	if (!pfn_is_none(pfn))
		gather_hold(e->g, pfn);
	if (!swap_is_none(slot))
		swap_put(slot);
}

/*
 * Clear a slot that names a table, and hand its count to the gather. The table is locked meanwhile,
 * so that what is noted is what is unhooked: another space may be losing a page in it, or
 * page-out may be at it, which flushes what it has replaced before it unlocks.
 */
static void
drop_table(struct edit *e, pfn_t table, unsigned level, unsigned index, vaddr_t va)
{
	pfn_t child = arch_pte_table_pfn(table_get(table, index));

	table_lock(child);
	gather_subtree(e->g, child, level - 1, va);
	table_set(table, index, arch_pte_empty());
	table_unlock(child);
	gather_hold(e->g, child);
}

/* A shared table with nothing in the range: no reason to copy it. The plan did not count it either. */
static bool
leaves_alone(const struct edit *e, pte_t pte, unsigned level, vaddr_t base)
{
	pfn_t child = arch_pte_table_pfn(pte);

	return frame_count(child) > 1 && !table_uses(child, level - 1, base, e->range);
}

static void edit_below(struct edit *e, pfn_t table, unsigned level, vaddr_t base);

/* Descend into one slot; unhook the child if nothing is left in it. */
static void
edit_child(struct edit *e, pfn_t table, unsigned level, unsigned index, vaddr_t base)
{
	pfn_t child = path_take_child(e->plan, e->g, table, index, max_u64(base, e->range.start));

	edit_below(e, child, level - 1, base);
	if (table_live(child) == 0) {
		table_set(table, index, arch_pte_empty());
		gather_table(e->g, base);
		gather_hold(e->g, child);
	}
	table_unlock(child);
}

static void
edit_below(struct edit *e, pfn_t table, unsigned level, vaddr_t base)
{
	struct va_range part = range_clip(e->range, va_range(base, base + level_span(level + 1)));

	for (vaddr_t va = part.start; va < part.end;) {
		vaddr_t		start = va & ~(level_span(level) - 1);
		struct va_range span = va_range(start, start + level_span(level));
		unsigned	index = level_index(level, va);
		pte_t		pte = table_get(table, index);

		va = span.end;
		if (arch_pte_equal(pte, arch_pte_empty()))
			continue;
		if (e->drop_spans && range_covers(e->range, span) && level > 0)
			drop_table(e, table, level, index, start);
		else if (level == 0)
			e->leaf(e, table, index, start);
		else if (!leaves_alone(e, pte, level, start))
			edit_child(e, table, level, index, start);
	}
}

static void
edit_root(struct edit *e, struct pt *pt)
{
	if (range_is_empty(e->range))
		return;
	table_lock(pt->root);
	edit_below(e, pt->root, ARCH_PT_LEVELS - 1, 0);
	table_unlock(pt->root);
}

void
pt_unmap(struct pt *pt, struct va_range range, struct pt_plan *plan, struct gather *g)
{
	struct edit e = {
		.range = range, .plan = plan, .g = g, .leaf = drop_leaf, .drop_spans = true
	};

	edit_root(&e, pt);
}

/*
 * A private leaf is writable only while its frame has no other owner and is
 * anonymous; what was an object's page changes kind at the next write fault.
 */
static bool
leaf_may_write(struct pte_leaf leaf)
{
	if (!leaf.is_private)
		return true;
	return !leaf.is_special && frame_is_exclusive(leaf.pfn) &&
	       frame_of(leaf.pfn)->kind == FRAME_ANON;
}

/* What a leaf may allow under a region's protection. */
static prot_t
leaf_prot(struct pte_leaf leaf, prot_t prot)
{
	return leaf_may_write(leaf) ? prot : prot & ~(prot_t)PROT_W;
}

static void
protect_leaf(struct edit *e, pfn_t table, unsigned index, vaddr_t va)
{
	pte_t	       *slot = table_slot(table, index);
	pte_t		pte = arch_pte_read(slot);
	struct pte_leaf leaf;
	prot_t		before;

	if (arch_pte_kind(pte, 0) != PTE_LEAF)
		return;
	do {
		leaf = arch_pte_decode_leaf(pte, 0);
		before = leaf.prot;
		leaf.prot = leaf_prot(leaf, e->prot);
		if (leaf.prot == before)
			return;
	} while (!arch_pte_cas(slot, &pte, arch_pte_leaf(leaf)));
	stat_inc(STAT_PTE_WRITES);
	if (before & ~leaf.prot)
		gather_page(e->g, va);
}

void
pt_protect(struct pt *pt, struct va_range range, prot_t prot, struct pt_plan *plan,
	   struct gather *g)
{
	struct edit e = {
		.range = range, .plan = plan, .g = g, .leaf = protect_leaf, .prot = prot
	};

	edit_root(&e, pt);
}

/* No translation changes: the bit is the library's own. */
static void
wire_leaf(struct edit *e, pfn_t table, unsigned index, vaddr_t va)
{
	pte_t	       *slot = table_slot(table, index);
	pte_t		pte = arch_pte_read(slot);
	struct pte_leaf leaf;

	(void)va;
	if (arch_pte_kind(pte, 0) != PTE_LEAF)
		return;
	do {
		leaf = arch_pte_decode_leaf(pte, 0);
		if (leaf.is_wired == e->wired)
			return;
		leaf.is_wired = e->wired;
	} while (!arch_pte_cas(slot, &pte, arch_pte_leaf(leaf)));
	stat_inc(STAT_PTE_WRITES);
}

void
pt_wire(struct pt *pt, struct va_range range, bool wired, struct pt_plan *plan, struct gather *g)
{
	struct edit e = { .range = range, .plan = plan, .g = g, .leaf = wire_leaf, .wired = wired };

	edit_root(&e, pt);
}

static void
unmark_leaf(struct edit *e, pfn_t table, unsigned index, vaddr_t va)
{
	pte_t pte = table_get(table, index);

	(void)va;
	if (arch_pte_kind(pte, 0) == PTE_MARK && arch_pte_decode_mark(pte).type == e->mark)
		table_set(table, index, arch_pte_empty());
}

void
pt_unmark(struct pt *pt, struct va_range range, enum mark_type type, struct pt_plan *plan,
	  struct gather *g)
{
	struct edit e = { .range = range, .plan = plan, .g = g, .leaf = unmark_leaf, .mark = type };

	edit_root(&e, pt);
}

/* Fill the part of the range below one table, all of whose path is exclusive. */
static void
mark_below(struct edit *e, pfn_t table, unsigned level, vaddr_t base, pte_t mark)
{
	struct va_range part = range_clip(e->range, va_range(base, base + level_span(level + 1)));

	for (vaddr_t va = part.start; va < part.end;) {
		vaddr_t	 start = va & ~(level_span(level) - 1);
		unsigned index = level_index(level, va);
		pfn_t	 child;

		va = start + level_span(level);
		if (level == 0) {
			table_set(table, index, mark);
			continue;
		}
		if (arch_pte_kind(table_get(table, index), level) == PTE_TABLE) {
			child = path_take_child(e->plan, e->g, table, index, start);
			mark_below(e, child, level - 1, start, mark);
			table_unlock(child);
		} else {
			child = path_new_table(e->plan, level - 1);
			mark_below(e, child, level - 1, start, mark);
			table_hook(table, index, child);
		}
	}
}

void
pt_mark(struct pt *pt, struct va_range range, struct pte_mark mark, struct pt_plan *plan,
	struct gather *g)
{
	struct edit e = { .range = range, .plan = plan, .g = g };

	if (range_is_empty(range))
		return;
	pt_unmap(pt, range, plan, g);
	table_lock(pt->root);
	mark_below(&e, pt->root, ARCH_PT_LEVELS - 1, 0, arch_pte_mark(mark));
	table_unlock(pt->root);
}
