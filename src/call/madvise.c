/*
 * madvise.c - advice: what concerns regions and tables is the space's; what wants pages
 * is done here, page by page, without a lock.
 */
#include <anymm/call.h>
#include <anymm/reclaim.h>

#include "call/populate.h"
#include "space/bounds.h"

static err_t
error_of(enum populate_end end)
{
	switch (end) {
	case POPULATED:
		return OK;
	case POPULATE_FORBIDDEN:
		return ERR_INVAL;
	case POPULATE_NO_PAGE:
		return ERR_FAULT;
	case POPULATE_HOLE:
	case POPULATE_NO_MEMORY:
		break;
	}
	return ERR_NOMEM;
}

/* advise - as space_advise, where lack of memory is ERR_AGAIN. */
static err_t
advise(struct space *sp, vaddr_t addr, uint64_t length, enum advice advice)
{
	unsigned tries = 0;
	err_t	 err;

	do
		err = space_advise(sp, addr, length, advice);
	while (err == ERR_AGAIN && reclaim_retry(&tries));
	return err;
}

err_t
call_madvise(struct space *sp, vaddr_t addr, uint64_t length, enum advice advice)
{
	enum populate_why why = advice == ADVICE_POPULATE_READ ? POPULATE_READ : POPULATE_WRITE;
	uint64_t	  bytes;

	if (advice != ADVICE_POPULATE_READ && advice != ADVICE_POPULATE_WRITE)
		return advise(sp, addr, length, advice);
	if (!is_page_aligned(addr) || !page_ceil(length, &bytes) || addr + bytes < addr)
		return ERR_INVAL;
	return error_of(populate(sp, va_range(addr, addr + bytes), why));
}
