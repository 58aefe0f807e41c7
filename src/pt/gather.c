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

void
gather_begin(struct gather *g, struct pt *pt)
{
	g->pt = pt;
	g->nr_pages = 0;
	g->whole_space = false;
	held_begin(&g->held);
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

void
gather_hold(struct gather *g, pfn_t pfn)
{
	if (held_add(&g->held, pfn))
		return;
	gather_flush(g);
	(void)held_add(&g->held, pfn); /* there is room again */
}

void
gather_flush(struct gather *g)
{
	if (g->whole_space || g->nr_pages)
		shootdown_space(g->pt, g->pages, g->nr_pages, g->whole_space);
	g->nr_pages = 0;
	g->whole_space = false;
	held_release(&g->held);
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
