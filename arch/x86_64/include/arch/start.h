/*
 * start.h - a thread in the kernel that has not begun: what x86_switch (mmu/switch.S) finds.
 *
 *	sp	r15 r14 r13 r12 rbx   rbp return-address   (aligned)   0 0
 *		            arg fn    \_ innermost frame record         outermost one
 */
#pragma once

#include <x86/machine.h>

static inline vaddr_t
arch_start(void *at, vaddr_t end, void (*function)(void *argument), void *argument)
{
	uint64_t *word = at;

	for (unsigned i = 0; i < ARCH_START_BYTES / 8; i++)
		word[i] = 0;
	word[3] = (uintptr_t)argument;
	word[4] = (uintptr_t)function;
	word[5] = end - 16;
	word[6] = (uintptr_t)x86_switch_start;
	return end - ARCH_START_BYTES;
}
