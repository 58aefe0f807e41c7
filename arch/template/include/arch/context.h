/*
 * context.h - the registers of a thread in user mode (laws R1 to R3).
 */
#pragma once

#include <template/missing.h>

static inline void
arch_context_init(struct arch_context *ctx, vaddr_t entry, vaddr_t sp)
{
	(void)ctx;
	(void)entry;
	(void)sp;
	template_missing("R1", __func__);
}

static inline void
arch_context_set_result(struct arch_context *ctx, int64_t result)
{
	(void)ctx;
	(void)result;
	template_missing("R2", __func__);
}

static inline int64_t
arch_context_result(const struct arch_context *ctx)
{
	(void)ctx;
	template_missing("R2", __func__);
}
