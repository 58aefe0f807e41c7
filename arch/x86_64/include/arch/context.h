/*
 * context.h - the registers with which a thread enters user mode: SDM vol. 1, 3.4 for the flags.
 *
 * The selectors are those that SYSRET loads for a STAR of 0x18 (user) over a
 * table of: null, kernel code, kernel data, user code 32, user data, user code 64.
 */
#pragma once

#include <x86/instr.h>

/*
 * Flags that a program can set: arithmetic, trap, direction, nested task, resume, alignment
 * check, identification. Those of I/O privilege and of virtual interrupts it cannot.
 */
#define X86_FLAGS_USER UINT64_C(0x254dd5)

/* Of these, at a function's entry: trap, direction, nested task, resume are clear. */
#define X86_FLAGS_CALL_CLEARS UINT64_C(0x14500)

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

static inline vaddr_t
arch_context_pc(const struct arch_context *ctx)
{
	return ctx->rip;
}

static inline void
arch_context_set_pc(struct arch_context *ctx, vaddr_t pc)
{
	ctx->rip = pc;
}

static inline vaddr_t
arch_context_sp(const struct arch_context *ctx)
{
	return ctx->rsp;
}

static inline void
arch_context_set_sp(struct arch_context *ctx, vaddr_t sp)
{
	ctx->rsp = sp;
}

static inline vaddr_t
arch_context_tls(const struct arch_context *ctx)
{
	return ctx->fs_base;
}

static inline void
arch_context_set_tls(struct arch_context *ctx, vaddr_t tls)
{
	ctx->fs_base = tls;
}

/* RAX is the number of vector registers in use, for a function without a prototype. */
static inline void
arch_context_call(struct arch_context *ctx, const struct arch_call *call)
{
	ctx->rip = call->function;
	ctx->rsp = call->sp;
	ctx->rdi = call->argument[0];
	ctx->rsi = call->argument[1];
	ctx->rdx = call->argument[2];
	ctx->rax = 0;
	ctx->rflags &= ~X86_FLAGS_CALL_CLEARS;
}

static inline uint64_t
arch_context_argument(const struct arch_context *ctx, unsigned i)
{
	return i == 0 ? ctx->rdi : i == 1 ? ctx->rsi : ctx->rdx;
}

/*
 * Vector 0 is none after which the kernel returns by SYSRET, which would lose RCX and R11. A base
 * that is not canonical faults in WRMSR, a RIP in IRETQ.
 */
static inline bool
arch_context_sanitize(struct arch_context *ctx)
{
	ctx->vector = 0;
	ctx->error = 0;
	return ctx->rip < ARCH_USER_END && ctx->rsp <= ARCH_USER_END &&
	       ctx->fs_base <= ARCH_USER_END && ctx->gs_base <= ARCH_USER_END &&
	       ctx->cs == X86_USER_CS && ctx->ss == X86_USER_SS &&
	       (ctx->rflags & ~X86_FLAGS_USER) == (X86_FLAGS_IF | X86_FLAGS_ALWAYS);
}

/* SYSCALL and INT n are two bytes long, and RAX has the number until there is a result. */
static inline void
arch_context_restart_call(struct arch_context *ctx)
{
	ctx->rip -= 2;
}
