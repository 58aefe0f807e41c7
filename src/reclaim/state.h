/* state.h - what this layer keeps: where the clocks' hands stand. */
#pragma once

#include <anymm/reclaim.h>

#include "base/root.h"

/* [a] atomic */
struct reclaim_state {
	/* [a] frame number * entries of a table + entry */
	alignas(CACHE_LINE) _Atomic uint64_t table_hand;
	_Atomic uint64_t object_hand; /* [a] serial number of the object before the one at hand */
	_Atomic uint64_t page_hand;   /* [a] index in the object at hand */
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
