/*
 * root.h - root object, console, end (laws D1 to D3).
 */
#pragma once

#include <template/missing.h>

static inline void *
arch_root_state(void)
{
	template_missing("D1", __func__);
}

static inline void
arch_console_write(const char *text, size_t bytes)
{
	(void)text;
	(void)bytes;
	template_missing("D2", __func__);
}

[[gnu::noreturn]] static inline void
arch_stop(void)
{
	template_missing("D3", __func__);
}
