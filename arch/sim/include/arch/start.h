/*
 * start.h - a thread in the kernel that has not begun.
 *
 *	sp	function  argument    0  0	 0  0
 *				      innermost	 outermost frame record
 *
 * Nothing runs on simulated kernel stacks; their words are moved and looked at.
 */
#pragma once

static inline vaddr_t
arch_start(void *at, vaddr_t end, void (*function)(void *argument), void *argument)
{
	uint64_t *word = at;
	vaddr_t	  sp = end - ARCH_START_BYTES;

	word[0] = (uintptr_t)function;
	word[1] = (uintptr_t)argument;
	word[2] = sp + ARCH_START_BYTES - 16;
	word[3] = 0;
	word[4] = 0;
	word[5] = 0;
	return sp;
}
