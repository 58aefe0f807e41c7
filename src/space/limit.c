/*
 * limit.c - the limits of a space, checked against its exact sums.
 *
 *	limit_as      total pages, whatever they are
 *	limit_data    private writable pages that are not a stack
 *	limit_commit  one request for memory that must be found when it is written
 *	limit_memlock pages of locked regions
 *
 * As in Linux's default mode, committed memory is not limited in sum: only a
 * request that could never be served is refused. All limits are in bytes, all
 * sums in pages below the end of user space, so the products cannot overflow.
 */
#include "space/limit.h"

#include "space/regions.h"

static bool
exceeds(uint64_t pages, uint64_t more_bytes, uint64_t limit)
{
	return (pages << ARCH_PAGE_SHIFT) + more_bytes > limit;
}

bool
limit_forbids_total(const struct space *sp, uint64_t bytes)
{
	return exceeds(sp->total_pages, bytes, sp->layout.limit_as);
}

bool
limit_forbids_data(const struct space *sp, uint64_t bytes)
{
	return exceeds(sp->data_pages, bytes, sp->layout.limit_data);
}

bool
limit_forbids(const struct space *sp, uint64_t bytes, prot_t prot, unsigned flags)
{
	if (limit_forbids_total(sp, bytes))
		return true;
	if (region_is_data(prot, flags) && limit_forbids_data(sp, bytes))
		return true;
	return region_is_charged(prot, flags) && bytes > sp->layout.limit_commit;
}

bool
limit_forbids_locked(const struct space *sp, uint64_t bytes, unsigned flags)
{
	return (flags & REGION_LOCKED) &&
	       exceeds(sp->locked_pages, bytes, sp->layout.limit_memlock);
}
