/*
 * clock.h - a fresh machine, and time, for the programs of bench/.
 *
 * The figures are for people to compare; no test depends on them.
 */
#pragma once

#include <sim/sim.h>

#include <anymm/process.h>

/* bench_machine - one CPU, mib MiB of memory, the library initialised; ends the program if not. */
void bench_machine(uint64_t mib);

/* bench_must - end the program if a call that cannot fail here has failed. */
void bench_must(err_t err, const char *what);

/* nanoseconds - of a clock that only goes forward. */
uint64_t nanoseconds(void);

/* bench_random - the next number of the sequence in *state. */
uint64_t bench_random(uint64_t *state);
