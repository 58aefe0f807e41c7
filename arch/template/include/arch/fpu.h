/*
 * fpu.h - floating-point and vector registers (laws R7 to R9).
 *
 * A machine without them says ARCH_FPU_WORDS 0 and leaves the bodies empty.
 */
#pragma once

#include <template/missing.h>

static inline void
arch_fpu_init(struct arch_fpu *fpu)
{
	(void)fpu;
	template_missing("R7", __func__);
}

static inline void
arch_fpu_save(struct arch_fpu *fpu)
{
	(void)fpu;
	template_missing("R8", __func__);
}

static inline void
arch_fpu_load(const struct arch_fpu *fpu)
{
	(void)fpu;
	template_missing("R8", __func__);
}

static inline uint64_t
arch_fpu_word(const struct arch_fpu *fpu, unsigned i)
{
	(void)fpu;
	(void)i;
	template_missing("R8", __func__);
}

static inline void
arch_fpu_set_word(struct arch_fpu *fpu, unsigned i, uint64_t word)
{
	(void)fpu;
	(void)i;
	(void)word;
	template_missing("R8", __func__);
}

static inline bool
arch_fpu_sanitize(struct arch_fpu *fpu)
{
	(void)fpu;
	template_missing("R9", __func__);
}
