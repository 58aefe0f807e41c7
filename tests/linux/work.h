/*
 * work.h - sequences of a run, one after the other, in a process of its own.
 */
#pragma once

#include "tally.h"

struct options {
	const char *agent;
	const char *theme; /* NULL: all, each with its share of the operations */
	uint64_t    seed, ops;
	unsigned    jobs;
	bool	    only, trace, tell, progress, known;
};

/*
 * work - takes sequences from the tally until enough operations were done, as worker `self`. The
 * worker 0 at last makes a mistake on purpose, which must be noticed.
 */
void work(struct tally *t, const struct options *options, unsigned self);

/* is_asked_for - the run is also about this theme. */
bool is_asked_for(const struct options *options, unsigned theme);
