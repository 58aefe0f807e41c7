/*
 * call.h - what the statements that make system calls share. Private to tools/scenario.
 */
#pragma once

#include <anymm/call.h>

#include "scenario/run.h"

/* One call: its arguments, and how it ended. */
struct space_call {
	struct space	    *space;
	struct map_request   map;
	struct remap_request remap;
	vaddr_t		     addr;
	uint64_t	     length;
	unsigned	     arg; /* protection, advice or flags */
	vaddr_t		     value;
	err_t		     err;
};

/* parse_span - P ADDR LENGTH. */
bool parse_span(struct run *r, struct space_call *call);

/* Words that stand for bits; the one without a name ends the list. */
struct flag_word {
	const char *word;
	unsigned    bits;
};

/* parse_flags - words or numbers joined by commas; `what` names what must stand there. */
bool parse_flags(struct run *r, const struct flag_word *words, const char *what, unsigned *flags);

/* Pages that mremap has moved, in any space. */
struct move {
	struct move *older;
	vaddr_t	     from, to;
	uint64_t     bytes;
};

/* move_back - where *va was before the newest of *move and the older ones that brought it; false: it never moved. */
bool move_back(const struct move **move, vaddr_t *va);

/* pin_release - let a pin go. */
void pin_release(struct run *r, struct name *name, bool dirty);

/* make_segment - an object of zeros with a name, for shmat. */
bool make_segment(struct run *r, const struct token *token, uint64_t id, uint64_t bytes);
