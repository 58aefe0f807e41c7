/*
 * mincore.c - residency told to the user, in small portions: what was copied out before
 * a failure stays.
 */
#include <anymm/call.h>

#include "space/bounds.h"

#define PORTION 256 /* pages asked for at a time */

err_t
call_mincore(struct space *sp, vaddr_t addr, uint64_t length, vaddr_t vec)
{
	uint64_t left = (length >> ARCH_PAGE_SHIFT) + !is_page_aligned(length);
	uint8_t	 portion[PORTION];

	if (!is_page_aligned(addr))
		return ERR_INVAL;
	if (!lies_below(addr, length, ARCH_USER_END))
		return ERR_NOMEM;
	if (!lies_below(vec, left, ARCH_USER_END))
		return ERR_FAULT;
	while (left > 0) {
		uint64_t done;
		err_t	 err = space_resident(sp, addr, min_u64(left, PORTION), portion, &done);

		if (err)
			return err;
		if (copy_to_space(sp, vec, portion, done))
			return ERR_FAULT;
		left -= done;
		vec += done;
		addr += done << ARCH_PAGE_SHIFT;
	}
	return OK;
}
