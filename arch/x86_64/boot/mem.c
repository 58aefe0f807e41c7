/*
 * mem.c - the four memory functions that a freestanding compiler may call.
 *
 * The string instructions are good enough here and need no vector registers; by words, because
 * what emulates them takes a step for each element. memcmp compares words while they are equal.
 */
#include "base/mem.h"

#include <stdint.h>

#define WORD	   8
#define EVERY_BYTE UINT64_C(0x0101010101010101)

void *
memcpy(void *restrict dst, const void *restrict src, size_t bytes)
{
	void  *to = dst;
	size_t rest = bytes % WORD;

	bytes /= WORD;
	__asm__ volatile("rep movsq" : "+D"(to), "+S"(src), "+c"(bytes) : : "memory");
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(src), "+c"(rest) : : "memory");
	return dst;
}

void *
memset(void *dst, int byte, size_t bytes)
{
	void	*to = dst;
	size_t	 rest = bytes % WORD;
	uint64_t word = (unsigned char)byte * EVERY_BYTE;

	bytes /= WORD;
	__asm__ volatile("rep stosq" : "+D"(to), "+c"(bytes) : "a"(word) : "memory");
	__asm__ volatile("rep stosb" : "+D"(to), "+c"(rest) : "a"(word) : "memory");
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

/* The processor loads from any address. */
static uint64_t
load_word(const unsigned char *at)
{
	uint64_t word;

	__asm__("movq %1, %0" : "=r"(word) : "m"(*(const unsigned char(*)[WORD])at));
	return word;
}

int
memcmp(const void *a, const void *b, size_t bytes)
{
	const unsigned char *x = a, *y = b;
	size_t		     i = 0;

	while (bytes - i >= WORD && load_word(x + i) == load_word(y + i))
		i += WORD;
	for (; i < bytes; i++) {
		if (x[i] != y[i])
			return x[i] < y[i] ? -1 : 1;
	}
	return 0;
}
