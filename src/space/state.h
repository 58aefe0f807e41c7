/*
 * state.h - what the space layer keeps in the machine.
 */
#pragma once

#include <anymm/slab.h>
#include <anymm/space.h>

#include "base/root.h"

/* [c] constant after space_init   [l] lock   [a] atomic */
struct space_state {
	struct slab_cache spaces;	/* of struct space */
	struct slab_cache regions;	/* of struct region */
	struct slab_cache lines;	/* of CPU_MAX struct reader_line */
	struct lock	  lock;		/* RANK_PROC */
	struct space	 *first, *last; /* [l] all spaces that were handed out, oldest first */
	_Atomic uint64_t  shared_ids;	/* [a] ids given to shared anonymous objects */
};
static_assert(sizeof(struct space_state) <= ARCH_PAGE_SIZE, "the state fits its frame");

static inline struct space_state *
space_state(void)
{
	return root()->part[ROOT_SPACE];
}
