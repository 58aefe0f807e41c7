/*
 * magazine.h - single free frames at hand, for each CPU and node.
 */
#pragma once

#include "phys/phys.h"

struct magazine {
	struct lock	 lock;
	_Atomic uint32_t nr;	   /* changes under the lock; read without it to skip empty ones */
	uint32_t	 frames[]; /* phys()->magazine_frames of them, the last is the next out */
};

/* magazine_bytes - memory of one magazine; whole cache lines, since each is one CPU's. */
size_t magazine_bytes(unsigned frames);
void   magazine_init(struct magazine *m);

/*
 * magazine_take - one frame of the node, refilled from the buddies if need be.
 *   fails  false: no magazines, memory is low, or the node has nothing left
 */
bool magazine_take(unsigned node, uint32_t *out);

/*
 * magazine_give - keep a free frame at hand.
 *   fails  false: no magazines, or memory is low: the buddies shall have it
 */
bool magazine_give(unsigned node, uint32_t n);

/* magazine_drain_all - every CPU's frames go back to the buddies. */
void magazine_drain_all(void);

/*
 * Claims: the right to take n frames out of the free lists. A claim fails if
 * fewer than `floor` unclaimed frames would be left; what is not taken after
 * all goes back with free_lists_add, as do frames that become free.
 */
bool free_lists_claim(uint64_t n, uint64_t floor);
void free_lists_add(uint64_t n);
bool free_lists_are_low(void);
