/*
 * stack.c - a region that grows down follows the accesses below it.
 *
 *	[ other ]  .   .   .  [ stack      ]
 *	               ^ va   |
 *	        |<gap>[ stack grows to here ]
 *
 * The guard gap is kept against any neighbour that could be accessed; against
 * another stack, or a neighbour without any access, it is not needed, because
 * running into those faults.
 */
#include "base/assert.h"
#include "space/bounds.h"
#include "space/limit.h"
#include "space/regions.h"
#include "space/tree.h"

/* keeps_guard - the region below leaves room for a stack that starts at va. */
static bool
keeps_guard(const struct space *sp, const struct region *below, vaddr_t va)
{
	if (!below || (below->flags & REGION_GROWSDOWN) || !below->prot)
		return true;
	return va - below->range.end >= sp->layout.stack_guard;
}

err_t
space_grow_stack(struct space *sp, vaddr_t va)
{
	struct region *r = tree_find_end(sp, va);
	uint64_t       more;

	va = page_floor(va);
	if (r && r->range.start <= va)
		return OK;
	if (!r || !(r->flags & REGION_GROWSDOWN) || va < sp->layout.min_addr)
		return ERR_FAULT;
	if (!keeps_guard(sp, tree_prev(r), va) || r->range.end - va > sp->layout.limit_stack)
		return ERR_FAULT;
	more = r->range.start - va;
	if (limit_forbids(sp, more, r->prot, r->flags) || limit_forbids_locked(sp, more, r->flags))
		return ERR_NOMEM;
	if (region_is_charged(r->prot, r->flags) && !limit_charge(sp, more))
		return ERR_NOMEM;
	region_resize(r, va_range(va, r->range.end));
	region_merge_around(sp, va_range(va, va + more));
	return OK;
}
