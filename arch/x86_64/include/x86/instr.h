/*
 * instr.h - instructions that C has no words for, one function each.
 *
 * Those that read or write machine state clobber memory, so that the compiler
 * keeps them in order with accesses to page tables.
 */
#pragma once

#include <anymm/types.h>

#define X86_FLAGS_ALWAYS (UINT64_C(1) << 1)
#define X86_FLAGS_IF	 (UINT64_C(1) << 9)

#define X86_CR0_MP (UINT64_C(1) << 1)
#define X86_CR0_EM (UINT64_C(1) << 2)
#define X86_CR0_TS (UINT64_C(1) << 3)
#define X86_CR0_NE (UINT64_C(1) << 5)
#define X86_CR0_WP (UINT64_C(1) << 16)

#define X86_CR3_NO_FLUSH (UINT64_C(1) << 63)

#define X86_CR4_PGE	   (UINT64_C(1) << 7)
#define X86_CR4_OSFXSR	   (UINT64_C(1) << 9)
#define X86_CR4_OSXMMEXCPT (UINT64_C(1) << 10)
#define X86_CR4_UMIP	   (UINT64_C(1) << 11)
#define X86_CR4_PCIDE	   (UINT64_C(1) << 17)
#define X86_CR4_OSXSAVE	   (UINT64_C(1) << 18)
#define X86_CR4_SMEP	   (UINT64_C(1) << 20)
#define X86_CR4_SMAP	   (UINT64_C(1) << 21)

#define X86_MSR_PAT  0x277
#define X86_MSR_EFER 0xc0000080
#define X86_EFER_NXE (UINT64_C(1) << 11)

#define X86_INVPCID_ONE_ASID 1
#define X86_INVPCID_ALL	     2

/* The code around it is compiled without a red zone: the push would land in it. */
static inline uint64_t
x86_read_flags(void)
{
	uint64_t flags;

	__asm__ volatile("pushfq\n\tpopq %0" : "=r"(flags) : : "memory");
	return flags;
}

static inline void
x86_cli(void)
{
	__asm__ volatile("cli" : : : "memory");
}

static inline void
x86_sti(void)
{
	__asm__ volatile("sti" : : : "memory");
}

static inline void
x86_pause(void)
{
	__asm__ volatile("pause" : : : "memory");
}

/* LFENCE waits for earlier loads, so a reading is never older than what was read before it. */
static inline uint64_t
x86_rdtsc(void)
{
	uint32_t low, high;

	__asm__ volatile("lfence\n\trdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
}

static inline uint64_t
x86_read_cr0(void)
{
	uint64_t value;

	__asm__ volatile("movq %%cr0, %0" : "=r"(value) : : "memory");
	return value;
}

static inline void
x86_write_cr0(uint64_t value)
{
	__asm__ volatile("movq %0, %%cr0" : : "r"(value) : "memory");
}

static inline uint64_t
x86_read_cr3(void)
{
	uint64_t value;

	__asm__ volatile("movq %%cr3, %0" : "=r"(value) : : "memory");
	return value;
}

static inline void
x86_write_cr3(uint64_t value)
{
	__asm__ volatile("movq %0, %%cr3" : : "r"(value) : "memory");
}

static inline uint64_t
x86_read_cr4(void)
{
	uint64_t value;

	__asm__ volatile("movq %%cr4, %0" : "=r"(value) : : "memory");
	return value;
}

static inline void
x86_write_cr4(uint64_t value)
{
	__asm__ volatile("movq %0, %%cr4" : : "r"(value) : "memory");
}

static inline void
x86_invlpg(vaddr_t va)
{
	__asm__ volatile("invlpg (%0)" : : "r"(va) : "memory");
}

static inline void
x86_invpcid(uint64_t kind, unsigned asid, vaddr_t va)
{
	struct {
		uint64_t asid;
		uint64_t va;
	} what = { asid, va };

	__asm__ volatile("invpcid %0, %1" : : "m"(what), "r"(kind) : "memory");
}

static inline uint64_t
x86_rdmsr(uint32_t msr)
{
	uint32_t low, high;

	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr) : "memory");
	return (uint64_t)high << 32 | low;
}

static inline void
x86_wrmsr(uint32_t msr, uint64_t value)
{
	__asm__ volatile("wrmsr"
			 :
			 : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
			 : "memory");
}

/* XCR0: the components of floating-point state that are turned on. */
static inline void
x86_xsetbv(uint64_t value)
{
	__asm__ volatile("xsetbv"
			 :
			 : "c"(0), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
			 : "memory");
}

static inline uint64_t
x86_xgetbv(void)
{
	uint32_t low, high;

	__asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0) : "memory");
	return (uint64_t)high << 32 | low;
}

struct x86_cpuid {
	uint32_t a, b, c, d;
};

static inline struct x86_cpuid
x86_cpuid(uint32_t leaf, uint32_t subleaf)
{
	struct x86_cpuid r;

	__asm__ volatile("cpuid"
			 : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d)
			 : "a"(leaf), "c"(subleaf));
	return r;
}

/* The string instructions are the fastest way to fill or copy a frame without vector registers. */
static inline void
x86_fill_words(void *dst, uint64_t word, size_t words)
{
	__asm__ volatile("rep stosq" : "+D"(dst), "+c"(words) : "a"(word) : "memory");
}

static inline void
x86_copy_words(void *dst, const void *src, size_t words)
{
	__asm__ volatile("rep movsq" : "+D"(dst), "+S"(src), "+c"(words) : : "memory");
}
