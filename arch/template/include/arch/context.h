/*
 * context.h - the registers of a thread in user mode (laws R1 to R6, R11).
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

static inline vaddr_t
arch_context_pc(const struct arch_context *ctx)
{
	(void)ctx;
	template_missing("R4", __func__);
}

static inline void
arch_context_set_pc(struct arch_context *ctx, vaddr_t pc)
{
	(void)ctx;
	(void)pc;
	template_missing("R4", __func__);
}

static inline vaddr_t
arch_context_sp(const struct arch_context *ctx)
{
	(void)ctx;
	template_missing("R4", __func__);
}

static inline void
arch_context_set_sp(struct arch_context *ctx, vaddr_t sp)
{
	(void)ctx;
	(void)sp;
	template_missing("R4", __func__);
}

static inline vaddr_t
arch_context_tls(const struct arch_context *ctx)
{
	(void)ctx;
	template_missing("R4", __func__);
}

static inline void
arch_context_set_tls(struct arch_context *ctx, vaddr_t tls)
{
	(void)ctx;
	(void)tls;
	template_missing("R4", __func__);
}

static inline void
arch_context_call(struct arch_context *ctx, const struct arch_call *call)
{
	(void)ctx;
	(void)call;
	template_missing("R5", __func__);
}

static inline uint64_t
arch_context_argument(const struct arch_context *ctx, unsigned i)
{
	(void)ctx;
	(void)i;
	template_missing("R5", __func__);
}

static inline bool
arch_context_sanitize(struct arch_context *ctx)
{
	(void)ctx;
	template_missing("R6", __func__);
}

static inline void
arch_context_restart_call(struct arch_context *ctx)
{
	(void)ctx;
	template_missing("R11", __func__);
}
