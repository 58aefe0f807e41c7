/* compiler.h - attributes and small macros every file may use. */
#pragma once

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A keyword from C23 on; the compilers we support still spell it the C11 way. */
#ifndef static_assert
#define static_assert _Static_assert
#endif

#define ARRAY_SIZE(a)			(sizeof(a) / sizeof((a)[0]))
#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#define PRINTF_LIKE(fmt, args)		__attribute__((format(printf, fmt, args)))
#define LIKELY(x)			__builtin_expect(!!(x), 1)
#define UNLIKELY(x)			__builtin_expect(!!(x), 0)

/* One cache line; what two CPUs write often stands on two of them. */
#define CACHE_LINE 64

/* Debug builds (the default) check ASSERTs and lock ranks; -DNDEBUG drops them. */
#ifdef NDEBUG
enum { MM_DEBUG = 0 };
#else
enum { MM_DEBUG = 1 };
#endif

static inline uint64_t
min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t
max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}
