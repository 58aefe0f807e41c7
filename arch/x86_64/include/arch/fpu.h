/*
 * fpu.h - x87 and vector registers: see mmu/fpu.c.
 */
#pragma once

#include <x86/machine.h>

static inline void
arch_fpu_init(struct arch_fpu *fpu)
{
	x86_fpu_init(fpu);
}

static inline void
arch_fpu_save(struct arch_fpu *fpu)
{
	x86_fpu_save(fpu);
}

static inline void
arch_fpu_load(const struct arch_fpu *fpu)
{
	x86_fpu_load(fpu);
}

static inline uint64_t
arch_fpu_word(const struct arch_fpu *fpu, unsigned i)
{
	return x86_fpu_word(fpu, i);
}

static inline void
arch_fpu_set_word(struct arch_fpu *fpu, unsigned i, uint64_t word)
{
	x86_fpu_set_word(fpu, i, word);
}

static inline bool
arch_fpu_sanitize(struct arch_fpu *fpu)
{
	return x86_fpu_sanitize(fpu);
}
