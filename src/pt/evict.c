/*
 * evict.c - the clock's work on one leaf table.
 *
 *	leaf, accessed     loses the bit: a second chance
 *	leaf, not accessed becomes the mark of a swap slot; its count waits for the flush
 *	                   special, wired, pinned, not private anonymous: left alone
 *
 * Everybody else waits for a table lock; this one never does: a table that is locked is
 * in use, so its pages are not the ones to take. Therefore several tables may be
 * held at once, in any order.
 *
 * The locks are kept until every CPU has flushed. Whoever finds a mark, to fault its page
 * in, to copy it or to clear it, so knows that no translation of the old leaf is left.
 */
#include "pt/evict.h"

#include <anymm/lock.h>
#include <anymm/stats.h>

#include "base/assert.h"
#include "pt/replica.h"
#include "pt/state.h"
#include "pt/table.h"

void
evict_begin(struct evict *e)
{
	e->nr_pages = 0;
	e->nr_tables = 0;
	e->scanned = 0;
	e->no_slots = false;
}

/*
 * try_table - lock the frame if it is a table that we may edit. Any frame may be asked about: only a
 * visible table has this lock byte. Its last count may just have gone: then it is being taken apart.
 */
static bool
try_table(pfn_t pfn)
{
	struct frame *f = frame_peek(pfn);

	if (!f || atomic_load_explicit(&f->lock, memory_order_relaxed) != TABLE_VISIBLE ||
	    !byte_lock_try(&f->lock, TABLE_VISIBLE, RANK_TABLE))
		return false;
	if (frame_count(pfn) > 0)
		return true;
	table_unlock(pfn);
	return false;
}

static bool
may_go(struct pte_leaf leaf)
{
	struct frame *f;

	if (!leaf.is_private || leaf.is_special || leaf.is_wired)
		return false;
	f = frame_of(leaf.pfn);
	return f->kind == FRAME_ANON && atomic_load(&f->page.pins) == 0;
}

/* The bit alone: hardware may set others at the same time. */
static void
forget_access(pte_t *slot, pte_t pte)
{
	struct pte_leaf leaf;

	do {
		leaf = arch_pte_decode_leaf(pte, 0);
		leaf.accessed = false;
	} while (!arch_pte_cas(slot, &pte, arch_pte_leaf(leaf)));
}

/* gives true if the leaf became a mark */
static bool
replace(struct evict *e, pte_t *slot, pfn_t pfn)
{
	swap_t out;
	err_t  err = swap_choose(pfn, &out);

	if (err) {
		e->no_slots |= err == ERR_NOMEM;
		return false;
	}
	arch_pte_exchange(slot, arch_pte_mark((struct pte_mark){ MARK_SWAP, out.n }));
	stat_inc(STAT_PTE_WRITES);
	stat_inc(STAT_PAGE_OUTS);
	e->pages[e->nr_pages].pfn = pfn;
	e->pages[e->nr_pages++].slot = out;
	return true;
}

static bool
evict_entry(struct evict *e, pte_t *slot)
{
	pte_t		pte = arch_pte_read(slot);
	struct pte_leaf leaf;

	if (arch_pte_kind(pte, 0) != PTE_LEAF)
		return false;
	leaf = arch_pte_decode_leaf(pte, 0);
	if (!may_go(leaf))
		return false;
	e->scanned++;
	if (!leaf.accessed)
		return replace(e, slot, leaf.pfn);
	forget_access(slot, pte);
	return false;
}

bool
evict_table(struct evict *e, pfn_t pfn, unsigned *index)
{
	bool replaced = false;

	if (!try_table(pfn))
		return true;
	while (*index < ARCH_PT_ENTRIES && e->nr_pages < EVICT_PAGES && !e->no_slots)
		replaced |= evict_entry(e, table_slot(pfn, (*index)++));
	if (replaced)
		e->tables[e->nr_tables++] = pfn;
	else
		table_unlock(pfn);
	return *index == ARCH_PT_ENTRIES || e->no_slots;
}

void
evict_flush(struct evict *e)
{
	struct replica_tables gone = { .first = pfn_none() };

	if (e->nr_pages == 0)
		return;
	replicas_empty_all(&gone);
	shootdown_everything();
	replica_tables_free(&gone);
	for (unsigned i = 0; i < e->nr_tables; i++)
		table_unlock(e->tables[i]);
	e->nr_tables = 0;
	for (unsigned i = 0; i < e->nr_pages; i++)
		frame_release(e->pages[i].pfn);
}
