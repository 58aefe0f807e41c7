/*
 * types.h - one page-table entry, and the user registers of a thread.
 */
#pragma once

typedef struct {
	uint64_t raw;
} pte_t;

/*
 * What a trap from user mode saves, lowest address first: the handler pushes
 * the general registers below what the CPU has pushed, so a pointer to a
 * context is also what the handler's IRETQ path unwinds. The two bases are
 * the kernel's to load before it enters user mode; a trap leaves them in the context as they are.
 */
struct arch_context {
	uint64_t fs_base;
	uint64_t gs_base;

	uint64_t r15, r14, r13, r12, rbp, rbx;
	uint64_t r11, r10, r9, r8;
	uint64_t rax, rcx, rdx, rsi, rdi;

	uint64_t vector; /* of the trap, or of the system call */
	uint64_t error;	 /* pushed by some traps; 0 for the others */

	uint64_t rip, cs, rflags, rsp, ss; /* pushed by the CPU, popped by IRETQ */
};
static_assert(offsetof(struct arch_context, rip) == 19 * 8, "entry code pushes 17 words below RIP");
static_assert(sizeof(struct arch_context) == 24 * 8, "entry code and context agree");

/*
 * What FXSAVE and XSAVE write in the standard format: SDM vol. 1, 10.5.1 and 13.4. There is
 * room for x87, SSE, AVX and AVX-512, whose components end here on every processor that has
 * them so far; x86_machine_init_cpu turns on those that fit.
 */
struct arch_fpu {
	alignas(64) uint16_t fcw;
	uint16_t fsw;
	uint8_t	 ftw;
	uint8_t	 reserved0;
	uint16_t fop;
	uint64_t fip;
	uint64_t fdp;
	uint32_t mxcsr;
	uint32_t mxcsr_mask; /* written by the CPU, never read */
	uint64_t st[8][2];
	uint64_t xmm[16][2];
	uint64_t reserved1[12];

	uint64_t xstate_bv; /* components that are not in their initial state */
	uint64_t xcomp_bv;  /* 0: standard format */
	uint64_t reserved2[6];

	uint8_t extended[2112];
};
static_assert(offsetof(struct arch_fpu, mxcsr) == 24, "SDM vol. 1, table 10-2");
static_assert(offsetof(struct arch_fpu, xmm) == 160, "SDM vol. 1, table 10-2");
static_assert(offsetof(struct arch_fpu, xstate_bv) == 512, "SDM vol. 1, 13.4.2");
static_assert(offsetof(struct arch_fpu, extended) == 576, "SDM vol. 1, 13.4.3");
static_assert(sizeof(struct arch_fpu) == 2688, "no padding");
