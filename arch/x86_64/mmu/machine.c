/*
 * machine.c - the state of the x86-64 machine layer, and the control registers
 * it relies on.
 *
 * The state is written once, before any other CPU runs; afterwards it is only
 * read. The library's root object lies here too: zeroed memory of the kernel
 * image.
 */
#include <anymm/arch.h>

#include <x86/instr.h>
#include <x86/machine.h>

struct x86_machine x86_machine;

alignas(CACHE_LINE) unsigned char x86_root_state[ARCH_ROOT_STATE_BYTES];

/*
 * Memory types by index, one byte each, lowest first (SDM vol. 3A, 12.12):
 * 0 - 3 are write-back, write-through, uncached unless combining by MTRR and
 * uncached, as after power-on, so that mappings made earlier keep their meaning;
 * 4 - 7 are write combining.
 */
#define X86_PAT_VALUE UINT64_C(0x0101010100070406)

#define CPUID_1_C_PCID	  (UINT32_C(1) << 17)
#define CPUID_7_B_SMEP	  (UINT32_C(1) << 7)
#define CPUID_7_B_INVPCID (UINT32_C(1) << 10)
#define CPUID_7_B_SMAP	  (UINT32_C(1) << 20)
#define CPUID_7_C_UMIP	  (UINT32_C(1) << 2)
#define CPUID_1_D_PGE	  (UINT32_C(1) << 13)
#define CPUID_1_D_PAT	  (UINT32_C(1) << 16)
#define CPUID_1_D_FXSR	  (UINT32_C(1) << 24)
#define CPUID_1_D_SSE2	  (UINT32_C(1) << 26)
#define CPUID_EXT1_D_NX	  (UINT32_C(1) << 20)

const char *
x86_missing_feature(void)
{
	struct x86_cpuid basic = x86_cpuid(1, 0);

	if (!(basic.d & CPUID_1_D_FXSR) || !(basic.d & CPUID_1_D_SSE2))
		return "SSE2";
	if (!(basic.d & CPUID_1_D_PGE))
		return "PGE";
	if (!(basic.d & CPUID_1_D_PAT))
		return "PAT";
	if (x86_cpuid(0x80000000, 0).a < 0x80000001 ||
	    !(x86_cpuid(0x80000001, 0).d & CPUID_EXT1_D_NX))
		return "NX";
	return NULL;
}

/* cr4_bits - optional protections that this CPU has. */
static uint64_t
cr4_bits(struct x86_cpuid basic, struct x86_cpuid extended)
{
	uint64_t cr4 = 0;

	cr4 |= extended.b & CPUID_7_B_SMEP ? X86_CR4_SMEP : 0;
	cr4 |= extended.b & CPUID_7_B_SMAP ? X86_CR4_SMAP : 0;
	cr4 |= extended.c & CPUID_7_C_UMIP ? X86_CR4_UMIP : 0;
	cr4 |= basic.c & CPUID_1_C_PCID ? X86_CR4_PCIDE : 0;
	return cr4;
}

/*
 * agree_on_features - the boot CPU decides what is used; the others have to have it.
 *   gives  false: this CPU lacks something that the boot CPU has
 */
static bool
agree_on_features(uint64_t cr4, bool has_invpcid)
{
	struct x86_machine *m = &x86_machine;
	uint64_t	    components = x86_fpu_components();

	if (m->is_ready)
		return (m->cr4 & ~cr4) == 0 && (has_invpcid || !m->has_invpcid) &&
		       (m->fpu_components & ~components) == 0;
	m->cr4 = cr4;
	m->has_pcid = cr4 & X86_CR4_PCIDE;
	m->has_smap = cr4 & X86_CR4_SMAP;
	m->has_invpcid = m->has_pcid && has_invpcid;
	m->fpu_components = components;
	return true;
}

/*
 * fpu_init_cpu - x87 and vector instructions work, with exceptions of their own.
 *   gives  false: this CPU lacks bits of MXCSR that the boot CPU has
 */
static bool
fpu_init_cpu(void)
{
	struct x86_machine *m = &x86_machine;
	uint64_t	    cr4 = X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT;
	uint32_t	    mask;

	x86_write_cr0((x86_read_cr0() & ~(X86_CR0_EM | X86_CR0_TS)) | X86_CR0_MP | X86_CR0_NE);
	x86_write_cr4(x86_read_cr4() | cr4 | (m->fpu_components ? X86_CR4_OSXSAVE : 0));
	if (m->fpu_components)
		x86_xsetbv(m->fpu_components);
	mask = x86_fpu_mxcsr_mask();
	if (!m->is_ready)
		m->mxcsr_mask = mask;
	return (m->mxcsr_mask & ~mask) == 0;
}

const char *
x86_machine_init_cpu(void)
{
	const char	*missing = x86_missing_feature();
	struct x86_cpuid basic = x86_cpuid(1, 0);
	struct x86_cpuid extended = { 0 };

	if (missing)
		return missing;
	if (x86_cpuid(0, 0).a >= 7)
		extended = x86_cpuid(7, 0);
	if (!agree_on_features(cr4_bits(basic, extended), extended.b & CPUID_7_B_INVPCID) ||
	    !fpu_init_cpu())
		return "what the boot CPU has";
	x86_machine.is_ready = true;

	x86_wrmsr(X86_MSR_EFER, x86_rdmsr(X86_MSR_EFER) | X86_EFER_NXE);
	x86_wrmsr(X86_MSR_PAT, X86_PAT_VALUE);
	x86_write_cr0(x86_read_cr0() | X86_CR0_WP);
	x86_write_cr4(x86_read_cr4() | x86_machine.cr4);
	x86_tlb_flush_all();
	return NULL;
}
