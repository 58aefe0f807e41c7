/*
 * libc.c - the few functions of a C library that the tests call, for the image.
 *
 * Memory is one stretch that is given out from the start and taken back as a whole before
 * each test.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <anymm/compiler.h>

#include "base/format.h"
#include "boot/libc.h"

#include <x86/machine.h>

#define HEAP_BYTES (2u << 20)

static alignas(16) char heap[HEAP_BYTES];
static size_t heap_used;

void
libc_forget_memory(void)
{
	heap_used = 0;
}

void *
malloc(size_t bytes)
{
	void *p = heap + heap_used;

	bytes = (bytes + 15) & ~(size_t)15;
	if (bytes > HEAP_BYTES - heap_used)
		return NULL;
	heap_used += bytes;
	return p;
}

void *
calloc(size_t nr, size_t bytes)
{
	void *p = bytes && nr > HEAP_BYTES / bytes ? NULL : malloc(nr * bytes);

	if (p)
		memset(p, 0, nr * bytes);
	return p;
}

void
free(void *p)
{
	(void)p;
}

void
abort(void)
{
	x86_stop();
}

int
snprintf(char *buf, size_t bytes, const char *fmt, ...)
{
	va_list args;
	size_t length;

	va_start(args, fmt);
	length = format_va(buf, bytes, fmt, args);
	va_end(args);
	return (int)length;
}

size_t
strlen(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

int
strncmp(const char *a, const char *b, size_t most)
{
	for (size_t i = 0; i < most; i++) {
		if (a[i] != b[i] || !a[i])
			return (unsigned char)a[i] - (unsigned char)b[i];
	}
	return 0;
}

int
strcmp(const char *a, const char *b)
{
	return strncmp(a, b, SIZE_MAX);
}

const char *
strchr(const char *s, int byte)
{
	for (;; s++) {
		if (*s == (char)byte)
			return s;
		if (!*s)
			return NULL;
	}
}

const char *
strstr(const char *s, const char *part)
{
	size_t length = strlen(part);

	for (; *s || length == 0; s++) {
		if (strncmp(s, part, length) == 0)
			return s;
	}
	return NULL;
}
