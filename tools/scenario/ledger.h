/*
 * ledger.h - what there is of everything that has to be given back. Private to tools/scenario.
 */
#pragma once

#include "scenario/run.h"

struct ledger {
	struct frame_totals frames;
	uint64_t	    processes, resources, objects, regions;
};

/* ledger_read - now, with nothing kept as a spare. Names of the forgotten are free afterwards. */
void ledger_read(struct run *r, struct ledger *ledger);

/* ledger_is_equal - to what is there now; if not, buf says what was expected and found. */
bool ledger_is_equal(struct run *r, const struct ledger *ledger, char *buf, size_t bytes);
