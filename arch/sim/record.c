/*
 * record.c - the books of the stale ledger.
 *
 * Records hang in a list of their tag; translations also in a hash by tag and
 * address, for flushes of single pages, and are counted in the note of every frame
 * they name, so that a frame's end costs one look. Each CPU counts the
 * records that concern it: while that is zero its accesses need not ask.
 */
#include "record.h"

#include <execinfo.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reach.h"

#define RECORD_LIMIT (1u << 24)
#define BUCKETS	     8192

static struct pool records;
static uint32_t	   buckets[BUCKETS];
static struct books {
	uint32_t first[ARCH_ASIDS];
	unsigned nr_ranges;
} books, saved_books;

static struct record *
record_at(uint32_t index)
{
	return index ? pool_item(&records, index) : NULL;
}

static uint32_t
index_of(const struct record *r)
{
	return (uint32_t)(((const unsigned char *)r - records.items) / sizeof(*r));
}

static uint32_t *
bucket_of(unsigned asid, vaddr_t va)
{
	uint64_t x = (va >> ARCH_PAGE_SHIFT) * 0x9e3779b97f4a7c15u + asid * 0xc2b2ae3d27d4eb4fu;

	return &buckets[x >> 40 & (BUCKETS - 1)];
}

bool
record_start(void)
{
	books = (struct books){ 0 };
	memset(buckets, 0, sizeof(buckets));
	return pool_start(&records, sizeof(struct record), RECORD_LIMIT);
}

void
record_stop(void)
{
	pool_stop(&records);
}

void
record_save(void)
{
	pool_save(&records);
	saved_books = books;
}

static void
chain_insert(struct record *r)
{
	uint32_t *bucket = bucket_of(r->asid, r->va);

	r->chain = *bucket;
	*bucket = index_of(r);
}

static void
chain_remove(const struct record *r)
{
	uint32_t *link = bucket_of(r->asid, r->va);

	while (*link != index_of(r))
		link = &record_at(*link)->chain;
	*link = r->chain;
}

/* The buckets are rebuilt: the records now live leave them, the saved ones enter. */
void
record_restore(void)
{
	for (unsigned asid = 0; asid < ARCH_ASIDS; asid++)
		for (struct record *r = record_first(asid); r; r = record_after(r))
			*bucket_of(r->asid, r->va) = 0;
	pool_restore(&records);
	books = saved_books;
	for (unsigned asid = 0; asid < ARCH_ASIDS; asid++)
		for (struct record *r = record_first(asid); r; r = record_after(r))
			if (r->kind == STALE_LEAF)
				chain_insert(r);
}

struct record *
record_first(unsigned asid)
{
	return record_at(books.first[asid]);
}

struct record *
record_after(const struct record *r)
{
	return record_at(r->next);
}

static struct record *
next_leaf_in_chain(uint32_t index, unsigned asid, vaddr_t va, unsigned level)
{
	struct record *r = record_at(index);

	while (r && !(r->asid == asid && r->va == va && r->level == level))
		r = record_at(r->chain);
	return r;
}

struct record *
record_leaf(unsigned asid, vaddr_t va, unsigned level)
{
	return next_leaf_in_chain(*bucket_of(asid, va), asid, va, level);
}

struct record *
record_leaf_after(const struct record *r)
{
	return next_leaf_in_chain(r->chain, r->asid, r->va, r->level);
}

/* Count the record in, or out of, the notes of all frames it names. */
static void
count_frames(const struct record *r, uint32_t change)
{
	uint64_t nr = r->kind == STALE_LEAF ? level_bytes(r->level) >> ARCH_PAGE_SHIFT : 1;

	if (r->kind == STALE_WRITES)
		return;
	for (uint64_t i = 0; i < nr && r->pfn + i < sim_fixed.nr_frames; i++)
		note_of(r->pfn + i)->stale += change;
}

static bool
says_the_same(const struct record *a, const struct record *b)
{
	return a->kind == b->kind && a->pfn == b->pfn && a->va == b->va && a->level == b->level &&
	       (a->rights & b->rights) == b->rights && (a->cpus & b->cpus) == b->cpus;
}

static bool
is_known(const struct record *fresh)
{
	struct record *r;

	if (fresh->kind != STALE_LEAF) {
		r = record_first(fresh->asid);
		return r && says_the_same(r, fresh);
	}
	for (r = record_leaf(fresh->asid, fresh->va, fresh->level); r; r = record_leaf_after(r))
		if (says_the_same(r, fresh))
			return true;
	return false;
}

void
record_add(const struct record *fresh)
{
	uint32_t       index, first = books.first[fresh->asid];
	struct record *r;

	if (is_known(fresh))
		return;
	index = pool_alloc(&records);
	r = record_at(index);
	*r = *fresh;
	r->next = first;
	r->prev = 0;
	if (first)
		record_at(first)->prev = index;
	books.first[r->asid] = index;
	if (r->kind == STALE_LEAF)
		chain_insert(r);
	if (r->kind == STALE_WRITES)
		books.nr_ranges++;
	count_frames(r, 1);
	for (cpu_mask_t cpus = r->cpus; cpus; cpus &= cpus - 1)
		sim_state.cpus[__builtin_ctzll(cpus)].nr_stale++;
	sim_state.machine.stats.stale_live++;
	sim_state.machine.stats.stale_recorded++;
}

static void
remove_record(struct record *r)
{
	if (r->kind == STALE_LEAF)
		chain_remove(r);
	if (r->kind == STALE_WRITES)
		books.nr_ranges--;
	count_frames(r, -1u);
	if (r->prev)
		record_at(r->prev)->next = r->next;
	else
		books.first[r->asid] = r->next;
	if (r->next)
		record_at(r->next)->prev = r->prev;
	sim_state.machine.stats.stale_live--;
	pool_free(&records, index_of(r));
}

void
record_flushed(struct record *r, unsigned cpu)
{
	r->cpus &= ~cpu_bit(cpu);
	sim_state.cpus[cpu].nr_stale--;
	if (!r->cpus)
		remove_record(r);
}

const struct record *
record_of_frame(uint64_t pfn)
{
	for (unsigned asid = 0; asid < ARCH_ASIDS; asid++)
		for (struct record *r = record_first(asid); r; r = record_after(r)) {
			uint64_t nr = r->kind == STALE_LEAF
					      ? level_bytes(r->level) >> ARCH_PAGE_SHIFT
					      : 1;

			if (r->kind != STALE_WRITES && pfn - r->pfn < nr)
				return r;
		}
	abort();
}

unsigned
record_nr_ranges(void)
{
	return books.nr_ranges;
}

/* An entry in words, for messages. */
static const char *
entry_text(uint64_t entry, char *buf, size_t bytes)
{
	const char *kind = entry & HW_TABLE ? "table" : "leaf";

	if (entry == 0)
		snprintf(buf, bytes, "empty");
	else if (!(entry & HW_VALID))
		snprintf(buf, bytes, "mark %" PRIx64, entry);
	else
		snprintf(buf, bytes, "%s of frame %" PRIu64 " %c%c%c", kind, entry & HW_FRAME,
			 entry & HW_DENY_R ? '-' : 'r', entry & HW_DENY_W ? '-' : 'w',
			 entry & HW_DENY_X ? '-' : 'x');
	return buf;
}

static void
cpus_text(cpu_mask_t cpus, char *buf, size_t bytes)
{
	size_t n = 0;

	buf[0] = 0;
	for (; cpus && n + 8 < bytes; cpus &= cpus - 1)
		n += (size_t)snprintf(buf + n, bytes - n, "%s%d", n ? "," : "",
				      __builtin_ctzll(cpus));
}

static void
kind_text(const struct record *r, char *buf, size_t bytes)
{
	static const char *const kinds[] = {
		[STALE_LEAF] = "a translation to frame",
		[STALE_TABLE] = "a partial walk through table",
		[STALE_WRITES] = "the permission to write",
	};

	if (r->kind == STALE_WRITES)
		snprintf(buf, bytes, "%s 0x%" PRIx64 "-0x%" PRIx64, kinds[r->kind], r->va,
			 r->va + level_bytes(r->level));
	else
		snprintf(buf, bytes, "%s %" PRIu64 " (%c%c%c) at 0x%" PRIx64, kinds[r->kind],
			 r->pfn, r->rights & RIGHT_R ? 'r' : '-', r->rights & RIGHT_W ? 'w' : '-',
			 r->rights & RIGHT_X ? 'x' : '-', r->va);
}

/* Where in the program, as object and offset, for a symboliser. */
static void
place_text(const void *at, char *buf, size_t bytes)
{
	char **names = backtrace_symbols((void *const *)&at, 1);

	snprintf(buf, bytes, "%s", names ? names[0] : "?");
	free(names);
}

void
record_stops(const struct record *r, const char *what, ...)
{
	char	event[160], kind[120], cpus[200], old[80], next[80], place[200];
	va_list args;

	va_start(args, what);
	vsnprintf(event, sizeof(event), what, args);
	va_end(args);
	kind_text(r, kind, sizeof(kind));
	cpus_text(r->cpus, cpus, sizeof(cpus));
	place_text(r->cause.at, place, sizeof(place));
	sim_violation("%s, but CPU %s may still use %s under asid %u and has not flushed it; "
		      "CPU %u changed the entry of level %u at 0x%" PRIx64 " from %s to %s, in %s",
		      event, cpus, kind, r->asid, r->cause.cpu, r->cause.level, r->cause.va,
		      entry_text(r->cause.old, old, sizeof(old)),
		      entry_text(r->cause.next, next, sizeof(next)), place);
}
