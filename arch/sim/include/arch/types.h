/* types.h - one entry of a page table, and the registers of a thread. */
#pragma once

typedef struct {
	uint64_t raw;
} pte_t;

/*
 * The registers of a simulated CPU, 64 bits each, so that any bytes are values. No program runs on
 * them: they are what the library moves, and the laws look at.
 */
#define SIM_REGS 14

struct arch_context {
	uint64_t pc;
	uint64_t sp;
	uint64_t tls;
	uint64_t regs
		[SIM_REGS]; /* 0: the result of a system call; then arguments; last: where to return */
	uint64_t status;    /* SIM_STATUS_ */
};
static_assert(sizeof(struct arch_context) == (4 + SIM_REGS) * 8, "no holes between registers");

#define SIM_STATUS_USER	 UINT64_C(1)	  /* not the kernel's privileges */
#define SIM_STATUS_IRQ	 UINT64_C(2)	  /* interrupts are on */
#define SIM_STATUS_FLAGS UINT64_C(0xff00) /* conditions, which programs set; 0 at a call */

/* Loading a control word with other bits than these stops the machine. */
#define SIM_FPU_CONTROL UINT64_C(0x3f)
#define SIM_FPU_INITIAL UINT64_C(0x1f)

struct arch_fpu {
	uint64_t control;
	uint64_t word[ARCH_FPU_WORDS];
};
