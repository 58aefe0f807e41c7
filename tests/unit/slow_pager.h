/*
 * slow_pager.h - a pager that only begins its fills, for tests of waiting.
 *
 * Page n of its objects holds n + 1 in every byte. Fills that were begun stay open until the test
 * finishes them, in any order, well or badly; a wait calls the test's hook first, and
 * finishes the fill it waits for if the hook has left it open.
 */
#pragma once

#include "unit/sketch.h"

struct slow_fill {
	struct object *object;
	uint64_t       index;
	pfn_t	       pfn;
};

struct slow_pager {
	struct slow_fill open[8]; /* in order of their beginning */
	unsigned	 nr_open;
	unsigned	 begun;	 /* fills, ever */
	unsigned	 waits;	 /* calls of wait, ever */
	size_t		 bytes;	 /* how many of a page it brings; 0: all */
	err_t		 result; /* what the next fills end with */
	void (*on_wait)(struct object *object, uint64_t index);
};
extern struct slow_pager slow;

/* slow_file - a fresh object of the pager, which forgets everything. The machine is fresh already. */
struct object *slow_file(uint64_t pages);

/* slow_finish - the open fill of this number ends. slow_finish_all - all of them, the last begun first. */
void slow_finish(unsigned nr, err_t err);
void slow_finish_all(void);
