/*
 * test_device.c - pages that go to the swap device and come back without the cache.
 */
#include "unit/swap_store.h"

#include <anymm/stats.h>

#include "swap/cache.h"
#include "swap/device.h"

static pfn_t
page_with(uint64_t word)
{
	pfn_t pfn;

	EXPECT_OK(
		frame_alloc((struct frame_request){ .kind = FRAME_OBJECT, .zeroed = true }, &pfn));
	*(uint64_t *)arch_frame_ptr(pfn) = word;
	return pfn;
}

/* The slot has what the frame had; neither knows of the other. */
static void
a_page_is_written_and_read(void **state)
{
	struct swap_store store;
	pfn_t		  page, other;
	swap_t		  slot;

	(void)state;
	machine_fresh();
	swap_store_make(&store, 2);
	page = page_with(77);
	EXPECT_OK(swap_write_fresh(page, &slot));
	assert_int_equal(swap_slot_of(slot)->count, 1);
	assert_true(swap_slot_of(slot)->is_stored);
	assert_false(swap_is_cached(slot));
	assert_int_equal(frame_count(page), 1);
	frame_release(page);
	other = page_with(0);
	EXPECT_OK(swap_read(slot, other));
	assert_int_equal(*(uint64_t *)arch_frame_ptr(other), 77);
	assert_true(stat_get(STAT_SWAP_WRITES) == 1 && stat_get(STAT_SWAP_READS) == 1);
	swap_put(slot);
	frame_release(other);
	assert_int_equal(swap_usage().nr_used, 0);
	swap_store_drop(&store);
	machine_check();
}

/* No room, or a device that fails: no slot is taken. */
static void
what_cannot_be_written_takes_no_slot(void **state)
{
	struct swap_store store;
	pfn_t		  page;
	swap_t		  slots[2], slot = { 99 };

	(void)state;
	machine_fresh();
	page = page_with(1);
	EXPECT_ERR(swap_write_fresh(page, &slot), ERR_NOMEM);
	swap_store_make(&store, 2);
	store.fails_writes = true;
	EXPECT_ERR(swap_write_fresh(page, &slot), ERR_IO);
	assert_int_equal(swap_usage().nr_used, 0);
	store.fails_writes = false;
	EXPECT_OK(swap_write_fresh(page, &slots[0]));
	EXPECT_OK(swap_write_fresh(page, &slots[1]));
	EXPECT_ERR(swap_write_fresh(page, &slot), ERR_NOMEM);
	assert_int_equal(slot.n, 99);
	store.fails_reads = true;
	EXPECT_ERR(swap_read(slots[0], page), ERR_IO);
	swap_put(slots[0]);
	swap_put(slots[1]);
	frame_release(page);
	swap_store_drop(&store);
	machine_check();
}

TEST_SUITE(device, cmocka_unit_test(a_page_is_written_and_read),
	   cmocka_unit_test(what_cannot_be_written_takes_no_slot))
