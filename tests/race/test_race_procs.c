/*
 * test_race_procs.c - processes that fork, exit, wait, signal and are killed at once.
 *
 *	init -+- A --- AA
 *	      +- B
 *
 * All of them share one space: what the races are about is the tree.
 */
#include "race/race.h"

#include <anymm/signal.h>

static struct process  *init, *a, *aa, *b;
static struct process  *runs; /* on a CPU of the race */
static struct proc_walk walk;
static bool		walks;

/* Who runs on a CPU of the race is told by whoever kills it, and ends by itself. */
static bool
halt(struct process *proc)
{
	return proc != runs;
}

static struct process *
child_of(struct process *parent)
{
	struct process *child;

	EXPECT_OK(proc_fork(parent, PROC_SHARE_SPACE | SIGNAL_CHLD, 0, &child));
	return child;
}

static void
start(void)
{
	static const struct proc_hooks hooks = { .halt = halt };

	start_parent();
	proc_configure(&hooks, ORPHANS_ADOPTED);
	EXPECT_OK(proc_create(0, world.parent, &init));
	a = child_of(init);
	aa = child_of(a);
	b = child_of(init);
	runs = a;
	walks = false;
}

static void
start_with_tombstones(void)
{
	static const struct proc_hooks hooks = { .halt = halt };

	start();
	proc_configure(&hooks, ORPHANS_STAY);
}

/* AA runs, and A does not. */
static void
start_with_leaf(void)
{
	start();
	runs = aa;
}

/* A leads a namespace, with AA in it, who runs. */
static void
start_with_namespace(void)
{
	start();
	proc_exit(aa, 0);
	EXPECT_OK(proc_reap(a, aa, &(int32_t){ 0 }));
	proc_exit(a, 0);
	EXPECT_OK(proc_reap(init, a, &(int32_t){ 0 }));
	EXPECT_OK(proc_fork(init, PROC_SHARE_SPACE | PROC_NEW_IDS | SIGNAL_CHLD, 2, &a));
	EXPECT_OK(proc_fork(a, PROC_SHARE_SPACE | SIGNAL_CHLD, 3, &aa));
	runs = aa;
}

/* And both of them run, with one more below. */
static void
start_with_orphan(void)
{
	start_with_namespace();
	(void)child_of(aa);
}

/* One more, below AA. */
static void
start_with_grandchild(void)
{
	start();
	(void)child_of(aa);
}

/* AA waits for a child that it has vforked, which runs. */
static void
start_with_suspended(void)
{
	start();
	EXPECT_OK(proc_fork(aa, PROC_SHARE_SPACE | PROC_SUSPEND | SIGNAL_CHLD, 5, &runs));
}

/* Each process by its id, because some may be gone. */
static bool
exit_one(void)
{
	for (struct process *proc = proc_first(); proc; proc = proc_next(proc)) {
		if (proc->space) {
			proc_exit(proc, 0);
			return true;
		}
	}
	return false;
}

static void
end(void)
{
	struct wait_result got;

	if (walks)
		proc_walk_end(&walk);
	walks = false;
	while (exit_one())
		;
	while (proc_wait(NULL, &(struct wait_request){ .which = WAIT_ANY }, &got) == OK)
		;
	assert_int_equal(proc_count(), 0);
}

/*
 * tree - who is there, below whom, in which state. Ids of those born in the race are left out: a
 * fork that failed late has used one up.
 */
static uint64_t
tree(void)
{
	uint64_t sum = 0;

	for (struct process *proc = proc_first(); proc; proc = proc_next(proc)) {
		uint64_t word = min_u64(proc->id, 5) << 32 | (uint64_t)proc->state << 24 |
				(proc->parent ? proc->parent->id : 0) << 8 |
				(uint64_t)proc->is_exiting << 7 | (proc->code & 0x7f);

		sum += word * 0x9e3779b97f4a7c15u;
	}
	return sum;
}

static uint64_t
result(err_t err, uint64_t value)
{
	return err ? (uint64_t)(int64_t)err : value;
}

static uint64_t
wait_any(unsigned cpu)
{
	struct wait_result got = { 0 };
	err_t		   err = proc_wait(init, &(struct wait_request){ .which = WAIT_ANY }, &got);

	(void)cpu;
	return result(err, got.id);
}

static uint64_t
wait_b(unsigned cpu)
{
	struct wait_result got = { 0 };
	err_t err = proc_wait(init, &(struct wait_request){ .which = WAIT_ID, .id = 4 }, &got);

	(void)cpu;
	return result(err, got.id);
}

static uint64_t
exit_a(unsigned cpu)
{
	(void)cpu;
	proc_exit(a, 1);
	return 0;
}

static uint64_t
exit_aa(unsigned cpu)
{
	(void)cpu;
	proc_exit(aa, 2);
	return 0;
}

static uint64_t
exit_b(unsigned cpu)
{
	(void)cpu;
	proc_exit(b, 3);
	return 0;
}

static uint64_t
kill_b(unsigned cpu)
{
	struct process *proc = proc_lookup(4);
	err_t		err = OK;

	if (!proc)
		return 0; /* as harmless as killing the dead */
	err = proc_kill(proc, (int32_t)(10 + cpu));
	proc_put(proc);
	return result(err, 0);
}

static uint64_t
kill_all(unsigned cpu)
{
	return proc_kill_descendants(init, (int32_t)(20 + cpu));
}

/* A forks while others may have told it to exit; it obeys between its calls. */
static uint64_t
fork_a(unsigned cpu)
{
	struct process *child = NULL;
	err_t		err;

	(void)cpu;
	if (!a->space)
		return UNBORN;
	err = proc_fork(a, PROC_SHARE_SPACE, 0, &child);
	return result(err, 1);
}

static uint64_t
fork_aa(unsigned cpu)
{
	struct process *child = NULL;

	(void)cpu;
	return result(proc_fork(aa, PROC_SHARE_SPACE | PROC_NEW_IDS, 0, &child), 1);
}

static uint64_t
fork_sibling_of_a(unsigned cpu)
{
	struct process *child = NULL;
	err_t		err;

	(void)cpu;
	if (!a->space)
		return UNBORN;
	err = proc_fork(a, PROC_SHARE_SPACE | PROC_SAME_PARENT, 0, &child);
	return result(err, 1);
}

static uint64_t
fork_sibling_of_aa(unsigned cpu)
{
	struct process *child = NULL;

	(void)cpu;
	if (!aa->space)
		return UNBORN;
	return result(proc_fork(aa, PROC_SHARE_SPACE | PROC_SAME_PARENT, 0, &child), 1);
}

static uint64_t
thread_of_a(unsigned cpu)
{
	struct clone_request request = { .flags = PROC_SHARE_SPACE | PROC_SHARE_HANDLERS |
						  PROC_THREAD };
	struct clone_result  made;

	(void)cpu;
	return result(proc_clone(&a->main, &request, &made), 1);
}

static uint64_t
exit_group_of_a(unsigned cpu)
{
	thread_exit_group(&a->main, (int32_t)(30 + cpu));
	return 0;
}

static uint64_t
signal_group(unsigned cpu)
{
	uint64_t nr = 0;
	err_t	 err = signal_send_group(1, SIGNAL_USR1, &nr);

	(void)cpu;
	return result(err, nr);
}

static uint64_t
group_of_b(unsigned cpu)
{
	struct process *proc = proc_lookup(4);
	err_t		err;

	(void)cpu;
	if (!proc)
		return UNBORN;
	err = proc_set_group(init, proc, 0);
	proc_put(proc);
	return result(err, 0);
}

static uint64_t
stop_b(unsigned cpu)
{
	(void)cpu;
	return proc_stop(b, SIGNAL_STOP);
}

static uint64_t
continue_b(unsigned cpu)
{
	(void)cpu;
	return proc_continue(b);
}

static uint64_t
reaper_on(unsigned cpu)
{
	(void)cpu;
	proc_set_subreaper(a, true);
	return 0;
}

static uint64_t
reaper_off(unsigned cpu)
{
	(void)cpu;
	proc_set_subreaper(a, false);
	return 0;
}

static uint64_t
wait_a(unsigned cpu)
{
	struct wait_result got = { 0 };
	err_t		   err = proc_wait(a, &(struct wait_request){ .which = WAIT_ANY }, &got);

	(void)cpu;
	return result(err, got.id);
}

static uint64_t
kill_aa(unsigned cpu)
{
	(void)cpu;
	return result(proc_kill(aa, 9), 0);
}

static uint64_t
exec_5(unsigned cpu)
{
	struct space_layout layout = space_default_layout();
	struct space	   *fresh;
	struct thread	   *t;
	err_t		    err = space_create(&layout, &fresh);

	(void)cpu;
	if (err)
		return result(err, 0);
	err = thread_begin_exec(&runs->main, &t);
	if (err == OK)
		proc_exec(runs, fresh);
	space_put(fresh);
	return result(err, 0);
}

static uint64_t
exit_5(unsigned cpu)
{
	(void)cpu;
	proc_exit(runs, 5);
	return 0;
}

/* suspended - and whether AA has to wait. */
static uint64_t
tree_with_suspended(void)
{
	return tree() << 1 | thread_is_suspended(&aa->main);
}

/* One step of a walk over everybody: who is met. */
static uint64_t
walk_on(unsigned cpu)
{
	struct process *proc;
	uint64_t	id = 0;

	(void)cpu;
	if (!walks)
		proc_walk_begin(&walk, init);
	walks = true;
	proc = proc_walk_next(&walk);
	if (proc) {
		id = proc->id;
		proc_put(proc);
	}
	return id;
}

#define TREE_RACE(test, ...) RACE(test, .start = start, .end = end, .after = tree, __VA_ARGS__)

/* CAM-27, DRG PR #1340: two who wait get two reports, each one. */
TREE_RACE(two_wait_for_what_exits,
	  .ops = { { wait_any, wait_any }, { wait_any }, { exit_a, exit_b } }, .preemptions = 2)
TREE_RACE(one_waits_by_id_and_one_for_any, .ops = { { wait_b }, { wait_any }, { exit_b } },
	  .preemptions = 2, .preemptions_wide = 2)
/* WNX-29, DRG-B15: parent and child exit at once: the child is adopted, dead or alive. */
TREE_RACE(parent_and_child_exit_at_once, .ops = { { exit_a }, { exit_aa }, { wait_any, wait_any } },
	  .preemptions = 2)
RACE(parent_and_child_become_tombstones, .start = start_with_tombstones, .end = end, .after = tree,
     .ops = { { exit_a }, { exit_aa }, { wait_any } }, .preemptions = 2)
/* CAM-28: two killers and an owner of the same death. */
TREE_RACE(two_kill_the_same, .ops = { { kill_b }, { kill_b }, { wait_any } }, .preemptions = 2)
TREE_RACE(a_kill_and_a_group_change, .ops = { { kill_b, wait_b }, { group_of_b } },
	  .preemptions = 2)
/* CAM-B04: a tree is killed while it grows: nobody is missed. */
TREE_RACE(a_tree_is_killed_while_it_forks, .ops = { { fork_a, fork_a }, { kill_all } },
	  .preemptions = 2, .preemptions_wide = 2)
TREE_RACE(a_tree_is_killed_while_it_grows_sideways, .ops = { { fork_sibling_of_a }, { kill_all } },
	  .preemptions = 2, .preemptions_wide = 2)
/* Who is born to a parent that is just dying is an orphan like its siblings. */
TREE_RACE(a_parent_exits_while_it_gets_another_child,
	  .ops = { { fork_sibling_of_aa, fork_sibling_of_aa }, { exit_a }, { wait_any } },
	  .preemptions = 2, .preemptions_wide = 2)
/* And with all that are below it, one of which is just making a sibling. */
RACE(a_tree_is_killed_while_its_leaves_make_siblings, .start = start_with_leaf, .end = end,
     .after = tree, .ops = { { fork_sibling_of_aa, fork_sibling_of_aa }, { kill_all } },
     .preemptions = 2, .preemptions_wide = 2)
RACE(a_namespace_ends_while_its_leaves_make_siblings, .start = start_with_namespace, .end = end,
     .after = tree, .ops = { { exit_a }, { fork_sibling_of_aa, fork_sibling_of_aa } },
     .preemptions = 2, .preemptions_wide = 2)
TREE_RACE(two_kill_one_tree, .ops = { { kill_all }, { kill_b } }, .preemptions = 2)
/* DRG-29: a thread is made before its group exits, or not at all. */
TREE_RACE(a_group_exits_while_it_makes_a_thread,
	  .ops = { { thread_of_a }, { exit_group_of_a }, { fork_a } }, .preemptions = 2)
TREE_RACE(a_group_is_signalled_while_a_member_exits, .ops = { { signal_group }, { exit_b } },
	  .preemptions = 2)
TREE_RACE(a_stop_and_an_exit, .ops = { { stop_b, continue_b }, { exit_b } }, .preemptions = 2)
/* CAM-B04, CAM-32: a walk over a tree whose members leave. */
TREE_RACE(a_walk_meets_who_is_there,
	  .ops = { { walk_on, walk_on, walk_on }, { kill_b, wait_b }, { exit_a } },
	  .preemptions = 2)

/* A sub-reaper comes and goes while there are orphans for it, dead and alive. */
RACE(a_subreaper_comes_and_goes, .start = start_with_grandchild, .end = end, .after = tree,
     .ops = { { reaper_on, reaper_off }, { exit_aa }, { wait_a } }, .preemptions = 2)
RACE(a_subreaper_exits, .start = start_with_grandchild, .end = end, .after = tree,
     .ops = { { reaper_on, exit_a }, { exit_aa }, { wait_any } }, .preemptions = 2)
/* DRG-16, DRG-B08: who waits for a vfork is killed while its child executes a program, or ends. */
RACE(a_suspended_parent_is_killed_while_its_child_executes, .start = start_with_suspended,
     .end = end, .after = tree_with_suspended, .ops = { { exec_5 }, { kill_aa } }, .preemptions = 2)
RACE(a_suspended_parent_is_killed_while_its_child_exits, .start = start_with_suspended, .end = end,
     .after = tree_with_suspended, .ops = { { exit_5 }, { kill_aa }, { wait_any } },
     .preemptions = 2)
/* The init of a namespace ends while somebody in it forks: nobody is left who may go on. */
RACE(a_namespace_ends_while_it_forks, .start = start_with_namespace, .end = end, .after = tree,
     .ops = { { exit_a }, { fork_aa, fork_aa } }, .preemptions = 2, .preemptions_wide = 2)
/* And while an orphan is on its way to that init: it is adopted and killed, or killed. */
RACE(a_namespace_ends_while_it_adopts, .start = start_with_orphan, .end = end, .after = tree,
     .ops = { { exit_a }, { exit_aa }, { wait_any } }, .preemptions = 2)

TEST_SUITE(race_procs, cmocka_unit_test(two_wait_for_what_exits),
	   cmocka_unit_test(one_waits_by_id_and_one_for_any),
	   cmocka_unit_test(parent_and_child_exit_at_once),
	   cmocka_unit_test(parent_and_child_become_tombstones),
	   cmocka_unit_test(a_parent_exits_while_it_gets_another_child),
	   cmocka_unit_test(a_tree_is_killed_while_its_leaves_make_siblings),
	   cmocka_unit_test(a_namespace_ends_while_its_leaves_make_siblings),
	   cmocka_unit_test(a_subreaper_comes_and_goes), cmocka_unit_test(a_subreaper_exits),
	   cmocka_unit_test(a_suspended_parent_is_killed_while_its_child_executes),
	   cmocka_unit_test(a_suspended_parent_is_killed_while_its_child_exits),
	   cmocka_unit_test(two_kill_the_same), cmocka_unit_test(a_kill_and_a_group_change),
	   cmocka_unit_test(a_tree_is_killed_while_it_forks),
	   cmocka_unit_test(a_tree_is_killed_while_it_grows_sideways),
	   cmocka_unit_test(two_kill_one_tree),
	   cmocka_unit_test(a_group_exits_while_it_makes_a_thread),
	   cmocka_unit_test(a_group_is_signalled_while_a_member_exits),
	   cmocka_unit_test(a_namespace_ends_while_it_forks),
	   cmocka_unit_test(a_namespace_ends_while_it_adopts), cmocka_unit_test(a_stop_and_an_exit),
	   cmocka_unit_test(a_walk_meets_who_is_there))
