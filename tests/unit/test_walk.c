/*
 * test_walk.c - the walk finds every table, and goes through a shared one once.
 */
#include "unit/damage.h"

#include "check/walk.h"

static void
tables_are_found_level_by_level(void **state)
{
	struct space *sp = sketch_space();

	(void)state;
	sketch_map(sp, 1, 2, PROT_RW, 0);
	sketch_store(sp, 1, 'a');
	for (unsigned level = 0; level < ARCH_PT_LEVELS; level++)
		assert_true(pfn_eq(walk_table_at(sp, level, PAGE(1)), damage_table(sp, level, 1)));
	assert_true(pfn_is_none(walk_table_at(sp, 0, ARCH_USER_END / 2)));
	sketch_end(sp);
}

static void
empty_groups_are_told_from_used_ones(void **state)
{
	pte_t entries[64] = { 0 };

	(void)state;
	assert_true(walk_group_is_empty(entries));
	entries[WALK_GROUP - 1] = arch_pte_table((pfn_t){ 1 }, true);
	assert_false(walk_group_is_empty(entries));
}

/* Many spaces on one set of tables: each is checked, and all counts come out right. */
static void
many_spaces_share_a_tree(void **state)
{
	struct space *sp = sketch_space();
	struct space *children[20];

	(void)state;
	sketch_map(sp, 1, 8, PROT_RW, 0);
	sketch_store_all(sp, 1, 8);
	for (unsigned i = 0; i < ARRAY_SIZE(children); i++)
		EXPECT_OK(space_fork(sp, &children[i]));
	machine_check_invariants();
	sketch_store(children[3], 2, 'x');
	EXPECT_OK(space_unmap(children[15], PAGE(3), PAGE(2)));
	machine_check_invariants();
	for (unsigned i = 0; i < ARRAY_SIZE(children); i++) {
		pt_deactivate(&children[i]->pt);
		space_put(children[i]);
	}
	sketch_end(sp);
}

TEST_SUITE(walk, cmocka_unit_test(tables_are_found_level_by_level),
	   cmocka_unit_test(empty_groups_are_told_from_used_ones),
	   cmocka_unit_test(many_spaces_share_a_tree))
