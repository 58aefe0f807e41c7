/*
 * table.h - one page table: level arithmetic, lock, live entries, copy, free.
 */
#pragma once

#include <anymm/pt.h>
#include <anymm/swap.h>

/* level_shift - log2 of the bytes that one entry of this level spans. */
static inline unsigned
level_shift(unsigned level)
{
	return ARCH_PAGE_SHIFT + level * ARCH_PT_INDEX_BITS;
}

static inline uint64_t
level_span(unsigned level)
{
	return (uint64_t)1 << level_shift(level);
}

static inline unsigned
level_index(unsigned level, vaddr_t va)
{
	return (unsigned)(va >> level_shift(level)) & (ARCH_PT_ENTRIES - 1);
}

static inline pte_t *
table_slot(pfn_t table, unsigned index)
{
	return (pte_t *)arch_frame_ptr(table) + index;
}

static inline pte_t
table_get(pfn_t table, unsigned index)
{
	return arch_pte_read(table_slot(table, index));
}

/*
 * table_alloc - a zeroed table of this level with count 1, from the calling CPU's node.
 * table_alloc_on - from another one.
 *   fails  ERR_NOMEM: nothing changed
 */
err_t table_alloc(unsigned level, pfn_t *out);
err_t table_alloc_on(unsigned node, unsigned level, pfn_t *out);

/* table_lock, table_unlock - the byte lock in the descriptor; upper levels first. */
void table_lock(pfn_t table);
void table_unlock(pfn_t table);

/*
 * A leaf table that hangs in a tree is visible: page-out, which knows tables only by
 * their descriptors, may lock it and turn leaves into marks, in place. The mark of it is a bit in
 * the lock byte, so that finding a table and locking it are one step; the last table_put
 * takes it away under the lock.
 */
#define TABLE_VISIBLE 0x40

/* table_show - the table now hangs in a tree. HOLDS its lock. Tables above the leaves stay invisible. */
void table_show(pfn_t table);

/* table_hook - an entry names the child, which is not locked, from now on. HOLDS the parent's lock. */
void table_hook(pfn_t parent, unsigned index, pfn_t child);

static inline unsigned
table_live(pfn_t table)
{
	return frame_of(table)->table.live;
}

static inline unsigned
table_level(pfn_t table)
{
	return frame_of(table)->table.level;
}

/*
 * table_set - write one entry and keep the live count. The caller holds the
 * table's lock, or the table is not reachable yet.
 *   gives  the entry that was there, accessed and dirty bits included
 */
pte_t table_set(pfn_t table, unsigned index, pte_t next);

/* table_allow_write, table_deny_write - only the write bit, atomically; true if it changed. */
bool table_allow_write(pfn_t table, unsigned index);
bool table_deny_write(pfn_t table, unsigned index);

/* entry_pfn - the counted frame or table that an entry names, or pfn_none(). */
pfn_t entry_pfn(pte_t pte, unsigned level);

/* entry_swap - the swap slot that a mark names, or swap_none(). */
swap_t entry_swap(pte_t pte, unsigned level);

/*
 * entry_get - one more count for what the entry names, if anything.
 *   fails  ERR_OVERFLOW: unchanged
 */
err_t entry_get(pte_t pte, unsigned level);

/* entry_is_private - a leaf whose writes need an exclusive path, or a table entry. */
bool entry_denies_write_when_shared(pte_t pte, unsigned level);

/*
 * table_can_copy - every count that a copy would raise has room.
 *   fails  ERR_OVERFLOW
 */
err_t table_can_copy(pfn_t table);

/*
 * table_copy - fill `into` (fresh, not reachable) with the entries of `from`.
 *
 * Each frame and table that is named gains one count; write permission goes
 * from private leaves and table entries, in both. Nobody could use it: an upper
 * entry of every path to `from` denies writing, so no flush follows.
 *   needs  the lock of `from`; table_can_copy said OK while this operation ran
 */
void table_copy(pfn_t from, pfn_t into);

/*
 * table_uses - the table, whose first byte is `base`, has an entry in use for some page of the
 * range. Takes its lock, and those below.
 */
bool table_uses(pfn_t table, unsigned level, vaddr_t base, struct va_range range);

/* table_put - drop one count; at zero drop all that the table names, and free it. */
void table_put(pfn_t table);

/*
 * leaf_keep_dirty - the entry has left its table, or is about to: what it knows of writes to
 * an object's page goes to the page. Needs: the entry's count on the page is still held.
 */
void leaf_keep_dirty(pte_t pte);

/* frame_drop - drop one count of a frame of any kind, tables included. */
void frame_drop(pfn_t pfn);
