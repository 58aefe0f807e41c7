/*
 * check_free.c - I-FREE: a free frame is nobody's.
 *
 * That no slot names it is seen where slots are read (ref_name).
 */
#include "check/walk.h"

void
check_free_frames(struct check *c, pfn_t head, unsigned order)
{
	struct frame *f = frame_of(head);

	if (order > FRAME_ORDER_MAX)
		check_fail(c, INV_FREE, "free frame %llu has order %u", (unsigned long long)head.n,
			   order);
	if (atomic_load(&f->count))
		check_fail(c, INV_FREE, "free frame %llu has count %u", (unsigned long long)head.n,
			   atomic_load(&f->count));
}
