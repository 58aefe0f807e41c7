/*
 * slots.h - counted slots. Whoever writes a slot's number into a place holds one count.
 */
#pragma once

#include "swap/state.h"

/*
 * swap_alloc - a slot with count 1 and no contents.
 *   fails  ERR_NOMEM: no device, or no slot is free
 */
err_t swap_alloc(swap_t *out);

/*
 * swap_get - one more place names the slot.
 *   fails  ERR_OVERFLOW: the count would pass SWAP_COUNT_MAX; unchanged
 */
err_t swap_get(swap_t slot);

/* swap_can_get - swap_get would succeed. swap_get_again - swap_get, where that was asked before. */
bool swap_can_get(swap_t slot);
void swap_get_again(swap_t slot);

/*
 * swap_put - one place fewer. If only a frame's association is left, that ends: the frame
 * loses the cache's count. A slot without a count is free.
 */
void swap_put(swap_t slot);

/* swap_slot_of - its record; stops on a number beyond the device. The lock is the caller's to take. */
struct swap_slot *swap_slot_of(swap_t slot);
