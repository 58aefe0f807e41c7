/*
 * check_tlb.c - I-TLB: no translation is stale, no tag means two spaces.
 *
 * Which translations a CPU may hold only the machine knows: the simulator keeps
 * a ledger of them and reports stale ones itself when it is told that the
 * space is settled. Hardware has no such memory and says nothing.
 */
#include "check/walk.h"

/* is_tag_shared - another space further on in the list has the same live tag. */
static bool
is_tag_shared(struct space *sp, uint64_t tag)
{
	for (struct space *other = space_list_next(sp); other; other = space_list_next(other)) {
		if (atomic_load(&other->pt.tag) == tag)
			return true;
	}
	return false;
}

void
check_tlb(struct check *c)
{
	for (struct space *sp = space_list_first(); sp; sp = space_list_next(sp)) {
		uint64_t tag = atomic_load(&sp->pt.tag);

		if (!tag)
			continue;
		if (is_tag_shared(sp, tag))
			check_fail(c, INV_TLB, "two spaces have the tag 0x%llx",
				   (unsigned long long)tag);
		arch_tlb_settled((unsigned)(tag & 0xffff));
	}
}
