/*
 * frame.h - frames through the direct map (laws F1 to F5).
 */
#pragma once

#include <template/missing.h>

static inline void *
arch_frame_ptr(pfn_t pfn)
{
	(void)pfn;
	template_missing("F1", __func__);
}

static inline void
arch_frame_zero(pfn_t pfn)
{
	(void)pfn;
	template_missing("F2", __func__);
}

static inline void
arch_frame_copy(pfn_t dst, pfn_t src)
{
	(void)dst;
	(void)src;
	template_missing("F2", __func__);
}

static inline void
arch_frame_retire(pfn_t pfn, unsigned order)
{
	(void)pfn;
	(void)order;
	template_missing("F3", __func__);
}

static inline bool
arch_frame_revive(pfn_t pfn, unsigned order)
{
	(void)pfn;
	(void)order;
	template_missing("F3", __func__);
}

static inline void
arch_poison(void *start, size_t bytes)
{
	(void)start;
	(void)bytes;
	template_missing("F4", __func__);
}

static inline void
arch_unpoison(void *start, size_t bytes)
{
	(void)start;
	(void)bytes;
	template_missing("F4", __func__);
}

static inline bool
arch_inject_failure(void)
{
	template_missing("F5", __func__);
}
