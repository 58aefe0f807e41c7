/*
 * mem.c - the four memory functions that a freestanding compiler may call.
 *
 * The string instructions are good enough here and need no vector registers.
 */
#include "base/mem.h"

#include <stdint.h>

void *
memcpy(void *restrict dst, const void *restrict src, size_t bytes)
{
	void *to = dst;

	__asm__ volatile("rep movsb" : "+D"(to), "+S"(src), "+c"(bytes) : : "memory");
	return dst;
}

void *
memset(void *dst, int byte, size_t bytes)
{
	void *to = dst;

	__asm__ volatile("rep stosb" : "+D"(to), "+c"(bytes) : "a"(byte) : "memory");
	return dst;
}

void *
memmove(void *dst, const void *src, size_t bytes)
{
	char	   *to = dst;
	const char *from = src;

	if ((uintptr_t)to - (uintptr_t)from >= bytes)
		return memcpy(dst, src, bytes);
	while (bytes-- > 0)
		to[bytes] = from[bytes];
	return dst;
}

int
memcmp(const void *a, const void *b, size_t bytes)
{
	const unsigned char *x = a, *y = b;

	for (size_t i = 0; i < bytes; i++) {
		if (x[i] != y[i])
			return x[i] < y[i] ? -1 : 1;
	}
	return 0;
}
