/*
 * format.h - formatted text without a C library.
 *
 * The part of printf that the library and the scenario interpreter use: %d %u
 * %x %c %s %p %%, with l, ll, z, width, '0', '-' and '.precision' for %s.
 */
#pragma once

#include <stdarg.h>

#include <anymm/compiler.h>

/* format - into buf, always terminated; returns the length without truncation. */
size_t format(char *buf, size_t bytes, const char *fmt, ...) PRINTF_LIKE(3, 4);
size_t format_va(char *buf, size_t bytes, const char *fmt, va_list args);

/* console_printf - to the machine's console. */
void console_printf(const char *fmt, ...) PRINTF_LIKE(1, 2);
