/* context.h - the registers of a thread in user mode. */
#pragma once

static inline void
arch_context_init(struct arch_context *ctx, vaddr_t entry, vaddr_t sp)
{
	*ctx = (struct arch_context){ .pc = entry, .sp = sp, .irq_on = true };
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
