/*
 * user.h - user memory through the active translations: see mmu/user.c.
 */
#pragma once

#include <x86/machine.h>

static inline size_t
arch_user_read(void *dst, vaddr_t src, size_t bytes, struct arch_fault *fault)
{
	return x86_user_read(dst, src, bytes, fault);
}

static inline size_t
arch_user_write(vaddr_t dst, const void *src, size_t bytes, struct arch_fault *fault)
{
	return x86_user_write(dst, src, bytes, fault);
}
