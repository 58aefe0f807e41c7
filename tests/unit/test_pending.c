/* test_pending.c - what comes with a signal: the first of each number, kept until it is taken or dropped. */
#include "unit/kin.h"

#include "proc/state.h"

static const struct signal_action handler = { .handler = 0x1000 };

static struct signal_info
from(unsigned signal, uint32_t sender)
{
	return (struct signal_info){
		.signal = signal,
		.code = SIGNAL_CODE_USER,
		.sender = sender,
	};
}

static void
send(struct process *proc, unsigned signal, uint32_t sender)
{
	struct signal_info info = from(signal, sender);

	EXPECT_OK(signal_send_info(proc, &info));
}

/* take - the next signal, which must be this one. */
static struct signal_info
take(struct thread *t, unsigned signal)
{
	struct signal_delivery d = { 0 };

	assert_true(signal_take(t, &d));
	assert_int_equal(d.signal, signal);
	assert_int_equal(d.info.signal, signal);
	return d.info;
}

static uint64_t
nr_notes(void)
{
	return proc_state()->notes.nr_objects;
}

/* Of two with one number the first is there, as of Unix's standard signals. */
static void
the_first_of_a_number_stays(void **state)
{
	struct process *first = kin_first();
	struct process *a = kin_child(first, 0);

	(void)state;
	send(a, SIGNAL_USR1, 7);
	send(a, SIGNAL_USR1, 8);
	send(a, SIGNAL_TERM, 9);
	assert_int_equal(nr_notes(), 2);
	machine_check_invariants();
	assert_int_equal(take(&a->main, SIGNAL_USR1).sender, 7);
	assert_int_equal(take(&a->main, SIGNAL_TERM).sender, 9);
	assert_int_equal(nr_notes(), 0);
	send(a, SIGNAL_USR1, 10);
	assert_int_equal(take(&a->main, SIGNAL_USR1).sender, 10);
	kin_end();
}

/* For the thread and for its process, one each. */
static void
a_thread_and_its_process_have_one_each(void **state)
{
	struct process	  *first = kin_first();
	struct process	  *a = kin_child(first, 0);
	struct signal_info info = from(SIGNAL_USR1, 8);

	(void)state;
	send(a, SIGNAL_USR1, 7);
	info.code = SIGNAL_CODE_THREAD;
	EXPECT_OK(signal_send_thread_info(&a->main, &info));
	info = take(&a->main, SIGNAL_USR1);
	assert_true(info.sender == 8 && info.code == SIGNAL_CODE_THREAD);
	info = take(&a->main, SIGNAL_USR1);
	assert_true(info.sender == 7 && info.code == SIGNAL_CODE_USER);
	kin_end();
}

/* The kernel's own say nothing, and cost nothing. */
static void
the_kernels_signals_need_no_note(void **state)
{
	struct process	  *first = kin_first();
	struct process	  *a = kin_child(first, 0);
	struct signal_info info;

	(void)state;
	EXPECT_OK(signal_send(a, SIGNAL_TERM));
	assert_int_equal(nr_notes(), 0);
	info = take(&a->main, SIGNAL_TERM);
	assert_true(info.code == SIGNAL_CODE_KERNEL && info.sender == 0);
	kin_end();
}

/* What is dropped leaves nothing behind: ignored from now on, stopped and continued, exited. */
static void
the_dropped_leave_nothing(void **state)
{
	const struct signal_action ignore = { .handler = SIGNAL_IGNORE };
	struct process		  *first = kin_first();
	struct process		  *a = kin_child(first, 0);
	struct process		  *b = kin_child(first, 0);
	struct signal_info	   info = from(SIGNAL_USR1, 8);

	(void)state;
	send(a, SIGNAL_USR1, 7);
	EXPECT_OK(signal_send_thread_info(&a->main, &info));
	EXPECT_OK(signal_set_action(a, SIGNAL_USR1, &ignore, NULL));
	assert_int_equal(nr_notes(), 0);
	send(a, SIGNAL_TSTP, 7);
	send(a, SIGNAL_CONT, 7);
	assert_int_equal(nr_notes(), 0);
	send(b, SIGNAL_TERM, 7);
	info.signal = SIGNAL_HUP;
	EXPECT_OK(signal_send_thread_info(&b->main, &info));
	assert_int_equal(nr_notes(), 2);
	kin_bury(b, 0);
	assert_int_equal(nr_notes(), 0);
	kin_end();
}

static struct thread *
thread_of(struct process *proc)
{
	struct clone_request request = { .flags = PROC_SHARE_SPACE | PROC_SHARE_HANDLERS |
						  PROC_THREAD };
	struct thread	    *t;

	EXPECT_OK(kin_clone(&proc->main, &request, &t));
	return t;
}

/* A thread that ends drops its own; one that executes a program takes them to the first place. */
static void
threads_keep_theirs_to_the_end(void **state)
{
	struct process	  *first = kin_first();
	struct process	  *a = kin_child(first, 0);
	struct thread	  *t = thread_of(a);
	struct thread	  *u = thread_of(a);
	struct signal_info info = from(SIGNAL_USR1, 8);

	(void)state;
	EXPECT_OK(signal_send_thread_info(u, &info));
	info.sender = 9;
	EXPECT_OK(signal_send_thread_info(t, &info));
	info.sender = 10;
	EXPECT_OK(signal_send_thread_info(&a->main, &info));
	thread_end(u, 0);
	assert_int_equal(nr_notes(), 2);
	EXPECT_ERR(thread_begin_exec(t, &t), ERR_AGAIN);
	assert_false(thread_end(&a->main, 0));
	EXPECT_OK(thread_begin_exec(t, &t));
	assert_ptr_equal(t, &a->main);
	machine_check_invariants();
	assert_int_equal(take(&a->main, SIGNAL_USR1).sender, 9);
	assert_int_equal(nr_notes(), 0);
	kin_end();
}

/* The parent of a child that ends, stops or goes on hears which, and how. */
static void
children_say_who_they_are(void **state)
{
	struct process	  *first = kin_first();
	struct process	  *a = kin_child(first, SIGNAL_CHLD);
	uint32_t	   id = a->id;
	struct signal_info info;

	(void)state;
	EXPECT_OK(signal_set_action(first, SIGNAL_CHLD, &handler, NULL));
	assert_true(proc_stop(a, SIGNAL_TSTP));
	info = take(&first->main, SIGNAL_CHLD);
	assert_true(info.code == SIGNAL_CODE_STOPPED && info.status == SIGNAL_TSTP);
	signal_block(&first->main, 0);
	assert_true(proc_continue(a));
	info = take(&first->main, SIGNAL_CHLD);
	assert_true(info.code == SIGNAL_CODE_CONTINUED && info.status == SIGNAL_CONT);
	signal_block(&first->main, 0);
	kin_exit(a, 77);
	info = take(&first->main, SIGNAL_CHLD);
	assert_true(info.code == SIGNAL_CODE_EXITED && info.status == 77 && info.sender == id);
	kin_end();
}

/* Without memory a signal comes all the same, without its note; what a thread has caused, with it. */
static void
no_memory_costs_the_note_alone(void **state)
{
	struct process	  *first = kin_first();
	struct process	  *a = kin_child(first, 0);
	struct signal_info info = { .signal = SIGNAL_SEGV, .code = SIGNAL_CODE_ACCERR };

	(void)state;
	machine_fail_allocation(1, true);
	send(a, SIGNAL_USR1, 7);
	info.address = 0xdead000;
	signal_force_info(&a->main, &info);
	machine_fail_allocation(0, false);
	machine_check_invariants();
	info = take(&a->main, SIGNAL_SEGV);
	assert_true(info.code == SIGNAL_CODE_ACCERR && info.address == 0xdead000);
	info = take(&a->main, SIGNAL_USR1);
	assert_true(info.code == SIGNAL_CODE_KERNEL && info.sender == 0);
	kin_end();
}

TEST_SUITE(pending, cmocka_unit_test(the_first_of_a_number_stays),
	   cmocka_unit_test(a_thread_and_its_process_have_one_each),
	   cmocka_unit_test(the_kernels_signals_need_no_note),
	   cmocka_unit_test(the_dropped_leave_nothing),
	   cmocka_unit_test(threads_keep_theirs_to_the_end),
	   cmocka_unit_test(children_say_who_they_are),
	   cmocka_unit_test(no_memory_costs_the_note_alone))
