/*
 * race.h - operations of several CPUs at once, judged by what they could do one by one.
 *
 * A race is a start and a short list of operations for each CPU. First every
 * order of the operations is run one after the other, which gives the set of
 * allowed outcomes: the operations' results and all that memory holds. Then
 * the CPUs run at the same time, under many schedules of the simulator; each run
 * must end in one of the allowed outcomes, with every invariant kept, no stale
 * translation recorded, and no frame lost.
 *
 * Then the same on a machine whose CPUs are three nodes, with replicas of every space's tables, which
 * must make no difference; races about them say so, and are searched there too.
 *
 * Half of the random schedules run once more with too little memory, where only invariants and
 * losses are judged. An operation whose space was never born does nothing.
 *
 * A run that fails prints how to repeat itself: ANYMM_SCHEDULE runs that one alone, on the
 * machine that ANYMM_NODES names.
 */
#pragma once

#include "race/world.h"

#include <sim/sim.h>

#include <anymm/process.h>

#define RACE_OPS 3

/* What an operation did: a result, an address, a value; whatever a program would see. */
typedef uint64_t (*race_op)(unsigned cpu);

struct race {
	const char *name;
	void (*start)(void);	 /* on a fresh machine, on CPU 0 */
	void (*end)(void);	 /* NULL, or gives back what start made beside the world */
	uint64_t (*after)(void); /* NULL, or one more result, when all CPUs are done */
	race_op ops[RACE_CPUS][RACE_OPS];
	bool	replicas; /* it is about them: search with them, and not without */
	/* Bounds of the exhaustive search, 0: none. With tables of 512 entries runs are longer. */
	unsigned preemptions;
	unsigned preemptions_wide;
};

/* race_run - all of the above: random schedules, then the search. */
void race_run(const struct race *race);

/* RACE - a test of this name that runs the race of this name. */
#define RACE(test, ...) \
	static void test(void **state) \
	{ \
		static const struct race race = { .name = #test, __VA_ARGS__ }; \
		(void)state; \
		race_run(&race); \
	}
