/* test_home.c - on which node a process lives, and how its load is counted. */
#include "unit/kin.h"

#define NODES 4

static struct process *
child_on(struct process *parent, unsigned cpu)
{
	machine_cpu_set(cpu);
	return kin_fork(parent);
}

static void
expect_threads(uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	const uint64_t wanted[NODES] = { a, b, c, d };

	for (unsigned node = 0; node < NODES; node++)
		assert_int_equal(proc_threads_on(node), wanted[node]);
	machine_check_invariants();
}

static unsigned
root_node(const struct process *proc)
{
	return frame_node(proc->space->pt.root);
}

/* ALM-23: a child lives where it was wished, wherever the fork is made; its tables begin there. */
static void
a_wish_is_followed(void **state)
{
	struct process *first = kin_first_on(NODES);
	struct thread  *t;

	(void)state;
	for (unsigned node = 0; node < NODES; node++) {
		machine_cpu_set(2 * ((node + 1) % NODES));
		EXPECT_OK(kin_clone(&first->main,
				    &(struct clone_request){
					    .flags = SIGNAL_CHLD, .by_node = true, .node = node },
				    &t));
		assert_int_equal(t->process->home, node);
		assert_int_equal(root_node(t->process), node);
	}
	expect_threads(2, 1, 1, 1);
	machine_cpu_set(0);
	kin_end();
}

static void
without_a_policy_children_stay_near(void **state)
{
	struct process *first = kin_first_on(NODES);

	(void)state;
	for (unsigned cpu = 0; cpu < 2 * NODES; cpu += 3) {
		struct process *child = child_on(first, cpu);

		assert_int_equal(child->home, cpu / 2);
		assert_int_equal(root_node(child), cpu / 2);
	}
	expect_threads(2, 1, 0, 1);
	machine_cpu_set(0);
	kin_end();
}

/* ALM-23: the load decides: the fewest threads, and of equal nodes the one at hand. */
static void
the_least_loaded_node_is_taken(void **state)
{
	struct process *first = kin_first_on(NODES);
	struct process *child;
	struct thread  *t;

	(void)state;
	proc_set_home_policy(HOME_LEAST_THREADS);
	expect_threads(1, 0, 0, 0);
	assert_int_equal(child_on(first, 0)->home, 1);
	assert_int_equal(child_on(first, 6)->home, 3);
	assert_int_equal(child_on(first, 2)->home, 2);
	expect_threads(1, 1, 1, 1);
	child = child_on(first, 4);
	assert_int_equal(child->home, 2);
	/* Threads count at home, whoever makes them. */
	EXPECT_OK(kin_clone(&child->main,
			    &(struct clone_request){ .flags = PROC_SHARE_SPACE |
							      PROC_SHARE_HANDLERS | PROC_THREAD },
			    &t));
	expect_threads(1, 1, 3, 1);
	assert_false(thread_end(t, 0));
	expect_threads(1, 1, 2, 1);
	kin_bury(child, 0);
	expect_threads(1, 1, 1, 1);
	machine_cpu_set(0);
	kin_end();
}

static void
nonsense_is_refused(void **state)
{
	struct process	    *first = kin_first_on(NODES);
	struct clone_request request = { .flags = SIGNAL_CHLD, .by_node = true, .node = NODES };
	struct thread	    *t;

	(void)state;
	EXPECT_ERR(kin_clone(&first->main, &request, &t), ERR_INVAL);
	request.node = 1;
	request.flags = PROC_SHARE_SPACE | PROC_SHARE_HANDLERS | PROC_THREAD;
	EXPECT_ERR(kin_clone(&first->main, &request, &t), ERR_INVAL);
	expect_threads(1, 0, 0, 0);
	kin_end();
}

static struct process	  *swept;
static struct clone_result made;

static err_t
clone_away(void)
{
	return proc_clone(
		&swept->main,
		&(struct clone_request){ .flags = SIGNAL_CHLD, .by_node = true, .node = 3 }, &made);
}

static void
bury_made(void)
{
	kin_bury(made.process, 0);
}

/* A failed fork leaves no load behind; kin_fail_each compares what I-PROC counts. */
static void
a_failed_fork_leaves_no_load(void **state)
{
	(void)state;
	swept = kin_first_on(NODES);
	assert_true(kin_fail_each(clone_away, bury_made) >= 3);
	expect_threads(1, 0, 0, 0);
	kin_end();
}

TEST_SUITE(home, cmocka_unit_test(a_wish_is_followed),
	   cmocka_unit_test(without_a_policy_children_stay_near),
	   cmocka_unit_test(the_least_loaded_node_is_taken), cmocka_unit_test(nonsense_is_refused),
	   cmocka_unit_test(a_failed_fork_leaves_no_load))
