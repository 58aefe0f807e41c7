/*
 * asid.c - address-space tags: (generation, asid), never two spaces under one
 * live pair.
 *
 * A space keeps its tag until it dies or the generation ends. When no asid is
 * free a new generation starts: every CPU flushes everything, the spaces that
 * are active at that moment keep their asids in the new generation, and every
 * other space gets a new one at its next activation.
 *
 * Race with activation (pt.c): a CPU publishes its space in cpu->current before
 * it compares generations, and the roll-over raises the generation before it
 * looks at cpu->current. Whichever comes second sees the other.
 */
#include "base/assert.h"
#include "pt/state.h"

static bool
asid_is_used(const struct pt_state *st, unsigned asid)
{
	return st->used[asid / 64] >> (asid % 64) & 1;
}

static void
asid_mark(struct pt_state *st, unsigned asid)
{
	st->used[asid / 64] |= (uint64_t)1 << (asid % 64);
}

/* A free asid, or 0 if this generation has none left. */
static unsigned
asid_take(struct pt_state *st)
{
	for (unsigned n = 1; n < ARCH_ASIDS; n++) {
		unsigned asid = st->next_asid;

		st->next_asid = asid + 1 == ARCH_ASIDS ? 1 : asid + 1;
		if (!asid_is_used(st, asid)) {
			asid_mark(st, asid);
			return asid;
		}
	}
	return 0;
}

/*
 * Spaces active now go on under the asid they have. A space that is current on a
 * CPU with an older tag is waiting there for the lock we hold.
 */
static void
keep_active_tags(struct pt_state *st, uint64_t generation)
{
	for (unsigned cpu = 0; cpu < platform_cpus(); cpu++) {
		struct pt *pt = atomic_load(&st->cpu[cpu].current);
		uint64_t   tag = pt ? atomic_load(&pt->tag) : 0;

		arch_point();
		if (tag == 0 || tag_generation(tag) + 1 < generation)
			continue;
		if (tag_generation(tag) == generation)
			continue; /* active on an earlier CPU too */
		asid_mark(st, tag_asid(tag));
		atomic_store(&pt->tag, generation << 16 | tag_asid(tag));
	}
}

static void
asid_roll_over(struct pt_state *st)
{
	uint64_t generation = atomic_load(&st->generation) + 1;

	atomic_store(&st->generation, generation);
	arch_point();
	for (unsigned i = 0; i < ARRAY_SIZE(st->used); i++)
		st->used[i] = 0;
	asid_mark(st, 0);
	keep_active_tags(st, generation);
	stat_inc(STAT_ASID_ROLLOVERS);
	shootdown_everything();
}

void
asid_ensure(struct pt *pt)
{
	struct pt_state *st = pt_state();
	unsigned	 asid;

	if (tag_generation(atomic_load(&pt->tag)) == atomic_load(&st->generation))
		return;
	lock_acquire(&st->asid_lock);
	if (tag_generation(atomic_load(&pt->tag)) != atomic_load(&st->generation)) {
		asid = asid_take(st);
		if (asid == 0) {
			asid_roll_over(st);
			asid = asid_take(st);
		}
		ASSERT(asid != 0); /* there are more tags than CPUs */
		atomic_store(&pt->cached_on, 0);
		atomic_store(&pt->tag, atomic_load(&st->generation) << 16 | asid);
	}
	lock_release(&st->asid_lock);
}

/* A roll-over holds the lock until every CPU has flushed, so the second look is the truth. */
bool
asid_is_live(struct pt *pt)
{
	struct pt_state *st = pt_state();
	bool live = tag_generation(atomic_load(&pt->tag)) == atomic_load(&st->generation);

	if (live)
		return true;
	lock_acquire(&st->asid_lock);
	live = tag_generation(atomic_load(&pt->tag)) == atomic_load(&st->generation);
	if (!live)
		atomic_store(&pt->cached_on, 0);
	lock_release(&st->asid_lock);
	return live;
}

void
asid_free(struct pt *pt)
{
	struct pt_state *st = pt_state();
	uint64_t	 tag;

	lock_acquire(&st->asid_lock);
	tag = atomic_load(&pt->tag);
	if (tag && tag_generation(tag) == atomic_load(&st->generation))
		st->used[tag_asid(tag) / 64] &= ~((uint64_t)1 << (tag_asid(tag) % 64));
	atomic_store(&pt->tag, 0);
	lock_release(&st->asid_lock);
}
