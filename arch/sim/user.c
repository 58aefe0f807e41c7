/*
 * user.c - a user program's accesses: faults enter the library and the access is
 * tried again, as often as the library says so.
 */
#include "machine.h"

#include <inttypes.h>

#include <anymm/fault.h>

/* One access needs at most a few faults; this many at one place is a livelock. */
#define FAULT_LIMIT 10000

enum fault_result
sim_user_at(struct space *sp, enum access access, vaddr_t va, void *buf, size_t bytes,
	    vaddr_t *failed)
{
	struct arch_fault fault;
	unsigned	  faults = 0;
	size_t		  done = 0;

	pt_activate(&sp->pt);
	for (;;) {
		enum fault_result result;
		size_t part = sim_user_access(access, va + done, (unsigned char *)buf + done,
					      bytes - done, &fault);

		done += part;
		if (done == bytes)
			return FAULT_DONE;
		faults = part ? 0 : faults + 1;
		if (faults > FAULT_LIMIT)
			sim_violation("the access at 0x%" PRIx64 " faults for ever", fault.va);
		*failed = fault.va;
		result = fault_handle(sp, fault.va, access);
		if (result != FAULT_DONE)
			return result;
	}
}

enum fault_result
sim_user(struct space *sp, enum access access, vaddr_t va, void *buf, size_t bytes)
{
	vaddr_t failed;

	return sim_user_at(sp, access, va, buf, bytes, &failed);
}
