/*
 * mem.h - the four memory functions a freestanding compiler may call anyway.
 * The hosted build takes the C library's, a kernel supplies its own.
 */
#pragma once

#include <stddef.h>

void *memcpy(void *restrict dst, const void *restrict src, size_t bytes);
void *memmove(void *dst, const void *src, size_t bytes);
void *memset(void *dst, int byte, size_t bytes);
int   memcmp(const void *a, const void *b, size_t bytes);
