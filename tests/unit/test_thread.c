/* test_thread.c - threads as records: made, ended, joined, detached, and the end of all. */
#include "unit/kin.h"

#include "proc/state.h"

#define THREAD_FLAGS (PROC_SHARE_SPACE | PROC_SHARE_HANDLERS | PROC_THREAD)

static struct thread *
thread_of(struct thread *maker)
{
	struct clone_request request = { .flags = THREAD_FLAGS };
	struct thread	    *t;

	EXPECT_OK(kin_clone(maker, &request, &t));
	machine_check_invariants();
	return t;
}

/* LUN-38: a thread has an id, its process, and its maker's mask; it is no process. */
static void
a_thread_belongs_to_its_process(void **state)
{
	struct process *first = kin_first();
	struct thread  *t;

	(void)state;
	signal_block(&first->main, signal_bit(SIGNAL_USR1));
	t = thread_of(&first->main);
	assert_ptr_equal(t->process, first);
	assert_int_equal(first->nr_running, 2);
	assert_int_not_equal(thread_id(t), first->id);
	assert_ptr_equal(thread_find(thread_id(t)), t);
	assert_ptr_equal(thread_find(first->id), &first->main);
	assert_null(proc_find(thread_id(t)));
	assert_int_equal(proc_count(), 1);
	assert_true(t->blocked == signal_bit(SIGNAL_USR1));
	assert_ptr_equal(kin_log.last_started, t);
	kin_end();
}

/* LUN-38: the last thread ends the process, whichever it is, with its own value. */
static void
the_last_thread_ends_the_process(void **state)
{
	struct process *first = kin_first();
	struct process *a = kin_child(first, 0);
	struct thread  *t = thread_of(&a->main);
	int32_t		code;

	(void)state;
	assert_false(thread_end(&a->main, 1));
	machine_check_invariants();
	assert_int_equal(a->state, PROCESS_ALIVE);
	assert_true(thread_end(t, 2));
	machine_check_invariants();
	EXPECT_OK(proc_reap(first, a, &code));
	assert_int_equal(code, 2);
	kin_end();
}

/* LUN-38: a join gives the value once; until then it says wait, and the end wakes up. */
static void
a_join_gives_the_value_once(void **state)
{
	struct process *first = kin_first();
	struct thread  *t = thread_of(&first->main);
	struct thread  *other = thread_of(&first->main);
	uint32_t	id = thread_id(t);
	uint32_t	events;
	int32_t		value = -1;

	(void)state;
	EXPECT_ERR(thread_join(&first->main, id, &value), ERR_AGAIN);
	events = atomic_load(&first->events);
	assert_false(thread_end(t, 77));
	assert_true(atomic_load(&first->events) > events);
	assert_ptr_equal(thread_find(id), t);
	/* it is there for who waited, and for nobody else */
	EXPECT_ERR(thread_join(other, id, &value), ERR_INVAL);
	EXPECT_ERR(thread_detach(first, id), ERR_INVAL);
	EXPECT_OK(thread_join(&first->main, id, &value));
	assert_int_equal(value, 77);
	assert_null(thread_find(id));
	EXPECT_ERR(thread_join(&first->main, id, &value), ERR_SRCH);
	machine_check_invariants();
	kin_end();
}

/*
 * LUN-38, CAM-B10:
 * nobody joins itself, a thread of another process, or what somebody else joins; no circles.
 */
static void
joins_that_cannot_be(void **state)
{
	struct process *first = kin_first();
	struct process *other = kin_child(first, 0);
	struct thread  *a = thread_of(&first->main);
	struct thread  *b = thread_of(&first->main);
	int32_t		value;

	(void)state;
	EXPECT_ERR(thread_join(a, thread_id(a), &value), ERR_DEADLK);
	EXPECT_ERR(thread_join(a, other->id, &value), ERR_SRCH);
	EXPECT_ERR(thread_join(a, 4711, &value), ERR_SRCH);
	EXPECT_ERR(thread_join(a, thread_id(b), &value), ERR_AGAIN);
	EXPECT_ERR(thread_join(a, thread_id(b), &value), ERR_AGAIN);
	EXPECT_ERR(thread_join(b, thread_id(a), &value), ERR_DEADLK);
	EXPECT_ERR(thread_join(&first->main, thread_id(b), &value), ERR_INVAL);
	EXPECT_ERR(thread_detach(first, thread_id(b)), ERR_INVAL);
	/* the joiner ends: another may join */
	assert_false(thread_end(a, 0));
	EXPECT_ERR(thread_join(&first->main, thread_id(b), &value), ERR_AGAIN);
	machine_check_invariants();
	kin_end();
}

/* The first thread can be joined like any other, once; its record stays with the process. */
static void
the_first_thread_can_be_joined(void **state)
{
	struct process *first = kin_first();
	struct thread  *t = thread_of(&first->main);
	int32_t		value;

	(void)state;
	assert_false(thread_end(&first->main, 5));
	EXPECT_OK(thread_join(t, first->id, &value));
	assert_int_equal(value, 5);
	EXPECT_ERR(thread_join(t, first->id, &value), ERR_INVAL);
	kin_end();
}

/* LUN-38: a detached thread is gone at its end, or at once if it has ended. */
static void
detached_threads_go_by_themselves(void **state)
{
	struct process *first = kin_first();
	struct thread  *a = thread_of(&first->main);
	struct thread  *b = thread_of(&first->main);
	uint32_t	id_a = thread_id(a);
	uint32_t	id_b = thread_id(b);
	int32_t		value;

	(void)state;
	EXPECT_OK(thread_detach(first, id_a));
	EXPECT_ERR(thread_detach(first, id_a), ERR_INVAL);
	EXPECT_ERR(thread_join(&first->main, id_a, &value), ERR_INVAL);
	assert_false(thread_end(a, 1));
	assert_null(thread_find(id_a));
	assert_false(thread_end(b, 1));
	EXPECT_OK(thread_detach(first, id_b));
	assert_null(thread_find(id_b));
	EXPECT_ERR(thread_detach(first, id_b), ERR_SRCH);
	machine_check_invariants();
	kin_end();
}

/* ALM-27: a group exit: the first code counts, no thread and no child is made any more, the last one ends it. */
static void
a_group_exit_ends_all(void **state)
{
	struct clone_request thread = { .flags = THREAD_FLAGS };
	struct process	    *first = kin_first();
	struct process	    *a = kin_child(first, 0);
	struct thread	    *t = thread_of(&a->main);
	struct thread	    *none;
	struct process	    *child;
	int32_t		     code;

	(void)state;
	thread_exit_group(t, 42);
	assert_ptr_equal(kin_log.last_woken, a);
	thread_exit_group(&a->main, 43);
	/* DRG-29: a group that exits makes no thread */
	EXPECT_ERR(kin_clone(t, &thread, &none), ERR_AGAIN);
	EXPECT_ERR(proc_fork(a, PROC_SHARE_SPACE, 0, &child), ERR_AGAIN);
	machine_check_invariants();
	assert_false(thread_end(t, 1));
	assert_true(thread_end(&a->main, 2));
	EXPECT_OK(proc_reap(first, a, &code));
	assert_int_equal(code, 42);
	kin_end();
}

/* WNX-29, ALM-27: an exit of the process ends all its threads, whatever they wait for; their ids are free. */
static void
an_exit_takes_all_threads_along(void **state)
{
	struct process *first = kin_first();
	struct process *a = kin_child(first, 0);
	struct thread  *b = thread_of(&a->main);
	struct thread  *c = thread_of(&a->main);
	int32_t		value;

	(void)state;
	EXPECT_ERR(thread_join(b, thread_id(c), &value), ERR_AGAIN);
	EXPECT_ERR(thread_join(&a->main, thread_id(b), &value), ERR_AGAIN);
	assert_false(thread_end(c, 1));
	kin_bury(a, 6);
	assert_int_equal(proc_state()->root.nr_ids, 1);
	kin_end();
}

/* LUN-35, DRG-18: a fork by one of several threads gives a child with one. */
static void
only_the_caller_survives_a_fork(void **state)
{
	struct process	    *first = kin_first();
	struct thread	    *t = thread_of(&first->main);
	struct clone_request fork = { .flags = SIGNAL_CHLD };
	struct thread	    *child;

	(void)state;
	thread_of(&first->main);
	signal_block(t, signal_bit(SIGNAL_TERM));
	EXPECT_OK(kin_clone(t, &fork, &child));
	assert_int_equal(child->process->nr_running, 1);
	assert_ptr_equal(child, &child->process->main);
	assert_true(child->blocked == signal_bit(SIGNAL_TERM));
	machine_check_invariants();
	kin_end();
}

/* exec_in - thread_begin_exec and proc_exec into an empty space; gives the thread that is left. */
static struct thread *
exec_in(struct thread *t)
{
	struct space_layout layout = sketch_layout();
	struct thread	   *left = NULL;
	struct space	   *fresh;

	EXPECT_OK(space_create(&layout, &fresh));
	EXPECT_OK(thread_begin_exec(t, &left));
	machine_check_invariants();
	proc_exec(left->process, fresh);
	space_put(fresh);
	machine_check_invariants();
	return left;
}

/* LUN-42, DRG-29: exec by one of several threads: the others end, no thread is made, the id is the process's. */
static void
exec_leaves_one_thread(void **state)
{
	struct clone_request thread = { .flags = THREAD_FLAGS };
	struct process	    *first = kin_first();
	struct process	    *a = kin_child(first, 0);
	struct thread	    *t = thread_of(&a->main);
	struct thread	    *other = thread_of(&a->main);
	struct thread	    *left = NULL;
	struct thread	    *none;
	uint32_t	     id = thread_id(t);
	int		     mark;

	(void)state;
	t->data = &mark;
	signal_block(t, signal_bit(SIGNAL_HUP));
	EXPECT_ERR(thread_begin_exec(t, &left), ERR_AGAIN);
	assert_ptr_equal(kin_log.last_woken, a);
	assert_true(thread_must_end(&a->main) && thread_must_end(other));
	assert_false(thread_must_end(t));
	EXPECT_ERR(thread_begin_exec(other, &left), ERR_AGAIN);
	EXPECT_ERR(kin_clone(t, &thread, &none), ERR_AGAIN);
	EXPECT_ERR(kin_clone(other, &thread, &none), ERR_AGAIN);
	machine_check_invariants();
	assert_false(thread_end(&a->main, 0));
	EXPECT_ERR(thread_begin_exec(t, &left), ERR_AGAIN);
	assert_false(thread_end(other, 0));
	left = exec_in(t);
	assert_ptr_equal(left, &a->main);
	assert_int_equal(thread_id(left), a->id);
	assert_null(thread_find(id));
	assert_ptr_equal(left->data, &mark);
	assert_true(left->blocked == signal_bit(SIGNAL_HUP));
	assert_int_equal(proc_state()->root.nr_ids, 2);
	/* and life goes on */
	assert_ptr_equal(thread_of(left)->process, a);
	kin_end();
}

/* A vfork child with a second thread that executes the program: the suspended maker goes on then. */
static void
exec_of_another_thread_releases_the_maker(void **state)
{
	struct process *first = kin_first();
	struct process *a = kin_child(first, PROC_SUSPEND);
	struct thread  *t = thread_of(&a->main);
	struct thread  *left;

	(void)state;
	assert_true(thread_is_suspended(&first->main));
	/* the thread that was waited for ends: that is enough */
	assert_false(thread_end(&a->main, 0));
	assert_false(thread_is_suspended(&first->main));
	left = exec_in(t);
	assert_ptr_equal(left, &a->main);
	/* alone already, it stays what it is */
	assert_ptr_equal(exec_in(left), left);
	kin_end();
}

/* The process is told to exit while one of its threads waits for the others to end. */
static void
an_exit_overtakes_an_exec(void **state)
{
	struct process *first = kin_first();
	struct process *a = kin_child(first, 0);
	struct thread  *t = thread_of(&a->main);
	struct thread  *left = NULL;
	int32_t		code;

	(void)state;
	EXPECT_ERR(thread_begin_exec(t, &left), ERR_AGAIN);
	thread_exit_group(&a->main, 5);
	assert_true(thread_must_end(t));
	assert_false(thread_end(&a->main, 0));
	EXPECT_ERR(thread_begin_exec(t, &left), ERR_AGAIN);
	assert_true(thread_end(t, 0));
	EXPECT_OK(proc_reap(first, a, &code));
	assert_int_equal(code, 5);
	assert_null(left);
	kin_end();
}

TEST_SUITE(thread, cmocka_unit_test(exec_leaves_one_thread),
	   cmocka_unit_test(exec_of_another_thread_releases_the_maker),
	   cmocka_unit_test(an_exit_overtakes_an_exec),
	   cmocka_unit_test(a_thread_belongs_to_its_process),
	   cmocka_unit_test(the_last_thread_ends_the_process),
	   cmocka_unit_test(a_join_gives_the_value_once), cmocka_unit_test(joins_that_cannot_be),
	   cmocka_unit_test(the_first_thread_can_be_joined),
	   cmocka_unit_test(detached_threads_go_by_themselves),
	   cmocka_unit_test(a_group_exit_ends_all),
	   cmocka_unit_test(an_exit_takes_all_threads_along),
	   cmocka_unit_test(only_the_caller_survives_a_fork))
