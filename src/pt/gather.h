/*
 * gather.h - unhook, flush, free: the one order.
 *
 * An operation that takes something out of the tables puts it into a gather
 * instead of freeing it:
 *
 *   1. unhook      the slot no longer names the frame or table (the cursor does it)
 *   2. invalidate  every CPU that may cache the translation or a partial walk
 *   3. free        drop the count that the slot had, only now
 *
 * One gather does one shootdown. Above GATHER_PAGES single pages the whole
 * space is flushed. What was unhooked keeps its count in the gather.
 */
#pragma once

#include <anymm/pt.h>

#include "pt/held.h"

#define GATHER_PAGES 33 /* more pages than this: flush the space (Linux's figure) */

struct gather {
	struct pt  *pt;
	vaddr_t	    pages[GATHER_PAGES];
	unsigned    nr_pages;
	bool	    whole_space; /* too many pages, or a table was unhooked above them */
	struct held held;
};

void gather_begin(struct gather *g, struct pt *pt);

/* gather_page - the translation of va must go (and with it all partial walks). */
void gather_page(struct gather *g, vaddr_t va);

/* gather_table - a table on the way to va was unhooked: partial walks must go, as with any page. */
void gather_table(struct gather *g, vaddr_t va);

/* gather_space - every translation of the space must go. */
void gather_space(struct gather *g);

/*
 * gather_hold - take over the count that a slot had on a frame or table. When
 * no memory is left to note it, flushes and frees what it holds, then goes on.
 */
void gather_hold(struct gather *g, pfn_t pfn);

/* gather_flush - steps 2 and 3 now; the gather is empty afterwards and may be used on. */
void gather_flush(struct gather *g);

/* gather_end - gather_flush, then declare the operation finished (arch_tlb_settled). */
void gather_end(struct gather *g);
