/*
 * types.h - the value types of the whole library.
 *
 * Physical quantities are one-field structs, so that mixing a frame number, a
 * physical address and an entry does not compile. A virtual address is an
 * integer because regions do arithmetic on it; a user address is never a
 * pointer. Ranges are half open and passed by value.
 */
#pragma once

#include <anymm/compiler.h>
#include <anymm/err.h>

typedef uint64_t vaddr_t;

typedef struct {
	uint64_t raw;
} paddr_t;

/* A frame number: physical address divided by the page size. */
typedef struct {
	uint64_t n;
} pfn_t;

/* No frame. Never a valid frame number on any machine. */
static inline pfn_t
pfn_none(void)
{
	return (pfn_t){ UINT64_MAX };
}

static inline bool
pfn_is_none(pfn_t pfn)
{
	return pfn.n == UINT64_MAX;
}

static inline bool
pfn_eq(pfn_t a, pfn_t b)
{
	return a.n == b.n;
}

static inline pfn_t
pfn_add(pfn_t pfn, uint64_t frames)
{
	return (pfn_t){ pfn.n + frames };
}

/* [start, end), half open; in most uses page aligned and not empty. */
struct va_range {
	vaddr_t start;
	vaddr_t end;
};

static inline struct va_range
va_range(vaddr_t start, vaddr_t end)
{
	return (struct va_range){ start, end };
}

static inline bool
range_is_empty(struct va_range r)
{
	return r.start >= r.end;
}

static inline bool
range_has(struct va_range r, vaddr_t va)
{
	return r.start <= va && va < r.end;
}

static inline bool
range_overlaps(struct va_range a, struct va_range b)
{
	return a.start < b.end && b.start < a.end;
}

static inline bool
range_covers(struct va_range outer, struct va_range inner)
{
	return outer.start <= inner.start && inner.end <= outer.end;
}

static inline struct va_range
range_clip(struct va_range r, struct va_range to)
{
	return va_range(max_u64(r.start, to.start), min_u64(r.end, to.end));
}

/* Protection: what a region allows, or what an access asks for. */
typedef unsigned prot_t;
enum {
	PROT_R = 1,
	PROT_W = 2,
	PROT_X = 4,
	PROT_RW = PROT_R | PROT_W,
	PROT_RX = PROT_R | PROT_X,
	PROT_RWX = PROT_R | PROT_W | PROT_X,
};

/* What a user instruction does to memory. Never weakens over retries of one fault. */
enum access {
	ACCESS_LOAD,
	ACCESS_STORE,
	ACCESS_FETCH,
};

/* access_prot - the one protection bit that the access needs. */
static inline prot_t
access_prot(enum access access)
{
	switch (access) {
	case ACCESS_STORE:
		return PROT_W;
	case ACCESS_FETCH:
		return PROT_X;
	case ACCESS_LOAD:
		break;
	}
	return PROT_R;
}

/* A set of CPUs: bit n is CPU n. */
typedef uint64_t cpu_mask_t;
#define CPU_MAX 64

static inline cpu_mask_t
cpu_bit(unsigned cpu)
{
	return (cpu_mask_t)1 << cpu;
}
