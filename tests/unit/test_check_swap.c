/*
 * test_check_swap.c - damage to swap slots and their frames is found, and looking changes nothing.
 */
#include "unit/damage.h"
#include "unit/swap_store.h"

#include "swap/cache.h"

/* A store with one slot in use, whose frame is cached, and a frame's only count is the cache's. */
static swap_t
cached_slot(struct swap_store *store, pfn_t *page)
{
	swap_t slot;

	machine_fresh();
	swap_store_make(store, 8);
	EXPECT_OK(frame_alloc((struct frame_request){ .kind = FRAME_ANON, .zeroed = true }, page));
	EXPECT_OK(swap_choose(*page, &slot));
	frame_release(*page);
	return slot;
}

/* The slot's second count is the test's own: a place that no check can see. */
static void
a_count_that_nobody_holds_is_found(void **state)
{
	struct swap_store store;
	pfn_t		  page;
	swap_t		  slot = cached_slot(&store, &page);

	(void)state;
	EXPECT_BROKEN(INV_REF, "swap slot 0 has count 2, named by 1 places");
	swap_put(slot);
	swap_store_drop(&store);
	machine_check();
}

static void
a_pair_that_disagrees_is_found(void **state)
{
	struct swap_store store;
	pfn_t		  page;
	swap_t		  slot = cached_slot(&store, &page);

	(void)state;
	swap_slot_of(slot)->count = 1;
	machine_check_invariants();
	machine_check_invariants(); /* the check leaves the pair as it was */
	atomic_store(&frame_of(page)->page.swap, 3);
	EXPECT_BROKEN(INV_REF, "which does not agree");
	atomic_store(&frame_of(page)->page.swap, slot.n + 1);
	swap_slot_of(slot)->frame = SWAP_NOTHING;
	swap_slot_of(slot)->is_stored = true;
	EXPECT_BROKEN(INV_REF, "1 frames name a swap slot, 0 slots name a frame");
	damage_abandon();
}

static void
contents_that_are_nowhere_are_found(void **state)
{
	struct swap_store store;
	swap_t		  slot;

	(void)state;
	machine_fresh();
	swap_store_make(&store, 8);
	EXPECT_OK(swap_alloc(&slot));
	EXPECT_BROKEN(INV_REF, "has its contents nowhere");
	swap_put(slot);
	swap_store_drop(&store);
	machine_check();
}

/* A mark that names no slot of the device. */
static void
a_mark_beyond_the_device_is_found(void **state)
{
	struct space	 *sp = sketch_space();
	struct swap_store store;

	(void)state;
	swap_store_make(&store, 8);
	sketch_map(sp, 1, 4, PROT_RW, 0);
	EXPECT_OK(space_advise(sp, PAGE(1), PAGE(1), ADVICE_GUARD_INSTALL));
	*damage_slot(sp, 0, 1) =
		arch_pte_mark((struct pte_mark){ .type = MARK_SWAP, .payload = 8 });
	EXPECT_BROKEN(INV_REF, "names swap slot 8 of 8");
	*damage_slot(sp, 0, 1) =
		arch_pte_mark((struct pte_mark){ .type = MARK_SWAP, .payload = 7 });
	EXPECT_BROKEN(INV_REF, "swap slot 7 has count 0, named by 1 places");
	damage_abandon();
}

TEST_SUITE(check_swap, cmocka_unit_test(a_count_that_nobody_holds_is_found),
	   cmocka_unit_test(a_pair_that_disagrees_is_found),
	   cmocka_unit_test(contents_that_are_nowhere_are_found),
	   cmocka_unit_test(a_mark_beyond_the_device_is_found))
