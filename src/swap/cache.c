/*
 * cache.c - the time between memory and device.
 *
 *	mapped ──choose──▶ mapped or marked, cached ──store──▶ marked, on the device
 *	   ▲                       │        ▲                        │
 *	   └── last mark is gone ──┘        └───────── load ─────────┘
 *
 * A slot is chosen when the first entry that names a frame becomes a mark; other
 * entries of the same frame follow to the same slot. While one mark is left, the
 * frame and the slot belong together. When the last goes, the association goes, and a
 * page that was faulted back in belongs to its mapping alone.
 *
 * Nobody writes a cached frame (cache.h), so storing needs no lock while the
 * device works; a count on the slot keeps the association, one on the frame the contents.
 * Both sides of an association change under the slot's lock. A frame has no
 * lock, so two CPUs may choose for it at once: the one whose compare-and-swap comes second
 * gives its slot back.
 */
#include "swap/cache.h"

#include <anymm/stats.h>

#include "base/assert.h"
#include "swap/device.h"

static _Atomic uint32_t *
choice_of(pfn_t pfn)
{
	return &frame_of(pfn)->page.swap;
}

pfn_t
swap_dissociate(swap_t slot)
{
	struct swap_slot *s = swap_slot_of(slot);
	pfn_t		  pfn = { s->frame };

	REQUIRE(atomic_load(choice_of(pfn)) == slot.n + 1,
		"swap slot %u has frame %x, which says slot %u", slot.n, s->frame,
		atomic_load(choice_of(pfn)) - 1);
	s->frame = SWAP_NOTHING;
	s->count--;
	atomic_store(choice_of(pfn), 0);
	return pfn;
}

/* join - one more count on the slot if it is the frame's. fails ERR_AGAIN: not any more; ERR_OVERFLOW */
static err_t
join(swap_t slot, pfn_t pfn)
{
	struct swap_slot *s = swap_slot_of(slot);
	err_t		  err = OK;

	lock_acquire(swap_lock_of(slot));
	if (s->count == 0 || s->frame != pfn.n || atomic_load(choice_of(pfn)) != slot.n + 1)
		err = ERR_AGAIN;
	else if (s->count >= SWAP_COUNT_MAX)
		err = ERR_OVERFLOW;
	else
		s->count++;
	lock_release(swap_lock_of(slot));
	return err;
}

/* associate - HOLDS the slot's lock; the cache's counts are taken over from the caller. */
static void
associate(struct swap_slot *s, pfn_t pfn)
{
	s->frame = (uint32_t)pfn.n;
	s->count++;
}

/*
 * choose_fresh - a slot of its own, with the association and one count for the caller.
 *   fails  ERR_AGAIN: another CPU has chosen meanwhile; ERR_NOMEM, ERR_OVERFLOW
 */
static err_t
choose_fresh(pfn_t pfn, swap_t *out)
{
	uint32_t none = 0;
	swap_t	 slot;
	err_t	 err = frame_get(pfn);

	if (err)
		return err;
	err = swap_alloc(&slot);
	if (err) {
		frame_release(pfn);
		return err;
	}
	lock_acquire(swap_lock_of(slot));
	if (atomic_compare_exchange_strong(choice_of(pfn), &none, slot.n + 1))
		associate(swap_slot_of(slot), pfn);
	else
		err = ERR_AGAIN;
	lock_release(swap_lock_of(slot));
	if (err) {
		swap_put(slot);
		frame_release(pfn);
		return err;
	}
	*out = slot;
	return OK;
}

err_t
swap_choose(pfn_t pfn, swap_t *out)
{
	err_t err;

	do {
		uint32_t chosen = atomic_load(choice_of(pfn));

		if (chosen) {
			*out = (swap_t){ chosen - 1 };
			err = join(*out, pfn);
		} else {
			err = choose_fresh(pfn, out);
		}
	} while (err == ERR_AGAIN);
	return err;
}

err_t
swap_cached(swap_t slot, pfn_t *out)
{
	struct swap_slot *s = swap_slot_of(slot);
	err_t		  err = ERR_NOENT;

	lock_acquire(swap_lock_of(slot));
	if (s->frame != SWAP_NOTHING) {
		*out = (pfn_t){ s->frame };
		err = frame_get(*out);
	}
	lock_release(swap_lock_of(slot));
	return err;
}

bool
swap_is_cached(swap_t slot)
{
	bool cached;

	lock_acquire(swap_lock_of(slot));
	cached = swap_slot_of(slot)->frame != SWAP_NOTHING;
	lock_release(swap_lock_of(slot));
	return cached;
}

/* read_slot - a frame of the caller's with the contents. */
static err_t
read_slot(swap_t slot, pfn_t *out)
{
	err_t err = frame_alloc((struct frame_request){ .kind = FRAME_ANON }, out);

	if (err)
		return err;
	err = swap_read(slot, *out);
	if (err)
		frame_release(*out);
	return err;
}

/* publish - other places that name the slot find the frame. false: another CPU was faster. */
static bool
publish(swap_t slot, pfn_t pfn)
{
	struct swap_slot *s = swap_slot_of(slot);
	bool		  first;

	lock_acquire(swap_lock_of(slot));
	first = s->frame == SWAP_NOTHING && frame_get(pfn) == OK;
	if (first) {
		atomic_store(choice_of(pfn), slot.n + 1);
		associate(s, pfn);
	}
	lock_release(swap_lock_of(slot));
	return first;
}

/* load_once - fails ERR_AGAIN: another CPU was faster; its frame may be gone again, too. */
static err_t
load_once(swap_t slot, pfn_t *out)
{
	err_t err = read_slot(slot, out);

	if (err || publish(slot, *out))
		return err;
	frame_release(*out);
	return ERR_AGAIN;
}

err_t
swap_load(swap_t slot, pfn_t *out)
{
	err_t err;

	do {
		err = swap_cached(slot, out);
		if (err == OK)
			stat_inc(STAT_SWAP_HITS);
		if (err == ERR_NOENT)
			err = load_once(slot, out);
	} while (err == ERR_AGAIN);
	return err;
}

/* hold - take counts on the slot and on its frame, if the cache is all that holds the frame. */
static bool
hold(swap_t slot, pfn_t *pfn, bool *is_stored)
{
	struct swap_slot *s = swap_slot_of(slot);
	bool		  held = false;

	lock_acquire(swap_lock_of(slot));
	if (s->count && s->frame != SWAP_NOTHING && s->count < SWAP_COUNT_MAX) {
		*pfn = (pfn_t){ s->frame };
		*is_stored = s->is_stored;
		held = frame_count(*pfn) == 1 && frame_get(*pfn) == OK;
		s->count += held;
	}
	lock_release(swap_lock_of(slot));
	return held;
}

/* let_go - the contents are on the device: the frame is not needed, if nobody has taken it meanwhile. */
static bool
let_go(swap_t slot, pfn_t pfn)
{
	struct swap_slot *s = swap_slot_of(slot);
	bool		  unused;

	lock_acquire(swap_lock_of(slot));
	s->is_stored = true;
	unused = frame_count(pfn) == 2;
	if (unused)
		swap_dissociate(slot);
	lock_release(swap_lock_of(slot));
	return unused;
}

bool
swap_store(swap_t slot)
{
	bool  is_stored, freed;
	pfn_t pfn;

	if (!hold(slot, &pfn, &is_stored))
		return false;
	if (!is_stored)
		is_stored = swap_write(slot, pfn) == OK;
	if (is_stored && let_go(slot, pfn))
		frame_release(pfn);
	swap_put(slot);
	freed = frame_put(pfn);
	if (freed)
		frame_free(pfn);
	return freed;
}

uint64_t
swap_trim(uint64_t nr_slots)
{
	struct swap_state *st = swap_state();
	uint64_t	   nr = min_u64(nr_slots, st->nr_slots);
	uint64_t	   freed = 0;

	while (nr--) {
		uint32_t n = atomic_fetch_add(&st->hand, 1) % st->nr_slots;

		freed += swap_store((swap_t){ n });
	}
	return freed;
}
