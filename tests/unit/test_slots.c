/*
 * test_slots.c - swap slots: counts, which are free, and devices that come and go.
 */
#include "unit/swap_store.h"

#include <string.h>

#include "swap/slots.h"

static uint64_t
nr_used(void)
{
	return swap_usage().nr_used;
}

/* Slots are given out until none is left, and each of them again after its last put. */
static void
every_slot_is_given_out_once(void **state)
{
	struct swap_store store;
	bool		  seen[20] = { false };
	swap_t		  slot, again;

	(void)state;
	machine_fresh();
	EXPECT_ERR(swap_alloc(&slot), ERR_NOMEM);
	swap_store_make(&store, 20);
	for (unsigned i = 0; i < 20; i++) {
		EXPECT_OK(swap_alloc(&slot));
		assert_true(slot.n < 20 && !seen[slot.n]);
		seen[slot.n] = true;
		assert_int_equal(nr_used(), i + 1);
	}
	EXPECT_ERR(swap_alloc(&again), ERR_NOMEM);
	swap_put((swap_t){ 7 });
	EXPECT_OK(swap_alloc(&again));
	assert_int_equal(again.n, 7);
	for (unsigned i = 0; i < 20; i++)
		swap_put((swap_t){ i });
	assert_int_equal(nr_used(), 0);
	swap_store_drop(&store);
	machine_check();
}

static void
a_slot_is_free_when_its_last_count_goes(void **state)
{
	struct swap_store store;
	swap_t		  slot;

	(void)state;
	machine_fresh();
	swap_store_make(&store, 4);
	EXPECT_OK(swap_alloc(&slot));
	EXPECT_OK(swap_get(slot));
	swap_get_again(slot);
	swap_put(slot);
	swap_put(slot);
	assert_int_equal(nr_used(), 1);
	swap_put(slot);
	assert_int_equal(nr_used(), 0);
	swap_store_drop(&store);
	machine_check();
}

/* A full count is an error for who may fail, and room for those who have asked before. */
static void
a_full_count_is_an_error(void **state)
{
	struct swap_store store;
	swap_t		  slot;

	(void)state;
	machine_fresh();
	swap_store_make(&store, 4);
	EXPECT_OK(swap_alloc(&slot));
	assert_true(swap_can_get(slot));
	swap_slot_of(slot)->count = SWAP_COUNT_MAX;
	assert_false(swap_can_get(slot));
	EXPECT_ERR(swap_get(slot), ERR_OVERFLOW);
	swap_get_again(slot);
	assert_int_equal(swap_slot_of(slot)->count, SWAP_COUNT_MAX + 1);
	swap_slot_of(slot)->count = 1;
	swap_put(slot);
	swap_store_drop(&store);
	machine_check();
}

static void
get_a_free_slot(void *arg)
{
	(void)swap_get(*(swap_t *)arg);
}

static void
put_a_free_slot(void *arg)
{
	swap_put(*(swap_t *)arg);
}

/* expect_stop - doing this with a slot that nobody names stops the machine, which says why. */
static void
expect_stop(void (*fn)(void *), const char *says)
{
	struct swap_store store;
	char		  text[200];
	swap_t		  slot;

	machine_fresh();
	swap_store_make(&store, 4);
	EXPECT_OK(swap_alloc(&slot));
	swap_put(slot);
	assert_true(machine_expect_stop(fn, &slot, text, sizeof(text)));
	assert_non_null(strstr(text, says));
}

static void
a_slot_that_nobody_names_stops(void **state)
{
	(void)state;
	expect_stop(put_a_free_slot, "below zero");
	expect_stop(get_a_free_slot, "is named again");
	machine_fresh();
	machine_check();
}

/* One device at a time, of a size that can be kept, and none goes while it holds a page. */
static void
a_device_is_registered_once_and_leaves_empty(void **state)
{
	struct swap_store  store;
	struct swap_device none = { .nr_slots = 0 };
	struct swap_device huge = { .nr_slots = UINT32_MAX - 1 };
	swap_t		   slot;

	(void)state;
	machine_fresh();
	EXPECT_ERR(swap_unregister(), ERR_NODEV);
	EXPECT_ERR(swap_register(&none), ERR_INVAL);
	EXPECT_ERR(swap_register(&huge), ERR_INVAL);
	assert_int_equal(swap_usage().nr_slots, 0);
	swap_store_make(&store, 3);
	assert_int_equal(swap_usage().nr_slots, 3);
	EXPECT_ERR(swap_register(&store.device), ERR_BUSY);
	EXPECT_OK(swap_alloc(&slot));
	EXPECT_ERR(swap_unregister(), ERR_BUSY);
	swap_put(slot);
	swap_store_drop(&store);
	machine_check();
}

static void
registering_without_memory_changes_nothing(void **state)
{
	struct swap_store store;

	(void)state;
	machine_fresh();
	swap_store_make(&store, 3);
	EXPECT_OK(swap_unregister());
	machine_fail_allocation(1, false);
	EXPECT_ERR(swap_register(&store.device), ERR_NOMEM);
	assert_int_equal(swap_usage().nr_slots, 0);
	EXPECT_OK(swap_register(&store.device));
	swap_store_drop(&store);
	machine_check();
}

TEST_SUITE(slots, cmocka_unit_test(every_slot_is_given_out_once),
	   cmocka_unit_test(a_slot_is_free_when_its_last_count_goes),
	   cmocka_unit_test(a_full_count_is_an_error),
	   cmocka_unit_test(a_slot_that_nobody_names_stops),
	   cmocka_unit_test(a_device_is_registered_once_and_leaves_empty),
	   cmocka_unit_test(registering_without_memory_changes_nothing))
