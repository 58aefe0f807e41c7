/*
 * cpu.h - interrupts, spinning, time.
 */
#pragma once

#include <x86/instr.h>

static inline bool
arch_irq_enabled(void)
{
	return x86_read_flags() & X86_FLAGS_IF;
}

static inline bool
arch_irq_save(void)
{
	bool were_enabled = arch_irq_enabled();

	x86_cli();
	return were_enabled;
}

static inline void
arch_irq_restore(bool were_enabled)
{
	if (were_enabled)
		x86_sti();
	else
		x86_cli();
}

static inline void
arch_relax(void)
{
	x86_pause();
}

static inline void
arch_point(void)
{
}

static inline uint64_t
arch_time(void)
{
	return x86_rdtsc();
}
