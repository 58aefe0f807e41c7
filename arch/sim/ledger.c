/*
 * ledger.c - the stale ledger: every cached translation that the tables have
 * taken back, until each CPU has flushed it.
 *
 * A CPU may speculate, so everything reachable from a root counts as cached on
 * each CPU where the root's tag is live (activated since that CPU last dropped the
 * tag), touched or not. When an entry changes, the ledger finds all ways to it from
 * live roots (reach.c), what the change makes stale on each (effect.c), and
 * books it (record.c). Flushes take it off the books. While a record lives:
 *
 *   - the frame or table it names must not become free
 *   - another frame must not become writable at its address
 *   - its frame, if private, must not become writable in another space, and its
 *     table must not be taken over by another space
 *   - the operation that made it must not declare itself finished
 *   - its CPU may serve an access from it
 *
 * A change that allows more, or fills an empty entry, makes nothing stale.
 */
#include "ledger.h"

#include <inttypes.h>

#include "effect.h"
#include "kernel_window.h"
#include "reach.h"

bool
ledger_start(void)
{
	kernel_window_start();
	return reach_start() && record_start();
}

void
ledger_stop(void)
{
	reach_stop();
	record_stop();
}

void
ledger_save(void)
{
	reach_save();
	record_save();
}

void
ledger_restore(void)
{
	kernel_window_start();
	record_restore();
	reach_restore();
}

/* The CPUs of a context that still have the range's old write permission. */
static void
record_through_ranges(const struct effect *e)
{
	for (struct record *r = record_first(e->asid); r; r = record_after(r)) {
		struct effect writes = *e;

		if (r->kind != STALE_WRITES || !record_covers(r, e->cause->va))
			continue;
		writes.cpus &= r->cpus;
		writes.rights |= RIGHT_W;
		if (r->level == e->cause->level)
			writes.old &= ~HW_DENY_W;
		if (writes.cpus)
			effect_record(&writes);
	}
}

static void
loses_on_one_way(const struct reach *way, void *arg)
{
	struct cause *cause = arg;
	struct effect e = {
		.asid = way->context->asid,
		.cpus = way->context->cpus,
		.rights = way->rights,
		.old = cause->old,
		.cause = cause,
	};

	cause->va = way->va;
	cause->level = way->level;
	effect_record(&e);
	if (record_nr_ranges())
		record_through_ranges(&e);
}

/* check_address - where a stale translation leads must not differ from a writable page there now. */
static void
check_address(const struct record *r, pfn_t root, vaddr_t va)
{
	struct walk w = mmu_walk(root, va);
	uint64_t    pfn = r->pfn + ((va - r->va) >> ARCH_PAGE_SHIFT);

	if (w.end == WALK_DONE && w.rights & RIGHT_W && w.pfn.n != pfn)
		record_stops(r, "frame %" PRIu64 " becomes writable at 0x%" PRIx64, w.pfn.n, va);
}

static void
check_addresses(const struct reach *way, pfn_t root)
{
	uint64_t bytes = level_bytes(way->level);

	for (struct record *r = record_first(way->context->asid); r; r = record_after(r)) {
		vaddr_t va = max_u64(r->va, way->va);
		vaddr_t end = min_u64(r->va + level_bytes(r->level), way->va + bytes);

		for (; r->kind == STALE_LEAF && va < end; va += ARCH_PAGE_SIZE)
			check_address(r, root, va);
	}
}

/* check_sharing - what another tag's stale record names must not be written here. */
static void
check_sharing(const struct reach *way, uint64_t next)
{
	uint64_t pfn = next & HW_FRAME;
	bool	 is_private = next & (HW_TABLE | HW_PRIVATE);

	if (!is_private || pfn >= sim_fixed.nr_frames || !note_of(pfn)->stale ||
	    !(way->rights & mmu_entry_rights(next) & RIGHT_W))
		return;
	for (unsigned asid = 0; asid < ARCH_ASIDS; asid++)
		for (struct record *r = record_first(asid); r; r = record_after(r))
			if (asid != way->context->asid && r->pfn == pfn)
				record_stops(r, "%s %" PRIu64 " becomes writable under asid %u",
					     next & HW_TABLE ? "table" : "frame", pfn,
					     way->context->asid);
}

static void
gains_on_one_way(const struct reach *way, void *arg)
{
	const uint64_t *next = arg;

	check_addresses(way, way->root);
	check_sharing(way, *next);
}

/* What differs only in bits that are the library's, or are set by hardware, changes nothing. */
static bool
changes_nothing(uint64_t old, uint64_t next)
{
	uint64_t gained_dirty = next & ~old & HW_DIRTY;

	if (!((old | next) & HW_VALID))
		return true;
	return !((old ^ next) & ~(HW_ACCESSED | HW_SPECIAL | HW_WIRED | gained_dirty));
}

/* A root that follows another must not say what that does not. */
static void
follows_on_one_way(const struct reach *way, void *arg)
{
	(void)arg;
	if (reach_follows(way->context) && pfn_eq(way->root, reach_root(way->context)) &&
	    effect_differs(way->root, reach_truth(way->context), way->va, way->level, RIGHT_D))
		sim_violation("an entry for 0x%" PRIx64 " under root %" PRIu64
			      " allows what root %" PRIu64 ", which it follows, does not",
			      way->va, way->root.n, reach_truth(way->context).n);
}

static void
table_entry_changed(struct table *t, unsigned index, uint64_t old, uint64_t next, const void *at)
{
	struct cause cause = { .cpu = sim_cpu_now, .old = old, .next = next, .at = at };

	reach_entry_changed(t, index, old, next);
	if (!t->context && !t->followers && !t->parents)
		return;
	if (next & HW_VALID && reach_has_followers())
		reach_each(t, index, false, follows_on_one_way, NULL);
	if (old & HW_VALID && effect_loses(old, next)) {
		bool only_writes = effect_only_writes(old, next) && !record_nr_ranges();

		reach_each(t, index, only_writes, loses_on_one_way, &cause);
	}
	if (sim_state.machine.stats.stale_live && next & HW_VALID)
		reach_each(t, index, false, gains_on_one_way, &next);
}

void
ledger_entry_changed(const uint64_t *slot, uint64_t old, uint64_t next, const void *at)
{
	uint64_t offset = (uint64_t)((const unsigned char *)slot - sim_ram.base);

	if (!sim_fixed.has_ledger || changes_nothing(old, next))
		return;
	kernel_window_entry_changed(slot, old, next);
	if (offset >> ARCH_PAGE_SHIFT >= sim_fixed.nr_frames)
		return;
	table_entry_changed(reach_table(offset >> ARCH_PAGE_SHIFT),
			    (unsigned)(offset & ARCH_PAGE_MASK) / 8, old, next, at);
}

static void
retire_table(struct table *t)
{
	uint32_t context = t->context ? t->context : t->followers;

	if (context)
		sim_violation("root table %" PRIu64 " is freed, but CPUs may still have cached "
			      "partial walks through it under asid %u (CPU mask 0x%" PRIx64 ")",
			      t->pfn, reach_context(context)->asid, reach_context(context)->cpus);
	if (reach_is_live(t))
		sim_violation("table %" PRIu64 " is freed, but an entry that a live root "
			      "reaches names it",
			      t->pfn);
	reach_forget(t);
}

void
ledger_frame_retired(pfn_t pfn)
{
	struct frame_note *note = note_of(pfn.n);

	kernel_window_frame_retired(pfn);
	if (LIKELY(!note->table && !note->stale))
		return;
	if (note->stale)
		record_stops(record_of_frame(pfn.n), "frame %" PRIu64 " is freed", pfn.n);
	retire_table(reach_find(pfn.n));
}

void
ledger_frame_erase(pfn_t pfn)
{
	uint64_t *entries = arch_frame_ptr(pfn);

	if (LIKELY(!note_of(pfn.n)->table))
		return;
	for (unsigned i = 0; i < HW_ENTRIES; i++)
		if (entries[i] & HW_VALID)
			sim_pte_exchange(&entries[i], 0);
}

void
ledger_frame_filled(pfn_t pfn, pfn_t copied_from)
{
	uint64_t *entries = arch_frame_ptr(pfn);

	if (LIKELY(!note_of(copied_from.n)->table))
		return;
	for (unsigned i = 0; i < HW_ENTRIES; i++)
		ledger_entry_changed(&entries[i], 0, entries[i], NULL);
}

/* Flushes: on the calling CPU, what is gone from its cache goes from the books. */

static bool
is_mine(const struct record *r)
{
	return r->cpus & cpu_bit(sim_cpu_now);
}

/*
 * is_kept - the CPU follows another root and walks tables that still say what the record is about:
 * what it has flushed it finds there again at once.
 */
static bool
is_kept(const struct record *r)
{
	const struct context *ctx = reach_live(sim_cpu_now, r->asid);

	return r->asid == this_cpu()->asid && r->kind != STALE_TABLE && ctx && reach_follows(ctx) &&
	       effect_differs(reach_root(ctx), reach_truth(ctx), r->va, r->level, 0);
}

/* All records of the asid that this CPU holds. false: there were none. */
static bool
flush_records(unsigned asid)
{
	bool	       any = false;
	struct record *after;

	for (struct record *r = record_first(asid); r && this_cpu()->nr_stale; r = after) {
		after = record_after(r);
		if (!is_mine(r) || is_kept(r))
			continue;
		record_flushed(r, sim_cpu_now);
		any = true;
	}
	return any;
}

static bool
flush_whole_asid(unsigned asid)
{
	bool any = flush_records(asid);

	/* An active tag is filled again at once; another one is empty now. */
	if (asid != this_cpu()->asid && reach_deactivate(sim_cpu_now, asid))
		any = true;
	return any;
}

static void
count_flush(bool was_useful)
{
	sim_state.machine.stats.flushes++;
	if (!was_useful)
		sim_state.machine.stats.useless_flushes++;
}

void
ledger_flush_asid(unsigned asid)
{
	if (sim_fixed.has_ledger)
		count_flush(flush_whole_asid(asid));
}

void
ledger_flush_all(void)
{
	bool any = false;

	if (!sim_fixed.has_ledger)
		return;
	for (unsigned asid = 0; asid < ARCH_ASIDS; asid++)
		any = flush_whole_asid(asid) || any;
	any = kernel_window_flush_all() || any;
	count_flush(any);
}

/* Flushing one page proves nothing about the others of a range: book those one by one. */
static void
expand_ranges(unsigned asid)
{
	struct context *ctx = reach_live(sim_cpu_now, asid);
	struct record  *after;

	for (struct record *r = record_first(asid); r; r = after) {
		after = record_after(r);
		if (r->kind != STALE_WRITES || !is_mine(r))
			continue;
		effect_expand(r, reach_truth(ctx));
		record_flushed(r, sim_cpu_now);
	}
}

static bool
flush_leaves(unsigned asid, vaddr_t va)
{
	bool any = false;

	for (unsigned level = 0; level <= ARCH_LEAF_LEVEL_MAX; level++) {
		vaddr_t	       start = va & ~(level_bytes(level) - 1);
		struct record *after;

		for (struct record *r = record_leaf(asid, start, level); r; r = after) {
			after = record_leaf_after(r);
			if (!is_mine(r) || is_kept(r))
				continue;
			record_flushed(r, sim_cpu_now);
			any = true;
		}
	}
	return any;
}

static bool
flush_partial_walks(unsigned asid)
{
	bool	       any = false;
	struct record *after;

	for (struct record *r = record_first(asid); r; r = after) {
		after = record_after(r);
		if (r->kind != STALE_TABLE || !is_mine(r))
			continue;
		record_flushed(r, sim_cpu_now);
		any = true;
	}
	return any;
}

void
ledger_flush_page(unsigned asid, vaddr_t va)
{
	bool any = false;

	if (!sim_fixed.has_ledger)
		return;
	if (this_cpu()->nr_stale) {
		if (record_nr_ranges())
			expand_ranges(asid);
		any = flush_leaves(asid, va);
		any = flush_partial_walks(asid) || any;
	}
	count_flush(any);
}

void
ledger_activated(pfn_t root, unsigned asid)
{
	if (asid && sim_fixed.has_ledger)
		reach_activate(sim_cpu_now, asid, root.n);
}

/* The root that says what is true for the CPUs of a record. */
static pfn_t
root_of(const struct record *r)
{
	return reach_truth(reach_live((unsigned)__builtin_ctzll(r->cpus), r->asid));
}

void
ledger_follows(pfn_t root, pfn_t reference)
{
	if (sim_fixed.has_ledger)
		reach_follow(root.n, reference.n);
}

/* What other CPUs have made stale is theirs to settle: they may be about to flush it. */
void
ledger_settled(unsigned asid)
{
	for (struct record *r = record_first(asid); r; r = record_after(r))
		if (r->cause.cpu == sim_cpu_now && effect_is_stale(r, root_of(r)))
			record_stops(r, "an operation is declared finished");
}

unsigned
ledger_stale_choices(unsigned asid, vaddr_t va, struct stale_choice *out, unsigned max)
{
	unsigned nr = 0;

	for (struct record *r = record_first(asid); r && nr < max; r = record_after(r)) {
		struct walk w;

		if (!is_mine(r) || !record_covers(r, va) || r->kind == STALE_WRITES)
			continue;
		if (r->kind == STALE_LEAF) {
			out[nr].is_walk = false;
			out[nr].pfn.n = r->pfn + ((va - r->va) >> ARCH_PAGE_SHIFT);
			out[nr++].rights = r->rights;
			continue;
		}
		w = mmu_walk_from((pfn_t){ r->pfn }, r->level - 1, r->rights, va);
		if (w.end == WALK_DONE)
			out[nr++] = (struct stale_choice){ w.pfn, w.rights, true, w };
	}
	return nr;
}

struct sim_tlb_stats
sim_tlb_stats(void)
{
	return sim_state.machine.stats;
}

bool
sim_is_stale(unsigned cpu, unsigned asid, vaddr_t va)
{
	for (struct record *r = record_first(asid); r; r = record_after(r))
		if (r->cpus & cpu_bit(cpu) && record_covers(r, va) && r->kind != STALE_TABLE &&
		    effect_is_stale(r, root_of(r)))
			return true;
	return false;
}
