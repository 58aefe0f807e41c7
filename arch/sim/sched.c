/*
 * sched.c - fibers on the simulated CPUs.
 */
#include "sched.h"

#include "machine.h"

void
sched_point(void)
{
}

void
sched_relax(void)
{
}

bool
sched_runs(unsigned cpu)
{
	(void)cpu;
	return false;
}

void
sched_abandon(void)
{
}
