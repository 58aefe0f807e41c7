/*
 * bounds.h - arithmetic on addresses and lengths that users chose: nothing here
 * wraps around silently.
 */
#pragma once

#include <anymm/space.h>

static inline uint64_t
page_floor(uint64_t bytes)
{
	return bytes & ~ARCH_PAGE_MASK;
}

/* page_ceil - round up to whole pages; false: the result does not fit 64 bits, *out untouched. */
static inline bool
page_ceil(uint64_t bytes, uint64_t *out)
{
	if (bytes > UINT64_MAX - ARCH_PAGE_MASK)
		return false;
	*out = page_floor(bytes + ARCH_PAGE_MASK);
	return true;
}

static inline bool
is_page_aligned(uint64_t bytes)
{
	return (bytes & ARCH_PAGE_MASK) == 0;
}

/* lies_below - [addr, addr + bytes) ends at or below `end`, without overflow. */
static inline bool
lies_below(vaddr_t addr, uint64_t bytes, vaddr_t end)
{
	return bytes <= end && addr <= end - bytes;
}
