/*
 * files.h - operations on files, to be swept for failing allocations like all others.
 */
#pragma once

#include "fail/world.h"

enum outcome {
	DID,	 /* succeeded */
	GAVE_UP, /* for want of memory */
	WRONG,	 /* failed in another way */
};

static inline enum outcome
of_err(err_t err)
{
	return err == OK ? DID : err == ERR_NOMEM || err == ERR_AGAIN ? GAVE_UP : WRONG;
}

enum outcome create_stored(struct world *w);
enum outcome write_call(struct world *w);
enum outcome write_call_beyond_the_end(struct world *w);
enum outcome read_call(struct world *w);
enum outcome truncate_file(struct world *w);
enum outcome punch_file(struct world *w);
enum outcome evict_file(struct world *w);
