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
 * read and written with RDFSBASE or the MSRs when threads are switched.
 * Floating-point state is kept elsewhere.
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
