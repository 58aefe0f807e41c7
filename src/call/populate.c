/*
 * populate.c - bringing pages in before they are touched.
 *
 * Regions are looked up one at a time, then every page of the part is faulted in
 * without a lock, as if the program touched it. What changes meanwhile changes
 * the outcome for those pages and nothing else.
 *
 * As in Linux, private writable memory is populated by writing, so that nothing is left
 * to copy, and shared memory by reading, so that nothing becomes dirty.
 */
#include "call/populate.h"

#include "space/tree.h"

/* One region's part of the range. */
struct part {
	struct va_range range;
	prot_t		prot;
	unsigned	flags;
};

/* next_part - the first region in the range; false: there is none. */
static bool
next_part(struct space *sp, struct va_range range, struct part *part)
{
	struct region *r;
	bool	       found;

	read_lock(&sp->lock);
	r = tree_find_end(sp, range.start);
	found = r && r->range.start < range.end;
	if (found)
		*part = (struct part){ range_clip(r->range, range), r->prot, r->flags };
	read_unlock(&sp->lock);
	return found;
}

static bool
is_wanted(const struct part *part, enum populate_why why)
{
	if (part->flags & (REGION_DEVICE | REGION_LOCKONFAULT))
		return why == POPULATE_READ || why == POPULATE_WRITE;
	return why != POPULATE_LOCKED || (part->flags & REGION_LOCKED);
}

static bool
is_allowed(const struct part *part, enum populate_why why)
{
	switch (why) {
	case POPULATE_READ:
		return (part->prot & PROT_R) && !(part->flags & REGION_DEVICE);
	case POPULATE_WRITE:
		return (part->prot & PROT_W) && !(part->flags & REGION_DEVICE);
	case POPULATE_MAPPED:
	case POPULATE_LOCKED:
		break;
	}
	return part->prot != 0;
}

static enum access
access_for(const struct part *part, enum populate_why why)
{
	bool is_private_writable = (part->prot & PROT_W) && !(part->flags & REGION_SHARED);

	if (why == POPULATE_WRITE || (why != POPULATE_READ && is_private_writable))
		return ACCESS_STORE;
	return ACCESS_LOAD;
}

static enum populate_end
populate_part(struct space *sp, const struct part *part, enum populate_why why)
{
	if (!is_wanted(part, why))
		return POPULATED;
	if (!is_allowed(part, why))
		return POPULATE_FORBIDDEN;
	switch (fault_populate(sp, part->range, access_for(part, why))) {
	case FAULT_DONE:
		return POPULATED;
	case FAULT_NOMEM:
		return POPULATE_NO_MEMORY;
	case FAULT_SEGV_MAPERR:
	case FAULT_SEGV_ACCERR:
	case FAULT_BUS_ADRERR:
		break;
	}
	return POPULATE_NO_PAGE;
}

enum populate_end
populate(struct space *sp, struct va_range range, enum populate_why why)
{
	bool minds_holes = why == POPULATE_READ || why == POPULATE_WRITE;

	while (range.start < range.end) {
		enum populate_end end;
		struct part	  part;

		if (!next_part(sp, range, &part))
			return minds_holes ? POPULATE_HOLE : POPULATED;
		if (minds_holes && part.range.start > range.start)
			return POPULATE_HOLE;
		end = populate_part(sp, &part, why);
		if (end != POPULATED)
			return end;
		range.start = part.range.end;
	}
	return POPULATED;
}

void
populate_what_can_be(struct space *sp, struct va_range range, enum populate_why why)
{
	struct part part;

	for (; range.start < range.end && next_part(sp, range, &part); range.start = part.range.end)
		(void)populate_part(sp, &part, why);
}
