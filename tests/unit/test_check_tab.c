/*
 * test_check_tab.c - I-TAB finds tables that say something wrong about themselves.
 */
#include "unit/damage.h"

static struct space *
touched_sketch(void)
{
	struct space *sp = sketch_space();

	sketch_map(sp, 1, 4, PROT_RW, 0);
	sketch_store_all(sp, 1, 3);
	machine_check_invariants();
	return sp;
}

static void
a_wrong_number_of_entries_is_found(void **state)
{
	struct space *sp = touched_sketch();

	(void)state;
	frame_of(damage_table(sp, 0, 1))->table.live = 3;
	EXPECT_BROKEN(INV_TAB, "says it has 3 entries, found 2");
	damage_abandon();
}

static void
an_empty_table_in_the_tree_is_found(void **state)
{
	struct space *sp = sketch_space();

	(void)state;
	sketch_map(sp, 1, 2, PROT_RW, 0);
	sketch_load(sp, 1); /* the zero frame: nothing is counted */
	*damage_slot(sp, 0, 1) = arch_pte_empty();
	frame_of(damage_table(sp, 0, 1))->table.live = 0;
	EXPECT_BROKEN(INV_TAB, "empty table");
	damage_abandon();
}

static void
a_wrong_level_is_found(void **state)
{
	struct space *sp = touched_sketch();

	(void)state;
	frame_of(damage_table(sp, 0, 1))->table.level = 1;
	EXPECT_BROKEN(INV_TAB, "of level 1, expected level 0");
	frame_of(damage_table(sp, 0, 1))->table.level = 0;
	frame_of(sp->pt.root)->table.is_root = 0;
	EXPECT_BROKEN(INV_TAB, "(root)");
	damage_abandon();
}

static void
a_lock_that_is_still_held_is_found(void **state)
{
	struct space *sp = touched_sketch();

	(void)state;
	atomic_store(&frame_of(damage_table(sp, 0, 1))->lock, 1);
	EXPECT_BROKEN(INV_TAB, "is locked");
	damage_abandon();
}

static void
a_slot_that_names_no_table_is_found(void **state)
{
	struct space *sp = touched_sketch();

	(void)state;
	*damage_slot(sp, 1, 1) = arch_pte_table(damage_leaf(sp, 1).pfn, true);
	EXPECT_BROKEN(INV_TAB, "which is not a table");
	damage_abandon();
}

TEST_SUITE(check_tab, cmocka_unit_test(a_wrong_number_of_entries_is_found),
	   cmocka_unit_test(an_empty_table_in_the_tree_is_found),
	   cmocka_unit_test(a_wrong_level_is_found),
	   cmocka_unit_test(a_lock_that_is_still_held_is_found),
	   cmocka_unit_test(a_slot_that_names_no_table_is_found))
