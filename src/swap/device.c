/*
 * device.c - what the device is asked, counted.
 *
 * Private pages go through the cache, because a frame and its slot may both be named by many while
 * the page is on its way (cache.c). A page of an object has one name, its index there, so it is
 * either in a frame or in a slot, and needs no cache.
 */
#include "swap/device.h"

#include <anymm/stats.h>

err_t
swap_read(swap_t slot, pfn_t into)
{
	struct swap_device *device = swap_state()->device;

	stat_inc(STAT_SWAP_READS);
	return device->read(device, slot.n, into) == OK ? OK : ERR_IO;
}

err_t
swap_write(swap_t slot, pfn_t from)
{
	struct swap_device *device = swap_state()->device;

	stat_inc(STAT_SWAP_WRITES);
	return device->write(device, slot.n, from) == OK ? OK : ERR_IO;
}

static void
note_stored(swap_t slot)
{
	lock_acquire(swap_lock_of(slot));
	swap_slot_of(slot)->is_stored = true;
	lock_release(swap_lock_of(slot));
}

err_t
swap_write_fresh(pfn_t from, swap_t *out)
{
	swap_t slot;
	err_t  err = swap_alloc(&slot);

	if (err)
		return err;
	err = swap_write(slot, from);
	if (err) {
		swap_put(slot);
		return err;
	}
	note_stored(slot);
	*out = slot;
	return OK;
}
