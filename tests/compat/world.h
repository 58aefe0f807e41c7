/*
 * world.h - the memory that rows.h draws, in the library; and calls on it.
 */
#pragma once

#include "compat/rows.h"

struct world {
	struct space  *sp;
	struct object *file;
	uint64_t       heap_end;
};

/* world_make - on a fresh machine. world_end - everything goes; invariants and leaks are checked. */
struct world world_make(void);
void	     world_end(struct world *w);

/* world_prepare - what the request wants to find; before the memory is looked at for the first time. */
void world_prepare(struct world *w, const struct request *request);

err_t world_run(struct world *w, const struct request *request);
