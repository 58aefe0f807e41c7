/* state.h - what this layer keeps: where the clocks' hands stand. */
#pragma once

#include <anymm/reclaim.h>

#include "base/root.h"

/* What the clocks tell objects apart by. */
enum object_class {
	OBJECTS_STORED,	   /* their pager stores what is written */
	OBJECTS_IN_MEMORY, /* memory is their storage, and the swap device */
	OBJECT_CLASSES,
};

/* Where the clock over one class of objects stands. [a] atomic */
struct object_hand {
	_Atomic uint64_t serial; /* [a] of the object before the one at hand */
	_Atomic uint64_t page;	 /* [a] index in the object at hand */
};

/* [a] atomic */
struct reclaim_state {
	/* [a] frame number * entries of a table + entry */
	alignas(CACHE_LINE) _Atomic uint64_t table_hand;
	struct object_hand object_hands[OBJECT_CLASSES];
	_Atomic uint64_t
		idle; /* [a] faults to come that need not try: the last tries gave nothing */
	_Atomic uint64_t	   idle_next;  /* [a] how many it will be next time */
	struct oom_policy *_Atomic oom_policy; /* [a] the embedder's, or NULL */
};

static inline struct reclaim_state *
reclaim_state(void)
{
	return root()->part[ROOT_RECLAIM];
}
