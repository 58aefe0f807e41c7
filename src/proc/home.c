/*
 * home.c - processes are placed on nodes.
 *
 * The home of a process is where the root of its tables is made, and where a scheduler should run
 * it, so that what it touches first is near. It is chosen once, at the fork: by wish, else by the
 * kernel's policy. The load of a node is the number of threads that run in the processes at home there;
 * a child counts from the moment it is placed, so two forks at once see each other.
 */
#include "proc/home.h"

#include "base/assert.h"
#include "proc/state.h"

/* The node with the fewest threads; of equal ones the caller's, else the next by number. */
static unsigned
least_loaded(void)
{
	struct proc_state *state = proc_state();
	unsigned	   nr = frame_nr_nodes();
	unsigned	   here = platform_node() % nr;
	unsigned	   best = here;

	for (unsigned i = 1; i < nr; i++) {
		unsigned node = (here + i) % nr;

		if (state->threads_on[node] < state->threads_on[best])
			best = node;
	}
	return best;
}

unsigned
home_pick(void)
{
	unsigned node =
		proc_state()->home_policy == HOME_LEAST_THREADS ? least_loaded() : platform_node();

	home_add(node, 1);
	return node;
}

void
home_add(unsigned node, uint32_t nr_threads)
{
	proc_state()->threads_on[node] += nr_threads;
}

void
home_remove(unsigned node, uint32_t nr_threads)
{
	uint64_t *threads = &proc_state()->threads_on[node];

	REQUIRE(*threads >= nr_threads, "node %u has %lu threads, and loses %u", node,
		(unsigned long)*threads, nr_threads);
	*threads -= nr_threads;
}

void
proc_set_home_policy(enum home_policy policy)
{
	proc_state()->home_policy = policy;
}

uint64_t
proc_threads_on(unsigned node)
{
	uint64_t threads = 0;

	proc_lock();
	if (node < NODE_MAX)
		threads = proc_state()->threads_on[node];
	proc_unlock();
	return threads;
}
