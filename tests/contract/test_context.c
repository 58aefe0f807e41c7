/*
 * test_context.c - laws R1 to R3: the register context of a thread in user mode.
 *
 * Where each register lies is the machine's business. That a context really
 * starts at its entry is seen when user programs run; here a fresh one depends
 * on entry and stack pointer alone, whatever the memory held before.
 */
#include "harness.h"

#include <string.h>

#include <anymm/arch.h>

/* R1 */
static void
r1_init_leaves_nothing_of_what_was_there(void **state)
{
	struct arch_context one, two;

	(void)state;
	memset(&one, 0xff, sizeof(one));
	memset(&two, 0, sizeof(two));
	arch_context_init(&one, 0x1000, 0x2000);
	arch_context_init(&two, 0x1000, 0x2000);
	assert_memory_equal(&one, &two, sizeof(one));
	assert_int_equal(arch_context_result(&one), 0);
	arch_context_init(&two, 0x1004, 0x2000);
	assert_memory_not_equal(&one, &two, sizeof(one));
	arch_context_init(&two, 0x1000, 0x2008);
	assert_memory_not_equal(&one, &two, sizeof(one));
}

/* R2 */
static void
r2_the_result_is_what_was_set(void **state)
{
	static const int64_t results[] = { 0, 1, -1, -14, INT64_MAX, INT64_MIN };
	struct arch_context  ctx;

	(void)state;
	arch_context_init(&ctx, 0x1000, 0x2000);
	for (unsigned i = 0; i < ARRAY_SIZE(results); i++) {
		arch_context_set_result(&ctx, results[i]);
		assert_int_equal(arch_context_result(&ctx), results[i]);
	}
}

/* R3: a copy is complete, and setting its result leaves the original alone, as fork needs. */
static void
r3_a_copy_is_independent(void **state)
{
	struct arch_context parent, child;

	(void)state;
	arch_context_init(&parent, 0x1000, 0x2000);
	arch_context_set_result(&parent, 57);
	child = parent;
	arch_context_set_result(&child, 0);
	assert_int_equal(arch_context_result(&parent), 57);
	assert_int_equal(arch_context_result(&child), 0);
	arch_context_set_result(&child, 57);
	assert_memory_equal(&child, &parent, sizeof(child));
}

TEST_SUITE(context, cmocka_unit_test(r1_init_leaves_nothing_of_what_was_there),
	   cmocka_unit_test(r2_the_result_is_what_was_set),
	   cmocka_unit_test(r3_a_copy_is_independent))
