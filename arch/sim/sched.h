/*
 * sched.h - the scheduler of fibers, as the other files of the simulator see it.
 *
 * While no fibers run, points cost one test of sim_points_on.
 */
#pragma once

#include <stdbool.h>

/* sched_point, sched_relax - the current CPU may lose its turn; relax also lowers its priority. */
void sched_point(void);
void sched_relax(void);

/* sched_runs - a fiber plays this CPU, so it takes its interrupts itself. */
bool sched_runs(unsigned cpu);

/* sched_abandon - the machine stops: drop all fibers; called on any of their stacks. */
void sched_abandon(void);
