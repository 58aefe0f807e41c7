/* cpu.h - interrupts, spinning, points and time: see arch/sim/cpu.c. */
#pragma once

#include <sim/hooks.h>

static inline bool
arch_irq_save(void)
{
	return sim_irq_set(false);
}

static inline void
arch_irq_restore(bool were_enabled)
{
	sim_irq_set(were_enabled);
}

static inline bool
arch_irq_enabled(void)
{
	return sim_irq_enabled();
}

static inline void
arch_relax(void)
{
	sim_relax();
}

static inline void
arch_point(void)
{
	if (UNLIKELY(sim_points_on))
		sim_point();
}

static inline uint64_t
arch_time(void)
{
	return sim_time();
}
