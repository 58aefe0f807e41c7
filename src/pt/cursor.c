/*
 * cursor.c - descend to one page, making its path exclusive.
 *
 *     root ── slot W ── table (1) ── slot W ── table (1) ── leaf
 *                          ▲
 *        count 1, slot not W:  set W again: we are the last owner
 *        count > 1:            copy this one table, switch the slot, drop the
 *                              old table's count after the flush
 *
 * Locks are taken hand over hand, upper level first. Once a table's count is 1
 * and we hold the table above it, nobody can raise the count: the only slot that
 * names it is in a table that is exclusively ours too. Only fork could, and
 * fork has the space's write lock while we have its read lock.
 */
#include "pt/cursor.h"

#include <anymm/stats.h>

#include "base/assert.h"
#include "pt/table.h"

/*
 * Make the table in an exclusive, locked parent's slot exclusive.
 * gives *child locked.
 */
static err_t
take_child(struct pt_cursor *cur, pfn_t parent, unsigned index, struct gather *g, pfn_t *child)
{
	pte_t pte = table_get(parent, index);
	pfn_t shared = arch_pte_table_pfn(pte);
	pfn_t copy;
	err_t err;

	table_lock(shared);
	*child = shared;
	if (frame_count(shared) == 1) {
		if (!arch_pte_writable(pte) && table_allow_write(parent, index)) {
			stat_inc(STAT_TABLE_RECLAIMS);
			cur->changed_path = true;
		}
		return OK;
	}
	err = table_can_copy(shared);
	if (!err)
		err = table_alloc(frame_of(shared)->table.level, &copy);
	if (err) {
		table_unlock(shared);
		return err;
	}
	table_copy(shared, copy);
	table_set(parent, index, arch_pte_table(copy, true));
	table_unlock(shared);
	gather_table(g, cur->va);
	gather_hold(g, shared);
	stat_inc(STAT_TABLE_SPLITS);
	cur->changed_path = true;
	table_lock(copy);
	table_show(copy);
	*child = copy;
	return OK;
}

/* Tables from `level` down to the leaf table, hooked to each other but not to the tree. */
static err_t
make_aside(struct pt_cursor *cur, unsigned level)
{
	pfn_t upper = pfn_none();

	for (unsigned l = level + 1; l-- > 0;) {
		pfn_t table;
		err_t err = table_alloc(l, &table);

		if (err) {
			if (!pfn_is_none(cur->aside))
				table_put(cur->aside);
			return err;
		}
		if (pfn_is_none(upper))
			cur->aside = table;
		else
			table_set(upper, level_index(l + 1, cur->va), arch_pte_table(table, true));
		upper = table;
	}
	cur->table = upper;
	return OK;
}

err_t
pt_cursor_open(struct pt_cursor *cur, struct pt *pt, vaddr_t va, struct gather *g)
{
	pfn_t table = pt->root;
	err_t err;

	*cur = (struct pt_cursor){ .pt = pt,
				   .va = va & ~ARCH_PAGE_MASK,
				   .index = level_index(0, va),
				   .aside = pfn_none() };
	table_lock(table);
	for (unsigned level = ARCH_PT_LEVELS - 1; level > 0; level--) {
		unsigned index = level_index(level, va);
		pfn_t	 child;

		if (arch_pte_kind(table_get(table, index), level) == PTE_EMPTY) {
			cur->anchor = table;
			cur->anchor_index = index;
			err = make_aside(cur, level - 1);
			if (err)
				table_unlock(table);
			return err;
		}
		err = take_child(cur, table, index, g, &child);
		table_unlock(table);
		if (err)
			return err;
		table = child;
	}
	cur->table = table;
	return OK;
}

pte_t
pt_cursor_get(const struct pt_cursor *cur)
{
	return table_get(cur->table, cur->index);
}

pte_t
pt_cursor_set(struct pt_cursor *cur, pte_t next)
{
	pte_t old = table_set(cur->table, cur->index, next);

	ASSERT(!arch_pte_equal(next, arch_pte_empty()));
	if (!pfn_is_none(cur->aside)) {
		table_lock(cur->table);
		table_set(cur->anchor, cur->anchor_index, arch_pte_table(cur->aside, true));
		table_show(cur->table);
		table_unlock(cur->anchor);
		cur->aside = pfn_none();
	}
	return old;
}

void
pt_cursor_close(struct pt_cursor *cur)
{
	if (pfn_is_none(cur->aside)) {
		table_unlock(cur->table);
		return;
	}
	table_unlock(cur->anchor);
	table_put(cur->aside);
}

struct pt_view
pt_look_locked(const struct pt *pt, vaddr_t va)
{
	struct pt_view view = { .table = pt->root, .path_writable = true };

	table_lock(view.table);
	for (unsigned level = ARCH_PT_LEVELS - 1;; level--) {
		pfn_t child;

		view.level = level;
		view.index = level_index(level, va);
		view.pte = table_get(view.table, view.index);
		if (level == 0 || arch_pte_kind(view.pte, level) != PTE_TABLE)
			return view;
		if (ARCH_HAS_UPPER_WRITE_DENIAL && !arch_pte_writable(view.pte))
			view.path_writable = false;
		child = arch_pte_table_pfn(view.pte);
		table_lock(child);
		table_unlock(view.table);
		view.table = child;
	}
}

void
pt_look_done(const struct pt_view *view)
{
	table_unlock(view->table);
}

struct pt_view
pt_look(const struct pt *pt, vaddr_t va)
{
	struct pt_view view = pt_look_locked(pt, va);

	pt_look_done(&view);
	return view;
}

bool
pt_view_allows(const struct pt_view *view, enum access access)
{
	prot_t prot;

	if (arch_pte_kind(view->pte, view->level) != PTE_LEAF)
		return false;
	prot = arch_pte_decode_leaf(view->pte, view->level).prot;
	if (access == ACCESS_STORE && !view->path_writable)
		return false;
	return prot & access_prot(access);
}
