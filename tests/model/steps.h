/*
 * steps.h - the cost of a call in machine instructions, counted exactly.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * steps_count - run the call in a copy of this process, one instruction at a time.
 *   gives  *steps; false: this host cannot do it (not x86-64, or tracing is forbidden)
 */
bool steps_count(void (*call)(void *), void *arg, uint64_t *steps);

/* steps_abort - for the call: it did not do what it should; the count is not given. */
[[gnu::noreturn]] void steps_abort(void);
