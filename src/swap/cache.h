/*
 * cache.h - frames that hold the contents of swap slots: on their way out, or back in.
 *
 *   association   frame->page.swap = slot + 1, slot->frame = frame; both or neither.
 *                 One count on the frame, one on the slot
 *   the frame     is ANON and, having the cache's count, nobody's alone: private
 *                 mappings copy it before they write, so slot and frame never differ
 */
#pragma once

#include "swap/slots.h"

/*
 * swap_choose - the slot for the contents of a frame: the one it is associated with, or a
 * fresh one. gives one more count on the slot, for the caller.
 *   needs  the caller keeps the frame named meanwhile; no CPU can write it once the caller
 *          is done (what maps it writable is what the caller is about to unhook)
 *   fails  ERR_NOMEM: no slot; ERR_OVERFLOW: a count is full. Nothing changed
 */
err_t swap_choose(pfn_t pfn, swap_t *out);

/*
 * swap_cached - the frame that holds the contents, with one more count for the caller.
 *   fails  ERR_NOENT: no frame does; ERR_OVERFLOW: its count is full
 */
err_t swap_cached(swap_t slot, pfn_t *out);

/* swap_is_cached - a frame holds the contents, at this moment. Needs: the slot has a count. */
bool swap_is_cached(swap_t slot);

/*
 * swap_load - the same, read from the device if need be. May wait: no locks held.
 *   needs  the caller holds a count on the slot
 *   fails  ERR_NOMEM, ERR_OVERFLOW; ERR_IO: the device cannot read it
 */
err_t swap_load(swap_t slot, pfn_t *out);

/*
 * swap_store - write out a slot whose frame nobody but the cache holds, and give the frame
 * back. May wait: no locks held. A slot that has no such frame, any more or at all, is left alone.
 *   gives  true if a frame became free. If not, and the device failed, the frame stays
 */
bool swap_store(swap_t slot);

/*
 * swap_trim - swap_store on up to `nr_slots` slots in their order, going on where the last
 * call ended. gives the number of frames that became free
 */
uint64_t swap_trim(uint64_t nr_slots);

/*
 * swap_dissociate - end the association of a slot that has one; its count on the slot goes.
 * gives the frame, whose count from the cache is the caller's to drop. HOLDS the slot's lock.
 */
pfn_t swap_dissociate(swap_t slot);
