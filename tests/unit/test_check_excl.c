/*
 * test_check_excl.c - I-EXCL finds every way to write what is shared.
 */
#include "unit/damage.h"

static struct space *
forked_sketch(struct space **child)
{
	struct space *sp = sketch_space();

	sketch_map(sp, 1, 3, PROT_RW, 0);
	sketch_store_all(sp, 1, 3);
	EXPECT_OK(space_fork(sp, child));
	machine_check_invariants();
	return sp;
}

static void
a_writable_slot_of_a_shared_table_is_found(void **state)
{
	struct space *child;
	struct space *sp = forked_sketch(&child);
	pte_t	     *slot = damage_slot(sp, ARCH_PT_LEVELS - 1, 1);

	(void)state;
	*slot = arch_pte_with_write(*slot, true);
	if (ARCH_HAS_UPPER_WRITE_DENIAL)
		EXPECT_BROKEN(INV_EXCL, "of count 2");
	else
		machine_check_invariants(); /* upper slots say nothing about writing there */
	damage_abandon();
}

static void
a_writable_leaf_of_a_shared_frame_is_found(void **state)
{
	struct space   *child;
	struct space   *sp = forked_sketch(&child);
	struct pte_leaf leaf;

	(void)state;
	sketch_store(child, 1, 'c'); /* its own path now, and page 2 still shared */
	leaf = damage_leaf(child, 2);
	leaf.prot |= PROT_W;
	damage_set_leaf(child, 2, leaf);
	EXPECT_BROKEN(INV_EXCL, "writable and names frame");
	(void)sp;
	damage_abandon();
}

static void
a_writable_private_leaf_of_an_objects_page_is_found(void **state)
{
	struct space   *sp = sketch_space();
	struct object  *file = sketch_file(3, 4);
	struct pte_leaf leaf;

	(void)state;
	sketch_map_file(sp, 2, 4, PROT_RW, file, 0, MAPF_PRIVATE);
	sketch_load(sp, 2);
	machine_check_invariants();
	leaf = damage_leaf(sp, 2);
	leaf.prot |= PROT_W;
	damage_set_leaf(sp, 2, leaf);
	EXPECT_BROKEN(INV_EXCL, "allows writing frame");
	damage_abandon();
}

TEST_SUITE(check_excl, cmocka_unit_test(a_writable_slot_of_a_shared_table_is_found),
	   cmocka_unit_test(a_writable_leaf_of_a_shared_frame_is_found),
	   cmocka_unit_test(a_writable_private_leaf_of_an_objects_page_is_found))
