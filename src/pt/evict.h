/*
 * evict.h - turn cold private pages of leaf tables into swap marks, in place.
 *
 * The tables are found by their frames, not through the spaces, so one that many spaces
 * share is looked at once, and all of them see the marks at once. A batch:
 *
 *	evict_table   lock a table, age its leaves, replace the cold ones
 *	evict_flush   one flush of everything on every CPU (who reaches a table is not known);
 *	              only then unlock the tables and drop the counts that the leaves had
 *
 * The number of entries does not change, so plans of others stay valid.
 */
#pragma once

#include <anymm/pt.h>

#include "swap/cache.h"

#define EVICT_PAGES 32 /* in one batch */

struct evict {
	unsigned nr_pages;
	unsigned nr_tables;
	uint64_t scanned;  /* leaves looked at that could go */
	bool	 no_slots; /* the swap device is full, or there is none */
	struct {
		pfn_t  pfn; /* the count that the leaf had is ours */
		swap_t slot;
	} pages[EVICT_PAGES];
	pfn_t tables[EVICT_PAGES]; /* locked, with marks that are not flushed yet */
};

void evict_begin(struct evict *e);

/*
 * evict_table - if the frame is a leaf table that hangs in a tree and nobody has locked, look at
 * its entries from *index on. A page that was used since the last look gets another chance.
 *   gives  true: done with it. false: the batch is full; *index is where to go on
 */
bool evict_table(struct evict *e, pfn_t pfn, unsigned *index);

/*
 * evict_flush - the marks become what every CPU sees. pages[0 .. nr_pages) keep saying which slots
 * are to be stored; the frames are no longer ours.
 *   needs  interrupts on
 */
void evict_flush(struct evict *e);
