/*
 * rmap.h - an object's list of regions: the reverse map, and what is done to all
 * mappings of some pages through it.
 */
#pragma once

#include <anymm/region.h>

#include "pt/held.h"

static inline struct page_run
page_run(uint64_t first, uint64_t nr_pages)
{
	return (struct page_run){ first, first + min_u64(nr_pages, UINT64_MAX - first) };
}

/* rmap_lock, rmap_unlock - the list and the places of its regions stay. NULL: nothing to lock. */
void rmap_lock(struct object *object);
void rmap_unlock(struct object *object);

/*
 * rmap_insert, rmap_remove - the region's link enters the list, as its last, or leaves it.
 * HOLDS object->rmap_lock. A region leaves only after its space's CPUs have forgotten all of it.
 */
void rmap_insert(struct region *r);
void rmap_remove(struct region *r);

/*
 * rmap_begin_unhook, rmap_end_unhook - around a change of tables that takes whole tables out of
 * a space: their dirty bits reach the pages only when the tables are freed. NULL: nothing to say.
 */
void rmap_begin_unhook(struct object *object);
void rmap_end_unhook(struct object *object);

/*
 * rmap_begin_loss, rmap_end_loss - around everything that takes the pages from spaces: until the
 * last translation is flushed no fault may put another page in their place. HOLDS object->rmap_lock.
 */
void rmap_begin_loss(struct object *object, struct page_run run);
void rmap_end_loss(struct object *object);

enum zap {
	ZAP_OBJECT, /* mappings of the object's own frames */
	ZAP_COPIES, /* and private copies of its pages */
	ZAP_COLD,   /* as ZAP_OBJECT, but wired ones stay */
};

/*
 * rmap_zap - take the pages from every space, flush, free what that leaves unnamed. Frames in `held`
 * (counts of the caller's) are released after the flush. Between rmap_begin_loss and rmap_end_loss.
 */
void rmap_zap(struct object *object, struct page_run run, enum zap what, struct held *held);

/*
 * rmap_collect_used - take the accessed bits from all mappings; frames of the object that had one, or are
 * wired somewhere, are FRAME_USED. No flush: what a CPU has cached is found used a little later. HOLDS as above.
 */
void rmap_collect_used(struct object *object, struct page_run run);

/* rmap_collect_dirty - move dirty bits from all mappings to the frames, without a flush. HOLDS as above. */
void rmap_collect_dirty(struct object *object, struct page_run run);

/* rmap_flush - no CPU knows a translation of these pages that is older. HOLDS as above. */
void rmap_flush(struct object *object, struct page_run run);

/* rmap_declare_settled - the walks of this call are over and flushed (arch_tlb_settled). HOLDS as above. */
void rmap_declare_settled(struct object *object);

/* rmap_await_dirty - wait until dirty bits that were on their way when this was called have arrived. */
void rmap_await_dirty(struct object *object);
