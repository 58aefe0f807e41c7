/*
 * cpu.h - interrupts, spinning, time (laws C1 to C4).
 */
#pragma once

#include <template/missing.h>

static inline bool
arch_irq_save(void)
{
	template_missing("C1", __func__);
}

static inline void
arch_irq_restore(bool were_enabled)
{
	(void)were_enabled;
	template_missing("C1", __func__);
}

static inline bool
arch_irq_enabled(void)
{
	template_missing("C1", __func__);
}

static inline void
arch_relax(void)
{
	template_missing("C2", __func__);
}

static inline void
arch_point(void)
{
	template_missing("C3", __func__);
}

static inline uint64_t
arch_time(void)
{
	template_missing("C4", __func__);
}
