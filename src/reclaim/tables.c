/*
 * tables.c - the clock over page tables.
 *
 * The hand is a frame number, and an entry in that frame if it is a table. It goes through
 * all frames in their order and stops at those that are leaf tables, so a
 * table that a thousand spaces share is looked at once in a round, and no space is
 * looked at at all. Several CPUs may move the hand at once; then some frames are
 * looked at twice, or once more only in the next round.
 *
 * A batch: age and unhook under the tables' locks, one flush, then the device, without any
 * lock (pt/evict.h, swap/cache.h). A page that another table still names stays in memory, without
 * being written, until its turn comes there too.
 */
#include "reclaim/tables.h"

#include "phys/phys.h"
#include "pt/evict.h"

/* Swap slots looked at per batch for frames that only the cache still holds. */
#define TRIM_SLOTS 64

struct hand {
	uint64_t pfn;
	unsigned index; /* of the next entry */
	uint64_t end;	/* of the range of memory that holds pfn */
};

/* place - where the frame is, or the next one that exists. */
static void
place(struct hand *hand, uint64_t pfn, unsigned index)
{
	const struct phys *p = phys();
	unsigned	   i = range_of(pfn);

	if (i == p->nr_ranges)
		i = 0;
	hand->end = p->ranges[i].end;
	hand->pfn = p->ranges[i].start;
	hand->index = 0;
	if (pfn >= hand->pfn && pfn < hand->end) {
		hand->pfn = pfn;
		hand->index = index;
	}
}

static void
step(struct hand *hand)
{
	hand->index = 0;
	if (++hand->pfn == hand->end)
		place(hand, hand->pfn, 0);
}

/* fill_batch - move the hand until the batch is full or *frames have been passed. */
static void
fill_batch(struct evict *e, uint64_t *frames)
{
	struct reclaim_state *st = reclaim_state();
	uint64_t	      at = atomic_load(&st->table_hand);
	struct hand	      hand;

	place(&hand, at / ARCH_PT_ENTRIES, at % ARCH_PT_ENTRIES);
	while (*frames && e->nr_pages < EVICT_PAGES && !e->no_slots) {
		if (!evict_table(e, (pfn_t){ hand.pfn }, &hand.index))
			break;
		(*frames)--;
		step(&hand);
	}
	atomic_store(&st->table_hand, hand.pfn * ARCH_PT_ENTRIES + hand.index);
}

uint64_t
tables_reclaim(uint64_t nr_frames)
{
	uint64_t     frames = 2 * phys()->total;
	uint64_t     freed = 0;
	struct evict e;

	if (swap_usage().nr_slots == 0)
		return 0;
	do {
		evict_begin(&e);
		fill_batch(&e, &frames);
		evict_flush(&e);
		for (unsigned i = 0; i < e.nr_pages; i++)
			freed += swap_store(e.pages[i].slot);
		if (freed < nr_frames)
			freed += swap_trim(TRIM_SLOTS);
	} while (freed < nr_frames && frames && !e.no_slots);
	if (freed == 0)
		freed = swap_trim(UINT32_MAX);
	return freed;
}
