/*
 * pins.h - pages held for devices, to be swept for failing allocations like all others.
 */
#pragma once

#include "fail/files.h"

/* Private pages on both sides of the edge for a device that writes, or reads; a page of shared memory. */
enum outcome pin_for_writing(struct world *w);
enum outcome pin_for_reading(struct world *w);
enum outcome pin_shared_memory(struct world *w);

/* prepare_pins - what pin_for_writing does, which must succeed. unpin - and what undoes it. */
void	     prepare_pins(struct world *w);
enum outcome unpin(struct world *w);
