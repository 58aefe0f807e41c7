/*
 * pick.h - makes up sequences of operations.
 */
#pragma once

#include "ops.h"

/* What a sequence is mostly about. */
struct theme {
	const char *name;
	unsigned    weights[OP_KINDS];
	unsigned    most_processes;
	bool	    has_limits;	    /* some sequences run under small limits */
	bool	    is_about_files; /* most mappings are of a file */
	bool	    is_small;	    /* mappings of few pages only: they may be locked */
};

extern const struct theme themes[];
extern const unsigned	  nr_themes;

/* One maker of a sequence. All that it does follows from the seed. */
struct picker {
	const struct theme *theme;
	uint64_t	    random;
	uint64_t	    regions[64]; /* starts of mappings that were made */
	unsigned	    nr_regions;
};

/* pick_begin - also draws the limits of the sequence, and how long it shall be. */
void pick_begin(struct picker *picker, const struct theme *theme, uint64_t seed,
		struct setup *setup, unsigned *length);

/* pick_op - the next operation, from what the library's spaces look like now. */
struct op pick_op(struct picker *picker);

/* pick_last - the operations that end a sequence: everything is looked at. Gives how many. */
unsigned pick_last(struct picker *picker, struct op *ops);
