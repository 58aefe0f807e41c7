/*
 * rmap.h - an object's list of regions: the reverse map.
 */
#pragma once

#include <anymm/object.h>

/* rmap_insert, rmap_remove - a region's link enters or leaves the object's list. */
void rmap_insert(struct object *object, struct list *link);
void rmap_remove(struct object *object, struct list *link);
