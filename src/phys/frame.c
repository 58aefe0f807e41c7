/*
 * frame.c - the life of a frame: what it is, how often it is named.
 *
 *            phys_init
 *   RESERVED ---------> FREE <-----------------------------+
 *                        |                                 |
 *                        | frame_alloc          frame_free |
 *                        v                                 |
 *            +---------+--------+----------+               |
 *            v         v        v          v               |
 *          TABLE     ANON <-> OBJECT     KERNEL -----------+
 *            |         ^        ^          |               |
 *            |         +--------+----------+               |
 *            |           frame_set_kind                    |
 *            +---------------------------------------------+
 *
 * A private page may become an object's (sharing starts) and the other way
 * round (the last owner keeps it); a page that the kernel has filled may be
 * handed to either. Tables are made from free frames and become nothing else.
 *
 *   move                        made by
 *   RESERVED -> FREE            phys_init
 *   FREE -> TABLE, ANON, ...    frame_alloc
 *   TABLE, ANON, ... -> FREE    frame_free
 *   the others                  frame_set_kind
 *
 * Counts are atomic and need no lock. Kind and order belong to whoever holds
 * the frame. I-LEDGER: each move takes a block's frames from one kind's total
 * and gives them to another's, on the CPU's own ledger; only sums mean
 * something.
 */
#include "base/assert.h"
#include "phys/buddy.h"
#include "phys/magazine.h"

#define MOVES_TO(kind) ((unsigned)1 << (kind))

static const uint8_t legal_moves[FRAME_KINDS] = {
	[FRAME_RESERVED] = 0,
	[FRAME_FREE] = MOVES_TO(FRAME_TABLE) | MOVES_TO(FRAME_ANON) | MOVES_TO(FRAME_OBJECT) |
		       MOVES_TO(FRAME_KERNEL),
	[FRAME_TABLE] = MOVES_TO(FRAME_FREE),
	[FRAME_ANON] = MOVES_TO(FRAME_FREE) | MOVES_TO(FRAME_OBJECT),
	[FRAME_OBJECT] = MOVES_TO(FRAME_FREE) | MOVES_TO(FRAME_ANON),
	[FRAME_KERNEL] = MOVES_TO(FRAME_FREE) | MOVES_TO(FRAME_ANON) | MOVES_TO(FRAME_OBJECT),
};

static const char *const kind_names[FRAME_KINDS] = {
	[FRAME_RESERVED] = "reserved", [FRAME_FREE] = "free",	  [FRAME_TABLE] = "table",
	[FRAME_ANON] = "anon",	       [FRAME_OBJECT] = "object", [FRAME_KERNEL] = "kernel",
};

/* Frames that are used drift this far on one CPU before the shared count hears of it. */
#define DRIFT_MAX 64

static void
add_i64(_Atomic int64_t *counter, int64_t n)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
			      memory_order_relaxed);
}

/* note_used - keep count of used frames and their peak; each CPU's view lags by others' drifts. */
static void
note_used(struct phys *p, struct cpu_ledger *ledger, int64_t n)
{
	int64_t drift = atomic_load_explicit(&ledger->drift, memory_order_relaxed) + n;
	int64_t used = atomic_load_explicit(&p->nr_used, memory_order_relaxed) + drift;

	if (used > 0 && (uint64_t)used > atomic_load_explicit(&ledger->peak, memory_order_relaxed))
		atomic_store_explicit(&ledger->peak, (uint64_t)used, memory_order_relaxed);
	if (drift >= DRIFT_MAX || drift <= -DRIFT_MAX) {
		atomic_fetch_add_explicit(&p->nr_used, drift, memory_order_relaxed);
		drift = 0;
	}
	atomic_store_explicit(&ledger->drift, drift, memory_order_relaxed);
}

static const char *
kind_name(unsigned kind)
{
	return kind < FRAME_KINDS ? kind_names[kind] : "unknown";
}

/* move - change a block's kind by the table, and the ledger with it. */
static void
move(pfn_t pfn, struct frame *f, enum frame_kind to)
{
	struct phys	  *p = phys();
	struct cpu_ledger *ledger = &p->ledgers[platform_cpu()];
	int64_t		   frames = (int64_t)1 << f->order;
	unsigned	   from = f->kind;

	REQUIRE(from < FRAME_KINDS && legal_moves[from] & MOVES_TO(to),
		"frame %llx (order %u, count %u) cannot become %s: it is %s",
		(unsigned long long)pfn.n, f->order,
		atomic_load_explicit(&f->count, memory_order_relaxed), kind_name(to),
		kind_name(from));
	f->kind = (uint8_t)to;
	add_i64(&ledger->by_kind[from], -frames);
	add_i64(&ledger->by_kind[to], frames);
	if (from == FRAME_FREE)
		note_used(p, ledger, frames);
	else if (to == FRAME_FREE)
		note_used(p, ledger, -frames);
}

struct frame *
frame_of(pfn_t pfn)
{
	struct frame *f = section_peek(pfn.n);

	REQUIRE(f, "frame %llx does not exist, or lies inside a free block",
		(unsigned long long)pfn.n);
	return f;
}

/* As section_peek; descriptors are cleared before the number of open ones says so: acquire it. */
struct frame *
frame_peek(pfn_t pfn)
{
	struct section *s = section_of(phys(), pfn.n);
	struct frame   *f;
	uint32_t	at;

	if (!s)
		return NULL;
	at = (uint32_t)(pfn.n & (SECTION_FRAMES - 1)) - s->first;
	if (at >= atomic_load_explicit(&s->nr_open, memory_order_acquire))
		return NULL;
	f = &s->frames[at];
	return atomic_load_explicit(&f->node, memory_order_relaxed) != NODE_HOLE ? f : NULL;
}

/* Counts. */

err_t
frame_get(pfn_t pfn)
{
	struct frame *f = frame_of(pfn);
	uint32_t      count = atomic_load_explicit(&f->count, memory_order_relaxed);

	do {
		REQUIRE(count > 0, "frame %llx (%s) is named again after its last count",
			(unsigned long long)pfn.n, kind_name(f->kind));
		if (UNLIKELY(count >= FRAME_COUNT_MAX))
			return ERR_OVERFLOW;
	} while (!atomic_compare_exchange_weak_explicit(
		&f->count, &count, count + 1, memory_order_relaxed, memory_order_relaxed));
	stat_inc(STAT_COUNT_CHANGES);
	return OK;
}

bool
frame_put(pfn_t pfn)
{
	struct frame *f = frame_of(pfn);
	uint32_t      before = atomic_fetch_sub_explicit(&f->count, 1, memory_order_acq_rel);

	REQUIRE(before > 0, "count of frame %llx (%s, order %u) below zero",
		(unsigned long long)pfn.n, kind_name(f->kind), f->order);
	stat_inc(STAT_COUNT_CHANGES);
	return before == 1;
}

void
frame_set_kind(pfn_t pfn, enum frame_kind kind)
{
	struct frame *f = frame_of(pfn);

	REQUIRE(f->kind != FRAME_FREE && kind != FRAME_FREE,
		"frame %llx from %s to %s: only the allocator does that", (unsigned long long)pfn.n,
		kind_name(f->kind), kind_name(kind));
	move(pfn, f, kind);
	atomic_store_explicit(&f->flags, 0, memory_order_relaxed);
}

/* Allocation. */

/* take_single - from the magazines, in the order of nodes that the request asks for. */
static bool
take_single(unsigned first_node, uint32_t *out)
{
	unsigned nr_nodes = phys()->nr_nodes;

	for (unsigned i = 0; i < nr_nodes; i++) {
		if (magazine_take((first_node + i) % nr_nodes, out))
			return true;
	}
	return false;
}

static bool
take_claimed(unsigned first_node, unsigned order, uint32_t *out)
{
	struct phys *p = phys();

	for (unsigned i = 0; i < p->nr_nodes; i++) {
		if (buddy_take(&p->nodes[(first_node + i) % p->nr_nodes], order, out))
			return true;
	}
	return false;
}

/* take_block - from the buddies, within the reserve. */
static bool
take_block(unsigned first_node, const struct frame_request *request, uint32_t *out)
{
	uint64_t frames = (uint64_t)1 << request->order;

	if (!free_lists_claim(frames, request->may_use_reserve ? 0 : phys()->reserve))
		return false;
	if (take_claimed(first_node, request->order, out))
		return true;
	free_lists_add(frames);
	return false;
}

static bool
take(const struct frame_request *request, uint32_t *out)
{
	unsigned wish = request->by_node ? request->node : platform_node();
	unsigned first_node = wish % phys()->nr_nodes;

	if (request->order == 0 && take_single(first_node, out))
		return true;
	if (take_block(first_node, request, out))
		return true;
	/* What magazines hold may be what is missing, alone or to complete a larger block. */
	magazine_drain_all();
	return take_block(first_node, request, out);
}

static void
zero_block(pfn_t pfn, unsigned order)
{
	for (uint64_t i = 0; i < (uint64_t)1 << order; i++)
		arch_frame_zero(pfn_add(pfn, i));
}

err_t
frame_take(const struct frame_request *request, pfn_t *out)
{
	struct frame *f;
	uint32_t      n;
	pfn_t	      pfn;

	REQUIRE(request->order <= FRAME_ORDER_MAX, "order %u is above %u", request->order,
		FRAME_ORDER_MAX);
	if (!take(request, &n))
		return ERR_NOMEM;
	pfn = (pfn_t){ n };
	f = frame_of(pfn);
	move(pfn, f, request->kind);
	REQUIRE(arch_frame_revive(pfn, request->order),
		"frame %llx (order %u) was written to while it was free", (unsigned long long)pfn.n,
		request->order);
	if (request->zeroed)
		zero_block(pfn, request->order);
	atomic_store_explicit(&f->count, 1, memory_order_release);
	*out = pfn;
	return OK;
}

err_t
frame_alloc(struct frame_request request, pfn_t *out)
{
	if (arch_inject_failure())
		return ERR_NOMEM;
	return frame_take(&request, out);
}

/* has_pins - devices still use the page. Only pages have pins. */
static bool
has_pins(const struct frame *f)
{
	return (f->kind == FRAME_ANON || f->kind == FRAME_OBJECT) &&
	       atomic_load_explicit(&f->page.pins, memory_order_relaxed);
}

void
frame_free(pfn_t pfn)
{
	struct frame *f = frame_of(pfn);
	uint32_t      count = atomic_load_explicit(&f->count, memory_order_acquire);
	unsigned      node = atomic_load_explicit(&f->node, memory_order_relaxed);
	unsigned      order = f->order;

	REQUIRE(count == 0, "frame %llx (%s, order %u) is freed with count %u",
		(unsigned long long)pfn.n, kind_name(f->kind), order, count);
	REQUIRE(!has_pins(f), "frame %llx (%s) is freed with %u pins", (unsigned long long)pfn.n,
		kind_name(f->kind), atomic_load_explicit(&f->page.pins, memory_order_relaxed));
	if (f->kind == FRAME_OBJECT)
		atomic_store_explicit(&f->flags, 0, memory_order_relaxed);
	REQUIRE(!(atomic_load_explicit(&f->lock, memory_order_relaxed) & ~LOCK_IN_BUDDY),
		"frame %llx (%s) is freed with its lock held", (unsigned long long)pfn.n,
		kind_name(f->kind));
	move(pfn, f, FRAME_FREE);
	f->word = 0;
	arch_frame_retire(pfn, order);
	if (order == 0 && magazine_give(node, (uint32_t)pfn.n))
		return;
	buddy_give(&phys()->nodes[node], (uint32_t)pfn.n, order);
	free_lists_add((uint64_t)1 << order);
}

void
frame_release(pfn_t pfn)
{
	REQUIRE(frame_of(pfn)->kind != FRAME_TABLE, "frame %llx is a table (count %u)",
		(unsigned long long)pfn.n, frame_count(pfn));
	if (frame_put(pfn))
		frame_free(pfn);
}

/* The map. */

unsigned
range_of(uint64_t n)
{
	struct phys *p = phys();
	unsigned     low = 0;
	unsigned     high = p->nr_ranges;

	while (low < high) {
		unsigned mid = (low + high) / 2;

		if (p->ranges[mid].end <= n)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

bool
frame_exists(pfn_t pfn)
{
	unsigned i = range_of(pfn.n);

	return i < phys()->nr_ranges && phys()->ranges[i].start <= pfn.n;
}

pfn_t
frame_first(void)
{
	return (pfn_t){ phys()->ranges[0].start };
}

pfn_t
frame_next(pfn_t pfn)
{
	uint64_t next = pfn.n + 1;
	unsigned i = range_of(next);

	if (i == phys()->nr_ranges)
		return pfn_none();
	return (pfn_t){ max_u64(next, phys()->ranges[i].start) };
}

pfn_t
frame_from_pointer(const void *ptr)
{
	struct phys *p = phys();

	for (unsigned i = 0; i < p->nr_ranges; i++) {
		struct mem_range r = p->ranges[i];
		uintptr_t	 base = (uintptr_t)arch_frame_ptr((pfn_t){ r.start });
		uint64_t	 at = ((uintptr_t)ptr - base) >> ARCH_PAGE_SHIFT;

		if ((uintptr_t)ptr >= base && at < r.end - r.start)
			return (pfn_t){ r.start + at };
	}
	return pfn_none();
}

struct frame_watermarks
frame_watermarks(void)
{
	return phys()->marks;
}

uint64_t
frames_available(void)
{
	return atomic_load_explicit(&phys()->nr_free, memory_order_relaxed);
}

struct frame_totals
frame_totals(void)
{
	struct phys	   *p = phys();
	struct frame_totals totals = { .total = p->total, .reserve = p->reserve };
	int64_t		    sums[FRAME_KINDS] = { 0 };

	sums[FRAME_FREE] = (int64_t)p->usable;
	sums[FRAME_RESERVED] = (int64_t)(p->total - p->usable);
	for (unsigned cpu = 0; cpu < p->nr_cpus; cpu++) {
		struct cpu_ledger *ledger = &p->ledgers[cpu];

		for (unsigned kind = 0; kind < FRAME_KINDS; kind++)
			sums[kind] +=
				atomic_load_explicit(&ledger->by_kind[kind], memory_order_relaxed);
		totals.peak_used =
			max_u64(totals.peak_used,
				atomic_load_explicit(&ledger->peak, memory_order_relaxed));
	}
	for (unsigned kind = 0; kind < FRAME_KINDS; kind++)
		totals.by_kind[kind] = sums[kind] > 0 ? (uint64_t)sums[kind] : 0;
	return totals;
}
