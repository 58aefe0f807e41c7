/*
 * mlock.c - locked memory: the regions' flags, then their pages.
 *
 * A page that cannot be had leaves the range locked and is reported with the errors
 * that POSIX gives mlock; locking everything there is reports none.
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
	case POPULATE_NO_MEMORY:
		return ERR_AGAIN;
	case POPULATE_HOLE:
	case POPULATE_FORBIDDEN:
	case POPULATE_NO_PAGE:
		break;
	}
	return ERR_NOMEM;
}

err_t
call_mlock2(struct space *sp, vaddr_t addr, uint64_t length, unsigned flags)
{
	vaddr_t	 start = page_floor(addr);
	uint64_t bytes = page_floor(length + (addr - start) + ARCH_PAGE_MASK);
	unsigned tries = 0;
	err_t	 err;

	do
		err = space_lock(sp, addr, length, flags);
	while (err == ERR_NOMEM && reclaim_retry(&tries));
	if (err)
		return err;
	return error_of(populate(sp, va_range(start, start + bytes), POPULATE_LOCKED));
}

err_t
call_mlock(struct space *sp, vaddr_t addr, uint64_t length)
{
	return call_mlock2(sp, addr, length, 0);
}

err_t
call_munlock(struct space *sp, vaddr_t addr, uint64_t length)
{
	unsigned tries = 0;
	err_t	 err;

	do
		err = space_unlock(sp, addr, length);
	while (err == ERR_NOMEM && reclaim_retry(&tries));
	return err;
}

err_t
call_mlockall(struct space *sp, unsigned flags)
{
	unsigned tries = 0;
	err_t	 err;

	do
		err = space_lock_all(sp, flags);
	while (err == ERR_NOMEM && reclaim_retry(&tries));
	if (err == OK && (flags & LOCKALL_CURRENT))
		populate_what_can_be(sp, va_range(0, sp->layout.end), POPULATE_LOCKED);
	return err;
}

err_t
call_munlockall(struct space *sp)
{
	unsigned tries = 0;
	err_t	 err;

	do
		err = space_unlock_all(sp);
	while (err == ERR_NOMEM && reclaim_retry(&tries));
	return err;
}
