/*
 * test_check.c - the report, the order of the checks, and that a run leaves no trace.
 */
#include "unit/damage.h"

#include <string.h>

static void
every_invariant_holds_from_the_start(void **state)
{
	struct check_report report;

	(void)state;
	machine_fresh();
	assert_true(check_all(&report));
	machine_check();
}

static void
every_invariant_has_its_name(void **state)
{
	(void)state;
	assert_string_equal(invariant_name(INV_REF), "I-REF");
	assert_string_equal(invariant_name(INV_PROC), "I-PROC");
	for (unsigned i = 0; i < INV_NR; i++)
		assert_int_equal(strncmp(invariant_name((enum invariant)i), "I-", 2), 0);
	assert_string_equal(invariant_name(INV_NR), "I-?");
}

static void
a_run_allocates_and_changes_nothing(void **state)
{
	struct space	   *sp = sketch_space();
	struct check_report report;
	struct digest	    before, after;
	uint64_t	    allocations;

	(void)state;
	sketch_map(sp, 1, 6, PROT_RW, 0);
	sketch_store_all(sp, 1, 6);
	before = digest_all();
	allocations = machine_allocations();
	assert_true(check_all(&report));
	assert_true(check_all(&report));
	after = digest_all();
	assert_int_equal(machine_allocations(), allocations);
	assert_true(before.lo == after.lo && before.hi == after.hi);
	sketch_end(sp);
}

/* A wrong count makes other things look wrong too; it is what gets reported. */
static void
the_lowest_invariant_is_reported(void **state)
{
	struct space *sp = sketch_space();

	(void)state;
	sketch_map(sp, 1, 3, PROT_RW, 0);
	sketch_store_all(sp, 1, 3);
	frame_of(damage_table(sp, 0, 1))->table.live++;
	EXPECT_BROKEN(INV_TAB, "entries");
	atomic_fetch_add(&damage_frame(sp, 1)->count, 1);
	EXPECT_BROKEN(INV_REF, "count 2");
	frame_of(damage_table(sp, 0, 1))->table.live--;
	EXPECT_BROKEN(INV_REF, "count 2");
	/* Where the walk would go astray it stops, and that is what is reported. */
	*damage_slot(sp, 1, 1) = arch_pte_table(damage_leaf(sp, 1).pfn, true);
	EXPECT_BROKEN(INV_TAB, "not a table");
	damage_abandon();
}

TEST_SUITE(check, cmocka_unit_test(every_invariant_holds_from_the_start),
	   cmocka_unit_test(every_invariant_has_its_name),
	   cmocka_unit_test(a_run_allocates_and_changes_nothing),
	   cmocka_unit_test(the_lowest_invariant_is_reported))
