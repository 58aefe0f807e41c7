/* user.h - user memory, as the kernel reaches it: see arch/sim/mmu.c. */
#pragma once

#include <sim/hooks.h>

static inline size_t
arch_user_read(void *dst, vaddr_t src, size_t bytes, struct arch_fault *fault)
{
	return sim_user_access(ACCESS_LOAD, src, dst, bytes, fault);
}

static inline size_t
arch_user_write(vaddr_t dst, const void *src, size_t bytes, struct arch_fault *fault)
{
	return sim_user_access(ACCESS_STORE, dst, (void *)(uintptr_t)src, bytes, fault);
}
