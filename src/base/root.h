/*
 * root.h - the one object from which all mutable state of the library hangs.
 *
 * It lives in the machine (arch_root_state), so a machine can snapshot and
 * reset the library by restoring memory. Each layer owns one part and
 * allocates it at boot; lower layers never look at the parts of upper ones.
 */
#pragma once

#include <anymm/arch.h>
#include <anymm/platform.h>
#include <anymm/stats.h>

enum root_part {
	ROOT_PHYS,
	ROOT_SWAP,
	ROOT_PT,
	ROOT_KSTACK,
	ROOT_OBJECT,
	ROOT_SPACE,
	ROOT_RECLAIM,
	ROOT_PROC,
	ROOT_PARTS,
};

struct cpu_stats {
	alignas(CACHE_LINE) _Atomic uint64_t counters[STAT_NR]; /* written by its CPU only */
};

/* Locks held by one CPU, as a count per rank: debug builds check the order. */
struct cpu_locks {
	alignas(CACHE_LINE) uint8_t held[16];
};

struct thread;
struct kstack;

/* What one CPU knows of the thread that runs on it (src/proc/body.c). Only that CPU looks. */
struct cpu_thread {
	alignas(CACHE_LINE) struct thread *runs; /* NULL: none that the library was told of */
	struct kstack *left;			 /* of a thread that has ended on it */
	unsigned      *nr_copying; /* of that thread: copies of user memory in each other */
};

struct root {
	void		 *part[ROOT_PARTS];
	struct cpu_stats  stats[CPU_MAX];
	struct cpu_locks  locks[CPU_MAX];
	struct cpu_thread threads[CPU_MAX];
};
static_assert(sizeof(struct root) <= ARCH_ROOT_STATE_BYTES, "the machine has room for the root");

static inline struct root *
root(void)
{
	return arch_root_state();
}
