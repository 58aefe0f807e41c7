/* fpu.h - floating-point registers: see arch/sim/fpu.c. */
#pragma once

#include <sim/hooks.h>

static inline void
arch_fpu_init(struct arch_fpu *fpu)
{
	*fpu = (struct arch_fpu){ .control = SIM_FPU_INITIAL };
}

static inline void
arch_fpu_save(struct arch_fpu *fpu)
{
	sim_fpu_save(fpu);
}

static inline void
arch_fpu_load(const struct arch_fpu *fpu)
{
	sim_fpu_load(fpu);
}

static inline uint64_t
arch_fpu_word(const struct arch_fpu *fpu, unsigned i)
{
	return fpu->word[i];
}

static inline void
arch_fpu_set_word(struct arch_fpu *fpu, unsigned i, uint64_t word)
{
	fpu->word[i] = word;
}

static inline bool
arch_fpu_sanitize(struct arch_fpu *fpu)
{
	return (fpu->control & ~SIM_FPU_CONTROL) == 0;
}
