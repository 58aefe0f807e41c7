/*
 * held.c - counts that outlive their slot until every CPU has forgotten it.
 *
 * The first few stand in the structure itself, the others in frames of the kernel's own, which
 * may come from the reserve because more memory follows. When there is no such frame
 * the owner flushes early and releases; so nothing here can fail for good.
 */
#include "pt/held.h"

#include "pt/table.h"

/* A frame full of held frame numbers; `next` chains them. */
#define CHAIN_ENTRIES (ARCH_PAGE_SIZE / sizeof(pfn_t) - 2)

struct held_frame {
	pfn_t	 next;
	uint64_t nr;
	pfn_t	 held[CHAIN_ENTRIES];
};
static_assert(sizeof(struct held_frame) <= ARCH_PAGE_SIZE, "one frame");

void
held_begin(struct held *h)
{
	h->nr = 0;
	h->chain = pfn_none();
}

/* Room in the chain for one more; false: no memory for another frame of it. */
static bool
chain_add(struct held *h, pfn_t pfn)
{
	struct held_frame *last = pfn_is_none(h->chain) ? NULL : arch_frame_ptr(h->chain);
	pfn_t		   fresh;

	if (!last || last->nr == CHAIN_ENTRIES) {
		if (frame_alloc(
			    (struct frame_request){ .kind = FRAME_KERNEL, .may_use_reserve = true },
			    &fresh))
			return false;
		last = arch_frame_ptr(fresh);
		last->next = h->chain;
		last->nr = 0;
		h->chain = fresh;
	}
	last->held[last->nr++] = pfn;
	return true;
}

bool
held_add(struct held *h, pfn_t pfn)
{
	if (h->nr == HELD_FRAMES)
		return chain_add(h, pfn);
	h->frames[h->nr++] = pfn;
	return true;
}

static void
drop_chain(pfn_t chain)
{
	while (!pfn_is_none(chain)) {
		struct held_frame *hf = arch_frame_ptr(chain);
		pfn_t		   next = hf->next;

		for (uint64_t i = 0; i < hf->nr; i++)
			frame_drop(hf->held[i]);
		frame_release(chain);
		chain = next;
	}
}

void
held_release(struct held *h)
{
	for (unsigned i = 0; i < h->nr; i++)
		frame_drop(h->frames[i]);
	drop_chain(h->chain);
	held_begin(h);
}
