/*
 * test_fpu.c - laws R7 to R9: floating-point and vector registers.
 *
 * What programs see of them is looked at where programs run; here a state goes through this
 * CPU's registers and comes back. That other CPUs have their own is a case of test_cpu.c.
 */
#include "harness.h"

#include <string.h>

#include <anymm/arch.h>

/*
 * through - load a state, and what the CPU has then. Whoever runs the test gets its own registers
 * back; between load and save there is no code that could use them.
 */
static void
through(const struct arch_fpu *in, struct arch_fpu *out)
{
	struct arch_fpu mine;

	arch_fpu_save(&mine);
	arch_fpu_load(in);
	arch_fpu_save(out);
	arch_fpu_load(&mine);
}

static uint64_t
pattern(unsigned i)
{
	return UINT64_C(0x9e3779b97f4a7c15) * (i + 1);
}

static void
fill(struct arch_fpu *fpu)
{
	arch_fpu_init(fpu);
	for (unsigned i = 0; i < ARCH_FPU_WORDS; i++)
		arch_fpu_set_word(fpu, i, pattern(i));
}

static void
expect_same_words(const struct arch_fpu *a, const struct arch_fpu *b)
{
	for (unsigned i = 0; i < ARCH_FPU_WORDS; i++)
		assert_int_equal(arch_fpu_word(a, i), arch_fpu_word(b, i));
}

/* R7 */
static void
r7_init_leaves_nothing_of_what_was_there(void **state)
{
	struct arch_fpu one, two, out;

	(void)state;
	memset(&one, 0xff, sizeof(one));
	memset(&two, 0, sizeof(two));
	arch_fpu_init(&one);
	arch_fpu_init(&two);
	assert_memory_equal(&one, &two, sizeof(one));
	memset(&out, 0xff, sizeof(out));
	through(&one, &out);
	for (unsigned i = 0; i < ARCH_FPU_WORDS; i++) {
		assert_int_equal(arch_fpu_word(&one, i), 0);
		assert_int_equal(arch_fpu_word(&out, i), 0);
	}
}

/* R8 */
static void
r8_what_is_loaded_is_saved(void **state)
{
	struct arch_fpu in, out, copy, again;

	(void)state;
	fill(&in);
	memset(&out, 0xff, sizeof(out));
	through(&in, &out);
	expect_same_words(&in, &out);
	copy = out;
	memset(&again, 0, sizeof(again));
	through(&copy, &again);
	expect_same_words(&in, &again);
}

/* R8 */
static void
r8_each_word_is_one_of_its_own(void **state)
{
	struct arch_fpu fpu, out;

	(void)state;
	for (unsigned i = 0; i < ARCH_FPU_WORDS; i++) {
		arch_fpu_init(&fpu);
		arch_fpu_set_word(&fpu, i, UINT64_MAX);
		memset(&out, 0x55, sizeof(out));
		through(&fpu, &out);
		for (unsigned j = 0; j < ARCH_FPU_WORDS; j++) {
			assert_int_equal(arch_fpu_word(&fpu, j), i == j ? UINT64_MAX : 0);
			assert_int_equal(arch_fpu_word(&out, j), i == j ? UINT64_MAX : 0);
		}
	}
}

/* R9 */
static void
r9_what_the_machine_gives_stays_what_it_is(void **state)
{
	struct arch_fpu fpu, out, copy;

	(void)state;
	arch_fpu_init(&fpu);
	copy = fpu;
	assert_true(arch_fpu_sanitize(&fpu));
	assert_memory_equal(&fpu, &copy, sizeof(fpu));
	fill(&fpu);
	memset(&out, 0xff, sizeof(out));
	through(&fpu, &out);
	copy = out;
	assert_true(arch_fpu_sanitize(&out));
	assert_memory_equal(&out, &copy, sizeof(out));
}

/* An image that was accepted is loaded without a fault, and is what a program sees. */
static void
expect_safe(const struct arch_fpu *fpu)
{
	struct arch_fpu out, again = *fpu;

	memset(&out, 0xff, sizeof(out));
	through(fpu, &out);
	expect_same_words(fpu, &out);
	assert_true(arch_fpu_sanitize(&again));
	assert_memory_equal(&again, fpu, sizeof(again));
}

/* R9: each bit of a good image, and bytes by chance. */
static void
r9_any_bytes_are_refused_or_safe(void **state)
{
	struct arch_fpu fpu;
	unsigned char  *bytes = (unsigned char *)&fpu;
	uint64_t	random = 1;

	(void)state;
	for (unsigned bit = 0; bit < 8 * sizeof(fpu); bit++) {
		fill(&fpu);
		bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
		if (arch_fpu_sanitize(&fpu))
			expect_safe(&fpu);
	}
	for (unsigned round = 0; round < 200; round++) {
		for (unsigned i = 0; i < sizeof(fpu); i++) {
			random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
			bytes[i] = (unsigned char)(random >> 32);
		}
		if (arch_fpu_sanitize(&fpu))
			expect_safe(&fpu);
	}
}

TEST_SUITE(fpu, cmocka_unit_test(r7_init_leaves_nothing_of_what_was_there),
	   cmocka_unit_test(r8_what_is_loaded_is_saved),
	   cmocka_unit_test(r8_each_word_is_one_of_its_own),
	   cmocka_unit_test(r9_what_the_machine_gives_stays_what_it_is),
	   cmocka_unit_test(r9_any_bytes_are_refused_or_safe))
