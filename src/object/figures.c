/*
 * figures.c - where memory is, in the few figures that users ask for.
 *
 * Frames are counted by kind already. What the kind does not say is whether a page of an object
 * has storage elsewhere, so objects are asked one after the other, each with a reference and
 * nothing else locked. Exact when no operation is in progress.
 */
#include "base/mem.h"
#include "object/state.h"

/* nr_to_go - pages that could be had again: they are clean, or the pager stores them. HOLDS the lock. */
static uint64_t
nr_to_go(struct object *object)
{
	uint64_t nr = 0;
	uint64_t index;
	pfn_t	 pfn;

	if (object->ops->write_back)
		return object->nr_pages;
	for (uint64_t from = 0; object_next_page(object, from, &index, &pfn); from = index + 1)
		nr += !frame_has_flag(pfn, FRAME_DIRTY);
	return nr;
}

static void
add_object(struct memory_figures *figures, struct object *object)
{
	lock_acquire(&object->lock);
	if (object->ops == &pager_zero || object->ops->stays) {
		figures->shared += object->nr_pages;
	} else {
		figures->cache += object->nr_pages;
		figures->available += nr_to_go(object);
	}
	lock_release(&object->lock);
}

struct memory_figures
memory_figures(void)
{
	struct frame_totals   totals = frame_totals();
	uint64_t	      free = totals.by_kind[FRAME_FREE];
	struct memory_figures figures = {
		.total = totals.total - totals.by_kind[FRAME_RESERVED],
		.free = free,
		.available = free - min_u64(free, totals.reserve),
	};
	struct object *object;

	figures.used = figures.total - free;
	for (uint64_t serial = 0; (object = object_after(serial));) {
		add_object(&figures, object);
		serial = object->serial;
		object_put(object);
	}
	return figures;
}
