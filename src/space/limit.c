/*
 * limit.c - the limits of a space, checked against its exact sums.
 *
 *	limit_as      total pages, whatever they are
 *	limit_data    private writable pages that are not a stack
 *	limit_commit  one request for memory that must be found when it is written
 *	limit_memlock pages of locked regions
 *
 * All limits and requests are in bytes, all sums in pages. They are compared in pages, where
 * no request is so long that a sum overflows: lengths of mlock are any number.
 *
 * Promises of memory are also part of a sum over all spaces (src/phys/commit.c). An
 * operation makes its promise when it checks its limits, and when it has ended, one way
 * or the other, limit_settle gives back what did not become part of a region.
 */
#include "space/limit.h"

#include <anymm/commit.h>

#include "base/assert.h"
#include "space/regions.h"

static bool
exceeds(uint64_t pages, uint64_t more_bytes, uint64_t limit)
{
	return limit != UINT64_MAX &&
	       pages + (more_bytes >> ARCH_PAGE_SHIFT) > limit >> ARCH_PAGE_SHIFT;
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
	return region_is_data(prot, flags) && limit_forbids_data(sp, bytes);
}

bool
limit_forbids_promise(const struct space *sp, uint64_t bytes)
{
	return commit_policy() == COMMIT_HEURISTIC && bytes > sp->layout.limit_commit;
}

bool
limit_charge(struct space *sp, uint64_t bytes)
{
	uint64_t pages = bytes >> ARCH_PAGE_SHIFT;

	if (limit_forbids_promise(sp, bytes) || !commit_reserve(pages))
		return false;
	sp->charged_pages += pages;
	return true;
}

bool
limit_promise_all(struct space *sp)
{
	if (!commit_reserve(sp->committed_pages - sp->charged_pages))
		return false;
	sp->charged_pages = sp->committed_pages;
	return true;
}

void
limit_settle(struct space *sp)
{
	REQUIRE(sp->charged_pages >= sp->committed_pages,
		"a space has %lu pages committed, %lu promised", (unsigned long)sp->committed_pages,
		(unsigned long)sp->charged_pages);
	commit_release(sp->charged_pages - sp->committed_pages);
	sp->charged_pages = sp->committed_pages;
}

bool
limit_forbids_locked(const struct space *sp, uint64_t bytes, unsigned flags)
{
	return (flags & REGION_LOCKED) &&
	       exceeds(sp->locked_pages, bytes, sp->layout.limit_memlock);
}
