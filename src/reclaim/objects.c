/*
 * objects.c - the clock over the pages of objects.
 *
 * The hand is the serial number of an object and an index in it. Objects come and go, so the
 * hand names none: it asks for the first one that is younger than where it stands, and an
 * object that it looks at has a reference meanwhile. What a page has to show for itself is the object's to
 * find out, in all its mappings (object/age.c).
 *
 * Shared anonymous memory has no storage but memory: its pages stay once they were written.
 */
#include "reclaim/objects.h"

/* Pages of one object that are looked at before the hand moves on. */
#define WINDOW_PAGES 64

/* The next stretch with resident pages, and the object with a reference; false: the end of all objects. */
static bool
next_window(struct object **object, uint64_t *first)
{
	struct reclaim_state *st = reclaim_state();
	uint64_t	      serial = atomic_load(&st->object_hand);
	uint64_t	      from = atomic_load(&st->page_hand);
	bool		      found;
	pfn_t		      pfn;

	for (;;) {
		/* The hand stands in the object that comes after `serial`. */
		*object = object_after(serial);
		if (!*object)
			return false;
		lock_acquire(&(*object)->lock);
		found = object_next_page(*object, from, first, &pfn);
		lock_release(&(*object)->lock);
		if (found) {
			atomic_store(&st->object_hand, serial);
			atomic_store(&st->page_hand, *first + WINDOW_PAGES);
			return true;
		}
		serial = (*object)->serial;
		from = 0;
		object_put(*object);
	}
}

static void
start_over(void)
{
	atomic_store(&reclaim_state()->object_hand, 0);
	atomic_store(&reclaim_state()->page_hand, 0);
}

uint64_t
objects_reclaim(uint64_t nr_frames)
{
	uint64_t       freed = 0;
	unsigned       rounds = 0;
	struct object *object;
	uint64_t       first;

	/* The round that the hand is in may be half over: two whole ones come after it. */
	while (freed < nr_frames && rounds < 3) {
		if (!next_window(&object, &first)) {
			start_over();
			rounds++;
			continue;
		}
		freed += object_age(object, first, WINDOW_PAGES);
		object_put(object);
	}
	return freed;
}
