/* context.h - the registers of a thread in user mode. */
#pragma once

#define SIM_REG_ARGUMENT 1
#define SIM_REG_RETURN	 (SIM_REGS - 1)
#define SIM_CALL_BYTES	 2 /* of the instruction that makes a system call */

static inline void
arch_context_init(struct arch_context *ctx, vaddr_t entry, vaddr_t sp)
{
	*ctx = (struct arch_context){
		.pc = entry,
		.sp = sp,
		.status = SIM_STATUS_USER | SIM_STATUS_IRQ,
	};
}

static inline void
arch_context_set_result(struct arch_context *ctx, int64_t result)
{
	ctx->regs[0] = (uint64_t)result;
}

static inline int64_t
arch_context_result(const struct arch_context *ctx)
{
	return (int64_t)ctx->regs[0];
}

static inline vaddr_t
arch_context_pc(const struct arch_context *ctx)
{
	return ctx->pc;
}

static inline void
arch_context_set_pc(struct arch_context *ctx, vaddr_t pc)
{
	ctx->pc = pc;
}

static inline vaddr_t
arch_context_sp(const struct arch_context *ctx)
{
	return ctx->sp;
}

static inline void
arch_context_set_sp(struct arch_context *ctx, vaddr_t sp)
{
	ctx->sp = sp;
}

static inline vaddr_t
arch_context_tls(const struct arch_context *ctx)
{
	return ctx->tls;
}

static inline void
arch_context_set_tls(struct arch_context *ctx, vaddr_t tls)
{
	ctx->tls = tls;
}

static inline void
arch_context_call(struct arch_context *ctx, const struct arch_call *call)
{
	ctx->pc = call->function;
	ctx->sp = call->sp;
	ctx->regs[SIM_REG_RETURN] = call->returns_to;
	for (unsigned i = 0; i < 3; i++)
		ctx->regs[SIM_REG_ARGUMENT + i] = call->argument[i];
	ctx->status &= ~SIM_STATUS_FLAGS;
}

static inline uint64_t
arch_context_argument(const struct arch_context *ctx, unsigned i)
{
	return ctx->regs[SIM_REG_ARGUMENT + i];
}

static inline bool
arch_context_sanitize(struct arch_context *ctx)
{
	return ctx->pc < ARCH_USER_END && ctx->sp <= ARCH_USER_END && ctx->tls <= ARCH_USER_END &&
	       (ctx->status & ~SIM_STATUS_FLAGS) == (SIM_STATUS_USER | SIM_STATUS_IRQ);
}

static inline void
arch_context_restart_call(struct arch_context *ctx)
{
	ctx->pc -= SIM_CALL_BYTES;
}
