/*
 * test_x86_context.c - what laws R4 to R9 mean on x86-64: flags, selectors, images of XSAVE.
 *
 * The processor is real, so an image that is accepted and cannot be loaded ends the test with a
 * signal. Both ways of saving are tried, whatever the host has.
 */
#include "harness.h"

#include <string.h>

#include <anymm/arch.h>
#include <x86/instr.h>
#include <x86/machine.h>

#define CPUID_1_C_OSXSAVE (UINT32_C(1) << 27)

#define FLAG_TRAP      UINT64_C(0x100)
#define FLAG_DIRECTION UINT64_C(0x400)
#define FLAG_IOPL      UINT64_C(0x3000)
#define FLAG_VM	       UINT64_C(0x20000)
#define FLAG_ID	       UINT64_C(0x200000)

static uint64_t host_components;

/* What x86_machine_init_cpu finds out in a kernel; here the host's kernel has turned it on. */
__attribute__((constructor)) static void
look_at_host(void)
{
	if (x86_cpuid(1, 0).c & CPUID_1_C_OSXSAVE)
		host_components = x86_fpu_components() & x86_xgetbv();
	x86_machine.fpu_components = host_components;
	x86_machine.mxcsr_mask = x86_fpu_mxcsr_mask();
}

static int
with_fxsave(void **state)
{
	(void)state;
	x86_machine.fpu_components = 0;
	return 0;
}

static int
as_the_host(void **state)
{
	(void)state;
	x86_machine.fpu_components = host_components;
	return 0;
}

static int
with_xsave(void **state)
{
	if (!host_components)
		skip();
	return as_the_host(state);
}

/* ---- R5, R6 ---- */

static struct arch_context
good(void)
{
	struct arch_context ctx;

	arch_context_init(&ctx, 0x1000, 0x2000);
	return ctx;
}

static void
flags_are_the_users_or_refused(void **state)
{
	(void)state;
	for (unsigned bit = 0; bit < 64; bit++) {
		struct arch_context ctx = good();
		uint64_t	    flag = UINT64_C(1) << bit;
		/* SDM vol. 1, figure 3-8: CF PF AF ZF SF TF DF OF NT RF AC ID. */
		bool is_users = bit == 0 || bit == 2 || bit == 4 || bit == 6 || bit == 7 ||
				bit == 8 || bit == 10 || bit == 11 || bit == 14 || bit == 16 ||
				bit == 18 || bit == 21;

		ctx.rflags ^= flag;
		assert_int_equal(arch_context_sanitize(&ctx), is_users);
		if (is_users)
			assert_true(ctx.rflags & flag);
	}
}

static void
selectors_of_others_are_refused(void **state)
{
	(void)state;
	for (uint64_t selector = 0; selector < 0x10000; selector++) {
		struct arch_context ctx = good();

		ctx.cs = selector;
		assert_int_equal(arch_context_sanitize(&ctx), selector == X86_USER_CS);
		ctx = good();
		ctx.ss = selector;
		assert_int_equal(arch_context_sanitize(&ctx), selector == X86_USER_SS);
	}
	{
		struct arch_context ctx = good();

		ctx.cs |= UINT64_C(1) << 32;
		assert_false(arch_context_sanitize(&ctx));
		ctx = good();
		ctx.gs_base = ARCH_USER_END + 1;
		assert_false(arch_context_sanitize(&ctx));
	}
}

/* SYSRET takes RIP and flags from registers that the bytes may want otherwise. */
static void
the_way_back_is_not_the_bytes_choice(void **state)
{
	struct arch_context ctx = good();

	(void)state;
	ctx.vector = 0x100;
	ctx.error = 7;
	ctx.rcx = 5;
	assert_true(arch_context_sanitize(&ctx));
	assert_int_equal(ctx.vector, 0);
	assert_int_equal(ctx.error, 0);
	assert_int_equal(ctx.rcx, 5);
}

static void
a_call_has_the_flags_of_an_entry(void **state)
{
	struct arch_context    ctx = good();
	const struct arch_call call = { .function = 0x3000, .argument = { 1, 2, 3 } };

	(void)state;
	ctx.rflags |= FLAG_TRAP | FLAG_DIRECTION | FLAG_ID;
	ctx.rbx = 8;
	arch_context_call(&ctx, &call);
	assert_int_equal(ctx.rflags, X86_FLAGS_IF | X86_FLAGS_ALWAYS | FLAG_ID);
	assert_int_equal(ctx.rdi, 1);
	assert_int_equal(ctx.rsi, 2);
	assert_int_equal(ctx.rdx, 3);
	assert_int_equal(ctx.rbx, 8);
}

/* ---- R8, R9 ---- */

static void
through(const struct arch_fpu *in, struct arch_fpu *out)
{
	struct arch_fpu mine;

	x86_fpu_save(&mine);
	x86_fpu_load(in);
	x86_fpu_save(out);
	x86_fpu_load(&mine);
}

/* Control words, the x87 stack with its tags, and where the last instruction was. */
static void
the_legacy_part_comes_back(void **state)
{
	struct arch_fpu in, out;

	(void)state;
	x86_fpu_init(&in);
	in.fcw = 0x27f; /* precision of a double */
	in.mxcsr = 0x1f80 | 0x6000;
	in.ftw = 0xc1;
	for (unsigned i = 0; i < 8; i++) {
		in.st[i][0] = UINT64_C(0x8000000000000000) + i;
		in.st[i][1] = 0x3fff;
	}
	memset(&out, 0xff, sizeof(out));
	through(&in, &out);
	assert_int_equal(out.fcw, in.fcw);
	assert_int_equal(out.mxcsr, in.mxcsr);
	assert_int_equal(out.ftw, in.ftw);
	for (unsigned i = 0; i < 8; i++) {
		assert_int_equal(out.st[i][0], in.st[i][0]);
		assert_int_equal(out.st[i][1] & 0xffff, 0x3fff);
	}
	assert_int_equal(out.fip, 0);
	assert_int_equal(out.fdp, 0);
	assert_true(x86_fpu_sanitize(&out));
}

/* Every byte of every component that the host has. */
static void
the_extended_part_comes_back(void **state)
{
	struct arch_fpu in, out;

	(void)state;
	for (unsigned component = 2; component < 8; component++) {
		struct x86_cpuid r = x86_cpuid(0xd, component);

		if (!(host_components >> component & 1))
			continue;
		x86_fpu_init(&in);
		in.xstate_bv |= UINT64_C(1) << component;
		memset((char *)&in + r.b, 0x40 + (int)component, r.a);
		memset(&out, 0xff, sizeof(out));
		through(&in, &out);
		assert_true(out.xstate_bv >> component & 1);
		assert_memory_equal((char *)&out + r.b, (char *)&in + r.b, r.a);
		assert_true(x86_fpu_sanitize(&out));

		/* A component that is not announced has its initial state. */
		in.xstate_bv &= ~(UINT64_C(1) << component);
		memset(&out, 0xff, sizeof(out));
		through(&in, &out);
		for (unsigned i = 0; i < r.a; i++)
			assert_int_equal(((unsigned char *)&out)[r.b + i], 0);
	}
}

static void
an_image_that_faults_is_refused(void **state)
{
	struct arch_fpu fpu;

	(void)state;
	for (unsigned bit = 0; bit < 64; bit++) {
		uint64_t flag = UINT64_C(1) << bit;

		x86_fpu_init(&fpu);
		fpu.xstate_bv |= flag;
		assert_int_equal(x86_fpu_sanitize(&fpu), (host_components | 3) >> bit & 1);
		x86_fpu_init(&fpu);
		fpu.xcomp_bv = flag;
		assert_false(x86_fpu_sanitize(&fpu));
		for (unsigned i = 0; i < ARRAY_SIZE(fpu.reserved2); i++) {
			x86_fpu_init(&fpu);
			fpu.reserved2[i] = flag;
			assert_false(x86_fpu_sanitize(&fpu));
		}
		if (bit < 32) {
			x86_fpu_init(&fpu);
			fpu.mxcsr |= (uint32_t)flag;
			assert_int_equal(x86_fpu_sanitize(&fpu), x86_machine.mxcsr_mask >> bit & 1);
		}
	}
}

/* Without XSAVE nothing reads the header, so it must say what FXRSTOR does. */
static void
fxsave_has_two_components(void **state)
{
	struct arch_fpu fpu, out;

	(void)state;
	x86_fpu_init(&fpu);
	x86_fpu_set_word(&fpu, 5, 55);
	memset(&out, 0xff, sizeof(out));
	through(&fpu, &out);
	assert_int_equal(out.xstate_bv, 3);
	assert_int_equal(x86_fpu_word(&out, 5), 55);
	assert_true(x86_fpu_sanitize(&out));
	for (unsigned i = 0; i < 3; i++) {
		out.xstate_bv = i;
		assert_false(x86_fpu_sanitize(&out));
	}
	out.xstate_bv = 7;
	assert_false(x86_fpu_sanitize(&out));
}

/* The components have room: no CPU is told to save more than there is memory for. */
static void
what_is_turned_on_fits(void **state)
{
	(void)state;
	for (unsigned i = 2; i < 8; i++) {
		struct x86_cpuid r = x86_cpuid(0xd, i);

		if (x86_fpu_components() >> i & 1)
			assert_true(r.a + r.b <= sizeof(struct arch_fpu));
	}
	assert_true(x86_machine.mxcsr_mask & 0x1f80);
}

TEST_SUITE(x86_context, cmocka_unit_test(flags_are_the_users_or_refused),
	   cmocka_unit_test(selectors_of_others_are_refused),
	   cmocka_unit_test(the_way_back_is_not_the_bytes_choice),
	   cmocka_unit_test(a_call_has_the_flags_of_an_entry),
	   cmocka_unit_test(the_legacy_part_comes_back),
	   cmocka_unit_test_setup_teardown(the_legacy_part_comes_back, with_fxsave, as_the_host),
	   cmocka_unit_test_setup_teardown(the_extended_part_comes_back, with_xsave, as_the_host),
	   cmocka_unit_test_setup_teardown(an_image_that_faults_is_refused, with_xsave,
					   as_the_host),
	   cmocka_unit_test_setup_teardown(fxsave_has_two_components, with_fxsave, as_the_host),
	   cmocka_unit_test(what_is_turned_on_fits))
