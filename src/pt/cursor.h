/*
 * cursor.h - a locked position in a tree: what a fault holds.
 *
 * Opening descends from the root hand over hand. It makes the path exclusive
 * one level at a time (write bit set again for the last owner, else that one
 * table copied), so the leaf table that stays locked belongs to this space
 * alone. Tables that are missing are made aside and hooked in by the first
 * pt_cursor_set, so an empty table never hangs in a tree.
 */
#pragma once

#include "pt/gather.h"

struct pt_cursor {
	struct pt *pt;
	vaddr_t	   va;	   /* page aligned */
	pfn_t	   table;  /* leaf table: locked, or still aside */
	unsigned   index;  /* of va's entry in it */
	pfn_t	   anchor; /* with tables aside: the locked table that will name them */
	unsigned   anchor_index;
	pfn_t	   aside;	 /* topmost table aside, pfn_none(): the path was complete */
	bool	   changed_path; /* opening copied a table or set a write bit */
};

/*
 * pt_cursor_open - position at va for editing.
 *
 *   needs  the space locked, for reading at least; va in the user half
 *   gives  the leaf table locked. Tables replaced on the way are in g; after
 *          closing, the caller flushes or ends g, also when this fails
 *   fails  ERR_NOMEM, ERR_OVERFLOW: nothing locked; tables made exclusive so far stay so
 */
err_t pt_cursor_open(struct pt_cursor *cur, struct pt *pt, vaddr_t va, struct gather *g);

/* pt_cursor_get - the entry at va. */
pte_t pt_cursor_get(const struct pt_cursor *cur);

/* pt_cursor_set - write it (not to empty) and give the old one. Counts are the caller's. */
pte_t pt_cursor_set(struct pt_cursor *cur, pte_t next);

/* pt_cursor_close - unlock; tables still aside are given back. */
void pt_cursor_close(struct pt_cursor *cur);

/* What a look found. Path permission is the AND over the walk. */
struct pt_view {
	pte_t	 pte;	/* the entry where the walk ended */
	unsigned level; /* of that entry */
	unsigned index;
	pfn_t	 table;		/* that holds it */
	bool	 path_writable; /* every table entry above it allows writes */
};

/* pt_look - read the entry of va, in the user half, changing nothing. HOLDS_READ the space's lock. */
struct pt_view pt_look(const struct pt *pt, vaddr_t va);

/* pt_look_locked - the same, and view.table stays locked until pt_look_done. */
struct pt_view pt_look_locked(const struct pt *pt, vaddr_t va);
void	       pt_look_done(const struct pt_view *view);

/* pt_view_allows - hardware would let the access through. */
bool pt_view_allows(const struct pt_view *view, enum access access);
