/*
 * stats.h - counters of what the library did: the figures of `anymm run`, and
 * of every test that counts. One line per CPU; sums are exact when no
 * operation is in progress.
 */
#pragma once

#include <anymm/types.h>

/* X(name, text in tables) */
#define STATS(X) \
	X(FAULT_ZERO_READ, "zero page mapped on a read") \
	X(FAULT_ZERO_FILL, "fresh page on a write") \
	X(FAULT_OBJECT, "object page mapped") \
	X(FAULT_COPY, "page copied") \
	X(FAULT_REUSE, "page reused by its last owner") \
	X(FAULT_UPGRADE, \
	  "write allowed after a path was made exclusive, or on a shared object page") \
	X(FAULT_SPURIOUS, "nothing to do: already allowed") \
	X(FAULT_STACK, "stack grown") \
	X(FAULT_WAITS, "waits for a page that its pager had not got yet") \
	X(FAULT_MAPERR, "signal: no region, or a guard") \
	X(FAULT_ACCERR, "signal: protection") \
	X(FAULT_BUSERR, "signal: beyond the object") \
	X(FAULT_NOMEM, "out of memory") \
	X(PAGE_COPIES, "pages copied") \
	X(TABLE_ALLOCS, "tables made") \
	X(TABLE_SHARES, "tables shared by fork") \
	X(TABLE_SPLITS, "shared tables copied for a writer") \
	X(TABLE_RECLAIMS, "tables taken over by their last owner") \
	X(TABLE_VISITS, "tables visited below a root by fork") \
	X(TABLE_FREES, "tables freed") \
	X(PTE_WRITES, "entries written") \
	X(COUNT_CHANGES, "frame counts changed") \
	X(FLUSH_PAGES, "single translations flushed, on any CPU") \
	X(FLUSH_SPACES, "whole spaces flushed, on any CPU") \
	X(SHOOTDOWNS, "shootdowns that interrupted other CPUs") \
	X(SHOOTDOWN_IPIS, "CPUs interrupted") \
	X(FORKS, "spaces forked") \
	X(PAGE_OUTS, "entries turned into swap marks") \
	X(PAGE_INS, "swap marks turned into entries") \
	X(OBJECT_OUTS, "pages of objects that went to the swap device") \
	X(OBJECT_INS, "pages of objects that came back from the swap device") \
	X(SWAP_HITS, "pages found in memory on their way out") \
	X(SWAP_READS, "pages read from the swap device") \
	X(SWAP_WRITES, "pages written to the swap device") \
	X(PAGE_MIGRATIONS, "pages moved to another node") \
	X(REPLICA_FILLS, "entries copied to the tables of a node") \
	X(REPLICA_DROPS, "entries taken from the tables of a node one by one") \
	X(REPLICA_CLEARS, "tables of a node emptied as a whole") \
	X(REPLICA_LOSSES, "nodes without memory for tables of their own") \
	X(ASID_ROLLOVERS, "generations of address-space tags")

enum stat {
#define STAT_ENUM(name, text) STAT_##name,
	STATS(STAT_ENUM)
#undef STAT_ENUM
		STAT_NR,
};

/* stat_add - on this CPU's line. */
void stat_add(enum stat stat, uint64_t n);

static inline void
stat_inc(enum stat stat)
{
	stat_add(stat, 1);
}

/* stat_get - the sum over all CPUs. stat_name, stat_text - "FAULT_COPY", "page copied". */
uint64_t    stat_get(enum stat stat);
const char *stat_name(enum stat stat);
const char *stat_text(enum stat stat);
