/*
 * context.h - the registers with which a thread enters user mode.
 *
 * The selectors are those that SYSRET loads for a STAR of 0x18 (user) over a
 * table of: null, kernel code, kernel data, user code 32, user data, user code 64.
 */
#pragma once

#include <x86/instr.h>

#define X86_USER_SS 0x23
#define X86_USER_CS 0x2b

static inline void
arch_context_init(struct arch_context *ctx, vaddr_t entry, vaddr_t sp)
{
	*ctx = (struct arch_context){
		.rip = entry,
		.cs = X86_USER_CS,
		.rflags = X86_FLAGS_IF | X86_FLAGS_ALWAYS,
		.rsp = sp,
		.ss = X86_USER_SS,
	};
}

static inline void
arch_context_set_result(struct arch_context *ctx, int64_t result)
{
	ctx->rax = (uint64_t)result;
}

static inline int64_t
arch_context_result(const struct arch_context *ctx)
{
	return (int64_t)ctx->rax;
}
