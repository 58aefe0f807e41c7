/*
 * lock.h - spinning locks with ranks.
 *
 * A CPU acquires locks in ascending rank; debug builds stop on a violation
 * with both names printed. Two table locks may be held at once, the upper
 * level first. No lock is held while a pager waits; a shootdown may be waited
 * for under any of them because its handler takes none.
 */
#pragma once

#include <anymm/types.h>

/* The order, outermost first, and what each lock keeps stable. */
enum lock_rank {
	RANK_PROC,     /* the process table and tree */
	RANK_RESOURCE, /* one table of handles, or one filesystem context */
	RANK_SPACE,    /* regions of a space (read: also keeps them in place) */
	RANK_RMAP,     /* regions of an object, and where they lie */
	RANK_TABLE,    /* entries of one page table */
	RANK_REPLICAS, /* which spaces have replicas */
	RANK_REPLICA,  /* the tables of one replica */
	RANK_OBJECT,   /* pages and size of an object */
	RANK_SWAP,     /* swap slots */
	RANK_SLAB,     /* one slab cache */
	RANK_MAGAZINE, /* one CPU's single frames */
	RANK_NODE,     /* free lists of one node */
	RANK_ASID,     /* address-space tags */
	RANK_NR,
};

struct lock {
	_Atomic uint8_t held;
	uint8_t		rank;
};

void lock_init(struct lock *lock, enum lock_rank rank);
void lock_acquire(struct lock *lock);
void lock_release(struct lock *lock);
bool lock_is_held(const struct lock *lock); /* by anybody: for assertions */

/*
 * Raw byte locks, for those that live inside a frame descriptor. The lock is bit 0; the
 * other bits are the owner's, who changes them only while holding the lock.
 */
#define BYTE_LOCKED 1

void byte_lock_acquire(_Atomic uint8_t *byte, enum lock_rank rank);
void byte_lock_release(_Atomic uint8_t *byte, enum lock_rank rank);

/* byte_lock_try - take the lock if the byte is exactly `unlocked`, which has bit 0 clear. Never waits. */
bool byte_lock_try(_Atomic uint8_t *byte, uint8_t unlocked, enum lock_rank rank);

/*
 * A lock with many readers or one writer. While `lines` is NULL readers share
 * one word; once a space has several threads, each CPU's readers write only
 * that CPU's own line.
 */
struct reader_line {
	alignas(CACHE_LINE) _Atomic uint32_t readers;
};

struct rwlock {
	_Atomic uint32_t	    word; /* readers in the low bits, writer in the top bit */
	uint8_t			    rank;
	struct reader_line *_Atomic lines; /* NULL, or CPU_MAX lines owned by the lock's owner */
};

void rwlock_init(struct rwlock *lock, enum lock_rank rank);
void read_lock(struct rwlock *lock);
void read_unlock(struct rwlock *lock);
void write_lock(struct rwlock *lock);
void write_unlock(struct rwlock *lock);

/* rwlock_distribute - give the lock its lines; HOLDS it for writing. Lines: CPU_MAX zeroed ones. */
void rwlock_distribute(struct rwlock *lock, struct reader_line *lines);
