/*
 * check_ledger.c - I-LEDGER: total = free + table + anonymous + object + kernel + reserved.
 */
#include "check/walk.h"

void
check_ledger(struct check *c)
{
	struct frame_totals totals = frame_totals();

	for (unsigned kind = 0; kind < FRAME_KINDS; kind++) {
		if (totals.by_kind[kind] != c->by_kind[kind])
			check_fail(c, INV_LEDGER, "total of kind %u is %llu, found %llu frames",
				   kind, (unsigned long long)totals.by_kind[kind],
				   (unsigned long long)c->by_kind[kind]);
	}
	if (totals.total != c->nr_frames)
		check_fail(c, INV_LEDGER, "total is %llu, found %llu frames",
			   (unsigned long long)totals.total, (unsigned long long)c->nr_frames);
}
