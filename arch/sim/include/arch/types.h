/* types.h - one entry of a page table, and the registers of a thread. */
#pragma once

typedef struct {
	uint64_t raw;
} pte_t;

struct arch_context {
	uint64_t pc;
	uint64_t sp;
	uint64_t regs[14]; /* regs[0] carries the result of a system call */
	bool	 irq_on;
};
