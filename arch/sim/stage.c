/* stage.c - the simulated machine as the stage of scenarios. */
#include "../../tools/scenario/stage.h"

#include "machine.h"

enum fault_result
stage_access(unsigned cpu, struct space *sp, enum access access, vaddr_t va, void *buf,
	     size_t bytes, vaddr_t *failed)
{
	unsigned	  self = sim_cpu_now;
	enum fault_result result;
	vaddr_t		  at;

	sim_cpu_set(cpu);
	result = sim_user_at(sp, access, va, buf, bytes, &at);
	sim_cpu_set(self);
	if (result != FAULT_DONE && failed)
		*failed = at;
	return result;
}

void
stage_on_cpu(unsigned cpu, void (*fn)(void *), void *arg)
{
	unsigned self = sim_cpu_now;

	sim_cpu_set(cpu);
	fn(arg);
	sim_cpu_set(self);
}

void
stage_fail_allocation(uint64_t n, bool and_all_after)
{
	sim_fail_allocation(n, and_all_after);
}

uint64_t
stage_allocations(void)
{
	return sim_allocations();
}

void
stage_leave(struct space *sp)
{
	unsigned self = sim_cpu_now;

	for (unsigned cpu = 0; cpu < sim_fixed.nr_cpus; cpu++) {
		sim_cpu_set(cpu);
		pt_deactivate(&sp->pt);
	}
	sim_cpu_set(self);
}
