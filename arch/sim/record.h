/*
 * record.h - the records of the stale ledger.
 */
#pragma once

#include "machine.h"

enum record_kind {
	STALE_LEAF,   /* a translation: frame and rights */
	STALE_TABLE,  /* a partial walk: a table entry that may be cached with its rights */
	STALE_WRITES, /* all translations of a range that an upper entry let write */
};

/* The change of an entry that made something stale. */
struct cause {
	vaddr_t	    va;
	unsigned    level;
	unsigned    cpu;
	uint64_t    old, next;
	const void *at;
};

struct record {
	uint32_t	 next, prev; /* among those of the asid; prev 0: the first */
	uint32_t	 chain;	     /* STALE_LEAF: in its hash bucket */
	enum record_kind kind;
	unsigned	 asid;
	unsigned	 level;	 /* of the entry that is cached */
	unsigned	 rights; /* effective ones of the cached translation */
	cpu_mask_t	 cpus;	 /* that have not flushed it */
	vaddr_t		 va;
	uint64_t	 pfn;	/* the frame (or table) named; STALE_WRITES: none */
	uint64_t	 entry; /* that is cached */
	struct cause	 cause;
};

bool record_start(void);
void record_stop(void);
void record_save(void);
void record_restore(void);

/* record_add - a copy of r goes on the books, if no equal one is there. r->cpus is not empty. */
void record_add(const struct record *r);

/* record_first, record_after - the records of one asid, newest first; NULL ends. */
struct record *record_first(unsigned asid);
struct record *record_after(const struct record *r);

/* record_leaf - the first STALE_LEAF at exactly this place, or NULL. record_leaf_after - further ones. */
struct record *record_leaf(unsigned asid, vaddr_t va, unsigned level);
struct record *record_leaf_after(const struct record *r);

/* record_flushed - the CPU has dropped it; the record goes with its last CPU. */
void record_flushed(struct record *r, unsigned cpu);

/* record_of_frame - any record that names the frame; there must be one. */
const struct record *record_of_frame(uint64_t pfn);

/* record_nr_ranges - live STALE_WRITES records. */
unsigned record_nr_ranges(void);

static inline uint64_t
level_bytes(unsigned level)
{
	return UINT64_C(1) << (ARCH_PAGE_SHIFT + level * SIM_INDEX_BITS);
}

/* record_covers - va lies in what r is about. */
static inline bool
record_covers(const struct record *r, vaddr_t va)
{
	return va - r->va < level_bytes(r->level);
}

/* record_stops - stop the machine: `what` happened while r is live. */
[[gnu::noreturn]] void record_stops(const struct record *r, const char *what, ...)
	PRINTF_LIKE(2, 3);
