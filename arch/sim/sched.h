/*
 * sched.h - the scheduler of fibers, as the other files of the simulator see it.
 *
 * While no fibers run, points cost one test of sim_points_on.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* sched_point, sched_relax - the current CPU may lose its turn; relax: it must, if any other can go on. */
void sched_point(void);
void sched_relax(void);

/* sched_runs - a fiber or a thread plays this CPU, so it takes its interrupts itself. */
bool sched_runs(unsigned cpu);

/* sched_describe - the schedule that is running, one line that says how to repeat it; "" if none is. */
const char *sched_describe(void);

/*
 * sched_abandon - the machine stops: drop all fibers and go on with then(), on the
 * stack from which they were started. Called on any stack.
 */
[[gnu::noreturn]] void sched_abandon(void (*then)(void));
