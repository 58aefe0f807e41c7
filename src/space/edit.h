/*
 * edit.h - change protection, flags or placement of every region in a range, cutting and
 * joining as needed.
 */
#pragma once

#include "space/regions.h"

/* The change: bits of the mask are replaced, others stay. Holes are passed over. */
struct region_edit {
	struct va_range	 range;
	prot_t		 prot_mask;
	prot_t		 prot;
	unsigned	 flags_mask;
	unsigned	 flags;
	bool		 places; /* the placement becomes `place` */
	struct placement place;
	unsigned	 spare; /* regions with any of these flags keep flags and placement */

	/* edit_plan writes these: */
	struct va_range changed; /* smallest range with all that really changes; may be empty */
	struct region_reserve reserve;
};

/*
 * edit_plan - look, and make the regions that cutting takes.
 *   fails  ERR_NOMEM: no memory, or more regions than the space may have; nothing is held
 */
err_t edit_plan(struct space *sp, struct region_edit *edit);

/* edit_commit - do it. Nothing may have changed since the plan. */
void edit_commit(struct space *sp, struct region_edit *edit);

/* edit_drop - instead of edit_commit. */
void edit_drop(struct region_edit *edit);

/* edit_changes - the edit would make a difference to this region. */
bool edit_changes(const struct region_edit *edit, const struct region *r);
