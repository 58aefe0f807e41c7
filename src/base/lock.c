/*
 * lock.c - spinning locks: bytes, locks with a rank, readers and a writer.
 *
 * Debug builds keep, per CPU, how many locks of each rank it holds, and stop
 * on the first acquisition out of order: a deadlock that some other
 * interleaving would produce is reported on every run that could.
 *
 * Every spinning loop calls arch_relax, so interrupts and other CPUs go on;
 * every acquisition is a place where a simulated scheduler may switch.
 */
#include <anymm/lock.h>

#include "base/assert.h"
#include "base/root.h"

static const char *const rank_names[RANK_NR] = {
	[RANK_PROC] = "proc",	    [RANK_RESOURCE] = "resource", [RANK_SPACE] = "space",
	[RANK_RMAP] = "rmap",	    [RANK_TABLE] = "table",	  [RANK_REPLICAS] = "replicas",
	[RANK_REPLICA] = "replica", [RANK_OBJECT] = "object",	  [RANK_SWAP] = "swap",
	[RANK_SLAB] = "slab",	    [RANK_MAGAZINE] = "magazine", [RANK_NODE] = "node",
	[RANK_ASID] = "asid",
};

/* Ranks. */

static void
rank_check(enum lock_rank rank)
{
	const uint8_t *held = root()->locks[platform_cpu()].held;

	for (unsigned above = rank; above < RANK_NR; above++)
		REQUIRE(!held[above] || (above == rank && rank == RANK_TABLE),
			"acquiring rank %s while holding rank %s", rank_names[rank],
			rank_names[above]);
}

static void
rank_enter(enum lock_rank rank)
{
	if (MM_DEBUG)
		root()->locks[platform_cpu()].held[rank]++;
}

static void
rank_leave(enum lock_rank rank)
{
	uint8_t *held;

	if (!MM_DEBUG)
		return;
	held = root()->locks[platform_cpu()].held;
	REQUIRE(held[rank] > 0, "releasing rank %s, which CPU %u does not hold", rank_names[rank],
		platform_cpu());
	held[rank]--;
}

/* Bytes. */

void
byte_lock_acquire(_Atomic uint8_t *byte, enum lock_rank rank)
{
	if (MM_DEBUG)
		rank_check(rank);
	arch_point();
	while (atomic_fetch_or_explicit(byte, BYTE_LOCKED, memory_order_acquire) & BYTE_LOCKED) {
		while (atomic_load_explicit(byte, memory_order_relaxed) & BYTE_LOCKED)
			arch_relax();
	}
	rank_enter(rank);
}

bool
byte_lock_try(_Atomic uint8_t *byte, uint8_t unlocked, enum lock_rank rank)
{
	if (MM_DEBUG)
		rank_check(rank);
	arch_point();
	if (!atomic_compare_exchange_strong_explicit(byte, &unlocked, unlocked | BYTE_LOCKED,
						     memory_order_acquire, memory_order_relaxed))
		return false;
	rank_enter(rank);
	return true;
}

void
byte_lock_release(_Atomic uint8_t *byte, enum lock_rank rank)
{
	uint8_t value = atomic_load_explicit(byte, memory_order_relaxed);

	ASSERT(value & BYTE_LOCKED);
	rank_leave(rank);
	atomic_store_explicit(byte, value & ~BYTE_LOCKED, memory_order_release);
	arch_point();
}

/* Locks. */

void
lock_init(struct lock *lock, enum lock_rank rank)
{
	atomic_init(&lock->held, 0);
	lock->rank = (uint8_t)rank;
}

void
lock_acquire(struct lock *lock)
{
	byte_lock_acquire(&lock->held, (enum lock_rank)lock->rank);
}

void
lock_release(struct lock *lock)
{
	byte_lock_release(&lock->held, (enum lock_rank)lock->rank);
}

bool
lock_is_held(const struct lock *lock)
{
	return atomic_load_explicit(&lock->held, memory_order_relaxed) != 0;
}

/*
 * Readers and a writer. A reader announces itself (in the word, or in its
 * CPU's line) and then looks for a writer; the writer announces itself in the
 * word and then looks for readers. With sequentially consistent accesses at
 * least one of the two sees the other: the reader then steps back and waits,
 * the writer just waits. Writers are preferred, so they cannot starve.
 *
 * Lines appear only while a writer holds the lock, so a reader's mode cannot
 * change between its lock and its unlock, which run on the same CPU.
 */
#define RW_WRITER 0x80000000u

void
rwlock_init(struct rwlock *lock, enum lock_rank rank)
{
	atomic_init(&lock->word, 0);
	lock->rank = (uint8_t)rank;
	atomic_init(&lock->lines, NULL);
}

/* reader_counter - where this CPU's readers announce themselves at present. */
static _Atomic uint32_t *
reader_counter(struct rwlock *lock)
{
	struct reader_line *lines = atomic_load_explicit(&lock->lines, memory_order_acquire);

	return lines ? &lines[platform_cpu()].readers : &lock->word;
}

static bool
has_writer(struct rwlock *lock)
{
	return atomic_load_explicit(&lock->word, memory_order_seq_cst) & RW_WRITER;
}

void
read_lock(struct rwlock *lock)
{
	_Atomic uint32_t *counter;

	if (MM_DEBUG)
		rank_check((enum lock_rank)lock->rank);
	arch_point();
	for (;;) {
		while (has_writer(lock))
			arch_relax();
		counter = reader_counter(lock);
		arch_point();
		atomic_fetch_add_explicit(counter, 1, memory_order_seq_cst);
		arch_point();
		if (LIKELY(!has_writer(lock) && counter == reader_counter(lock)))
			break;
		atomic_fetch_sub_explicit(counter, 1, memory_order_release);
		arch_relax();
	}
	rank_enter((enum lock_rank)lock->rank);
}

void
read_unlock(struct rwlock *lock)
{
	_Atomic uint32_t *counter = reader_counter(lock);
	uint32_t	  before;

	rank_leave((enum lock_rank)lock->rank);
	before = atomic_fetch_sub_explicit(counter, 1, memory_order_release);
	REQUIRE(before & ~RW_WRITER, "read_unlock without readers, word %x", before);
	arch_point();
}

/* nr_readers - the word's readers and all lines'; zero is exact once the writer bit is set. */
static uint64_t
nr_readers(struct rwlock *lock)
{
	struct reader_line *lines = atomic_load_explicit(&lock->lines, memory_order_relaxed);
	uint64_t sum = atomic_load_explicit(&lock->word, memory_order_seq_cst) & ~RW_WRITER;

	for (unsigned cpu = 0; lines && cpu < platform_cpus(); cpu++)
		sum += atomic_load_explicit(&lines[cpu].readers, memory_order_seq_cst);
	return sum;
}

void
write_lock(struct rwlock *lock)
{
	if (MM_DEBUG)
		rank_check((enum lock_rank)lock->rank);
	arch_point();
	while (atomic_fetch_or_explicit(&lock->word, RW_WRITER, memory_order_seq_cst) & RW_WRITER) {
		while (has_writer(lock))
			arch_relax();
	}
	arch_point();
	while (nr_readers(lock))
		arch_relax();
	rank_enter((enum lock_rank)lock->rank);
}

void
write_unlock(struct rwlock *lock)
{
	REQUIRE(has_writer(lock), "write_unlock without a writer");
	rank_leave((enum lock_rank)lock->rank);
	atomic_fetch_and_explicit(&lock->word, ~RW_WRITER, memory_order_release);
	arch_point();
}

void
rwlock_distribute(struct rwlock *lock, struct reader_line *lines)
{
	REQUIRE(has_writer(lock), "rwlock_distribute without holding the lock for writing");
	atomic_store_explicit(&lock->lines, lines, memory_order_release);
}
