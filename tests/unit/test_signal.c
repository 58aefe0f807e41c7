/* test_signal.c - sending and taking signals: masks, order, stops and continuations, init, groups. */
#include "unit/kin.h"

static const struct signal_action handler = { .handler = 0x1000 };

/* signal_of - what the thread takes next; 0: nothing. */
static unsigned
signal_of(struct thread *t)
{
	struct signal_delivery d = { 0 };

	return signal_take(t, &d) ? d.signal : 0;
}

/* The lowest number first, KILL before all, the thread's own before its process's. */
static void
signals_come_in_order(void **state)
{
	struct process *first = kin_first();
	struct process *a = kin_child(first, 0);

	(void)state;
	EXPECT_OK(signal_send(a, SIGNAL_HUP));
	EXPECT_OK(signal_send(a, SIGNAL_TERM));
	EXPECT_OK(signal_send(a, SIGNAL_TERM));
	EXPECT_OK(signal_send_thread(&a->main, SIGNAL_USR2));
	EXPECT_OK(signal_send(a, SIGNAL_KILL));
	assert_ptr_equal(kin_log.last_woken, a);
	assert_true(signal_is_pending(&a->main));
	assert_int_equal(signal_of(&a->main), SIGNAL_USR2);
	assert_int_equal(signal_of(&a->main), SIGNAL_KILL);
	assert_int_equal(signal_of(&a->main), SIGNAL_HUP);
	assert_int_equal(signal_of(&a->main), SIGNAL_TERM);
	assert_int_equal(signal_of(&a->main), 0);
	EXPECT_ERR(signal_send(a, 0), ERR_INVAL);
	EXPECT_ERR(signal_send(a, 65), ERR_INVAL);
	EXPECT_ERR(signal_send_thread(&a->main, 65), ERR_INVAL);
	kin_end();
}

/* LUN-41: what is held back waits; KILL and STOP cannot be. */
static void
a_mask_holds_back(void **state)
{
	struct process *first = kin_first();
	struct process *a = kin_child(first, 0);

	(void)state;
	assert_true(signal_block(&a->main, UINT64_MAX) == 0);
	EXPECT_OK(signal_send(a, SIGNAL_TERM));
	assert_false(signal_is_pending(&a->main));
	assert_int_equal(signal_of(&a->main), 0);
	EXPECT_OK(signal_send(a, SIGNAL_KILL));
	EXPECT_OK(signal_send(a, SIGNAL_STOP));
	assert_int_equal(signal_of(&a->main), SIGNAL_KILL);
	assert_int_equal(signal_of(&a->main), SIGNAL_STOP);
	signal_block(&a->main, 0);
	assert_int_equal(signal_of(&a->main), SIGNAL_TERM);
	kin_end();
}

/* LUN-38: a signal to a process is taken by a thread that does not hold it back, once. */
static void
any_thread_may_take_it(void **state)
{
	struct clone_request request = { .flags = PROC_SHARE_SPACE | PROC_SHARE_HANDLERS |
						  PROC_THREAD };
	struct process	    *first = kin_first();
	struct process	    *a = kin_child(first, 0);
	struct thread	    *t;

	(void)state;
	EXPECT_OK(kin_clone(&a->main, &request, &t));
	signal_block(&a->main, signal_bit(SIGNAL_TERM));
	EXPECT_OK(signal_send(a, SIGNAL_TERM));
	assert_int_equal(signal_of(&a->main), 0);
	assert_int_equal(signal_of(t), SIGNAL_TERM);
	assert_int_equal(signal_of(t), 0);
	EXPECT_OK(signal_send_thread(t, SIGNAL_USR1));
	assert_int_equal(signal_of(&a->main), 0);
	assert_int_equal(signal_of(t), SIGNAL_USR1);
	kin_end();
}

/* While a handler runs, its signal and its mask are held back; the old mask is for the return. */
static void
a_handler_runs_under_its_mask(void **state)
{
	struct signal_action   action = { .handler = 0x1000, .blocked = signal_bit(SIGNAL_HUP) };
	struct process	      *first = kin_first();
	struct process	      *a = kin_child(first, 0);
	struct signal_delivery d;

	(void)state;
	signal_block(&a->main, signal_bit(SIGNAL_TERM));
	EXPECT_OK(signal_set_action(a, SIGNAL_USR1, &action, NULL));
	EXPECT_OK(signal_send(a, SIGNAL_USR1));
	assert_true(signal_take(&a->main, &d));
	assert_int_equal(d.action.handler, 0x1000);
	assert_true(d.blocked == signal_bit(SIGNAL_TERM));
	EXPECT_OK(signal_send(a, SIGNAL_USR1));
	EXPECT_OK(signal_send(a, SIGNAL_HUP));
	assert_int_equal(signal_of(&a->main), 0);
	signal_block(&a->main, d.blocked);
	assert_int_equal(signal_of(&a->main), SIGNAL_HUP);
	action.flags = SIGNALF_NO_DEFER | SIGNALF_RESET;
	EXPECT_OK(signal_set_action(a, SIGNAL_USR1, &action, NULL));
	assert_true(signal_take(&a->main, &d));
	assert_int_equal(d.action.handler, 0x1000);
	/* it was there for one time, and is not held back */
	EXPECT_OK(signal_send(a, SIGNAL_USR1));
	assert_true(signal_take(&a->main, &d));
	assert_int_equal(d.action.handler, SIGNAL_DEFAULT);
	kin_end();
}

/* CAM-30: what nobody handles and what is ignored is dropped, unless it is held back. */
static void
the_ignored_is_dropped(void **state)
{
	const struct signal_action ignore = { .handler = SIGNAL_IGNORE };
	struct process		  *first = kin_first();
	struct process		  *a = kin_child(first, 0);

	(void)state;
	EXPECT_OK(signal_send(a, SIGNAL_CHLD));
	EXPECT_OK(signal_send(a, SIGNAL_WINCH));
	EXPECT_OK(signal_send(a, SIGNAL_URG));
	EXPECT_OK(signal_send(a, SIGNAL_CONT));
	assert_true(a->pending == 0);
	EXPECT_OK(signal_set_action(a, SIGNAL_TERM, &ignore, NULL));
	EXPECT_OK(signal_send(a, SIGNAL_TERM));
	assert_true(a->pending == 0);
	/* held back, it may still get a handler */
	signal_block(&a->main, signal_bit(SIGNAL_CHLD));
	EXPECT_OK(signal_send(a, SIGNAL_CHLD));
	assert_true(a->pending == signal_bit(SIGNAL_CHLD));
	signal_block(&a->main, 0);
	assert_int_equal(signal_of(&a->main), 0);
	assert_true(a->pending == 0);
	kin_end();
}

/* LUN-41: CONT and stops take each other away, and CONT continues even if it is ignored. */
static void
stops_and_continuations_cancel(void **state)
{
	const struct signal_action ignore = { .handler = SIGNAL_IGNORE };
	struct process		  *first = kin_first();
	struct process		  *a = kin_child(first, 0);

	(void)state;
	EXPECT_OK(signal_set_action(a, SIGNAL_CONT, &handler, NULL));
	EXPECT_OK(signal_send(a, SIGNAL_TSTP));
	EXPECT_OK(signal_send_thread(&a->main, SIGNAL_STOP));
	EXPECT_OK(signal_send(a, SIGNAL_CONT));
	assert_true(a->pending == signal_bit(SIGNAL_CONT) && a->main.pending == 0);
	EXPECT_OK(signal_send(a, SIGNAL_TTIN));
	assert_true(a->pending == signal_bit(SIGNAL_TTIN));
	assert_int_equal(signal_of(&a->main), SIGNAL_TTIN);
	assert_true(proc_stop(a, SIGNAL_TTIN));
	EXPECT_OK(signal_set_action(a, SIGNAL_CONT, &ignore, NULL));
	EXPECT_OK(signal_send(a, SIGNAL_CONT));
	assert_int_equal(a->state, PROCESS_ALIVE);
	assert_true(a->pending == 0);
	machine_check_invariants();
	kin_end();
}

/* The parent of a stopped child hears of it by CHLD, unless it does not want that. */
static void
stops_are_announced(void **state)
{
	struct signal_action action = { .handler = 0x1000 };
	struct process	    *first = kin_first();
	struct process	    *a = kin_child(first, 0);

	(void)state;
	EXPECT_OK(signal_set_action(first, SIGNAL_CHLD, &action, NULL));
	assert_true(proc_stop(a, SIGNAL_STOP));
	assert_int_equal(signal_of(&first->main), SIGNAL_CHLD);
	signal_block(&first->main, 0);
	action.flags = SIGNALF_NO_CHILD_STOP;
	EXPECT_OK(signal_set_action(first, SIGNAL_CHLD, &action, NULL));
	assert_true(proc_continue(a));
	assert_int_equal(signal_of(&first->main), 0);
	kin_end();
}

/* LUN-40: init takes only what it has a handler for, also KILL. */
static void
init_takes_what_it_handles(void **state)
{
	struct process *first = kin_first();

	(void)state;
	EXPECT_OK(signal_send(first, SIGNAL_TERM));
	EXPECT_OK(signal_send(first, SIGNAL_KILL));
	EXPECT_OK(signal_send(first, SIGNAL_STOP));
	assert_int_equal(signal_of(&first->main), 0);
	EXPECT_OK(signal_set_action(first, SIGNAL_TERM, &handler, NULL));
	EXPECT_OK(signal_send(first, SIGNAL_TERM));
	assert_int_equal(signal_of(&first->main), SIGNAL_TERM);
	kin_end();
}

/* LUN-39, CAM-30: to a group, and to all descendants, dead ones not counted. */
static void
many_are_signalled_at_once(void **state)
{
	struct process *first = kin_first();
	struct process *a = kin_child(first, 0);
	struct process *b = kin_child(a, 0);
	struct process *c = kin_child(a, 0);
	uint64_t	nr = 0;

	(void)state;
	EXPECT_OK(proc_set_group(a, b, 0));
	EXPECT_OK(proc_set_group(a, c, b->id));
	EXPECT_OK(signal_send_group(b->id, SIGNAL_HUP, &nr));
	assert_int_equal(nr, 2);
	assert_true(b->pending && c->pending && !a->pending);
	EXPECT_ERR(signal_send_group(a->id, SIGNAL_HUP, &nr), ERR_SRCH);
	EXPECT_ERR(signal_send_group(b->id, 65, &nr), ERR_INVAL);
	kin_exit(c, 0);
	EXPECT_OK(signal_send_group(b->id, SIGNAL_HUP, &nr));
	assert_int_equal(nr, 1);
	assert_int_equal(signal_send_descendants(first, SIGNAL_USR1), 2);
	assert_int_equal(signal_send_descendants(b, SIGNAL_USR1), 0);
	assert_int_equal(signal_send_descendants(first, 65), 0);
	assert_int_equal(signal_of(&a->main), SIGNAL_USR1);
	kin_end();
}

/* run - what a kernel does with a thread whose access failed; gives false if the process has ended. */
static bool
run(struct process *proc, unsigned page)
{
	struct signal_delivery d;

	if (sketch_access(proc->space, ACCESS_STORE, page) == FAULT_DONE)
		return true;
	pt_deactivate(&proc->space->pt);
	signal_force(&proc->main, SIGNAL_SEGV);
	assert_true(signal_take(&proc->main, &d));
	assert_int_equal(d.signal, SIGNAL_SEGV);
	if (d.action.handler != SIGNAL_DEFAULT)
		return true;
	proc_exit(proc, 128 + (int32_t)d.signal);
	return false;
}

/* LUN-30, CAM-07, CAM-35: a bad access is a signal to the thread, and without a handler the end, with a code. */
static void
a_bad_access_ends_the_process(void **state)
{
	struct process *first = kin_first();
	struct process *a = kin_fork(first);
	struct process *b = kin_fork(first);

	(void)state;
	assert_true(run(a, 1));
	assert_false(run(a, 9));
	assert_int_equal(kin_wait(first).code, 139);
	/* memory that was there is gone: the next store ends it */
	EXPECT_OK(space_unmap(b->space, PAGE(2), PAGE(1)));
	assert_false(run(b, 2));
	assert_int_equal(kin_wait(first).code, 139);
	kin_end();
}

/* What a thread has caused itself is neither held back nor ignored, and not by init either. */
static void
the_forced_cannot_be_escaped(void **state)
{
	const struct signal_action ignore = { .handler = SIGNAL_IGNORE };
	struct process		  *first = kin_first();
	struct process		  *a = kin_fork(first);
	struct process		  *b = kin_fork(first);

	(void)state;
	EXPECT_OK(signal_set_action(a, SIGNAL_SEGV, &handler, NULL));
	assert_true(run(a, 9));
	/* its handler runs, so the signal is held back: once more is the end */
	assert_false(run(a, 9));
	EXPECT_OK(signal_set_action(b, SIGNAL_SEGV, &ignore, NULL));
	assert_false(run(b, 9));
	assert_false(run(first, 9));
	assert_int_equal(kin_log.nr_init_exits, 1);
	kin_end();
}

/* A forced signal that another thread has ignored meanwhile is gone: the next one is not taken for it. */
static void
nothing_is_left_of_a_forced_one(void **state)
{
	const struct signal_action ignore = { .handler = SIGNAL_IGNORE };
	const struct signal_info   fault = signal_of_fault(FAULT_SEGV_MAPERR, 0x5000);
	const struct signal_info   sent = { .signal = SIGNAL_SEGV, .sender = 7 };
	struct process		  *first = kin_first();
	struct process		  *a = kin_child(first, 0);
	struct signal_delivery	   d;

	(void)state;
	signal_force_info(&a->main, &fault);
	EXPECT_OK(signal_set_action(a, SIGNAL_SEGV, &ignore, NULL));
	assert_false(signal_is_pending(&a->main));
	EXPECT_OK(signal_set_action(a, SIGNAL_SEGV, &handler, NULL));
	EXPECT_OK(signal_send_thread_info(&a->main, &sent));
	assert_true(signal_take(&a->main, &d));
	assert_int_equal(d.info.code, SIGNAL_CODE_USER);
	assert_int_equal(d.info.sender, 7);
	/* nor is one that was sent, held back, and is ignored by now */
	signal_block(&a->main, 0);
	signal_force_info(&a->main, &fault);
	EXPECT_OK(signal_set_action(a, SIGNAL_SEGV, &ignore, NULL));
	signal_block(&a->main, signal_bit(SIGNAL_SEGV));
	EXPECT_OK(signal_send_info(a, &sent));
	signal_block(&a->main, 0);
	assert_int_equal(signal_of(&a->main), 0);
	kin_end();
}

/* Another process with the same handlers ignores what was forced before it is taken: it ends its process. */
static void
the_forced_is_not_ignored_by_others(void **state)
{
	const struct signal_action ignore = { .handler = SIGNAL_IGNORE };
	struct process		  *first = kin_first();
	struct process		  *a = kin_child(first, 0);
	struct process		  *b;
	struct signal_delivery	   d;

	(void)state;
	EXPECT_OK(signal_set_action(a, SIGNAL_SEGV, &handler, NULL));
	b = kin_child(a, PROC_SHARE_HANDLERS);
	signal_force(&b->main, SIGNAL_SEGV);
	EXPECT_OK(signal_set_action(a, SIGNAL_SEGV, &ignore, NULL));
	assert_true(signal_take(&b->main, &d));
	assert_int_equal(d.action.handler, SIGNAL_DEFAULT);
	assert_true(b->main.blocked == 0);
	kin_end();
}

TEST_SUITE(signal, cmocka_unit_test(a_bad_access_ends_the_process),
	   cmocka_unit_test(the_forced_cannot_be_escaped),
	   cmocka_unit_test(nothing_is_left_of_a_forced_one),
	   cmocka_unit_test(the_forced_is_not_ignored_by_others),
	   cmocka_unit_test(signals_come_in_order), cmocka_unit_test(a_mask_holds_back),
	   cmocka_unit_test(any_thread_may_take_it),
	   cmocka_unit_test(a_handler_runs_under_its_mask),
	   cmocka_unit_test(the_ignored_is_dropped),
	   cmocka_unit_test(stops_and_continuations_cancel), cmocka_unit_test(stops_are_announced),
	   cmocka_unit_test(init_takes_what_it_handles),
	   cmocka_unit_test(many_are_signalled_at_once))
