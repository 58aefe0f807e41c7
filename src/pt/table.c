/*
 * table.c - one page table as a counted frame.
 *
 * A table's count is the number of slots (and gathers) that name it. Tables
 * with a count above 1 belong to several spaces: nobody changes what their entries
 * mean, except that a copier takes write permissions away, that page-out
 * replaces leaves by marks that stand for the same contents, and that a page which an
 * object loses goes from all of them at once (visit.c). All such changes are made
 * under the table's lock, a byte in its descriptor.
 *
 * Page-out keeps the lock from the first replaced leaf until every CPU has flushed. So
 * a swap mark seen under the lock has no translation left anywhere.
 */
#include "pt/table.h"

#include <anymm/lock.h>
#include <anymm/stats.h>

#include "base/assert.h"
#include "swap/slots.h"

err_t
table_alloc(unsigned level, pfn_t *out)
{
	return table_alloc_on(platform_node(), level, out);
}

err_t
table_alloc_on(unsigned node, unsigned level, pfn_t *out)
{
	const struct frame_request request = {
		.kind = FRAME_TABLE, .by_node = true, .node = node, .zeroed = true
	};
	pfn_t pfn;
	err_t err = frame_alloc(request, &pfn);

	if (err)
		return err;
	frame_of(pfn)->table.level = (uint8_t)level;
	stat_inc(STAT_TABLE_ALLOCS);
	*out = pfn;
	return OK;
}

void
table_lock(pfn_t table)
{
	byte_lock_acquire(&frame_of(table)->lock, RANK_TABLE);
}

void
table_unlock(pfn_t table)
{
	byte_lock_release(&frame_of(table)->lock, RANK_TABLE);
}

void
table_show(pfn_t table)
{
	struct frame *f = frame_of(table);

	ASSERT(f->lock & BYTE_LOCKED);
	if (f->table.level == 0)
		atomic_fetch_or_explicit(&f->lock, TABLE_VISIBLE, memory_order_relaxed);
}

void
table_hook(pfn_t parent, unsigned index, pfn_t child)
{
	table_set(parent, index, arch_pte_table(child, true));
	table_lock(child);
	table_show(child);
	table_unlock(child);
}

/* hide - the last count is gone: wait until page-out has let go of the table, which it never finds again. */
static void
hide(pfn_t table, struct frame *f)
{
	if (!(atomic_load_explicit(&f->lock, memory_order_relaxed) & TABLE_VISIBLE))
		return;
	table_lock(table);
	atomic_fetch_and_explicit(&f->lock, (uint8_t)~TABLE_VISIBLE, memory_order_relaxed);
	table_unlock(table);
}

pte_t
table_set(pfn_t table, unsigned index, pte_t next)
{
	struct frame *f = frame_of(table);
	pte_t	      old = arch_pte_exchange(table_slot(table, index), next);

	f->table.live += !arch_pte_equal(next, arch_pte_empty());
	f->table.live -= !arch_pte_equal(old, arch_pte_empty());
	stat_inc(STAT_PTE_WRITES);
	return old;
}

static bool
change_write(pfn_t table, unsigned index, bool writable)
{
	pte_t *slot = table_slot(table, index);
	pte_t  pte = arch_pte_read(slot);

	do {
		if (arch_pte_writable(pte) == writable)
			return false;
	} while (!arch_pte_cas(slot, &pte, arch_pte_with_write(pte, writable)));
	stat_inc(STAT_PTE_WRITES);
	return true;
}

bool
table_allow_write(pfn_t table, unsigned index)
{
	return change_write(table, index, true);
}

bool
table_deny_write(pfn_t table, unsigned index)
{
	return change_write(table, index, false);
}

pfn_t
entry_pfn(pte_t pte, unsigned level)
{
	struct pte_leaf leaf;

	switch (arch_pte_kind(pte, level)) {
	case PTE_TABLE:
		return arch_pte_table_pfn(pte);
	case PTE_LEAF:
		leaf = arch_pte_decode_leaf(pte, level);
		return leaf.is_special ? pfn_none() : leaf.pfn;
	case PTE_EMPTY:
	case PTE_MARK:
		break;
	}
	return pfn_none();
}

swap_t
entry_swap(pte_t pte, unsigned level)
{
	struct pte_mark mark;

	if (arch_pte_kind(pte, level) != PTE_MARK)
		return swap_none();
	mark = arch_pte_decode_mark(pte);
	return mark.type == MARK_SWAP ? (swap_t){ (uint32_t)mark.payload } : swap_none();
}

err_t
entry_get(pte_t pte, unsigned level)
{
	pfn_t  pfn = entry_pfn(pte, level);
	swap_t slot = entry_swap(pte, level);

	if (!swap_is_none(slot))
		return swap_get(slot);
	return pfn_is_none(pfn) ? OK : frame_get(pfn);
}

/* entry_can_get - entry_get would succeed. */
static bool
entry_can_get(pte_t pte, unsigned level)
{
	pfn_t  pfn = entry_pfn(pte, level);
	swap_t slot = entry_swap(pte, level);

	if (!swap_is_none(slot))
		return swap_can_get(slot);
	return pfn_is_none(pfn) || frame_count(pfn) < FRAME_COUNT_MAX;
}

bool
entry_denies_write_when_shared(pte_t pte, unsigned level)
{
	switch (arch_pte_kind(pte, level)) {
	case PTE_TABLE:
		return ARCH_HAS_UPPER_WRITE_DENIAL;
	case PTE_LEAF:
		return arch_pte_decode_leaf(pte, level).is_private;
	case PTE_EMPTY:
	case PTE_MARK:
		break;
	}
	return false;
}

err_t
table_can_copy(pfn_t table)
{
	unsigned level = frame_of(table)->table.level;
	unsigned left = table_live(table);

	for (unsigned i = 0; left; i++) {
		pte_t pte = table_get(table, i);

		if (arch_pte_equal(pte, arch_pte_empty()))
			continue;
		left--;
		if (!entry_can_get(pte, level))
			return ERR_OVERFLOW;
	}
	return OK;
}

/*
 * One more count, where table_can_copy has looked before. Between the look and
 * this, other CPUs can raise the count by a few thousand at most; the room
 * above FRAME_COUNT_MAX is 2^24.
 */
static void
count_again(pte_t pte, unsigned level)
{
	pfn_t	 pfn = entry_pfn(pte, level);
	swap_t	 slot = entry_swap(pte, level);
	uint32_t before;

	if (!swap_is_none(slot))
		swap_get_again(slot);
	if (pfn_is_none(pfn))
		return;
	before = atomic_fetch_add_explicit(&frame_of(pfn)->count, 1, memory_order_relaxed);
	REQUIRE(before != 0 && before != UINT32_MAX, "frame %lx count %x", (unsigned long)pfn.n,
		before);
	stat_inc(STAT_COUNT_CHANGES);
}

void
table_copy(pfn_t from, pfn_t into)
{
	struct frame *f = frame_of(from);
	unsigned      level = f->table.level;
	unsigned      left = f->table.live;

	ASSERT(f->lock && frame_of(into)->table.live == 0);
	for (unsigned i = 0; left; i++) {
		pte_t pte = table_get(from, i);

		if (arch_pte_equal(pte, arch_pte_empty()))
			continue;
		left--;
		count_again(pte, level);
		if (entry_denies_write_when_shared(pte, level)) {
			table_deny_write(from, i);
			pte = table_get(from, i);
		}
		arch_pte_write(table_slot(into, i), pte);
		stat_inc(STAT_PTE_WRITES);
	}
	frame_of(into)->table.live = f->table.live;
	frame_of(into)->table.level = (uint8_t)level;
}

/* No empty table hangs in a tree, so one that lies wholly in the range need not be looked into. */
static bool
entry_is_used(pte_t pte, unsigned level, struct va_range span, struct va_range range)
{
	if (arch_pte_kind(pte, level) == PTE_TABLE && !range_covers(range, span))
		return table_uses(arch_pte_table_pfn(pte), level - 1, span.start, range);
	return !arch_pte_equal(pte, arch_pte_empty());
}

bool
table_uses(pfn_t table, unsigned level, vaddr_t base, struct va_range range)
{
	struct va_range part = range_clip(range, va_range(base, base + level_span(level + 1)));
	bool		used = false;

	table_lock(table);
	for (vaddr_t va = part.start; va < part.end && !used;) {
		vaddr_t		start = va & ~(level_span(level) - 1);
		struct va_range span = va_range(start, start + level_span(level));

		used = entry_is_used(table_get(table, level_index(level, va)), level, span, range);
		va = span.end;
	}
	table_unlock(table);
	return used;
}

void
leaf_keep_dirty(pte_t pte)
{
	struct pte_leaf leaf = arch_pte_decode_leaf(pte, 0);

	if (leaf.dirty && !leaf.is_private && !leaf.is_special)
		frame_set_flag(leaf.pfn, FRAME_DIRTY);
}

/* The depth of recursion is the depth of the tree, at most four below a root. */
void
table_put(pfn_t table)
{
	struct frame *f = frame_of(table);
	unsigned      level = f->table.level;
	unsigned      left;

	if (!frame_put(table))
		return;
	hide(table, f);
	left = f->table.live;
	for (unsigned i = 0; left; i++) {
		pte_t  pte = table_get(table, i);
		pfn_t  pfn = entry_pfn(pte, level);
		swap_t slot = entry_swap(pte, level);

		left -= !arch_pte_equal(pte, arch_pte_empty());
		if (arch_pte_kind(pte, level) == PTE_LEAF)
			leaf_keep_dirty(pte);
		if (!pfn_is_none(pfn))
			frame_drop(pfn);
		if (!swap_is_none(slot))
			swap_put(slot);
	}
	stat_inc(STAT_TABLE_FREES);
	frame_free(table);
}

void
frame_drop(pfn_t pfn)
{
	if (frame_of(pfn)->kind == FRAME_TABLE)
		table_put(pfn);
	else
		frame_release(pfn);
}
