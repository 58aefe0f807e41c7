/*
 * seal.c - mseal: what a region is may not be changed any more.
 *
 * The flag is for ever and goes to the child of a fork. Whoever takes a region
 * away, moves it, replaces it or changes its protection asks for it: unmap.c, remap.c,
 * map.c by way of unmap.c, protect.c, and advise.c for read-only memory whose
 * contents would be lost.
 */
#include "space/bounds.h"
#include "space/edit.h"
#include "space/tree.h"

static err_t
seal_locked(struct space *sp, struct va_range range)
{
	struct region_edit edit = { .range = range,
				    .flags_mask = REGION_SEALED,
				    .flags = REGION_SEALED };
	err_t		   err;

	if (tree_has_hole(sp, range))
		return ERR_NOMEM;
	err = edit_plan(sp, &edit);
	if (err == OK)
		edit_commit(sp, &edit);
	return err;
}

err_t
space_seal(struct space *sp, vaddr_t addr, uint64_t length, uint64_t flags)
{
	uint64_t bytes;
	err_t	 err;

	if (flags || !is_page_aligned(addr) || !page_ceil(length, &bytes) || addr + bytes < addr)
		return ERR_INVAL;
	if (bytes == 0)
		return OK;
	write_lock(&sp->lock);
	err = seal_locked(sp, va_range(addr, addr + bytes));
	write_unlock(&sp->lock);
	return err;
}
