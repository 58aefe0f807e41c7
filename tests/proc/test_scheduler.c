/*
 * test_scheduler.c - a kernel's scheduler, as small as one can be, over the tree of processes.
 *
 * Whoever runs goes on running as long as it can; else the first in the order of the tree that
 * can; else the CPU is idle. Who can is known from the hooks alone: `start` says that
 * a process is there, `wake` that one that sleeps shall look again, `halt` that one is over.
 */
#include "unit/kin.h"

#include "proc/state.h"

/* What this kernel keeps of a process; its number is the index. */
struct job {
	bool is_started;
	bool sleeps; /* a wait had nothing to report */
};

static struct job      jobs[64];
static struct process *current; /* NULL: idle */

static struct job *
job_of(const struct process *proc)
{
	return &jobs[proc->id];
}

static void
note_start(struct thread *t)
{
	*job_of(t->process) = (struct job){ .is_started = true };
}

static void
note_wake(struct process *proc)
{
	job_of(proc)->sleeps = false;
}

static bool
can_run(struct process *proc)
{
	return proc->state == PROCESS_ALIVE && job_of(proc)->is_started && !job_of(proc)->sleeps &&
	       !thread_is_suspended(&proc->main);
}

/* schedule - the whole scheduler: gives who runs next, with the CPU's reference. */
static struct process *
schedule(void)
{
	struct process	*next = NULL;
	struct process	*proc;
	struct proc_walk walk;

	if (current && can_run(current))
		return current;
	proc_walk_begin(&walk, NULL);
	while (!next && (proc = proc_walk_next(&walk))) {
		if (can_run(proc))
			next = proc;
		else
			proc_put(proc);
	}
	proc_walk_end(&walk);
	if (current)
		proc_put(current);
	current = next;
	return next;
}

/* wait_in - current waits for a child: it sleeps if there is nothing to report. */
static err_t
wait_in(struct wait_result *got)
{
	err_t err = proc_wait(current, &(struct wait_request){ .which = WAIT_ANY }, got);

	if (err == ERR_AGAIN)
		job_of(current)->sleeps = true;
	return err;
}

/* first_running - init, which runs. */
static struct process *
first_running(void)
{
	static const struct proc_hooks hooks = { .start = note_start, .wake = note_wake };
	struct process		      *first = kin_first();

	proc_configure(&hooks, ORPHANS_ADOPTED);
	for (unsigned i = 0; i < ARRAY_SIZE(jobs); i++)
		jobs[i] = (struct job){ 0 };
	note_start(&first->main);
	current = NULL;
	assert_ptr_equal(schedule(), first);
	return first;
}

static void
end(void)
{
	if (current)
		proc_put(current);
	current = NULL;
	kin_end();
}

/*
 * CAM-31: whoever can run goes on running, also when there are others; then comes the first in the
 * order of the tree, which is not that of age.
 *
 *	1 -+- 2 --- 4
 *	   +- 3
 */
static void
who_can_run_goes_on_running(void **state)
{
	struct process	  *first = first_running();
	struct process	  *two = kin_child(first, 0);
	struct process	  *three = kin_child(first, 0);
	struct process	  *four = kin_child(two, 0);
	struct wait_result got;

	(void)state;
	assert_ptr_equal(schedule(), first);
	EXPECT_ERR(wait_in(&got), ERR_AGAIN);
	assert_ptr_equal(schedule(), two);
	assert_ptr_equal(schedule(), two);
	EXPECT_ERR(wait_in(&got), ERR_AGAIN);
	assert_ptr_equal(schedule(), four);
	assert_true(proc_stop(four, SIGNAL_STOP));
	/* a child that stops has waked its parent, which comes before it in the tree */
	assert_ptr_equal(schedule(), two);
	EXPECT_ERR(wait_in(&got), ERR_AGAIN);
	assert_ptr_equal(schedule(), three);
	/* who is continued can run, and so can its parent: but the CPU is taken */
	assert_true(proc_continue(four));
	assert_ptr_equal(schedule(), three);
	assert_true(proc_stop(three, SIGNAL_STOP));
	assert_ptr_equal(schedule(), first);
	end();
}

/* An exit makes room, and wakes whoever sleeps for it; the CPU's reference keeps the dead so long. */
static void
an_exit_wakes_its_parent(void **state)
{
	struct process	  *first = first_running();
	struct process	  *two = kin_child(first, 0);
	struct wait_result got;

	(void)state;
	EXPECT_ERR(wait_in(&got), ERR_AGAIN);
	assert_ptr_equal(schedule(), two);
	kin_exit(two, 7);
	assert_ptr_equal(schedule(), first);
	EXPECT_OK(wait_in(&got));
	assert_int_equal(got.code, 7);
	EXPECT_ERR(wait_in(&got), ERR_CHILD);
	assert_ptr_equal(schedule(), first);
	end();
}

/* With everybody asleep the CPU is idle, and whoever is woken next runs. */
static void
idle_until_somebody_is_woken(void **state)
{
	struct process	  *first = first_running();
	struct process	  *two = kin_child(first, 0);
	struct process	  *three = kin_child(two, 0);
	struct wait_result got;

	(void)state;
	EXPECT_ERR(wait_in(&got), ERR_AGAIN);
	assert_ptr_equal(schedule(), two);
	EXPECT_ERR(wait_in(&got), ERR_AGAIN);
	assert_ptr_equal(schedule(), three);
	job_of(three)->sleeps = true;
	assert_null(schedule());
	assert_null(schedule());
	EXPECT_OK(signal_send(three, SIGNAL_TERM));
	assert_ptr_equal(schedule(), three);
	job_of(three)->sleeps = true;
	assert_null(schedule());
	EXPECT_OK(signal_send(two, SIGNAL_TERM));
	assert_ptr_equal(schedule(), two);
	end();
}

/* DRG-B08: a parent whose child runs in its space does not run until that executes a program or ends. */
static void
a_suspended_parent_does_not_run(void **state)
{
	struct process *first = first_running();
	struct process *two = kin_child(first, PROC_SUSPEND);

	(void)state;
	assert_ptr_equal(schedule(), two);
	kin_exit(two, 0);
	assert_ptr_equal(schedule(), first);
	end();
}

TEST_SUITE(scheduler, cmocka_unit_test(who_can_run_goes_on_running),
	   cmocka_unit_test(an_exit_wakes_its_parent),
	   cmocka_unit_test(idle_until_somebody_is_woken),
	   cmocka_unit_test(a_suspended_parent_does_not_run))
