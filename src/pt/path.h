/*
 * path.h - making a path exclusive during a commit, with the tables of a plan.
 */
#pragma once

#include "pt/range.h"

/*
 * pt_plan_edit - tables for making every table of the range exclusive, and `more` empty ones.
 *   fails  ERR_NOMEM, ERR_OVERFLOW: nothing is held
 */
err_t pt_plan_edit(struct pt_plan *plan, struct pt *pt, struct va_range range, uint64_t more);

/* path_new_table - an empty table of this level out of the plan, which must have one left. */
pfn_t path_new_table(struct pt_plan *plan, unsigned level);

/*
 * path_take_child - make the table in an exclusive, locked parent's slot exclusive, as the cursor
 * does, but with a table from the plan. A table that is replaced goes into g.
 *   gives  the child, locked
 */
pfn_t path_take_child(struct pt_plan *plan, struct gather *g, pfn_t parent, unsigned index,
		      vaddr_t va);
