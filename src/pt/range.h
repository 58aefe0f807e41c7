/*
 * range.h - changes of a whole range of one space's tables.
 *
 * Each has a plan, which allocates every table the change will need and may
 * fail, and a commit, which cannot. Both run under the space's write lock, so
 * that nothing in this space changes in between; other spaces may only lower
 * the counts that the plan has seen.
 */
#pragma once

#include "pt/gather.h"

/* Tables made in advance. */
struct pt_plan {
	pfn_t	 first; /* linked through frame->table.next, pfn_none(): none */
	uint64_t nr;
};

/*
 * pt_plan_unmap, pt_plan_protect, pt_plan_mark - prepare the change of the range.
 *   fails  ERR_NOMEM: nothing is held
 */
err_t pt_plan_unmap(struct pt_plan *plan, struct pt *pt, struct va_range range);
err_t pt_plan_protect(struct pt_plan *plan, struct pt *pt, struct va_range range);
err_t pt_plan_mark(struct pt_plan *plan, struct pt *pt, struct va_range range);

/*
 * pt_plan_move - prepare the move of the range to `to`; the two may not overlap.
 *   fails  ERR_NOMEM, ERR_OVERFLOW: nothing is held
 */
err_t pt_plan_move(struct pt_plan *plan, struct pt *pt, struct va_range from, vaddr_t to);

/* pt_plan_join - the tables of `more` go to `into`: one plan for changes of several ranges. */
void pt_plan_join(struct pt_plan *into, struct pt_plan *more);

/* pt_plan_drop - give back what a commit did not use. Always called after a successful plan. */
void pt_plan_drop(struct pt_plan *plan);

/* pt_unmap - clear every entry of the range, marks included. Empty tables go too. */
void pt_unmap(struct pt *pt, struct va_range range, struct pt_plan *plan, struct gather *g);

/*
 * pt_protect - leaves of the range allow `prot` (as hardware says it: what may be
 * written or executed may be read) and no more. A leaf that may
 * not be writable yet (private and not exclusively owned, or a zero page) stays
 * read-only; the next write fault sees to it. Marks stay.
 */
void pt_protect(struct pt *pt, struct va_range range, prot_t prot, struct pt_plan *plan,
		struct gather *g);

/* pt_wire - page-out leaves the range's leaves alone, or not any more. Plan: pt_plan_protect. */
void pt_wire(struct pt *pt, struct va_range range, bool wired, struct pt_plan *plan,
	     struct gather *g);

/* pt_mark - the range's pages go and every entry becomes the mark. */
void pt_mark(struct pt *pt, struct va_range range, struct pte_mark mark, struct pt_plan *plan,
	     struct gather *g);

/* pt_unmark - marks of this type in the range become empty; leaves stay. Plan: pt_plan_protect. */
void pt_unmark(struct pt *pt, struct va_range range, enum mark_type type, struct pt_plan *plan,
	       struct gather *g);

/*
 * pt_move - every entry of the range, marks included, moves to the place at `to`, which is empty.
 * Counts, dirty bits and rights stay as they are. Needs: nobody looks for one of the entries
 * meanwhile (the objects' reverse maps are locked).
 */
void pt_move(struct pt *pt, struct va_range from, vaddr_t to, struct pt_plan *plan,
	     struct gather *g);

/*
 * pt_next_mark - the first run of marks of this type in the range; false: there is none.
 * HOLDS_READ the space's lock.
 */
bool pt_next_mark(const struct pt *pt, struct va_range range, enum mark_type type,
		  struct va_range *out);
