/*
 * sweep.h - going through the frame descriptors, and the scratch word of each.
 *
 * The checks and the digest need a number per frame: how often it was named,
 * or which name it got. They allocate nothing, because that would change what
 * they look at; they use four bytes of the descriptor that mean nothing while
 * no operation is in progress: for a table `table.next`. Those of a page say which
 * swap slot has the same contents, which the slot says too: so they can be put
 * back. A sweep clears them first, so what other users left there does no harm.
 * Swap slots have a word of their own for the same use.
 */
#pragma once

#include <anymm/frame.h>

/* sweep_scratch - the scratch word of a TABLE, ANON or OBJECT frame, or NULL for other kinds. */
static inline uint32_t *
sweep_scratch(struct frame *f)
{
	switch ((enum frame_kind)f->kind) {
	case FRAME_TABLE:
		return &f->table.next;
	case FRAME_ANON:
	case FRAME_OBJECT:
		return &f->page.scratch;
	case FRAME_RESERVED:
	case FRAME_FREE:
	case FRAME_KERNEL:
	case FRAME_KINDS:
		break;
	}
	return NULL;
}

/*
 * sweep_first, sweep_next - the heads of all blocks, ascending; pfn_none() ends. A
 * block of the allocator counts as one step however large it is, so free
 * memory that was never used costs nothing.
 */
pfn_t sweep_first(void);
pfn_t sweep_next(pfn_t head);

/* sweep_pages - frames in the block that starts at head. */
uint64_t sweep_pages(pfn_t head);

/* sweep_clear - zero every scratch word, of frames and of slots. sweep_clear_slots - only those. */
void sweep_clear(void);
void sweep_clear_slots(void);

/*
 * sweep_pair - the words of frames that have a swap slot say so again.
 * sweep_restore - the same after zeroing all others.
 */
void sweep_pair(void);
void sweep_restore(void);
