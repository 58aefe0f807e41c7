/*
 * pin.c - frames that devices, or other long holders, use.
 *
 * All pins of a frame together hold one count on it, so a frame that loses its last
 * mapping lives until its last pin goes. What asks whether a page has a single owner does
 * not mind that count (frame_is_exclusive): a pinned private page has one owner when it is
 * pinned, and whoever would become a second one gets a copy instead.
 */
#include "base/assert.h"
#include "phys/phys.h"

err_t
frame_pin(pfn_t pfn)
{
	err_t err = frame_get(pfn);

	if (err)
		return err;
	if (atomic_fetch_add(&frame_of(pfn)->page.pins, 1) != 0)
		frame_release(pfn);
	atomic_fetch_add(&phys()->nr_pins, 1);
	return OK;
}

void
frame_unpin(pfn_t pfn)
{
	uint32_t before = atomic_fetch_sub(&frame_of(pfn)->page.pins, 1);

	REQUIRE(before > 0, "frame %llx is unpinned and has no pin", (unsigned long long)pfn.n);
	atomic_fetch_sub(&phys()->nr_pins, 1);
	if (before == 1)
		frame_release(pfn);
}

uint64_t
frame_nr_pins(void)
{
	return atomic_load(&phys()->nr_pins);
}
