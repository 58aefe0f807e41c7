/*
 * rmap.c - which regions name an object, and walks through all of them.
 *
 * The list holds exactly the regions, of any space, whose object field is this
 * object. A walk holds rmap_lock and no space's lock. It has two passes:
 *
 *	1. in each region, in place: clear entries (or their dirty bits); counts go to `held`
 *	2. flush the pages in each region's space, whether or not pass 1 found something there
 *	   ... and only then drop the counts
 *
 * Between the two a fault must not fill an entry that was cleared: another CPU may still see the
 * old page there. So nobody gets a page of the run meanwhile (object->losing).
 *
 * The second pass asks nothing because somebody else may have cleared an entry and not flushed
 * yet. Hence the rule for all others: a region leaves the list, or shrinks, only when
 * its translations are flushed. Then a walk that has ended leaves no CPU with an old translation.
 *
 * The order of the list means one thing: a fork's child stands behind its parent (pt/fork.c).
 * Whoever moves entries from one region to another holds rmap_lock meanwhile.
 */
#include "object/rmap.h"

#include "pt/gather.h"
#include "pt/state.h"
#include "pt/table.h"
#include "pt/visit.h"
#include "swap/slots.h"

void
rmap_lock(struct object *object)
{
	if (object)
		lock_acquire(&object->rmap_lock);
}

void
rmap_unlock(struct object *object)
{
	if (object)
		lock_release(&object->rmap_lock);
}

void
rmap_insert(struct region *r)
{
	list_insert_before(&r->object->regions, &r->rmap);
}

void
rmap_remove(struct region *r)
{
	list_remove(&r->rmap);
}

void
rmap_begin_unhook(struct object *object)
{
	if (object)
		atomic_fetch_add(&object->unhooking, 1);
}

void
rmap_end_unhook(struct object *object)
{
	if (object)
		atomic_fetch_sub(&object->unhooking, 1);
}

void
rmap_await_dirty(struct object *object)
{
	while (atomic_load(&object->unhooking))
		arch_relax();
}

void
rmap_begin_loss(struct object *object, struct page_run run)
{
	lock_acquire(&object->lock);
	object->losing = run;
	lock_release(&object->lock);
}

void
rmap_end_loss(struct object *object)
{
	rmap_begin_loss(object, (struct page_run){ 0, 0 });
}

/* One walk through all regions. */
struct rmap_walk {
	struct pt_visit visit;
	struct object  *object;
	struct page_run run;
	enum zap	what;
	struct held    *held;
};

/* The part of the region that maps pages of the run; false: none. */
static bool
mapped_part(const struct region *r, struct page_run run, struct va_range *part)
{
	uint64_t end = r->offset + region_pages(r);
	uint64_t from = max_u64(run.first, r->offset);
	uint64_t to = min_u64(run.end, end);

	if (from >= to)
		return false;
	part->start = r->range.start + ((from - r->offset) << ARCH_PAGE_SHIFT);
	part->end = r->range.start + ((to - r->offset) << ARCH_PAGE_SHIFT);
	return true;
}

static void
visit_regions(struct rmap_walk *w)
{
	struct va_range part;

	LIST_FOR_EACH(node, &w->object->regions) {
		struct region *r = CONTAINER_OF(node, struct region, rmap);

		if (mapped_part(r, w->run, &part))
			pt_visit_leaves(r->pt, part, &w->visit);
	}
}

static void
flush_part(struct pt *pt, struct va_range part)
{
	struct gather g;

	gather_begin(&g, pt);
	if ((part.end - part.start) >> ARCH_PAGE_SHIFT > GATHER_PAGES)
		gather_space(&g);
	else
		for (vaddr_t va = part.start; va < part.end; va += ARCH_PAGE_SIZE)
			gather_page(&g, va);
	gather_flush(&g);
}

void
rmap_flush(struct object *object, struct page_run run)
{
	struct va_range part;

	LIST_FOR_EACH(node, &object->regions) {
		struct region *r = CONTAINER_OF(node, struct region, rmap);

		if (mapped_part(r, run, &part))
			flush_part(r->pt, part);
	}
}

void
rmap_declare_settled(struct object *object)
{
	LIST_FOR_EACH(node, &object->regions) {
		uint64_t tag = atomic_load(&CONTAINER_OF(node, struct region, rmap)->pt->tag);

		if (tag)
			arch_tlb_settled(tag_asid(tag));
	}
}

/* A count that a cleared entry had. Without memory to note it, what was cleared so far is flushed. */
static void
hold(struct pt_visit *visit, pfn_t pfn)
{
	struct rmap_walk *w = CONTAINER_OF(visit, struct rmap_walk, visit);

	if (held_add(w->held, pfn))
		return;
	rmap_flush(w->object, w->run);
	held_release(w->held);
	(void)held_add(w->held, pfn); /* there is room again */
}

static bool
is_objects_own(pte_t pte)
{
	struct pte_leaf leaf = arch_pte_decode_leaf(pte, 0);

	return leaf.is_special || frame_of(leaf.pfn)->kind == FRAME_OBJECT;
}

static void
zap_leaf(struct pt_visit *visit, pfn_t table, unsigned index, vaddr_t va)
{
	struct rmap_walk *w = CONTAINER_OF(visit, struct rmap_walk, visit);
	pte_t		  old;
	pfn_t		  pfn;

	(void)va;
	old = table_get(table, index);
	if (w->what != ZAP_COPIES && !is_objects_own(old))
		return;
	if (w->what == ZAP_COLD && arch_pte_decode_leaf(old, 0).is_wired)
		return;
	old = table_set(table, index, arch_pte_empty());
	leaf_keep_dirty(old);
	pfn = entry_pfn(old, 0);
	if (!pfn_is_none(pfn))
		hold(visit, pfn);
}

/* A private copy that is out on the swap device; guards stay. */
static void
zap_mark(struct pt_visit *visit, pfn_t table, unsigned index)
{
	swap_t slot = entry_swap(table_get(table, index), 0);

	(void)visit;
	if (swap_is_none(slot))
		return;
	table_set(table, index, arch_pte_empty());
	swap_put(slot);
}

void
rmap_zap(struct object *object, struct page_run run, enum zap what, struct held *held)
{
	struct rmap_walk w = { .visit = { .leaf = zap_leaf,
					  .mark = what == ZAP_COPIES ? zap_mark : NULL,
					  .hold = hold },
			       .object = object,
			       .run = run,
			       .what = what,
			       .held = held };

	visit_regions(&w);
	rmap_flush(object, run);
	held_release(held);
	rmap_declare_settled(object);
}

static void
collect_used_leaf(struct pt_visit *visit, pfn_t table, unsigned index, vaddr_t va)
{
	pte_t	       *slot = table_slot(table, index);
	pte_t		pte = arch_pte_read(slot);
	struct pte_leaf leaf;
	bool		used;

	(void)visit;
	(void)va;
	if (!is_objects_own(pte) || arch_pte_decode_leaf(pte, 0).is_special)
		return;
	do {
		leaf = arch_pte_decode_leaf(pte, 0);
		used = leaf.accessed || leaf.is_wired;
		leaf.accessed = false;
	} while (!arch_pte_cas(slot, &pte, arch_pte_leaf(leaf)));
	if (used)
		frame_set_flag(leaf.pfn, FRAME_USED);
}

void
rmap_collect_used(struct object *object, struct page_run run)
{
	struct held	 held;
	struct rmap_walk w = { .visit = { .leaf = collect_used_leaf, .hold = hold },
			       .object = object,
			       .run = run,
			       .held = &held };

	held_begin(&held);
	visit_regions(&w);
	held_release(&held);
}

/* The dirty bit is cleared in one atomic step, so a write that sets it again is not lost. */
static void
collect_leaf(struct pt_visit *visit, pfn_t table, unsigned index, vaddr_t va)
{
	pte_t	       *slot = table_slot(table, index);
	pte_t		pte = arch_pte_read(slot);
	struct pte_leaf leaf;

	(void)visit;
	(void)va;
	do {
		leaf = arch_pte_decode_leaf(pte, 0);
		if (!leaf.dirty || leaf.is_private || leaf.is_special)
			return;
		leaf.dirty = false;
	} while (!arch_pte_cas(slot, &pte, arch_pte_leaf(leaf)));
	frame_set_flag(leaf.pfn, FRAME_DIRTY);
}

void
rmap_collect_dirty(struct object *object, struct page_run run)
{
	struct held	 held;
	struct rmap_walk w = { .visit = { .leaf = collect_leaf, .hold = hold },
			       .object = object,
			       .run = run,
			       .held = &held };

	held_begin(&held);
	visit_regions(&w);
	if (held.nr)
		rmap_flush(object, run);
	held_release(&held);
}
