/*
 * age.c - which pages of an object nobody has used for a while.
 *
 *	collect  accessed bits of all mappings become FRAME_USED of the frames
 *	ask      a page that was used loses the flag, and stays; so does one being filled
 *	let go   the others, one at a time: written back if dirty, unmapped, given back
 *
 * A dirty page whose pager stores nothing goes to the swap device once it is unmapped. One that
 * cannot be stored, because there is no room or the device fails, stays dirty, so it stays in memory;
 * its next user faults its mapping in again. Nothing here is held while a pager or a device works.
 */
#include "object/change.h"
#include "object/radix.h"
#include "object/swapped.h"

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

/* ask - the resident pages of the run, from its first on; the run is left with those not asked yet. */
static void
ask(struct object *object, struct page_run *run, struct cold *cold)
{
	bool	 has_storage = object->ops->write_back || swapped_may_go(object);
	uint64_t index;
	pfn_t	 pfn;

	cold->nr = 0;
	lock_acquire(&object->lock);
	while (cold->nr < BATCH_PAGES) {
		if (!radix_next(object, run->first, &index, &pfn) || index >= run->end) {
			run->first = run->end;
			break;
		}
		if (is_cold(pfn) && (has_storage || !frame_has_flag(pfn, FRAME_DIRTY)))
			cold->index[cold->nr++] = index;
		run->first = index + 1;
	}
	lock_release(&object->lock);
}

/* let_go_page - a page that is not written back is still dirty when evicting has unmapped it. */
static bool
let_go_page(struct object *object, uint64_t index)
{
	if (object_write_back(object, index, 1) != OK)
		return false;
	if (object_evict(object, index, 1))
		return true;
	return swapped_may_go(object) && swapped_out(object, index);
}

static uint64_t
let_go(struct object *object, const struct cold *cold)
{
	uint64_t gone = 0;

	for (unsigned i = 0; i < cold->nr && !atomic_load(&object->changing); i++)
		gone += let_go_page(object, cold->index[i]);
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
