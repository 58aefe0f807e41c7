/*
 * cursor.h - a locked position in a tree: what a fault holds.
 *
 * Opening descends from the root hand over hand. For editing it makes the path
 * exclusive one level at a time (write bit set again for the last owner, else
 * that one table copied) and creates what is missing, so the leaf table that
 * stays locked belongs to this space alone.
 */
#pragma once

#include "pt/gather.h"

struct pt_cursor {
	struct pt     *pt;
	vaddr_t	       va;	/* page aligned */
	pfn_t	       table;	/* locked leaf table */
	unsigned       index;	/* of va's entry in it */
	bool	       changed_path; /* opening copied a table or set a write bit */
};

/*
 * pt_cursor_open - for editing. Tables replaced on the way are held by g, which
 * the caller must flush or end after closing the cursor.
 *   fails  ERR_NOMEM, ERR_OVERFLOW: no lock held; tables made exclusive so far stay so, empty ones do not stay
 */
err_t pt_cursor_open(struct pt_cursor *cur, struct pt *pt, vaddr_t va, struct gather *g);

/* pt_cursor_get, pt_cursor_set - the entry at va. set gives the old one; counts are the caller's. */
pte_t pt_cursor_get(const struct pt_cursor *cur);
pte_t pt_cursor_set(struct pt_cursor *cur, pte_t next);

/* pt_cursor_close - unlock; an empty leaf table is left only if the caller set nothing (see prune). */
void pt_cursor_close(struct pt_cursor *cur);

/* What a read-only look found. Path permission is the AND over the walk. */
struct pt_view {
	pte_t	 pte;		/* the entry where the walk ended */
	unsigned level;		/* of that entry */
	bool	 path_writable;	/* every table entry above it allows writes */
	bool	 path_exclusive; /* every table on the path has count 1 */
};

/* pt_look - no locks, no changes. HOLDS_READ the space's lock. */
struct pt_view pt_look(const struct pt *pt, vaddr_t va);
