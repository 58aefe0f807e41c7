/*
 * rmap.c - which regions name an object.
 *
 * The list holds exactly the regions, of any space, whose object field is this
 * object: truncation and write-back find every mapping of a page through it.
 * The order means nothing. The object's lock protects the list; it is taken
 * here, under the space's lock of the region that changes.
 */
#include "object/rmap.h"

void
rmap_insert(struct object *object, struct list *link)
{
	lock_acquire(&object->lock);
	list_insert_before(&object->regions, link);
	lock_release(&object->lock);
}

void
rmap_remove(struct object *object, struct list *link)
{
	lock_acquire(&object->lock);
	list_remove(link);
	lock_release(&object->lock);
}
