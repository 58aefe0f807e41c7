/*
 * state.h - what this layer keeps: one record per slot of the device.
 */
#pragma once

#include <anymm/lock.h>
#include <anymm/swap.h>

#include "base/root.h"

/* swap_get refuses from here on; the distance to the end is room for commits (see FRAME_COUNT_MAX). */
#define SWAP_COUNT_MAX 0x7f000000u

/* Neither a frame number nor a slot. */
#define SWAP_NOTHING UINT32_MAX

/* [l] the slot's lock   [f] the lock of the free list */
struct swap_slot {
	uint32_t count : 31;	/* [l] places that name the slot, 0: free */
	uint32_t is_stored : 1; /* [l] the device has its contents */
	uint32_t frame;		/* [l] holds its contents, SWAP_NOTHING: none; free: [f] the next */
	uint32_t scratch;	/* of the checks, while no operation is in progress */
};

/* Slots share locks: slot n has lock n modulo this number. */
#define SWAP_LOCKS 32

struct swap_lock {
	alignas(CACHE_LINE) struct lock lock; /* RANK_SWAP */
};

/* [c] constant while there is a device   [f] free_lock   [a] atomic */
struct swap_state {
	struct lock	    free_lock; /* RANK_SWAP; never held together with a slot's */
	uint32_t	    free;      /* [f] first free slot that was in use before */
	uint32_t	    fresh;     /* [f] slots from here on were never in use */
	uint32_t	    nr_used;   /* [f] */
	uint32_t	    nr_slots;  /* [c] 0: no device */
	struct swap_device *device;    /* [c] */
	struct swap_slot   *slots;     /* [c] */
	pfn_t		    memory;    /* [c] frames of the slots */
	pfn_t		    buffer;    /* [c] a frame for the checks to read slots into */
	_Atomic uint32_t    hand;      /* [a] where the search for cached frames goes on */
	struct swap_lock    locks[SWAP_LOCKS];
};

static inline struct swap_state *
swap_state(void)
{
	return root()->part[ROOT_SWAP];
}

static inline struct lock *
swap_lock_of(swap_t slot)
{
	return &swap_state()->locks[slot.n % SWAP_LOCKS].lock;
}
