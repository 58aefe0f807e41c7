/*
 * root.h - the library's root object, console and end, by way of the embedder.
 */
#pragma once

#include <x86/machine.h>

static inline void *
arch_root_state(void)
{
	return x86_root_state;
}

static inline void
arch_console_write(const char *text, size_t bytes)
{
	x86_console_write(text, bytes);
}

[[gnu::noreturn]] static inline void
arch_stop(void)
{
	x86_stop();
}
