/*
 * resolve.h - one page of one region, made accessible.
 */
#pragma once

#include <anymm/fault.h>
#include <anymm/swap.h>

/* What has to be waited for without locks. Holds survive the wait, so that it was not in vain. */
struct fault_wait {
	struct object
		*object; /* that has not got page `index` yet, or has it on the swap device: with a
			  * reference, or NULL */
	uint64_t index;
	swap_t	 slot; /* a page that is out: with a count, or swap_none() */
	pfn_t	 page; /* fault_wait_here: what was waited for, with a count, or pfn_none() */
};

/* fault_wait_begin - nothing to wait for. fault_wait_end - give up what is held. */
void fault_wait_begin(struct fault_wait *wait);
void fault_wait_end(struct fault_wait *wait);

/* fault_must_wait - there is something to wait for that has not been waited for yet. */
bool fault_must_wait(const struct fault_wait *wait);

/*
 * fault_wait_here - wait. No locks are held; the space may change in any way meanwhile.
 *   gives  FAULT_DONE: look at everything anew; else nothing is held any more: FAULT_BUS_ADRERR: the
 *          page cannot be had; FAULT_NOMEM
 */
enum fault_result fault_wait_here(struct fault_wait *wait);

/*
 * fault_resolve - needs: r is va's region and allows the access. HOLDS_READ sp->lock.
 *   gives  FAULT_DONE: the tables allow the access; else they allow what they did. With
 *          fault_must_wait nothing was decided: wait, then look at everything anew
 */
enum fault_result fault_resolve(struct space *sp, struct region *r, vaddr_t va, enum access access,
				struct fault_wait *wait);
