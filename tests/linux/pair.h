/*
 * pair.h - one sequence on both sides, compared after each step.
 */
#pragma once

#include "ops.h"

struct known;

/* What differs. */
enum difference {
	SAME,
	DIFFERENT_RESULT,
	DIFFERENT_MAPS,
	DIFFERENT_PAGE,
	DIFFERENT_END, /* an invariant is broken, or something was left over */
};

struct verdict {
	enum difference	    difference;
	unsigned	    step; /* index of the operation */
	struct op	    op;
	struct result	    linux_says, library_says;
	uint64_t	    page; /* of DIFFERENT_PAGE */
	uint32_t	    linux_signal, library_signal;
	const struct setup *setup;
	const struct known *known;	 /* if it is a chosen or known difference */
	const struct known *passed_over; /* one that does not end the sequence */
	char		    text[800];
};

void pair_begin(struct setup *setup);

/* pair_step - one operation. false: the sides differ, *verdict says how. */
bool pair_step(unsigned step, const struct op *op, struct verdict *verdict);

/* pair_end - both are done with. false: the library has kept something. */
bool pair_end(unsigned step, struct verdict *verdict);

/* pair_run - a whole sequence. false: it differs. */
bool pair_run(struct setup *setup, const struct op *ops, unsigned nr, struct verdict *verdict);

/* pair_linux_maps - of the last comparison, joined (for scenarios). */
unsigned pair_linux_maps(unsigned process, struct map_line *lines);

/* is_out_of_bounds - the range belongs to the agent itself: no operation may change it. */
bool is_out_of_bounds(uint64_t start, uint64_t bytes);

/*
 * pair_splits - Linux keeps neighbours apart here that the library joins, or the other way: a
 * border in (start, end] that only one side has, as of the last two comparisons of the process's maps.
 */
bool pair_splits(unsigned process, uint64_t start, uint64_t end);

/*
 * pair_has_lost_locks - a locked map was moved such that the old one stays: Linux has miscounted
 * locked memory since.
 */
bool pair_has_lost_locks(unsigned process);

/* pair_lowest_stack - the lowest page from where a stack was moved, also in its ancestors; UINT64_MAX: none. */
uint64_t pair_lowest_stack(unsigned process);

/* pair_is_child - the process was forked from another. */
bool pair_is_child(unsigned process);

/* join - neighbours that agree become one line. */
unsigned join(struct map_line *lines, unsigned nr);
