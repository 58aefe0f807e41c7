/*
 * locked.c - memory that is never reclaimed: the mlock family's part that concerns regions.
 *
 * Locked is a flag of the region; the pages come afterwards, with no lock held
 * (src/call). REGION_LOCKONFAULT stands beside it where they come only when they
 * are touched. Regions to come are locked by the space's new_flags.
 *
 * Special pages of an image (REGION_NOMERGE) and devices are never locked: they stay anyway.
 *
 * A space whose limit is 0 may not lock at all; any other limit holds against the
 * sum over all locked regions.
 */
#include "pt/range.h"
#include "space/bounds.h"
#include "space/edit.h"
#include "space/limit.h"
#include "space/tree.h"

#define LOCK_FLAGS (REGION_LOCKED | REGION_LOCKONFAULT)

/* covered_until - the end of the stretch without a hole that starts at range.start. */
static vaddr_t
covered_until(struct space *sp, struct va_range range)
{
	vaddr_t at = range.start;

	for (struct region *r = tree_find_end(sp, at); r && r->range.start <= at && at < range.end;
	     r = tree_next(r))
		at = min_u64(r->range.end, range.end);
	return at;
}

/* locked_bytes - of the range, in regions that are locked already. */
static uint64_t
locked_bytes(struct space *sp, struct va_range range)
{
	uint64_t bytes = 0;

	for (struct region *r = tree_find_end(sp, range.start); r && r->range.start < range.end;
	     r = tree_next(r)) {
		struct va_range part = range_clip(r->range, range);

		if (r->flags & REGION_LOCKED)
			bytes += part.end - part.start;
	}
	return bytes;
}

/* wire - as each region of the range is now: those between two that have changed may have been spared. */
static void
wire(struct space *sp, struct va_range range, struct pt_plan *tables, struct gather *g)
{
	for (struct region *r = tree_find_end(sp, range.start); r && r->range.start < range.end;
	     r = tree_next(r))
		pt_wire(&sp->pt, range_clip(r->range, range), r->flags & REGION_LOCKED, tables, g);
}

/*
 * set_flags - of all regions in the range, and of the pages that they have: an entry says itself
 * whether page-out may take its page. Pages to come learn it from their region.
 */
static err_t
set_flags(struct space *sp, struct va_range range, unsigned flags)
{
	struct region_edit edit = {
		.range = range,
		.flags_mask = LOCK_FLAGS,
		.flags = flags,
		.spare = REGION_NOMERGE | REGION_DEVICE,
	};
	struct pt_plan tables;
	struct gather  g;
	err_t	       err = edit_plan(sp, &edit);

	if (err || range_is_empty(edit.changed))
		return err;
	err = pt_plan_protect(&tables, &sp->pt, edit.changed);
	if (err) {
		edit_drop(&edit);
		return err;
	}
	edit_commit(sp, &edit);
	gather_begin(&g, &sp->pt);
	wire(sp, edit.changed, &tables, &g);
	gather_end(&g);
	pt_plan_drop(&tables);
	return OK;
}

/* apply - up to the first hole. */
static err_t
apply(struct space *sp, struct va_range range, unsigned flags)
{
	vaddr_t stop = covered_until(sp, range);
	err_t	err = OK;

	if (stop > range.start)
		err = set_flags(sp, va_range(range.start, stop), flags);
	return err == OK && stop < range.end ? ERR_NOMEM : err;
}

/* outer_pages - the pages that the bytes touch; sums wrap around as they do in Linux. */
static struct va_range
outer_pages(vaddr_t addr, uint64_t length)
{
	vaddr_t	 start = page_floor(addr);
	uint64_t bytes = page_floor(length + (addr - start) + ARCH_PAGE_MASK);

	return va_range(start, start + bytes);
}

/* As in Linux, a range that wraps around is held against the limit before it is found wrong. */
static bool
exceeds_limit(struct space *sp, struct va_range range)
{
	uint64_t bytes = range.end - range.start;

	if (range.end < range.start)
		range.end = UINT64_MAX;
	return limit_forbids_locked(sp, bytes - locked_bytes(sp, range), REGION_LOCKED);
}

err_t
space_lock(struct space *sp, vaddr_t addr, uint64_t length, unsigned flags)
{
	unsigned	set = REGION_LOCKED | (flags & LOCKF_ONFAULT ? REGION_LOCKONFAULT : 0);
	struct va_range range = outer_pages(addr, length);
	err_t		err = OK;

	if (flags & ~(unsigned)LOCKF_ONFAULT)
		return ERR_INVAL;
	if (sp->layout.limit_memlock == 0)
		return ERR_PERM;
	write_lock(&sp->lock);
	if (exceeds_limit(sp, range))
		err = ERR_NOMEM;
	else if (range.end < range.start)
		err = ERR_INVAL;
	else
		err = apply(sp, range, set);
	write_unlock(&sp->lock);
	return err;
}

err_t
space_unlock(struct space *sp, vaddr_t addr, uint64_t length)
{
	struct va_range range = outer_pages(addr, length);
	err_t		err;

	if (range.end < range.start)
		return ERR_INVAL;
	write_lock(&sp->lock);
	err = apply(sp, range, 0);
	write_unlock(&sp->lock);
	return err;
}

err_t
space_lock_all(struct space *sp, unsigned flags)
{
	const unsigned known = LOCKALL_CURRENT | LOCKALL_FUTURE | LOCKALL_ONFAULT;
	unsigned       set = REGION_LOCKED | (flags & LOCKALL_ONFAULT ? REGION_LOCKONFAULT : 0);
	uint64_t       more;
	err_t	       err = OK;

	if (!flags || (flags & ~known) || flags == LOCKALL_ONFAULT)
		return ERR_INVAL;
	if (sp->layout.limit_memlock == 0)
		return ERR_PERM;
	write_lock(&sp->lock);
	more = (sp->total_pages - sp->locked_pages) << ARCH_PAGE_SHIFT;
	if ((flags & LOCKALL_CURRENT) && limit_forbids_locked(sp, more, REGION_LOCKED))
		err = ERR_NOMEM;
	else if (flags & LOCKALL_CURRENT)
		err = set_flags(sp, va_range(0, sp->layout.end), set);
	if (err == OK)
		sp->new_flags = flags & LOCKALL_FUTURE ? set : 0;
	write_unlock(&sp->lock);
	return err;
}

err_t
space_unlock_all(struct space *sp)
{
	err_t err;

	write_lock(&sp->lock);
	err = set_flags(sp, va_range(0, sp->layout.end), 0);
	if (err == OK)
		sp->new_flags = 0;
	write_unlock(&sp->lock);
	return err;
}
