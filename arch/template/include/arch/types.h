/*
 * types.h - one page-table entry as the hardware has it, and what a trap from
 * user mode saves.
 */
#pragma once

typedef struct {
	uint64_t raw;
} pte_t;

struct arch_context {
	uint64_t regs[32];
	uint64_t pc;
};

struct arch_fpu {
	uint64_t regs[32];
	uint64_t control;
};
