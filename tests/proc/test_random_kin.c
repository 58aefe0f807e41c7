/*
 * test_random_kin.c - random stories of processes: every call of the layer in any order, in any state that
 * it may be made in.
 *
 * After each step all invariants hold. What a call has to come to is said elsewhere; here calls may
 * fail as they like, and in the end nothing may be left of anybody.
 */
#include "unit/kin.h"

enum {
	STEPS = 1500,
	STORIES = 6,
	FEW = 20,   /* processes, below which more begin than end */
	CROWD = 60, /* and above which more end */
	WALKS = 3,
};

static uint64_t		seed;
static struct proc_walk walks[WALKS];
static bool		is_walking[WALKS];

static unsigned
below(unsigned nr)
{
	return (unsigned)(test_random(&seed) % nr);
}

static bool
one_in(unsigned nr)
{
	return below(nr) == 0;
}

/* ---- whom ---- */

static struct process *
anybody(void)
{
	struct process *proc = proc_first();

	for (unsigned nr = below((unsigned)proc_count()); nr > 0; nr--)
		proc = proc_next(proc);
	return proc;
}

/* a_thread - one of proc that runs and is not suspended, or NULL. */
static struct thread *
a_thread(struct process *proc)
{
	struct thread *found = NULL;
	unsigned       nr = 0;

	LIST_FOR_EACH(node, &proc->threads) {
		struct thread *t = CONTAINER_OF(node, struct thread, link);

		if (!t->has_ended && !t->waits_for && one_in(++nr))
			found = t;
	}
	return found;
}

static struct thread *
some_thread(void)
{
	return a_thread(anybody());
}

/* ---- deeds ---- */

static void
fork_once(void)
{
	static const uint64_t flags[] = {
		PROC_SHARE_SPACE,
		PROC_SHARE_SPACE | PROC_SHARE_HANDLERS,
		PROC_SHARE_SPACE | PROC_SHARE_HANDLERS | PROC_THREAD,
		PROC_SHARE_SPACE | PROC_SUSPEND,
		PROC_SHARE_SPACE | PROC_NO_REAP,
		PROC_SHARE_SPACE | PROC_SAME_PARENT,
		PROC_SHARE_SPACE | PROC_NEW_IDS,
		PROC_SHARE_SPACE | PROC_DEFAULT_HANDLERS,
		0,
	};
	static const uint64_t signals[] = { 0, SIGNAL_CHLD, SIGNAL_CHLD, SIGNAL_USR1, SIGNAL_KILL };
	struct thread	     *t = some_thread();
	struct clone_request  request = { .flags = flags[below(ARRAY_SIZE(flags))] };
	struct thread	     *made;
	err_t		      err;

	if (!t || proc_count() > 2 * CROWD)
		return;
	if (!(request.flags & (PROC_SAME_PARENT | PROC_THREAD)))
		request.flags |= signals[below(ARRAY_SIZE(signals))];
	err = kin_clone(t, &request, &made);
	assert_true(err == OK || err == ERR_INTR || err == ERR_AGAIN || err == ERR_INVAL);
}

static void
exit_once(void)
{
	struct process *proc = anybody();

	if (proc->space && (proc != proc_init_process() || one_in(20)))
		proc_exit(proc, 1);
}

static void
end_thread(void)
{
	struct thread *t = some_thread();

	if (t && (t->process->nr_running > 1 || one_in(8)))
		thread_end(t, 2);
}

/* obey - who was told to end does so. */
static void
obey(void)
{
	struct thread *t = some_thread();

	if (t && thread_must_end(t))
		thread_end(t, 3);
}

static void
kill_once(void)
{
	struct process *proc = anybody();

	kin_log.refuse_halt = one_in(3);
	if (proc != proc_init_process())
		EXPECT_OK(proc_kill(proc, 4));
	kin_log.refuse_halt = false;
}

static void
kill_tree(void)
{
	kin_log.refuse_halt = one_in(3);
	if (one_in(6))
		proc_kill_descendants(anybody(), 5);
	kin_log.refuse_halt = false;
}

static void
exit_group(void)
{
	struct thread *t = some_thread();

	if (t && one_in(4))
		thread_exit_group(t, 6);
}

static void
wait_once(void)
{
	struct process	   *parent = one_in(10) ? NULL : anybody();
	struct wait_request request = {
		.which = (enum wait_which)below(4),
		.id = below(8),
		.flags = one_in(2)   ? WAITF_STOPPED | WAITF_CONTINUED
			 : one_in(4) ? WAITF_KEEP
				     : 0,
	};
	struct wait_result got;
	err_t		   err = proc_wait(parent, &request, &got);

	assert_true(err == OK || err == ERR_CHILD || err == ERR_AGAIN);
}

static void
signal_once(void)
{
	static const unsigned signals[] = { 0,		 SIGNAL_USR1, SIGNAL_TERM, SIGNAL_CONT,
					    SIGNAL_TSTP, SIGNAL_STOP, SIGNAL_CHLD, SIGNAL_KILL };
	unsigned	      signal = signals[below(ARRAY_SIZE(signals))];
	struct process	     *caller = anybody();
	struct thread	     *t = some_thread();
	uint64_t	      nr;
	err_t		      err;

	err = signal_kill(caller, (int32_t)below(40) - 20, signal, &nr);
	assert_true(err == OK || err == ERR_SRCH);
	if (t && signal)
		EXPECT_OK(signal_send_thread(t, signal));
	if (signal && one_in(4))
		(void)signal_send_descendants(anybody(), signal);
}

static void
take_signal(void)
{
	struct thread	      *t = some_thread();
	struct signal_delivery d;

	if (!t || !signal_take(t, &d))
		return;
	if (d.action.handler != SIGNAL_DEFAULT)
		signal_block(t, d.blocked);
	else if (signal_default(d.signal) == SIGNAL_STOPS)
		(void)proc_stop(t->process, (int32_t)d.signal);
	else if (signal_default(d.signal) == SIGNAL_ENDS && one_in(2))
		proc_exit(t->process, 128);
	else
		thread_exit_group(t, 128);
}

static void
set_action(void)
{
	static const struct signal_action actions[] = {
		{ .handler = SIGNAL_DEFAULT },
		{ .handler = SIGNAL_IGNORE },
		{ .handler = 0x1000 },
		{ .handler = 0x1000, .flags = SIGNALF_NO_CHILD_WAIT },
		{ .handler = 0x1000, .flags = SIGNALF_NO_CHILD_STOP | SIGNALF_RESET },
	};
	static const unsigned signals[] = { SIGNAL_CHLD, SIGNAL_USR1, SIGNAL_CONT, SIGNAL_TERM };
	struct process	     *proc = anybody();
	struct thread	     *t = some_thread();
	err_t		      err = signal_set_action(proc, signals[below(ARRAY_SIZE(signals))],
						      &actions[below(ARRAY_SIZE(actions))], NULL);

	assert_int_equal(err, proc->space ? OK : ERR_SRCH);
	if (t)
		signal_block(t, one_in(2) ? 0 : test_random(&seed));
}

static void
move_group(void)
{
	struct process *caller = anybody();
	struct process *proc = one_in(2) ? caller : anybody();
	err_t		err = proc_set_group(caller, proc, one_in(2) ? 0 : below(20));

	assert_true(err == OK || err == ERR_SRCH || err == ERR_PERM || err == ERR_ACCES);
	if (caller->space && one_in(4)) {
		err = proc_new_session(caller);
		assert_true(err == OK || err == ERR_PERM);
	}
}

static void
change_office(void)
{
	struct process *proc = anybody();

	proc_set_subreaper(proc, one_in(2));
	if (one_in(2))
		(void)proc_stop(proc, SIGNAL_STOP);
	else
		(void)proc_continue(proc);
}

static void
execute(void)
{
	struct space_layout layout = sketch_layout();
	struct thread	   *t = some_thread();
	struct space	   *fresh;
	err_t		    err;

	if (!t)
		return;
	EXPECT_OK(proc_unshare(t->process, RESOURCE_HANDLERS));
	err = thread_begin_exec(t, &t);
	if (err) {
		assert_int_equal(err, ERR_AGAIN);
		return;
	}
	EXPECT_OK(space_create(&layout, &fresh));
	proc_exec(t->process, fresh);
	space_put(fresh);
}

static void
join(void)
{
	struct thread *t = some_thread();
	int32_t	       value;
	uint32_t       id;

	if (!t)
		return;
	id = thread_id_for(t->process, CONTAINER_OF(t->process->threads.prev, struct thread, link));
	if (one_in(3))
		(void)(thread_detach(t->process, id) == OK);
	else
		(void)(thread_join(t, id, &value) == OK);
}

static void
walk(void)
{
	unsigned	i = below(WALKS);
	struct process *proc;

	if (!is_walking[i])
		proc_walk_begin(&walks[i], one_in(3) ? NULL : anybody());
	is_walking[i] = true;
	proc = proc_walk_next(&walks[i]);
	if (proc) {
		proc_put(proc);
		return;
	}
	proc_walk_end(&walks[i]);
	is_walking[i] = false;
}

static void
change_account(void)
{
	struct process *proc = anybody();
	struct account *account;

	if (one_in(2)) {
		proc_set_resource(proc, RESOURCE_OWN, NULL);
		return;
	}
	EXPECT_OK(account_create(NULL, 20, &account));
	proc_set_resource(proc, RESOURCE_ACCOUNT, &account->resource);
}

static void (*const deeds[])(void) = {
	fork_once,     fork_once,   fork_once,	 fork_once,   exit_once,  end_thread,
	obey,	       obey,	    kill_once,	 kill_tree,   exit_group, wait_once,
	wait_once,     signal_once, take_signal, take_signal, set_action, move_group,
	change_office, execute,	    join,	 walk,	      walk,	  change_account,
};

static void
tell(enum orphan_policy policy)
{
	(void)kin_first_with(8192, policy);
	for (unsigned step = 0; step < STEPS && proc_count(); step++) {
		if (proc_count() > CROWD && one_in(2))
			exit_once();
		else if (proc_count() < FEW && !one_in(3))
			fork_once();
		else
			deeds[below(ARRAY_SIZE(deeds))]();
		machine_check_invariants();
	}
	for (unsigned i = 0; i < WALKS; i++) {
		if (is_walking[i])
			proc_walk_end(&walks[i]);
		is_walking[i] = false;
	}
	kin_end();
}

static void
orphans_are_adopted(void **state)
{
	(void)state;
	seed = test_seed(11);
	for (unsigned i = 0; i < STORIES; i++)
		tell(ORPHANS_ADOPTED);
}

static void
orphans_stay(void **state)
{
	(void)state;
	seed = test_seed(12);
	for (unsigned i = 0; i < STORIES; i++)
		tell(ORPHANS_STAY);
}

TEST_SUITE(random_kin, cmocka_unit_test(orphans_are_adopted), cmocka_unit_test(orphans_stay))
