/*
 * test_check_free.c - I-FREE finds free frames that somebody counts or names.
 */
#include "unit/damage.h"

/* A free block's head, whatever it is. */
static pfn_t
some_free_frame(void)
{
	pfn_t pfn;

	for (pfn = frame_first(); frame_of(pfn)->kind != FRAME_FREE;)
		pfn = frame_next(pfn_add(pfn, ((uint64_t)1 << frame_of(pfn)->order) - 1));
	return pfn;
}

static void
a_free_frame_with_a_count_is_found(void **state)
{
	(void)state;
	machine_fresh();
	atomic_store(&frame_of(some_free_frame())->count, 1);
	EXPECT_BROKEN(INV_FREE, "has count 1");
	damage_abandon();
}

static void
a_leaf_that_names_a_free_frame_is_found(void **state)
{
	struct space   *sp = sketch_space();
	struct pte_leaf leaf;

	(void)state;
	sketch_map(sp, 1, 2, PROT_RW, 0);
	sketch_store(sp, 1, 'a');
	leaf = damage_leaf(sp, 1);
	leaf.pfn = some_free_frame();
	damage_set_leaf(sp, 1, leaf);
	EXPECT_BROKEN(INV_FREE, "which is free");
	damage_abandon();
}

static void
a_free_block_of_no_legal_order_is_found(void **state)
{
	pfn_t pfn;

	(void)state;
	machine_fresh();
	pfn = some_free_frame();
	frame_of(pfn)->order = FRAME_ORDER_MAX + 1;
	EXPECT_BROKEN(INV_FREE, "has order 19");
	damage_abandon();
}

TEST_SUITE(check_free, cmocka_unit_test(a_free_frame_with_a_count_is_found),
	   cmocka_unit_test(a_leaf_that_names_a_free_frame_is_found),
	   cmocka_unit_test(a_free_block_of_no_legal_order_is_found))
