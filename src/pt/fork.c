/*
 * fork.c - share a tree from the root's slots down.
 *
 *      parent root          child root
 *      [ slot, not W ]──┐ ┌─[ slot, not W ]
 *                       ▼ ▼
 *                    table (2)        nothing below is touched
 *
 * Prepare takes the counts and builds the child's root aside; commit takes the
 * parent's write bits, which the hardware ANDs along a walk, so one bit protects
 * everything below. Where a range must not be shared, the child gets a table of
 * its own that names the same children except those; and one where pages are wired,
 * because locks are not inherited. A machine that cannot deny writes at upper levels takes
 * that way everywhere, down to the leaves.
 *
 * The space's lock does not keep out those who take pages from an object; table locks do. The
 * parent's root stays locked for all of prepare, and the child stands behind the parent in each
 * object's list of regions: what such a walk finds in the parent no more, the child never gets;
 * what the child got, the walk finds there.
 */
#include "pt/fork.h"

#include <anymm/stats.h>

#include "base/assert.h"
#include "pt/table.h"

struct fork_walk {
	const struct fork_filter *filter;
	err_t			  err;
};

/* The part of a span that the child does not get: none, some or all of it. */
enum left_out {
	LEFT_NONE,
	LEFT_SOME,
	LEFT_ALL,
};

static enum left_out
span_left_out(const struct fork_filter *filter, struct va_range span)
{
	struct va_range out;

	if (!filter->next(filter, span.start, &out) || out.start >= span.end)
		return LEFT_NONE;
	return range_covers(out, span) ? LEFT_ALL : LEFT_SOME;
}

/* unwired - the same leaf, as the child has it. */
static pte_t
unwired(pte_t pte)
{
	struct pte_leaf leaf = arch_pte_decode_leaf(pte, 0);

	leaf.is_wired = false;
	return arch_pte_leaf(leaf);
}

/* A counted reference for the child to what the parent's entry names. */
static err_t
share_entry(pte_t pte, unsigned level, pfn_t into, unsigned index)
{
	err_t err = entry_get(pte, level);

	if (err)
		return err;
	if (entry_denies_write_when_shared(pte, level))
		pte = arch_pte_with_write(pte, false);
	if (arch_pte_kind(pte, level) == PTE_TABLE)
		stat_inc(STAT_TABLE_SHARES);
	else if (level == 0 && arch_pte_kind(pte, 0) == PTE_LEAF)
		pte = unwired(pte);
	table_set(into, index, pte);
	return OK;
}

/* is_pinned_page - of the space's own. An object's page, which another mapping has pinned, is nobody's copy yet. */
static bool
is_pinned_page(pte_t pte)
{
	struct pte_leaf leaf;

	if (arch_pte_kind(pte, 0) != PTE_LEAF)
		return false;
	leaf = arch_pte_decode_leaf(pte, 0);
	return leaf.is_private && !leaf.is_special && frame_of(leaf.pfn)->kind == FRAME_ANON &&
	       frame_is_pinned(leaf.pfn);
}

/* A pinned page stays the parent's alone: the child has a copy of what is in it now. */
static err_t
copy_page(pte_t pte, pfn_t into, unsigned index)
{
	struct pte_leaf leaf = arch_pte_decode_leaf(pte, 0);
	pfn_t		own;
	err_t		err = frame_alloc((struct frame_request){ .kind = FRAME_ANON }, &own);

	if (err)
		return err;
	arch_frame_copy(own, leaf.pfn);
	stat_inc(STAT_PAGE_COPIES);
	leaf.pfn = own;
	leaf.is_wired = false;
	leaf.dirty = true;
	table_set(into, index, arch_pte_leaf(leaf));
	return OK;
}

/* must_look - something below this entry may not be shared as it is. */
static bool
must_look(const struct fork_walk *w, pte_t pte, enum left_out left, struct va_range span)
{
	const struct fork_filter *filter = w->filter;

	return left == LEFT_SOME || !ARCH_HAS_UPPER_WRITE_DENIAL ||
	       (filter->pins && frame_of(arch_pte_table_pfn(pte))->table.may_have_pins) ||
	       (filter->has_wired && filter->has_wired(filter, span));
}

static void copy_partly(struct fork_walk *w, pfn_t from, unsigned level, vaddr_t base, pfn_t into);

/* A table of the child's own for one slot; hooked in only if something is in it. */
static void
copy_slot(struct fork_walk *w, pte_t pte, unsigned level, vaddr_t base, pfn_t into, unsigned index)
{
	pfn_t own;

	w->err = table_alloc(level - 1, &own);
	if (w->err)
		return;
	stat_inc(STAT_TABLE_VISITS);
	copy_partly(w, arch_pte_table_pfn(pte), level - 1, base, own);
	if (w->err || table_live(own) == 0)
		table_put(own);
	else
		table_set(into, index, arch_pte_table(own, true));
}

/* One used entry for the child: shared, or looked into, or left out. */
static void
copy_entry(struct fork_walk *w, pte_t pte, unsigned level, struct va_range span, pfn_t into,
	   unsigned index)
{
	enum left_out left = span_left_out(w->filter, span);

	if (left == LEFT_ALL)
		return;
	if (arch_pte_kind(pte, level) == PTE_TABLE && must_look(w, pte, left, span))
		copy_slot(w, pte, level, span.start, into, index);
	else if (level == 0 && w->filter->pins && is_pinned_page(pte))
		w->err = copy_page(pte, into, index);
	else
		w->err = share_entry(pte, level, into, index);
}

/*
 * Entries of one table, whose first byte is `base`, for the child. A root counts
 * the live entries of its user half only, so the walk never gets beyond it.
 */
static void
copy_partly(struct fork_walk *w, pfn_t from, unsigned level, vaddr_t base, pfn_t into)
{
	unsigned live;

	table_lock(from);
	table_lock(into);
	live = table_live(from);
	for (unsigned i = 0; live && !w->err; i++) {
		vaddr_t va = base + ((vaddr_t)i << level_shift(level));
		pte_t	pte = table_get(from, i);

		if (arch_pte_equal(pte, arch_pte_empty()))
			continue;
		live--;
		copy_entry(w, pte, level, va_range(va, va + level_span(level)), into, i);
	}
	table_unlock(into);
	table_unlock(from);
}

err_t
pt_fork_prepare(struct pt *parent, struct pt *child, const struct fork_filter *filter)
{
	struct fork_walk w = { .filter = filter };

	copy_partly(&w, parent->root, ARCH_PT_LEVELS - 1, 0, child->root);
	if (w.err)
		pt_clear(child);
	return w.err;
}

static bool deny_shared(pfn_t table, pfn_t childs, unsigned level);

/* The same for one entry. Ours may be gone: a page was taken from an object meanwhile. */
static bool
deny_entry(pfn_t table, unsigned index, pte_t theirs, unsigned level)
{
	pte_t ours = table_get(table, index);

	if (arch_pte_kind(ours, level) == PTE_TABLE &&
	    !pfn_eq(arch_pte_table_pfn(ours), arch_pte_table_pfn(theirs)))
		return deny_shared(arch_pte_table_pfn(ours), arch_pte_table_pfn(theirs), level - 1);
	if (!pfn_eq(entry_pfn(ours, level), entry_pfn(theirs, level)))
		return false; /* a pinned page, of which the child has a copy */
	return entry_denies_write_when_shared(ours, level) && table_deny_write(table, index);
}

/*
 * Take write permission from every entry of the parent's table that the child
 * names too: the same table or, at the leaves, the same private frame. Page-out may see
 * the child's own tables from now on: before, the parent could still write what they name.
 * gives true if any translation lost its write permission
 */
static bool
deny_shared(pfn_t table, pfn_t childs, unsigned level)
{
	unsigned left;
	bool	 denied = false;

	table_lock(table);
	table_lock(childs);
	left = table_live(childs);
	for (unsigned i = 0; left; i++) {
		pte_t theirs = table_get(childs, i);

		if (arch_pte_equal(theirs, arch_pte_empty()))
			continue;
		left--;
		denied |= deny_entry(table, i, theirs, level);
	}
	table_show(childs);
	table_unlock(childs);
	table_unlock(table);
	return denied;
}

void
pt_fork_commit(struct pt *parent, struct pt *child, struct gather *g)
{
	if (deny_shared(parent->root, child->root, ARCH_PT_LEVELS - 1))
		gather_space(g);
	stat_inc(STAT_FORKS);
}
