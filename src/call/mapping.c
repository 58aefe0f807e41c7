/*
 * mapping.c - the calls that make and change mappings: the space's own, followed by
 * bringing in the pages that are wanted at once.
 *
 * Pages are brought in after the mapping stands and without a lock. That they cannot
 * be had is no error of these calls, as in Linux.
 *
 * A call that finds no memory has left the space as it was, so page-out may have its turn, with no
 * lock held, and the call is made again (reclaim_retry).
 */
#include <anymm/call.h>
#include <anymm/reclaim.h>

#include "call/populate.h"
#include "space/bounds.h"
#include "space/tree.h"

err_t
call_mmap(struct space *sp, const struct map_request *request, vaddr_t *out)
{
	const unsigned	  at_once = request->flags & (MAPF_POPULATE | MAPF_NONBLOCK);
	enum populate_why why = at_once == MAPF_POPULATE ? POPULATE_MAPPED : POPULATE_LOCKED;
	unsigned	  tries = 0;
	uint64_t	  bytes;
	vaddr_t		  va;
	err_t		  err;

	do
		err = space_map(sp, request, &va);
	while (err == ERR_NOMEM && reclaim_retry(&tries));
	if (err)
		return err;
	if (page_ceil(request->length, &bytes))
		populate_what_can_be(sp, va_range(va, va + bytes), why);
	*out = va;
	return OK;
}

err_t
call_mremap(struct space *sp, const struct remap_request *request, vaddr_t *out)
{
	unsigned	tries = 0;
	struct va_range fresh;
	err_t		err;

	do
		err = space_remap(sp, request, out, &fresh);
	while (err == ERR_NOMEM && reclaim_retry(&tries));
	if (err == OK)
		populate_what_can_be(sp, fresh, POPULATE_LOCKED);
	return err;
}

vaddr_t
call_brk(struct space *sp, vaddr_t addr)
{
	vaddr_t	 before = space_brk(sp, 0);
	unsigned tries = 0;
	vaddr_t	 after;

	/* Why the heap's end is not where it is wanted is not said. */
	do
		after = space_brk(sp, addr);
	while (addr && after != addr && reclaim_retry(&tries));
	/* The page that the old end lies in is not a new one. */
	populate_what_can_be(sp, va_range(page_floor(before + ARCH_PAGE_MASK), after),
			     POPULATE_LOCKED);
	return after;
}

err_t
call_munmap(struct space *sp, vaddr_t addr, uint64_t length)
{
	unsigned tries = 0;
	err_t	 err;

	do
		err = space_unmap(sp, addr, length);
	while (err == ERR_NOMEM && reclaim_retry(&tries));
	return err;
}

/* Parts of a range. More than there is room for: the last one reaches over what it should leave out. */
#define MOST_PARTS 16

struct parts {
	struct va_range part[MOST_PARTS];
	unsigned	nr;
};

static void
add_part(struct parts *parts, struct va_range part)
{
	if (parts->nr < MOST_PARTS)
		parts->part[parts->nr++] = part;
	else
		parts->part[MOST_PARTS - 1].end = part.end;
}

/* locked_read_only - all private locked memory of the range that cannot be written yet. */
static void
locked_read_only(struct space *sp, struct va_range range, struct parts *parts)
{
	read_lock(&sp->lock);
	for (struct region *r = tree_find_end(sp, range.start); r && r->range.start < range.end;
	     r = tree_next(r)) {
		if ((r->flags & REGION_LOCKED) && !(r->flags & REGION_SHARED) &&
		    !(r->prot & PROT_W))
			add_part(parts, range_clip(r->range, range));
	}
	read_unlock(&sp->lock);
}

/* As in Linux, locked memory that becomes writable gets its own copies at once. */
err_t
call_mprotect(struct space *sp, vaddr_t addr, uint64_t length, uint64_t prot)
{
	struct parts parts = { .nr = 0 };
	unsigned     tries = 0;
	uint64_t     bytes;
	err_t	     err;

	if ((prot & PROT_W) && page_ceil(length, &bytes) && addr + bytes > addr)
		locked_read_only(sp, va_range(page_floor(addr), addr + bytes), &parts);
	do
		err = space_protect(sp, addr, length, prot);
	while (err == ERR_NOMEM && reclaim_retry(&tries));
	for (unsigned i = 0; i < parts.nr; i++)
		populate_what_can_be(sp, parts.part[i], POPULATE_LOCKED);
	return err;
}

err_t
call_msync(struct space *sp, vaddr_t addr, uint64_t length, unsigned flags)
{
	return space_sync(sp, addr, length, flags);
}

err_t
call_mseal(struct space *sp, vaddr_t addr, uint64_t length, uint64_t flags)
{
	unsigned tries = 0;
	err_t	 err;

	do
		err = space_seal(sp, addr, length, flags);
	while (err == ERR_NOMEM && reclaim_retry(&tries));
	return err;
}
