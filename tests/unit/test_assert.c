/* test_assert.c - a broken requirement stops the machine and says all it knows. */
#include "base/assert.h"

#include "phys_machine.h"

static void
require_two_is(void *arg)
{
	int value = *(int *)arg;

	REQUIRE(value == 2, "value %d of %s", value, "this test");
}

static void
assert_two_is(void *arg)
{
	ASSERT(*(int *)arg == 2);
}

static void
a_true_requirement_changes_nothing(void **state)
{
	int two = 2;

	(void)state;
	phys_fresh(64);
	machine_console_text();
	require_two_is(&two);
	assert_two_is(&two);
	assert_string_equal(machine_console_text(), "");
}

static void
a_false_one_names_place_expression_and_values(void **state)
{
	int three = 3;

	(void)state;
	phys_fresh(64);
	expect_stop(require_two_is, &three,
		    "test_assert.c:11: not true: value == 2: value 3 of this test\n");
}

static void
assertions_stop_debug_builds(void **state)
{
	int three = 3;

	(void)state;
	phys_fresh(64);
	if (MM_DEBUG)
		expect_stop(assert_two_is, &three, "not true: *(int *)arg == 2: assertion");
	else
		assert_two_is(&three);
}

TEST_SUITE(assert, cmocka_unit_test(a_true_requirement_changes_nothing),
	   cmocka_unit_test(a_false_one_names_place_expression_and_values),
	   cmocka_unit_test(assertions_stop_debug_builds))
