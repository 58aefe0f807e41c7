/*
 * swap.h - the swap device of a scenario's machine: plain memory that the library never sees.
 */
#pragma once

#include <anymm/types.h>

/*
 * scenario_swap - register a device of nr_pages pages that lie one after the other at `memory`.
 * Once per machine, before scenario_run; there is one device at a time.
 *   fails  as swap_register
 */
err_t scenario_swap(void *memory, uint64_t nr_pages);
