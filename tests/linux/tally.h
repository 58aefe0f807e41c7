/*
 * tally.h - what a run has done and found, in memory that all its workers share.
 */
#pragma once

#include <stdatomic.h>

#include "known.h"
#include "ops.h"
#include "pick.h"

#define MAX_THEMES    16
#define MAX_WORKERS   64
#define MOST_FINDINGS 100 /* then the run ends: there is enough to look at */

/* One sequence: all that it does follows from these. */
struct sequence_id {
	unsigned theme;
	uint64_t seed;
};

/* A difference that nobody has explained, or a worker that did not come back from a sequence. */
struct finding {
	struct sequence_id id;
	char		   text[200];
};

struct theme_tally {
	_Atomic uint64_t next_seed;
	_Atomic uint64_t ops, sequences;
	_Atomic uint64_t known, found; /* sequences that ended early */
};

struct tally {
	struct theme_tally themes[MAX_THEMES];
	_Atomic uint64_t   by_kind[OP_KINDS], refused[OP_KINDS];
	_Atomic uint64_t   met[MAX_KNOWN]; /* how often each known difference */
	_Atomic unsigned   nr_findings;	   /* may be more than there is room for */
	struct finding	   findings[MOST_FINDINGS];
	struct sequence_id at[MAX_WORKERS]; /* what each is busy with */
	_Atomic bool	   is_blind;	    /* a mistake was made on purpose and not noticed */
};

/* tally_make - an empty one; whoever is forked from here shares it. */
struct tally *tally_make(uint64_t first_seed);

/* tally_op - one operation of the theme was done. */
void tally_op(struct tally *t, unsigned theme, enum op_kind kind, bool refused);

/* tally_finding - a difference, to be repeated by `id`. */
void tally_finding(struct tally *t, struct sequence_id id, const char *text);

uint64_t tally_ops(const struct tally *t); /* of all themes */

/* tally_progress - one line. `wanted`: operations of the whole run. */
void tally_progress(const struct tally *t, uint64_t wanted, uint64_t seconds);

/* tally_print - everything, at the end. */
void tally_print(const struct tally *t, uint64_t seconds);
