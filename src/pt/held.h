/*
 * held.h - counts on frames and tables that wait for a flush before they are dropped.
 */
#pragma once

#include <anymm/frame.h>

#define HELD_FRAMES 32 /* held without memory of their own */

struct held {
	unsigned nr;
	pfn_t	 frames[HELD_FRAMES];
	pfn_t	 chain; /* KERNEL frames full of held frame numbers, pfn_none(): none */
};

void held_begin(struct held *h);

/* held_add - take over one count; false: no memory to note it, so release first. */
bool held_add(struct held *h, pfn_t pfn);

/* held_release - drop all counts; what reaches zero is freed. Needs: everything is flushed. */
void held_release(struct held *h);
