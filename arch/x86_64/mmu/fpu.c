/*
 * fpu.c - x87, SSE, AVX and AVX-512 registers: SDM vol. 1, chapters 10 and 13.
 *
 * With XSAVE the state has the standard format, and XCR0 turns on what there is room for;
 * without it FXSAVE writes the first 512 bytes, and the header says by hand that both of its
 * components are there. The kernel is compiled without any of these registers, so they are
 * those of the program that ran last, until somebody loads others.
 */
#include <anymm/arch.h>

#include <x86/instr.h>
#include <x86/machine.h>

#define COMPONENT_X87	 UINT64_C(0x01)
#define COMPONENT_SSE	 UINT64_C(0x02)
#define COMPONENT_AVX	 UINT64_C(0x04)
#define COMPONENT_AVX512 UINT64_C(0xe0) /* three, all or none */
#define LEGACY		 (COMPONENT_X87 | COMPONENT_SSE)

#define CPUID_1_C_XSAVE (UINT32_C(1) << 26)

#define INITIAL_FCW   0x37f
#define INITIAL_MXCSR 0x1f80

/* What a CPU means that says nothing: all but the bit of denormals as zeros. */
#define DEFAULT_MXCSR_MASK 0xffbf

/* end_of - of a component in the standard format. */
static uint32_t
end_of(unsigned component)
{
	struct x86_cpuid r = x86_cpuid(0xd, component);

	return r.a + r.b;
}

/* fits - all of these have a place in struct arch_fpu. */
static bool
fits(uint64_t components)
{
	for (unsigned i = 2; i < 63; i++) {
		if (components >> i & 1 && end_of(i) > sizeof(struct arch_fpu))
			return false;
	}
	return true;
}

uint64_t
x86_fpu_components(void)
{
	struct x86_cpuid basic = x86_cpuid(1, 0);
	uint64_t	 there;

	if (!(basic.c & CPUID_1_C_XSAVE) || x86_cpuid(0, 0).a < 0xd)
		return 0;
	there = x86_cpuid(0xd, 0).a;
	if (!(there & COMPONENT_AVX) || !fits(COMPONENT_AVX))
		return LEGACY;
	if ((there & COMPONENT_AVX512) != COMPONENT_AVX512 || !fits(COMPONENT_AVX512))
		return LEGACY | COMPONENT_AVX;
	return LEGACY | COMPONENT_AVX | COMPONENT_AVX512;
}

uint32_t
x86_fpu_mxcsr_mask(void)
{
	struct arch_fpu now = { 0 };

	__asm__ volatile("fxsave64 %0" : "+m"(now));
	return now.mxcsr_mask ? now.mxcsr_mask : DEFAULT_MXCSR_MASK;
}

void
x86_fpu_init(struct arch_fpu *fpu)
{
	*fpu = (struct arch_fpu){
		.fcw = INITIAL_FCW,
		.mxcsr = INITIAL_MXCSR,
		.xstate_bv = LEGACY,
	};
}

/* XSAVE leaves the rest of the header as it finds it, and XRSTOR wants zeros there. */
void
x86_fpu_save(struct arch_fpu *fpu)
{
	uint64_t components = x86_machine.fpu_components;

	fpu->xstate_bv = LEGACY;
	fpu->xcomp_bv = 0;
	for (unsigned i = 0; i < ARRAY_SIZE(fpu->reserved2); i++)
		fpu->reserved2[i] = 0;
	if (components)
		__asm__ volatile("xsave64 %0"
				 : "+m"(*fpu)
				 : "a"((uint32_t)components), "d"((uint32_t)(components >> 32)));
	else
		__asm__ volatile("fxsave64 %0" : "+m"(*fpu));
}

/*
 * Some processors load and save the place of the last x87 instruction only while an exception
 * is pending, so one program would see another's (CVE-2006-1056): an instruction of the kernel's
 * own overwrites it.
 */
void
x86_fpu_load(const struct arch_fpu *fpu)
{
	static const uint32_t nothing;
	uint64_t	      components = x86_machine.fpu_components;

	__asm__ volatile("fnclex\n\temms\n\tfildl %0" : : "m"(nothing));
	if (components)
		__asm__ volatile("xrstor64 %0"
				 :
				 : "m"(*fpu), "a"((uint32_t)components),
				   "d"((uint32_t)(components >> 32)));
	else
		__asm__ volatile("fxrstor64 %0" : : "m"(*fpu));
}

uint64_t
x86_fpu_word(const struct arch_fpu *fpu, unsigned i)
{
	return fpu->xstate_bv & COMPONENT_SSE ? fpu->xmm[i / 2][i % 2] : 0;
}

void
x86_fpu_set_word(struct arch_fpu *fpu, unsigned i, uint64_t word)
{
	if (!(fpu->xstate_bv & COMPONENT_SSE)) {
		for (unsigned other = 0; other < ARCH_FPU_WORDS; other++)
			fpu->xmm[other / 2][other % 2] = 0;
	}
	fpu->xstate_bv |= COMPONENT_SSE;
	fpu->xmm[i / 2][i % 2] = word;
}

/* FXRSTOR takes both legacy components whatever the header says, so there it has to say so. */
bool
x86_fpu_sanitize(struct arch_fpu *fpu)
{
	uint64_t components = x86_machine.fpu_components;
	uint64_t reserved = fpu->xcomp_bv;

	for (unsigned i = 0; i < ARRAY_SIZE(fpu->reserved2); i++)
		reserved |= fpu->reserved2[i];
	if (reserved || fpu->mxcsr & ~x86_machine.mxcsr_mask)
		return false;
	return components ? !(fpu->xstate_bv & ~components) : fpu->xstate_bv == LEGACY;
}
