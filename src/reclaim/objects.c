/*
 * objects.c - the clocks over the pages of objects.
 *
 * A hand is the serial number of an object and an index in it. Objects come and go, so the
 * hand names none: it asks for the first one that is younger than where it stands, and an
 * object that it looks at has a reference meanwhile. What a page has to show for itself is the object's to
 * find out, in all its mappings (object/age.c).
 *
 * Objects with storage have a hand of their own, because they are asked first: most of their pages cost
 * no writing, and nobody's turn of the other kind is to be used up by that.
 */
#include "reclaim/objects.h"

/* Pages of one object that are looked at before the hand moves on. */
#define WINDOW_PAGES 64

static enum object_class
class_of(const struct object *object)
{
	return object->ops->write_back ? OBJECTS_STORED : OBJECTS_IN_MEMORY;
}

/* has_pages - the first resident page from there on. */
static bool
has_pages(struct object *object, uint64_t from, uint64_t *first)
{
	bool  found;
	pfn_t pfn;

	lock_acquire(&object->lock);
	found = object_next_page(object, from, first, &pfn);
	lock_release(&object->lock);
	return found;
}

/* The next stretch with resident pages, and the object with a reference; false: the end of all objects. */
static bool
next_window(enum object_class class, struct object **object, uint64_t *first)
{
	struct object_hand *hand = &reclaim_state()->object_hands[class];
	uint64_t	    serial = atomic_load(&hand->serial);
	uint64_t	    from = atomic_load(&hand->page);

	for (;;) {
		/* The hand stands in the object that comes after `serial`. */
		*object = object_after(serial);
		if (!*object)
			return false;
		if (class_of(*object) == class && has_pages(*object, from, first)) {
			atomic_store(&hand->serial, serial);
			atomic_store(&hand->page, *first + WINDOW_PAGES);
			return true;
		}
		serial = (*object)->serial;
		from = 0;
		object_put(*object);
	}
}

static void
start_over(struct object_hand *hand)
{
	atomic_store(&hand->serial, 0);
	atomic_store(&hand->page, 0);
}

uint64_t
objects_reclaim(enum object_class class, uint64_t nr_frames)
{
	uint64_t       freed = 0;
	unsigned       rounds = 0;
	struct object *object;
	uint64_t       first;

	/* The round that the hand is in may be half over: two whole ones come after it. */
	while (freed < nr_frames && rounds < 3) {
		if (!next_window(class, &object, &first)) {
			start_over(&reclaim_state()->object_hands[class]);
			rounds++;
			continue;
		}
		freed += object_age(object, first, WINDOW_PAGES);
		object_put(object);
	}
	return freed;
}
