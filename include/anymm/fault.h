/*
 * fault.h - page faults.
 */
#pragma once

#include <anymm/space.h>

enum fault_result {
	FAULT_DONE,	   /* run the instruction again */
	FAULT_SEGV_MAPERR, /* no region, or a guard */
	FAULT_SEGV_ACCERR, /* the region forbids the access */
	FAULT_BUS_ADRERR,  /* beyond the end of the object, or its page cannot be read */
	FAULT_NOMEM,	   /* memory ran out: the embedder's policy decides */
};

/* fault_result_name - "SEGV_MAPERR", ... */
const char *fault_result_name(enum fault_result result);

/*
 * fault_handle - make the access possible, or say which signal it deserves.
 *
 *   needs  interrupts as the shootdown needs them (on); no lock held. May wait for a pager
 *   gives  FAULT_DONE: the access succeeds when retried (it may fault again if
 *          another CPU changes the space meanwhile); else the space is as before
 *   cost   O(log regions + levels); at most one page copy
 */
enum fault_result fault_handle(struct space *sp, vaddr_t va, enum access access);

/*
 * fault_own - make the page of a private region the space's own, as a store would, whatever the
 * region allows: for what must not change its frame later.
 *   needs  as fault_handle
 *   gives  as fault_handle; a stack does not grow. The region's rights are not asked, nor widened
 */
enum fault_result fault_own(struct space *sp, vaddr_t va);

/*
 * fault_populate - fault_handle on each page that the range touches, in order of address.
 *   needs  as fault_handle
 *   gives  FAULT_DONE, or what the first page that failed deserves; those before it stay
 */
enum fault_result fault_populate(struct space *sp, struct va_range range, enum access access);
