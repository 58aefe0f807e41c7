/*
 * state.h - what the object layer keeps in the machine.
 */
#pragma once

#include <anymm/object.h>
#include <anymm/slab.h>

#include "base/root.h"

/* [c] constant after object_init   [l] lock */
struct object_state {
	struct slab_cache objects; /* of struct object */
	struct slab_cache nodes;   /* of struct radix_node */
	struct lock	  lock;	   /* RANK_OBJECT; never held with an object's own lock */
	struct list	  all;	   /* [l] of struct object.all, in order of creation */
	uint64_t	  live;	   /* [l] length of that list */
	uint64_t	  serial;  /* [l] of the last one created */
};
static_assert(sizeof(struct object_state) <= ARCH_PAGE_SIZE, "the state fits its frame");

static inline struct object_state *
object_state(void)
{
	return root()->part[ROOT_OBJECT];
}
