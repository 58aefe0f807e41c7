/* frame.h - RAM: see arch/sim/ram.c. */
#pragma once

#include <sim/hooks.h>

static inline void *
arch_frame_ptr(pfn_t pfn)
{
	uint64_t chunk = pfn.n >> SIM_CHUNK_SHIFT;

	if (LIKELY(chunk < sim_ram.nr_chunks &&
		   __atomic_load_n(&sim_ram.chunks[chunk], __ATOMIC_RELAXED) & SIM_CHUNK_WHOLE))
		return sim_ram.base + (pfn.n << ARCH_PAGE_SHIFT);
	return sim_frame_ptr(pfn);
}

static inline void
arch_frame_zero(pfn_t pfn)
{
	sim_frame_zero(pfn);
}

static inline void
arch_frame_copy(pfn_t dst, pfn_t src)
{
	sim_frame_copy(dst, src);
}

static inline void
arch_frame_retire(pfn_t pfn, unsigned order)
{
	sim_frame_retire(pfn, order);
}

static inline bool
arch_frame_revive(pfn_t pfn, unsigned order)
{
	return sim_frame_revive(pfn, order);
}

static inline void
arch_poison(void *start, size_t bytes)
{
	sim_poison(start, bytes);
}

static inline void
arch_unpoison(void *start, size_t bytes)
{
	sim_unpoison(start, bytes);
}

static inline bool
arch_inject_failure(void)
{
	return sim_inject_failure();
}
