/*
 * assert.h - three strengths of assertion, all printing expression and values.
 *
 *   REQUIRE  always on: going on would corrupt memory
 *   ASSERT   debug builds
 * Never for what a user passes or for lack of memory: those are errors.
 */
#pragma once

#include <anymm/compiler.h>

[[gnu::noreturn]] void require_failed(const char *file, int line, const char *expr, const char *fmt,
				      ...) PRINTF_LIKE(4, 5);

#define REQUIRE(x, ...) \
	do { \
		if (UNLIKELY(!(x))) \
			require_failed(__FILE__, __LINE__, #x, __VA_ARGS__); \
	} while (0)

#define ASSERT(x) \
	do { \
		if (MM_DEBUG && UNLIKELY(!(x))) \
			require_failed(__FILE__, __LINE__, #x, "assertion"); \
	} while (0)
