/*
 * table.h - one page table: count, lock, live entries, copy, free.
 */
#pragma once

#include <anymm/pt.h>

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

/* table_alloc - a zeroed table of this level with count 1. fails ERR_NOMEM. */
err_t table_alloc(unsigned level, pfn_t *out);

void table_lock(pfn_t table);
void table_unlock(pfn_t table);

/*
 * table_set - write one entry and keep the live count. HOLDS the table's lock.
 * gives the entry that was there, accessed and dirty bits included.
 */
pte_t table_set(pfn_t table, unsigned index, pte_t next);

/*
 * table_copy - fill `into` (fresh) with the entries of `from`: every frame and
 * table named gains one count, and write permission goes from private leaves
 * and from table entries in both. HOLDS the lock of `from`.
 *   fails  ERR_OVERFLOW: a count is full; `into` is empty again
 */
err_t table_copy(pfn_t from, pfn_t into);

/* entry_get - one more count on what an entry names; OK for entries that name nothing counted. */
err_t entry_get(pte_t pte, unsigned level);

/* table_put - drop one count; at zero, drop all that it names, and free it. No recursion over siblings. */
void table_put(pfn_t table);

/* table_put_frame - drop one count of a frame of any kind, tables included. */
void table_put_frame(pfn_t pfn);
