/*
 * sweep.c - going through the frame descriptors; see sweep.h.
 *
 * Block by block: only the head of a block, free, reserved or allocated, has a
 * descriptor that says anything, and the frames behind it are skipped.
 */
#include "check/sweep.h"

pfn_t
sweep_first(void)
{
	return frame_first();
}

uint64_t
sweep_pages(pfn_t head)
{
	return (uint64_t)1 << frame_of(head)->order;
}

pfn_t
sweep_next(pfn_t head)
{
	return frame_next(pfn_add(head, sweep_pages(head) - 1));
}

void
sweep_clear(void)
{
	for (pfn_t pfn = sweep_first(); !pfn_is_none(pfn); pfn = sweep_next(pfn)) {
		uint32_t *scratch = sweep_scratch(frame_of(pfn));

		if (scratch)
			*scratch = 0;
	}
}
