/* root.h - root object, console, death: see arch/sim/console.c. */
#pragma once

#include <sim/hooks.h>

static inline void *
arch_root_state(void)
{
	return sim_ram.root_state;
}

static inline void
arch_console_write(const char *text, size_t bytes)
{
	sim_console_write(text, bytes);
}

[[gnu::noreturn]] static inline void
arch_stop(void)
{
	sim_stopped();
}
