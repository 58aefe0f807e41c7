/*
 * assert.c - the end of a machine whose memory can no longer be trusted.
 *
 * The message goes out in pieces and needs neither memory nor locks, because
 * it may be the allocator or a lock that failed.
 */
#include "base/assert.h"

#include <stdarg.h>

#include <anymm/arch.h>

#include "base/format.h"

[[gnu::noreturn]] void
require_failed(const char *file, int line, const char *expr, const char *fmt, ...)
{
	char	values[256];
	va_list args;

	va_start(args, fmt);
	format_va(values, sizeof(values), fmt, args);
	va_end(args);
	console_printf("%s:%d: not true: %s: %s\n", file, line, expr, values);
	arch_stop();
}
