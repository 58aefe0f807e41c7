/*
 * libc.c - the few functions of a C library that the tests call, for the image.
 *
 * Memory is one stretch that is given out from the start and taken back as a whole before
 * each test; in between, a block that was freed serves the next request of its size.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <anymm/compiler.h>

#include "base/format.h"
#include "boot/libc.h"

#include <x86/machine.h>

static char  *heap;
static size_t heap_bytes, heap_used;

void
libc_give_memory(void *start, size_t bytes)
{
	heap = start;
	heap_bytes = bytes;
}

/* In front of each block. */
struct block {
	struct block *next; /* while free: another one */
	size_t	      bytes;
};

static struct block *freed;

void
libc_forget_memory(void)
{
	heap_used = 0;
	freed = NULL;
}

/* A freed block of exactly this size, or NULL. */
static struct block *
reuse(size_t bytes)
{
	for (struct block **link = &freed; *link; link = &(*link)->next) {
		struct block *block = *link;

		if (block->bytes == bytes) {
			*link = block->next;
			return block;
		}
	}
	return NULL;
}

void *
malloc(size_t bytes)
{
	struct block *block;

	bytes = (bytes + 15) & ~(size_t)15;
	block = reuse(bytes);
	if (block)
		return block + 1;
	if (bytes > heap_bytes || sizeof(*block) + bytes > heap_bytes - heap_used)
		return NULL;
	block = (struct block *)(void *)(heap + heap_used);
	block->bytes = bytes;
	heap_used += sizeof(*block) + bytes;
	return block + 1;
}

void *
calloc(size_t nr, size_t bytes)
{
	void *p = bytes && nr > heap_bytes / bytes ? NULL : malloc(nr * bytes);

	if (p)
		memset(p, 0, nr * bytes);
	return p;
}

void
free(void *p)
{
	struct block *block = (struct block *)p - 1;

	if (!p)
		return;
	block->next = freed;
	freed = block;
}

void
abort(void)
{
	x86_stop();
}

char *
getenv(const char *name)
{
	(void)name;
	return NULL;
}

FILE *
fopen(const char *path, const char *mode)
{
	(void)path;
	(void)mode;
	return NULL;
}

int
vfprintf(FILE *file, const char *fmt, va_list args)
{
	(void)file;
	(void)fmt;
	(void)args;
	return 0;
}

int
fflush(FILE *file)
{
	(void)file;
	return 0;
}

int
fclose(FILE *file)
{
	(void)file;
	return 0;
}

int
vsnprintf(char *buf, size_t bytes, const char *fmt, va_list args)
{
	return (int)format_va(buf, bytes, fmt, args);
}

int
snprintf(char *buf, size_t bytes, const char *fmt, ...)
{
	va_list args;
	size_t	length;

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

static int
compare(const char *a, const char *b, size_t most)
{
	for (size_t i = 0; i < most; i++) {
		if (a[i] != b[i] || !a[i])
			return (unsigned char)a[i] - (unsigned char)b[i];
	}
	return 0;
}

int
strncmp(const char *a, const char *b, size_t most)
{
	return compare(a, b, most);
}

int
strcmp(const char *a, const char *b)
{
	return compare(a, b, SIZE_MAX);
}

char *
strchr(const char *s, int byte)
{
	for (;; s++) {
		if (*s == (char)byte)
			return (char *)s;
		if (!*s)
			return NULL;
	}
}

char *
strstr(const char *s, const char *part)
{
	size_t length = strlen(part);

	for (; *s || length == 0; s++) {
		if (strncmp(s, part, length) == 0)
			return (char *)s;
	}
	return NULL;
}
