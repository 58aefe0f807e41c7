/*
 * sweep.c - going through the frame descriptors; see sweep.h.
 *
 * Block by block: only the head of a block, free, reserved or allocated, has a
 * descriptor that says anything, and the frames behind it are skipped.
 */
#include "check/sweep.h"

#include "swap/state.h"

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
sweep_clear_slots(void)
{
	const struct swap_state *st = swap_state();

	for (uint32_t n = 0; n < st->nr_slots; n++)
		st->slots[n].scratch = 0;
}

void
sweep_pair(void)
{
	const struct swap_state *st = swap_state();

	for (uint32_t n = 0; n < st->nr_slots; n++) {
		if (st->slots[n].count && st->slots[n].frame != SWAP_NOTHING)
			atomic_store(&frame_of((pfn_t){ st->slots[n].frame })->page.swap, n + 1);
	}
}

void
sweep_clear(void)
{
	sweep_clear_slots();
	for (pfn_t pfn = sweep_first(); !pfn_is_none(pfn); pfn = sweep_next(pfn)) {
		uint32_t *scratch = sweep_scratch(frame_of(pfn));

		if (scratch)
			*scratch = 0;
	}
}

void
sweep_restore(void)
{
	sweep_clear();
	sweep_pair();
}
