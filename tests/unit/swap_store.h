/*
 * swap_store.h - a swap device made of frames, which notes what it is asked and fails on demand.
 *
 * It works in frames of the machine itself, so it behaves alike on every machine.
 */
#pragma once

#include "harness.h"

#include <anymm/swap.h>

struct swap_store {
	struct swap_device device;
	pfn_t		   frames; /* nr_slots of them, rounded up to a power of two */
	unsigned	   order;
	uint64_t	   reads, writes; /* asked for */
	bool		   fails_reads, fails_writes;
	void (*during)(void *arg); /* called while a read or a write is under way; NULL: nothing */
	void *arg;
};

/* swap_store_make - register a store of that many slots, out of the machine's own memory. */
void swap_store_make(struct swap_store *store, uint32_t nr_slots);

/* swap_store_drop - unregister, which must succeed: no slot is in use. */
void swap_store_drop(struct swap_store *store);

/* swap_store_word - the first word of what is stored in the slot. */
uint64_t swap_store_word(const struct swap_store *store, uint32_t slot);
