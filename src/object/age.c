/*
 * age.c - which pages of an object nobody has used for a while.
 *
 *	collect  accessed bits of all mappings become FRAME_USED of the frames
 *	ask      a page that was used loses the flag, and stays; so does one being filled
 *	let go   the others, one at a time: written back if dirty, unmapped, given back
 *
 * A page that cannot be stored, because it has no pager that would or the device fails, stays
 * dirty, so it stays in memory; its next user faults its mapping in again. Nothing here is
 * held while a pager works.
 */
#include "object/change.h"
#include "object/radix.h"

#define BATCH_PAGES 32

/* Indices of cold pages. */
struct cold {
	unsigned nr;
	uint64_t index[BATCH_PAGES];
};

static bool
is_cold(pfn_t pfn)
{
	return !frame_clear_flag(pfn, FRAME_USED) && !frame_has_flag(pfn, FRAME_FILLING) &&
	       atomic_load(&frame_of(pfn)->page.pins) == 0;
}

/* may_go - the page is clean, or there is a place to store it. */
static bool
may_go(const struct object *object, pfn_t pfn)
{
	return object->ops->write_back || !frame_has_flag(pfn, FRAME_DIRTY);
}

/* ask - the resident pages of the run, from its first on; the run is left with those not asked yet. */
static void
ask(struct object *object, struct page_run *run, struct cold *cold)
{
	uint64_t index;
	pfn_t	 pfn;

	cold->nr = 0;
	lock_acquire(&object->lock);
	while (cold->nr < BATCH_PAGES) {
		if (!radix_next(object, run->first, &index, &pfn) || index >= run->end) {
			run->first = run->end;
			break;
		}
		if (is_cold(pfn) && may_go(object, pfn))
			cold->index[cold->nr++] = index;
		run->first = index + 1;
	}
	lock_release(&object->lock);
}

/* let_go - a page that cannot be written back is still dirty, and evicting passes it over. */
static uint64_t
let_go(struct object *object, const struct cold *cold)
{
	uint64_t gone = 0;

	for (unsigned i = 0; i < cold->nr && !atomic_load(&object->changing); i++) {
		err_t err = object_write_back(object, cold->index[i], 1);

		if (err == OK)
			gone += object_evict(object, cold->index[i], 1);
	}
	return gone;
}

uint64_t
object_age(struct object *object, uint64_t first_page, uint64_t nr_pages)
{
	struct page_run run = page_run(first_page, nr_pages);
	uint64_t	gone = 0;
	struct cold	cold;

	if (object_is_device(object))
		return 0;
	rmap_lock(object);
	rmap_collect_used(object, run);
	rmap_unlock(object);
	do {
		ask(object, &run, &cold);
		gone += let_go(object, &cold);
	} while (run.first < run.end);
	return gone;
}
