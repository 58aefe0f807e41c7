/*
 * frame.h - frames through the direct map, which the embedder has made.
 */
#pragma once

#include <x86/instr.h>
#include <x86/machine.h>

static inline void *
arch_frame_ptr(pfn_t pfn)
{
	return (void *)(x86_machine.direct_map + (pfn.n << ARCH_PAGE_SHIFT));
}

static inline void
arch_frame_zero(pfn_t pfn)
{
	x86_fill_words(arch_frame_ptr(pfn), 0, ARCH_PAGE_SIZE / 8);
}

static inline void
arch_frame_copy(pfn_t dst, pfn_t src)
{
	x86_copy_words(arch_frame_ptr(dst), arch_frame_ptr(src), ARCH_PAGE_SIZE / 8);
}

static inline void
arch_frame_retire(pfn_t pfn, unsigned order)
{
	if (x86_machine.poison_bytes)
		x86_frame_poison(pfn, order);
}

static inline bool
arch_frame_revive(pfn_t pfn, unsigned order)
{
	return !x86_machine.poison_bytes || x86_frame_is_poisoned(pfn, order);
}

static inline void
arch_poison(void *start, size_t bytes)
{
	(void)start;
	(void)bytes;
}

static inline void
arch_unpoison(void *start, size_t bytes)
{
	(void)start;
	(void)bytes;
}

static inline bool
arch_inject_failure(void)
{
	return UNLIKELY(x86_machine.inject_failure != NULL) && x86_machine.inject_failure();
}
