/*
 * check_swap.c - I-REF for swap slots: counts, recomputed, and pairs of slot and frame.
 *
 * A frame's own record of its slot lies in the word that the sweeps use (sweep.h), so
 * pairs are looked at before the first sweep.
 */
#include "check/sweep.h"
#include "check/walk.h"
#include "swap/state.h"

static bool
is_paired(const struct swap_state *st, uint32_t n)
{
	pfn_t pfn = { st->slots[n].frame };

	return frame_exists(pfn) && frame_of(pfn)->kind == FRAME_ANON &&
	       atomic_load(&frame_of(pfn)->page.swap) == n + 1;
}

void
check_swap_pairs(struct check *c)
{
	const struct swap_state *st = swap_state();

	for (uint32_t n = 0; n < st->nr_slots; n++) {
		const struct swap_slot *s = &st->slots[n];

		if (s->count == 0 || s->frame == SWAP_NOTHING) {
			if (s->count && !s->is_stored)
				check_fail(c, INV_REF, "swap slot %u has its contents nowhere", n);
			continue;
		}
		c->nr_pairs++;
		if (!is_paired(st, n))
			check_fail(c, INV_REF, "swap slot %u names frame %u, which does not agree",
				   n, s->frame);
	}
}

void
ref_swap(struct check *c)
{
	const struct swap_state *st = swap_state();

	for (uint32_t n = 0; n < st->nr_slots && !c->cannot_go_on; n++) {
		struct swap_slot *s = &st->slots[n];

		if (s->count == 0 || s->frame == SWAP_NOTHING)
			continue;
		s->scratch++;
		ref_name(c, (pfn_t){ s->frame }, "swap slot", n);
	}
}

void
ref_name_slot(struct check *c, uint64_t slot, const char *where, uint64_t at)
{
	const struct swap_state *st = swap_state();

	if (slot < st->nr_slots)
		st->slots[slot].scratch++;
	else
		check_fail(c, INV_REF, "%s 0x%llx names swap slot %llu of %u", where,
			   (unsigned long long)at, (unsigned long long)slot, st->nr_slots);
}

void
ref_compare_slots(struct check *c)
{
	const struct swap_state *st = swap_state();
	uint64_t		 used = 0;

	for (uint32_t n = 0; n < st->nr_slots; n++) {
		const struct swap_slot *s = &st->slots[n];

		used += s->count != 0;
		if (s->count != s->scratch)
			check_fail(c, INV_REF, "swap slot %u has count %u, named by %u places", n,
				   s->count, s->scratch);
	}
	if (used != st->nr_used)
		check_fail(c, INV_REF, "%llu swap slots are in use, %u are said to be",
			   (unsigned long long)used, st->nr_used);
}
