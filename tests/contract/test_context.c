/*
 * test_context.c - laws R1 to R6: the register context of a thread in user mode.
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

/* Everything that the contract names, to see that a setter changes one thing. */
struct named {
	vaddr_t	 pc, sp, tls;
	int64_t	 result;
	uint64_t argument[3];
};

static struct named
names_of(const struct arch_context *ctx)
{
	struct named n = {
		.pc = arch_context_pc(ctx),
		.sp = arch_context_sp(ctx),
		.tls = arch_context_tls(ctx),
		.result = arch_context_result(ctx),
	};

	for (unsigned i = 0; i < ARRAY_SIZE(n.argument); i++)
		n.argument[i] = arch_context_argument(ctx, i);
	return n;
}

static const struct arch_call call = {
	.function = 0x7000,
	.sp = 0x8000 - ARCH_RETURN_BYTES,
	.returns_to = 0x9000,
	.argument = { 11, UINT64_MAX, 13 },
};

/* A context whose every named register has a value of its own. */
static void
fill(struct arch_context *ctx)
{
	arch_context_init(ctx, 0x1000, 0x2000);
	arch_context_call(ctx, &call);
	arch_context_set_tls(ctx, 0x3000);
	arch_context_set_result(ctx, 57);
	arch_context_set_pc(ctx, 0x1004);
	arch_context_set_sp(ctx, 0x2008);
}

static void
expect_named(const struct arch_context *ctx, const struct named *wanted)
{
	struct named now = names_of(ctx);

	assert_int_equal(now.pc, wanted->pc);
	assert_int_equal(now.sp, wanted->sp);
	assert_int_equal(now.tls, wanted->tls);
	assert_int_equal(now.result, wanted->result);
	for (unsigned i = 0; i < ARRAY_SIZE(now.argument); i++)
		assert_int_equal(now.argument[i], wanted->argument[i]);
}

/* R4 */
static void
r4_a_setter_changes_one_register(void **state)
{
	struct arch_context ctx;
	struct named	    n = { .pc = 0x1000, .sp = 0x2000 };

	(void)state;
	arch_context_init(&ctx, 0x1000, 0x2000);
	expect_named(&ctx, &n);
	fill(&ctx);
	n = (struct named){ .pc = 0x1004, .sp = 0x2008, .tls = 0x3000, .result = 57 };
	memcpy(n.argument, call.argument, sizeof(n.argument));
	expect_named(&ctx, &n);
	arch_context_set_pc(&ctx, n.pc = 0x5000);
	expect_named(&ctx, &n);
	arch_context_set_sp(&ctx, n.sp = 0x6000);
	expect_named(&ctx, &n);
	arch_context_set_tls(&ctx, n.tls = ARCH_USER_END);
	expect_named(&ctx, &n);
	arch_context_set_result(&ctx, n.result = -4);
	expect_named(&ctx, &n);
}

/* R5 */
static void
r5_a_call_names_its_registers_and_no_others(void **state)
{
	struct arch_context before, ctx, back;
	struct named	    n;

	(void)state;
	fill(&before);
	ctx = before;
	arch_context_call(&ctx, &call);
	n = names_of(&ctx);
	assert_int_equal(n.pc, call.function);
	assert_int_equal(n.sp, call.sp);
	assert_int_equal(n.tls, 0x3000);
	assert_memory_equal(n.argument, call.argument, sizeof(n.argument));
	assert_true(arch_context_sanitize(&ctx));

	/* With the named ones as they were, nothing else differs. */
	back = ctx;
	arch_context_set_pc(&back, 0x1004);
	arch_context_set_sp(&back, 0x2008);
	arch_context_set_result(&back, 57);
	assert_memory_equal(&back, &before, sizeof(back));
}

/* expect_safe - what can be said of an accepted context on every machine. */
static void
expect_safe(const struct arch_context *ctx)
{
	struct arch_context again = *ctx;

	assert_true(arch_context_pc(ctx) < ARCH_USER_END);
	assert_true(arch_context_sp(ctx) <= ARCH_USER_END);
	assert_true(arch_context_tls(ctx) <= ARCH_USER_END);
	assert_true(arch_context_sanitize(&again));
	assert_memory_equal(&again, ctx, sizeof(again));
}

/* R6 */
static void
r6_what_a_thread_has_stays_what_it_is(void **state)
{
	struct arch_context ctx, fresh;

	(void)state;
	fill(&fresh);
	ctx = fresh;
	assert_true(arch_context_sanitize(&ctx));
	assert_memory_equal(&ctx, &fresh, sizeof(ctx));
	arch_context_init(&fresh, 0, ARCH_USER_END);
	ctx = fresh;
	assert_true(arch_context_sanitize(&ctx));
	assert_memory_equal(&ctx, &fresh, sizeof(ctx));
}

/* R6 */
static void
r6_addresses_of_the_kernel_are_refused(void **state)
{
	static const vaddr_t hostile[] = { ARCH_USER_END + 1, 2 * ARCH_USER_END, UINT64_C(1) << 57,
					   UINT64_C(1) << 63, UINT64_MAX - 4095, UINT64_MAX };
	struct arch_context  ctx;

	(void)state;
	arch_context_init(&ctx, ARCH_USER_END, 0x2000);
	assert_false(arch_context_sanitize(&ctx));
	for (unsigned i = 0; i < ARRAY_SIZE(hostile); i++) {
		arch_context_init(&ctx, hostile[i], 0x2000);
		assert_false(arch_context_sanitize(&ctx));
		arch_context_init(&ctx, 0x1000, hostile[i]);
		assert_false(arch_context_sanitize(&ctx));
		arch_context_init(&ctx, 0x1000, 0x2000);
		arch_context_set_tls(&ctx, hostile[i]);
		assert_false(arch_context_sanitize(&ctx));
	}
}

/* R6: any bytes; most are refused, and each bit of a good one is tried. */
static void
r6_any_bytes_are_refused_or_safe(void **state)
{
	struct arch_context ctx;
	unsigned char	   *bytes = (unsigned char *)&ctx;
	uint64_t	    random = 1;

	(void)state;
	for (unsigned bit = 0; bit < 8 * sizeof(ctx); bit++) {
		fill(&ctx);
		bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
		if (arch_context_sanitize(&ctx))
			expect_safe(&ctx);
	}
	for (unsigned round = 0; round < 20000; round++) {
		if (round % 2)
			fill(&ctx);
		for (unsigned i = 0; i < (round % 2 ? 4 : sizeof(ctx)); i++) {
			random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
			bytes[round % 2 ? (random >> 40) % sizeof(ctx) : i] =
				(unsigned char)(random >> 32);
		}
		if (arch_context_sanitize(&ctx))
			expect_safe(&ctx);
	}
}

/* R11: only the place to go on at changes, backwards, and the same from everywhere. */
static void
r11_a_call_is_made_again(void **state)
{
	struct arch_context ctx, again;
	vaddr_t		    back;

	(void)state;
	arch_context_init(&ctx, 0x1000, 0x2000);
	arch_context_set_result(&ctx, 57);
	again = ctx;
	arch_context_restart_call(&again);
	back = 0x1000 - arch_context_pc(&again);
	assert_true(back > 0 && back <= 16);
	arch_context_set_pc(&again, 0x1000);
	assert_memory_equal(&again, &ctx, sizeof(ctx));
	arch_context_set_pc(&again, 0x555555);
	arch_context_restart_call(&again);
	assert_true(arch_context_pc(&again) == 0x555555 - back);
}

TEST_SUITE(context, cmocka_unit_test(r1_init_leaves_nothing_of_what_was_there),
	   cmocka_unit_test(r2_the_result_is_what_was_set),
	   cmocka_unit_test(r3_a_copy_is_independent),
	   cmocka_unit_test(r4_a_setter_changes_one_register),
	   cmocka_unit_test(r5_a_call_names_its_registers_and_no_others),
	   cmocka_unit_test(r6_what_a_thread_has_stays_what_it_is),
	   cmocka_unit_test(r6_addresses_of_the_kernel_are_refused),
	   cmocka_unit_test(r6_any_bytes_are_refused_or_safe),
	   cmocka_unit_test(r11_a_call_is_made_again))
