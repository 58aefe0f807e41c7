/*
 * resolve.h - one page of one region, made accessible.
 */
#pragma once

#include <anymm/fault.h>

/* A page that its pager has not got yet. */
struct fault_wait {
	struct object *object; /* with a reference; NULL: nothing to wait for */
	uint64_t       index;
};

/*
 * fault_resolve - needs: r is va's region and allows the access. HOLDS_READ sp->lock.
 *   gives  FAULT_DONE: the tables allow the access; else they allow what they did. With
 *          wait->object set nothing was decided: wait without locks, then look at everything anew
 */
enum fault_result fault_resolve(struct space *sp, struct region *r, vaddr_t va, enum access access,
				struct fault_wait *wait);
