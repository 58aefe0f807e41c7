/*
 * cpu.c - processors: interrupts, spinning, points, time.
 *
 * Without a scheduler one host thread plays all CPUs in turn. A CPU that nobody
 * plays at the moment is idle: it takes a shootdown at once, on its own
 * translations and with its interrupts off meanwhile, unless its interrupts
 * were off before; then the shootdown waits until they are on again. Under a
 * scheduler a CPU with a fiber takes interrupts at its own points.
 */
#include "machine.h"

#include <sched.h>

#include <anymm/platform.h>
#include <anymm/pt.h>

#include "hostile.h"
#include "sched.h"
#include "threads.h"

/* A wait this long without a scheduler is for ever: nobody else runs. */
#define RELAX_LIMIT 10000

_Thread_local unsigned sim_cpu_now;
bool		       sim_points_on;

void
sim_cpu_set(unsigned cpu)
{
	if (cpu >= sim_fixed.nr_cpus)
		sim_violation("sim_cpu_set: CPU %u of %u", cpu, sim_fixed.nr_cpus);
	sim_cpu_now = cpu;
}

unsigned
platform_cpu(void)
{
	return sim_cpu_now;
}

unsigned
platform_cpus(void)
{
	return sim_fixed.nr_cpus;
}

unsigned
platform_node(void)
{
	return sim_cpu_now * sim_fixed.nr_nodes / sim_fixed.nr_cpus;
}

/* Take the waiting shootdown on the CPU that we are. */
static void
take_interrupt(struct sim_cpu *cpu)
{
	cpu->irq_pending = false;
	cpu->irq_on = false;
	cpu->relaxed = 0;
	shootdown_interrupt();
	cpu->irq_on = true;
}

static void
take_interrupt_if_on(void)
{
	struct sim_cpu *cpu = this_cpu();

	/* On an idle CPU the next one may arrive while somebody else plays the handler. */
	while (cpu->irq_pending && cpu->irq_on)
		take_interrupt(cpu);
}

/* Let an idle CPU run for as long as its handler takes. */
static void
interrupt_idle(unsigned target)
{
	unsigned self = sim_cpu_now;

	sim_cpu_now = target;
	take_interrupt_if_on();
	sim_cpu_now = self;
}

void
platform_shootdown(cpu_mask_t cpus)
{
	for (; cpus; cpus &= cpus - 1) {
		unsigned target = (unsigned)__builtin_ctzll(cpus);

		if (target >= sim_fixed.nr_cpus || target == sim_cpu_now)
			sim_violation("a shootdown is sent to CPU %u of %u", target,
				      sim_fixed.nr_cpus);
		sim_state.cpus[target].irq_pending = true;
		if (!sched_runs(target))
			interrupt_idle(target);
	}
}

bool
sim_irq_set(bool on)
{
	struct sim_cpu *cpu = this_cpu();
	bool		before = cpu->irq_on;

	cpu->relaxed = 0;
	cpu->irq_on = on;
	if (UNLIKELY(cpu->irq_pending))
		take_interrupt_if_on();
	return before;
}

bool
sim_irq_enabled(void)
{
	return this_cpu()->irq_on;
}

void
sim_point(void)
{
	take_interrupt_if_on();
	if (hostile_accessed_on)
		hostile_point();
	sched_point();
}

/* Who keeps us waiting: a CPU with a shootdown that it cannot take. */
static void
report_deadlock(void)
{
	for (unsigned cpu = 0; cpu < sim_fixed.nr_cpus; cpu++)
		if (sim_state.cpus[cpu].irq_pending)
			sim_violation("deadlock: a wait that cannot end, because CPU %u has a "
				      "shootdown pending and its interrupts off",
				      cpu);
	sim_violation("deadlock: a wait that cannot end, because no other CPU runs");
}

void
sim_relax(void)
{
	take_interrupt_if_on();
	if (threads_run(sim_cpu_now))
		sched_yield();
	else if (sched_runs(sim_cpu_now))
		sched_relax();
	else if (++this_cpu()->relaxed > RELAX_LIMIT)
		report_deadlock();
}

uint64_t
sim_time(void)
{
	return ++this_cpu()->time;
}
