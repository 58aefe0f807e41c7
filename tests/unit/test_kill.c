/* test_kill.c - whom a signal names: who has sent it, or the child it is about, as its receiver sees them. */
#include "unit/kin.h"

/* send_by - kill(2), which must find somebody. */
static void
send_by(struct process *caller, int32_t target, unsigned signal)
{
	uint64_t nr;

	EXPECT_OK(signal_kill(caller, target, signal, &nr));
}

/* expect_sender - the next signal of proc is this one, sent by kill by whoever has this id for proc. */
static void
expect_sender(struct process *proc, unsigned signal, uint32_t sender)
{
	struct signal_delivery d;

	assert_true(signal_take(&proc->main, &d));
	assert_int_equal(d.signal, signal);
	assert_int_equal(d.info.signal, signal);
	assert_int_equal(d.info.code, SIGNAL_CODE_USER);
	assert_int_equal(d.info.sender, sender);
	assert_true(d.info.user == 0 && d.info.status == 0 && d.info.error == 0);
}

/*
 * A signal names its sender as the receiver knows it, to each receiver by another id.
 *
 *	root's   1 first   2 beside   3 top   4 a   5 deep   6 b
 *	top's                         1 top   2 a   3 deep   4 b
 *	deep's                                      1 deep   2 b
 */
static void
kill_names_its_sender_to_each(void **state)
{
	const struct signal_action handler = { .handler = 0x1000 };
	struct process		  *first = kin_first();
	struct process		  *beside = kin_child(first, 0);
	struct process		  *top = kin_child(first, PROC_NEW_IDS | SIGNAL_CHLD);
	struct process		  *a = kin_child(top, 0);
	struct process		  *deep = kin_child(a, PROC_NEW_IDS | SIGNAL_CHLD);
	struct process		  *b = kin_child(deep, 0);

	(void)state;
	/* to one: from the same namespace, from above, from outside */
	send_by(deep, 2, SIGNAL_TERM);
	expect_sender(b, SIGNAL_TERM, 1);
	send_by(a, 4, SIGNAL_TERM);
	expect_sender(b, SIGNAL_TERM, 0);
	send_by(first, 6, SIGNAL_TERM);
	expect_sender(b, SIGNAL_TERM, 0);
	send_by(a, 2, SIGNAL_TERM);
	expect_sender(a, SIGNAL_TERM, 2);
	send_by(beside, 2, SIGNAL_TERM);
	expect_sender(beside, SIGNAL_TERM, 2);
	/* init hears of who has killed it, if it has a handler */
	EXPECT_OK(signal_set_action(top, SIGNAL_TERM, &handler, NULL));
	EXPECT_OK(signal_set_action(first, SIGNAL_TERM, &handler, NULL));
	send_by(a, 1, SIGNAL_TERM);
	expect_sender(top, SIGNAL_TERM, 2);
	signal_block(&top->main, 0);
	/* to all in the caller's group, which is all there are, also outside */
	send_by(b, 0, SIGNAL_TERM);
	expect_sender(first, SIGNAL_TERM, 6);
	expect_sender(beside, SIGNAL_TERM, 6);
	expect_sender(top, SIGNAL_TERM, 4);
	expect_sender(a, SIGNAL_TERM, 4);
	expect_sender(b, SIGNAL_TERM, 2);
	assert_false(signal_is_pending(&deep->main));
	/* to everybody in the namespace */
	send_by(a, -1, SIGNAL_USR1);
	expect_sender(b, SIGNAL_USR1, 0);
	assert_false(signal_is_pending(&a->main) || signal_is_pending(&beside->main));
	machine_check_invariants();
	kin_end();
}

/* The same where the sender is the word of the kernel: by its id in the root's namespace. */
static void
the_kernel_names_senders_by_the_roots_ids(void **state)
{
	struct process	  *first = kin_first();
	struct process	  *beside = kin_child(first, 0);
	struct process	  *top = kin_child(first, PROC_NEW_IDS | SIGNAL_CHLD);
	struct process	  *a = kin_child(top, 0);
	struct process	  *b = kin_child(top, 0);
	struct signal_info info = { .signal = SIGNAL_USR1, .sender = b->id };
	uint64_t	   nr;

	(void)state;
	EXPECT_OK(signal_send_thread_info(&a->main, &info));
	expect_sender(a, SIGNAL_USR1, 3);
	EXPECT_OK(signal_send_info(a, &info));
	expect_sender(a, SIGNAL_USR1, 3);
	EXPECT_OK(signal_send_group_info(1, &info, &nr));
	expect_sender(a, SIGNAL_USR1, 3);
	expect_sender(beside, SIGNAL_USR1, 5);
	expect_sender(b, SIGNAL_USR1, 3);
	assert_int_equal(signal_send_descendants_info(first, &info), 4);
	expect_sender(a, SIGNAL_USR1, 3);
	expect_sender(beside, SIGNAL_USR1, 5);
	(void)signal_take(&b->main, &(struct signal_delivery){ 0 });
	/* who is outside has no name inside, nor has who is gone */
	info.sender = beside->id;
	EXPECT_OK(signal_send_thread_info(&a->main, &info));
	expect_sender(a, SIGNAL_USR1, 0);
	info.sender = b->id;
	kin_bury(b, 0);
	EXPECT_OK(signal_send_thread_info(&a->main, &info));
	expect_sender(a, SIGNAL_USR1, 0);
	kin_end();
}

/* What the kernel itself has to say is told as it is: an address is no sender. */
static void
an_address_is_no_sender(void **state)
{
	const struct signal_info   fault = signal_of_fault(FAULT_SEGV_MAPERR, 0x5000);
	const struct signal_action handler = { .handler = 0x1000 };
	struct process		  *top = kin_child(kin_first(), PROC_NEW_IDS | SIGNAL_CHLD);
	struct signal_delivery	   d;

	(void)state;
	EXPECT_OK(signal_set_action(top, SIGNAL_SEGV, &handler, NULL));
	EXPECT_OK(signal_send_thread_info(&top->main, &fault));
	assert_true(signal_take(&top->main, &d));
	assert_int_equal(d.info.address, 0x5000);
	kin_end();
}

/* expect_child - the next signal of proc is a CHLD about the child with this id for proc. */
static void
expect_child(struct process *proc, int32_t code, uint32_t child, int32_t status)
{
	struct signal_delivery d;

	assert_true(signal_take(&proc->main, &d));
	assert_int_equal(d.signal, SIGNAL_CHLD);
	assert_int_equal(d.info.code, code);
	assert_int_equal(d.info.sender, child);
	assert_int_equal(d.info.status, status);
	signal_block(&proc->main, 0);
}

/* CHLD names the child as its parent knows it; one that has been adopted, as its new parent does. */
static void
chld_names_the_child_to_its_parent(void **state)
{
	const struct signal_action handler = { .handler = 0x1000 };
	struct process		  *first = kin_first();
	struct process		  *top = kin_child(first, PROC_NEW_IDS | SIGNAL_CHLD);
	struct process		  *a = kin_child(top, SIGNAL_CHLD);
	struct process		  *b = kin_child(a, SIGNAL_CHLD);
	struct process		  *deep = kin_child(a, PROC_NEW_IDS | SIGNAL_CHLD);

	(void)state;
	EXPECT_OK(signal_set_action(first, SIGNAL_CHLD, &handler, NULL));
	EXPECT_OK(signal_set_action(top, SIGNAL_CHLD, &handler, NULL));
	EXPECT_OK(signal_set_action(a, SIGNAL_CHLD, &handler, NULL));
	assert_true(proc_stop(b, SIGNAL_TSTP));
	expect_child(a, SIGNAL_CODE_STOPPED, 3, SIGNAL_TSTP);
	assert_true(proc_continue(b));
	expect_child(a, SIGNAL_CODE_CONTINUED, 3, SIGNAL_CONT);
	assert_true(proc_stop(deep, SIGNAL_STOP));
	expect_child(a, SIGNAL_CODE_STOPPED, 4, SIGNAL_STOP);
	assert_true(proc_continue(deep));
	expect_child(a, SIGNAL_CODE_CONTINUED, 4, SIGNAL_CONT);
	kin_exit(deep, 7);
	expect_child(a, SIGNAL_CODE_EXITED, 4, 7);
	(void)kin_wait(a);
	kin_exit(a, 8);
	expect_child(top, SIGNAL_CODE_EXITED, 2, 8);
	/* an orphan has init for its parent */
	kin_exit(b, 9);
	expect_child(top, SIGNAL_CODE_EXITED, 3, 9);
	/* the first process of a namespace has an id outside, and its parent none inside */
	kin_exit(top, 10);
	expect_child(first, SIGNAL_CODE_EXITED, 2, 10);
	assert_false(signal_is_pending(&first->main));
	kin_end();
}

/* expect_nobody - kill(2) finds nobody. */
static void
expect_nobody(struct process *caller, int32_t target)
{
	uint64_t nr;

	EXPECT_ERR(signal_kill(caller, target, 0, &nr), ERR_SRCH);
	EXPECT_ERR(signal_kill(caller, target, SIGNAL_TERM, &nr), ERR_SRCH);
}

static void
expect_number(struct process *caller, int32_t target, uint64_t number)
{
	uint64_t nr;

	EXPECT_OK(signal_kill(caller, target, SIGNAL_TERM, &nr));
	assert_int_equal(nr, number);
	EXPECT_OK(signal_kill(caller, target, 0, &nr));
	assert_int_equal(nr, number);
}

/*
 * As on Linux a zombie is somebody, alone, in its group, and among all; who has been waited for is not,
 * though its id stays for those below it.
 *
 *	1 first -- 2 a -- 3 b	groups 1 and 2
 */
static void
zombies_are_somebody_and_tombstones_are_not(void **state)
{
	struct process *first = kin_first_with(8192, ORPHANS_STAY);
	struct process *a = kin_child(first, 0);
	struct process *b;

	(void)state;
	EXPECT_OK(proc_set_group(first, a, 0));
	b = kin_child(a, 0);
	expect_number(first, 2, 1);
	expect_number(first, -2, 2);
	signal_block(&b->main, UINT64_MAX);
	EXPECT_OK(proc_set_group(b, b, 0));
	kin_exit(a, 0);
	assert_int_equal(a->state, PROCESS_ZOMBIE);
	expect_number(first, 2, 1);
	expect_number(first, -2, 1);
	expect_number(first, -1, 2);
	assert_true(a->pending == 0);
	(void)kin_wait(first);
	assert_int_equal(a->state, PROCESS_TOMBSTONE);
	expect_nobody(first, 2);
	expect_nobody(first, -2);
	expect_number(first, -1, 1);
	kin_exit(b, 0);
	expect_nobody(first, 2);
	expect_nobody(first, -1);
	kin_end();
}

TEST_SUITE(kill, cmocka_unit_test(kill_names_its_sender_to_each),
	   cmocka_unit_test(the_kernel_names_senders_by_the_roots_ids),
	   cmocka_unit_test(an_address_is_no_sender),
	   cmocka_unit_test(zombies_are_somebody_and_tombstones_are_not),
	   cmocka_unit_test(chld_names_the_child_to_its_parent))
