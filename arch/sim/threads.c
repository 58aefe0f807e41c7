/*
 * threads.c - one host thread per CPU, all at once.
 *
 * The order of things is the host's, so nothing repeats; but races are real, and a
 * sanitizer sees them. Therefore the machine adds no order of its own: the ledger,
 * whose books would need a lock, is off, and what CPUs share of the machine is
 * single relaxed atomics. A CPU takes interrupts at its points and while it
 * spins; one that is done with its body spins until all are done.
 */
#include "threads.h"

#include <pthread.h>
#include <sched.h>

#include "machine.h"

static struct {
	unsigned	 n; /* CPUs that have a thread now; written before they start */
	_Atomic unsigned nr_busy;
	void (*const *bodies)(void *);
	void *arg;
} run;

bool
threads_run(unsigned cpu)
{
	return cpu < run.n;
}

static void *
play_cpu(void *number)
{
	sim_cpu_now = (unsigned)(uintptr_t)number;
	run.bodies[sim_cpu_now](run.arg);
	atomic_fetch_sub(&run.nr_busy, 1);
	while (atomic_load(&run.nr_busy))
		sim_relax();
	return NULL;
}

void
sim_run_threads(unsigned n, void (*const *bodies)(void *), void *arg)
{
	pthread_t threads[CPU_MAX];

	if (!sim_fixed.host_threads)
		sim_violation("sim_run_threads on a machine that was started without host_threads");
	if (n != sim_fixed.nr_cpus)
		sim_violation("sim_run_threads of %u CPUs on a machine of %u: each needs a thread",
			      n, sim_fixed.nr_cpus);
	run.bodies = bodies;
	run.arg = arg;
	run.n = n;
	atomic_store(&run.nr_busy, n);
	sim_points_on = true;
	for (unsigned cpu = 0; cpu < n; cpu++)
		if (pthread_create(&threads[cpu], NULL, play_cpu, (void *)(uintptr_t)cpu))
			sim_violation("the host has no more threads");
	for (unsigned cpu = 0; cpu < n; cpu++)
		pthread_join(threads[cpu], NULL);
	sim_points_on = false;
	run.n = 0;
}
