/*
 * device.h - what the device is asked, and pages that go there without the cache.
 */
#pragma once

#include "swap/slots.h"

/*
 * swap_read, swap_write - one slot from the device, or to it. May wait: no locks held.
 *   needs  a count of the caller's on the slot, and on the frame
 *   fails  ERR_IO
 */
err_t swap_read(swap_t slot, pfn_t into);
err_t swap_write(swap_t slot, pfn_t from);

/*
 * swap_write_fresh - what the frame holds, in a slot of its own. Slot and frame are no pair: whoever
 * changes the frame afterwards has to forget the slot. May wait: no locks held.
 *   gives  *out, with one count for the caller
 *   fails  ERR_NOMEM: no slot; ERR_IO: the device failed. Nothing is held
 */
err_t swap_write_fresh(pfn_t from, swap_t *out);
