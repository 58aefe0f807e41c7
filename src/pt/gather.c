/*
 * gather.c - unhook, flush, free.
 *
 *   1. the cursor or range walk unhooks an entry and puts what it named here
 *   2. gather_flush invalidates every CPU that may cache the translation or a
 *      partial walk through it
 *   3. only then the counts drop, and what reached zero is freed
 *
 * Nothing else in the library frees what was reachable from a table.
 */
#include "pt/gather.h"

#include "base/assert.h"
#include "pt/state.h"
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
gather_begin(struct gather *g, struct pt *pt)
{
	g->pt = pt;
	g->nr_pages = 0;
	g->whole_space = false;
	g->nr_held = 0;
	g->chain = pfn_none();
}

void
gather_page(struct gather *g, vaddr_t va)
{
	va &= ~ARCH_PAGE_MASK;
	if (g->whole_space || (g->nr_pages && g->pages[g->nr_pages - 1] == va))
		return;
	if (g->nr_pages == GATHER_PAGES)
		g->whole_space = true;
	else
		g->pages[g->nr_pages++] = va;
}

/* Pages noted before this are flushed after it, so one of them is enough. */
void
gather_table(struct gather *g, vaddr_t va)
{
	if (g->nr_pages == 0)
		gather_page(g, va);
}

void
gather_space(struct gather *g)
{
	g->whole_space = true;
}

/* Room in the chain for one more; false: no memory for another frame of it. */
static bool
chain_hold(struct gather *g, pfn_t pfn)
{
	struct held_frame *last = pfn_is_none(g->chain) ? NULL : arch_frame_ptr(g->chain);
	pfn_t		   fresh;

	if (!last || last->nr == CHAIN_ENTRIES) {
		if (frame_alloc(
			    (struct frame_request){ .kind = FRAME_KERNEL, .may_use_reserve = true },
			    &fresh))
			return false;
		last = arch_frame_ptr(fresh);
		last->next = g->chain;
		last->nr = 0;
		g->chain = fresh;
	}
	last->held[last->nr++] = pfn;
	return true;
}

void
gather_hold(struct gather *g, pfn_t pfn)
{
	if (g->nr_held < GATHER_HELD) {
		g->held[g->nr_held++] = pfn;
		return;
	}
	if (chain_hold(g, pfn))
		return;
	gather_flush(g);
	g->held[g->nr_held++] = pfn;
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
gather_flush(struct gather *g)
{
	unsigned nr_held = g->nr_held;
	pfn_t	 chain = g->chain;

	if (g->whole_space || g->nr_pages)
		shootdown_space(g->pt, g->pages, g->nr_pages, g->whole_space);
	g->nr_pages = 0;
	g->whole_space = false;
	g->nr_held = 0;
	g->chain = pfn_none();
	for (unsigned i = 0; i < nr_held; i++)
		frame_drop(g->held[i]);
	drop_chain(chain);
}

void
gather_end(struct gather *g)
{
	uint64_t tag;

	gather_flush(g);
	tag = atomic_load(&g->pt->tag);
	if (tag)
		arch_tlb_settled(tag_asid(tag));
}
