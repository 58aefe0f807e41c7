/*
 * test_race_signals.c - signals that are sent while their process takes one, forks, executes a program,
 * exits, or is stopped and continued.
 *
 *	init --- A	its handler's stack is in the area; it runs on CPU 0
 */
#include "race/race.h"

#include <anymm/signal.h>

static struct process *init, *a;
static struct thread  *other; /* of A, in one race */

static const struct signal_action handler = { .handler = 0x1000, .restorer = 0x2000 };

static void
start_with(const struct proc_hooks *hooks)
{
	start_parent();
	proc_configure(hooks, ORPHANS_ADOPTED);
	EXPECT_OK(proc_create(0, world.parent, &init));
	EXPECT_OK(proc_fork(init, PROC_SHARE_SPACE | SIGNAL_CHLD, 0, &a));
	EXPECT_OK(signal_set_action(a, SIGNAL_USR1, &handler, NULL));
}

static void
start(void)
{
	start_with(NULL);
}

/* A stop waits for A, which it has not seen yet. */
static void
start_with_a_stop(void)
{
	start_with(NULL);
	EXPECT_OK(signal_send(a, SIGNAL_TSTP));
}

/* One more, which has no table of handlers. */
static void
start_with_a_child(void)
{
	struct process *child;

	start_with(NULL);
	EXPECT_OK(proc_fork(init, PROC_SHARE_SPACE | SIGNAL_CHLD, 3, &child));
}

static bool
exit_one(void)
{
	for (struct process *proc = proc_first(); proc; proc = proc_next(proc)) {
		if (proc->space) {
			pt_deactivate(&proc->space->pt);
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

	while (exit_one())
		;
	while (proc_wait(NULL, &(struct wait_request){ .which = WAIT_ANY }, &got) == OK)
		;
	assert_int_equal(proc_count(), 0);
	assert_int_equal(resource_live(), 0);
}

/* state_of_all - states, and what waits and is held back. */
static uint64_t
state_of_all(void)
{
	uint64_t sum = 0;

	for (struct process *proc = proc_first(); proc; proc = proc_next(proc)) {
		uint64_t word = min_u64(proc->id, 3) << 56 | (uint64_t)proc->state << 48 |
				(proc->pending & 0xffffff) << 24 | (proc->main.blocked & 0xffffff);

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
send_from(uint32_t sender)
{
	struct process	  *proc = proc_lookup(2);
	struct signal_info info = { .signal = SIGNAL_USR1, .sender = sender };
	err_t		   err;

	if (!proc)
		return 0; /* as harmless as sending to the dead */
	err = signal_send_info(proc, &info);
	proc_put(proc);
	return result(err, 0);
}

static uint64_t
send_from_7(unsigned cpu)
{
	(void)cpu;
	return send_from(7);
}

static uint64_t
send_from_8(unsigned cpu)
{
	(void)cpu;
	return send_from(8);
}

static uint64_t
continue_a(unsigned cpu)
{
	(void)cpu;
	return result(signal_send(a, SIGNAL_CONT), 0);
}

static uint64_t
stop_a(unsigned cpu)
{
	(void)cpu;
	return result(signal_send(a, SIGNAL_TSTP), 0);
}

static uint64_t
forget_handler(unsigned cpu)
{
	(void)cpu;
	return result(signal_set_action(a, SIGNAL_USR1, &(struct signal_action){ 0 }, NULL), 0);
}

/* Init has no table of handlers yet, and the child that it forks has none either. */
static uint64_t
set_handler_of_3(unsigned cpu)
{
	struct process *proc = proc_lookup(3);
	err_t		err;

	(void)cpu;
	if (!proc)
		return UNBORN;
	err = signal_set_action(proc, SIGNAL_USR1, &handler, NULL);
	proc_put(proc);
	return result(err, 0);
}

static uint64_t
exit_3(unsigned cpu)
{
	(void)cpu;
	proc_exit(proc_find(3), 0);
	return 0;
}

/* sender_in - the frame that lies there; who has sent the signal. */
static uint64_t
sender_in(const struct arch_context *ctx)
{
	vaddr_t		   at = arch_context_argument(ctx, 1);
	struct signal_info info = { 0 };

	if (copy_from_user(a->space, &info, at, sizeof(info)))
		return FAULTED;
	return info.sender;
}

/* What A does before it goes back to its program: what has become of it, of which signal, from whom. */
static uint64_t
deliver(unsigned cpu)
{
	enum signal_point   point = SIGNAL_AT_INSTRUCTION;
	enum signal_verdict verdict;
	struct arch_context ctx;
	struct arch_fpu	    fpu;
	unsigned	    signal;
	uint64_t	    sender = 0;

	(void)cpu;
	if (!a->space)
		return UNBORN;
	arch_context_init(&ctx, 0x3000, PAGE(AREA_PAGES));
	arch_fpu_init(&fpu);
	pt_activate(&a->space->pt);
	verdict = signal_deliver(&a->main, &ctx, &fpu, &point, &signal);
	if (verdict == SIGNAL_GOES_ON && signal)
		sender = sender_in(&ctx);
	pt_deactivate(&a->space->pt);
	return sender << 16 | (uint64_t)verdict << 8 | signal;
}

/* The handler's return: nothing is held back any more. */
static uint64_t
unblock(unsigned cpu)
{
	(void)cpu;
	return signal_block(&a->main, 0);
}

static uint64_t
exit_a(unsigned cpu)
{
	(void)cpu;
	proc_exit(a, 1);
	return 0;
}

/* The child has its parent's handlers and mask, and nothing waits for it. */
static uint64_t
fork_a(unsigned cpu)
{
	struct process *child = NULL;
	err_t		err = proc_fork(a, PROC_SHARE_SPACE, 0, &child);

	(void)cpu;
	return result(err, err ? 0 : child->pending | child->main.pending);
}

/* The same, for races in which somebody may send to the child at once. */
static uint64_t
bear(unsigned cpu)
{
	struct process *child = NULL;

	(void)cpu;
	return result(proc_fork(a, PROC_SHARE_SPACE, 0, &child), 1);
}

static uint64_t
bear_thread(unsigned cpu)
{
	struct clone_request request = { .flags = PROC_SHARE_SPACE | PROC_SHARE_HANDLERS |
						  PROC_THREAD };
	struct clone_result  made;

	(void)cpu;
	return result(proc_clone(&a->main, &request, &made), 1);
}

/* A second thread of A takes what ends them all, and only then has all of them end. */
static uint64_t
obey_for_all(unsigned cpu)
{
	struct signal_delivery d;

	(void)cpu;
	if (!signal_take(other, &d))
		return UNBORN;
	thread_exit_group(other, (int32_t)d.signal);
	return d.signal;
}

/* To all in the group, which is everybody; init takes none of it. How many have been there is not an outcome. */
static uint64_t
send_group(unsigned signal)
{
	uint64_t nr;

	return result(signal_send_group(1, signal, &nr), 0);
}

static uint64_t
kill_group(unsigned cpu)
{
	(void)cpu;
	return send_group(SIGNAL_KILL);
}

/* A has two threads, and the end of its group waits for both. */
static void
start_with_an_end(void)
{
	struct clone_request request = { .flags = PROC_SHARE_SPACE | PROC_SHARE_HANDLERS |
						  PROC_THREAD };
	struct clone_result  made;

	start_with(NULL);
	EXPECT_OK(proc_clone(&a->main, &request, &made));
	other = made.thread;
	EXPECT_OK(kill_group(0));
}

static uint64_t
usr1_to_group(unsigned cpu)
{
	(void)cpu;
	return send_group(SIGNAL_USR1);
}

static uint64_t
stop_group(unsigned cpu)
{
	(void)cpu;
	return send_group(SIGNAL_TSTP);
}

static uint64_t
continue_group(unsigned cpu)
{
	(void)cpu;
	return send_group(SIGNAL_CONT);
}

static uint64_t
kill_everybody(unsigned cpu)
{
	uint64_t nr;

	(void)cpu;
	return result(signal_kill(init, -1, SIGNAL_KILL, &nr), 0);
}

static uint64_t
usr1_to_descendants(unsigned cpu)
{
	(void)cpu;
	(void)signal_send_descendants(init, SIGNAL_USR1);
	return 0;
}

static uint64_t
exec_a(unsigned cpu)
{
	struct space_layout layout = space_default_layout();
	struct space	   *fresh;
	struct thread	   *t;
	err_t		    err = space_create(&layout, &fresh);

	(void)cpu;
	if (err)
		return result(err, 0);
	err = thread_begin_exec(&a->main, &t);
	if (err == OK)
		proc_exec(a, fresh);
	space_put(fresh);
	return result(err, 0);
}

#define SIGNAL_RACE(test, ...) \
	RACE(test, .start = start, .end = end, .after = state_of_all, __VA_ARGS__)

/* Who exits takes its handlers along, also those that it is just about to get. */
RACE(a_handler_is_set_while_its_process_exits, .start = start_with_a_child, .end = end,
     .after = state_of_all, .ops = { { set_handler_of_3 }, { exit_3 } }, .preemptions = 3,
     .preemptions_wide = 3)
/* Of two senders one is first, and that is who the handler hears of; a third time may be heard later. */
SIGNAL_RACE(two_send_what_one_takes,
	    .ops = { { deliver, unblock, deliver }, { send_from_7 }, { send_from_8 } },
	    .preemptions = 2, .preemptions_wide = 2)
/* CAM-B09: sent to a process that exits: taken before, or not at all, and its note does not stay. */
SIGNAL_RACE(a_signal_meets_an_exit,
	    .ops = { { deliver, exit_a }, { send_from_7 }, { send_from_8 } }, .preemptions = 2)
/* CAM-17: what is sent while it forks waits for it, never for the child. */
SIGNAL_RACE(a_signal_meets_a_fork, .ops = { { fork_a, deliver }, { send_from_7 } },
	    .preemptions = 2, .preemptions_wide = 2)
/* CAM-30, CAM-B04: a group is killed while a member forks: the child is there and killed, or never seen. */
SIGNAL_RACE(a_group_is_killed_while_it_forks, .ops = { { bear, bear }, { kill_group } },
	    .preemptions = 2, .preemptions_wide = 2)
SIGNAL_RACE(everybody_is_killed_while_one_forks, .ops = { { bear, bear }, { kill_everybody } },
	    .preemptions = 2, .preemptions_wide = 2)
/* One thread has taken the end of all, and another one forks before it is told: no child escapes. */
RACE(a_thread_obeys_for_all_while_another_forks, .start = start_with_an_end, .end = end,
     .after = state_of_all, .ops = { { bear }, { obey_for_all } }, .preemptions = 2,
     .preemptions_wide = 2)
SIGNAL_RACE(a_group_is_killed_while_it_makes_a_thread, .ops = { { bear_thread }, { kill_group } },
	    .preemptions = 2)
/* And so with what a member has a handler for: parent and child get it, or the fork is made again later. */
SIGNAL_RACE(a_group_is_signalled_while_it_forks,
	    .ops = { { bear, deliver, unblock }, { usr1_to_group } }, .preemptions = 2,
	    .preemptions_wide = 2)
SIGNAL_RACE(descendants_are_signalled_while_one_forks, .ops = { { bear }, { usr1_to_descendants } },
	    .preemptions = 2, .preemptions_wide = 2)
SIGNAL_RACE(a_group_is_stopped_and_continued_while_it_forks,
	    .ops = { { bear }, { stop_group }, { continue_group } }, .preemptions = 2)
/* LUN-42: sent before an exec it finds the handler, or afterwards none. */
SIGNAL_RACE(a_signal_meets_an_exec, .ops = { { deliver, exec_a, deliver }, { send_from_7 } },
	    .preemptions = 2)
/* The action is the one that there was when the signal was taken. */
SIGNAL_RACE(a_signal_meets_another_action,
	    .ops = { { deliver }, { send_from_7 }, { forget_handler } }, .preemptions = 2)
/* LUN-41: whoever continues a process does not lose against a stop that was taken before. */
RACE(a_stop_that_is_taken_meets_a_continuation, .start = start_with_a_stop, .end = end,
     .after = state_of_all, .ops = { { deliver }, { continue_a } }, .preemptions = 3,
     .preemptions_wide = 3)
SIGNAL_RACE(stops_and_continuations_meet,
	    .ops = { { deliver, deliver }, { stop_a }, { continue_a } }, .preemptions = 2)

TEST_SUITE(race_signals, cmocka_unit_test(two_send_what_one_takes),
	   cmocka_unit_test(a_signal_meets_an_exit), cmocka_unit_test(a_signal_meets_a_fork),
	   cmocka_unit_test(a_group_is_killed_while_it_forks),
	   cmocka_unit_test(everybody_is_killed_while_one_forks),
	   cmocka_unit_test(a_thread_obeys_for_all_while_another_forks),
	   cmocka_unit_test(a_group_is_killed_while_it_makes_a_thread),
	   cmocka_unit_test(a_group_is_signalled_while_it_forks),
	   cmocka_unit_test(descendants_are_signalled_while_one_forks),
	   cmocka_unit_test(a_group_is_stopped_and_continued_while_it_forks),
	   cmocka_unit_test(a_signal_meets_an_exec),
	   cmocka_unit_test(a_signal_meets_another_action),
	   cmocka_unit_test(a_handler_is_set_while_its_process_exits),
	   cmocka_unit_test(a_stop_that_is_taken_meets_a_continuation),
	   cmocka_unit_test(stops_and_continuations_meet))
