/* test_wait.c - what a parent hears of its children: each report once, to the right one. */
#include "unit/kin.h"

#include <stdlib.h>

static err_t
wait_for(struct process *parent, enum wait_which which, uint32_t id, unsigned flags,
	 struct wait_result *out)
{
	struct wait_request request = { .which = which, .id = id, .flags = flags };

	*out = (struct wait_result){ 0 };
	return proc_wait(parent, &request, out);
}

/*
 * CAM-27, CAM-35, DRG-27:
 * sixteen children, each code exactly once, whatever the order; then no child is left.
 */
static void
each_code_comes_once(void **state)
{
	struct process	  *first = kin_first();
	struct process	  *child[16];
	struct wait_result got;
	unsigned	   seen = 0;

	(void)state;
	for (unsigned i = 0; i < 16; i++)
		child[i] = kin_child(first, 0);
	EXPECT_ERR(wait_for(first, WAIT_ANY, 0, 0, &got), ERR_AGAIN);
	for (unsigned i = 0; i < 16; i++)
		kin_exit(child[i * 7 % 16], (int32_t)(i * 7 % 16));
	for (unsigned i = 0; i < 16; i++) {
		EXPECT_OK(wait_for(first, WAIT_ANY, 0, 0, &got));
		assert_int_equal(got.event, WAIT_EXITED);
		assert_int_equal(got.code, i * 7 % 16);
		seen |= 1u << got.code;
	}
	assert_int_equal(seen, 0xffff);
	EXPECT_ERR(wait_for(first, WAIT_ANY, 0, 0, &got), ERR_CHILD);
	kin_end();
}

/* LUN-39, WNX-29, WNX-B13, DRG-B15: by id, for that child alone; for others' children never. */
static void
an_id_names_one_child(void **state)
{
	struct process	  *first = kin_first();
	struct process	  *a = kin_child(first, 0);
	struct process	  *b = kin_child(first, 0);
	struct process	  *aa = kin_child(a, 0);
	struct wait_result got;

	(void)state;
	kin_exit(a, 5);
	EXPECT_ERR(wait_for(first, WAIT_ID, b->id, 0, &got), ERR_AGAIN);
	EXPECT_ERR(wait_for(b, WAIT_ID, a->id, 0, &got), ERR_CHILD);
	EXPECT_ERR(wait_for(first, WAIT_ID, first->id, 0, &got), ERR_CHILD);
	EXPECT_ERR(wait_for(first, WAIT_ID, 4711, 0, &got), ERR_CHILD);
	EXPECT_ERR(wait_for(first, WAIT_ID, 0, 0, &got), ERR_CHILD);
	EXPECT_OK(wait_for(first, WAIT_ID, a->id, 0, &got));
	assert_int_equal(got.code, 5);
	assert_int_equal(got.number, 1);
	/* the grandchild is a child now */
	EXPECT_ERR(wait_for(first, WAIT_ID, aa->id, 0, &got), ERR_AGAIN);
	kin_end();
}

/* CAM-18: by child number, as in a system whose fork returns that. */
static void
a_number_names_one_child(void **state)
{
	struct process	  *first = kin_first();
	struct process	  *a = kin_child(first, 0);
	struct wait_result got;

	(void)state;
	EXPECT_ERR(wait_for(first, WAIT_NUMBER, 1, 0, &got), ERR_AGAIN);
	EXPECT_ERR(wait_for(first, WAIT_NUMBER, 2, 0, &got), ERR_CHILD);
	EXPECT_ERR(wait_for(a, WAIT_NUMBER, 1, 0, &got), ERR_CHILD);
	kin_exit(a, 9);
	EXPECT_OK(wait_for(first, WAIT_NUMBER, 1, 0, &got));
	assert_int_equal(got.code, 9);
	kin_end();
}

/* LUN-39: waitpid with 0 and with a negative id: by group, the caller's or a named one. */
static void
a_group_names_some_children(void **state)
{
	struct process	  *first = kin_first();
	struct process	  *a = kin_child(first, 0);
	struct process	  *b = kin_child(first, 0);
	struct wait_result got;

	(void)state;
	EXPECT_OK(proc_set_group(first, b, 0));
	kin_exit(a, 1);
	kin_exit(b, 2);
	EXPECT_ERR(wait_for(first, WAIT_GROUP, 4711, 0, &got), ERR_CHILD);
	EXPECT_OK(wait_for(first, WAIT_GROUP, b->id, 0, &got));
	assert_int_equal(got.code, 2);
	EXPECT_OK(wait_for(first, WAIT_GROUP, 0, 0, &got));
	assert_int_equal(got.code, 1);
	EXPECT_ERR(wait_for(first, WAIT_GROUP, 0, 0, &got), ERR_CHILD);
	a = kin_child(first, 0);
	EXPECT_ERR(wait_for(first, WAIT_GROUP, 0, 0, &got), ERR_AGAIN);
	kin_end();
}

/* LUN-39, LUN-41: stops and continuations are told to who asks for them, once, and not after the exit. */
static void
stops_are_reported_once(void **state)
{
	struct process	  *first = kin_first();
	struct process	  *a = kin_child(first, 0);
	struct wait_result got;

	(void)state;
	assert_true(proc_stop(a, SIGNAL_TSTP));
	assert_false(proc_stop(a, SIGNAL_STOP));
	assert_int_equal(a->state, PROCESS_STOPPED);
	machine_check_invariants();
	EXPECT_ERR(wait_for(first, WAIT_ANY, 0, 0, &got), ERR_AGAIN);
	EXPECT_ERR(wait_for(first, WAIT_ANY, 0, WAITF_CONTINUED, &got), ERR_AGAIN);
	EXPECT_OK(wait_for(first, WAIT_ANY, 0, WAITF_STOPPED | WAITF_KEEP, &got));
	EXPECT_OK(wait_for(first, WAIT_ANY, 0, WAITF_STOPPED, &got));
	assert_int_equal(got.event, WAIT_STOPPED);
	assert_int_equal(got.code, SIGNAL_TSTP);
	EXPECT_ERR(wait_for(first, WAIT_ANY, 0, WAITF_STOPPED, &got), ERR_AGAIN);
	assert_true(proc_continue(a));
	assert_false(proc_continue(a));
	EXPECT_OK(wait_for(first, WAIT_ANY, 0, WAITF_STOPPED | WAITF_CONTINUED, &got));
	assert_int_equal(got.event, WAIT_CONTINUED);
	/* a report that nobody fetched is overtaken by the next */
	assert_true(proc_stop(a, SIGNAL_STOP));
	assert_true(proc_continue(a));
	EXPECT_ERR(wait_for(first, WAIT_ANY, 0, WAITF_STOPPED, &got), ERR_AGAIN);
	assert_true(proc_stop(a, SIGNAL_STOP));
	kin_exit(a, 3);
	assert_false(proc_stop(a, SIGNAL_STOP));
	assert_false(proc_continue(a));
	EXPECT_OK(wait_for(first, WAIT_ANY, 0, WAITF_STOPPED | WAITF_CONTINUED, &got));
	assert_int_equal(got.event, WAIT_EXITED);
	EXPECT_ERR(wait_for(first, WAIT_ANY, 0, WAITF_STOPPED, &got), ERR_CHILD);
	kin_end();
}

/* A report can be looked at and left: the zombie stays. */
static void
a_report_can_be_kept(void **state)
{
	struct process	  *first = kin_first();
	struct process	  *a = kin_child(first, 0);
	struct wait_result got;

	(void)state;
	kin_exit(a, 7);
	for (unsigned i = 0; i < 3; i++) {
		EXPECT_OK(wait_for(first, WAIT_ANY, 0, WAITF_KEEP, &got));
		assert_int_equal(got.code, 7);
		assert_int_equal(a->state, PROCESS_ZOMBIE);
	}
	EXPECT_OK(wait_for(first, WAIT_ANY, 0, 0, &got));
	assert_null(proc_find(got.id));
	EXPECT_ERR(wait_for(first, WAIT_ANY, 0, 4, &got), ERR_INVAL);
	EXPECT_ERR(wait_for(first, (enum wait_which)4, 0, 0, &got), ERR_INVAL);
	kin_end();
}

/* CAM-23, CAM-27: whoever sleeps in wait is woken by what it may wait for, and by the loss of it. */
static void
waiting_ends_by_a_hook(void **state)
{
	struct process	  *first = kin_first();
	struct process	  *a = kin_child(first, 0);
	struct process	  *quiet = kin_child(first, PROC_NO_REAP);
	uint32_t	   events = atomic_load(&first->events);
	struct wait_result got;

	(void)state;
	EXPECT_ERR(wait_for(first, WAIT_ANY, 0, 0, &got), ERR_AGAIN);
	assert_int_equal(atomic_load(&first->events), events);
	kin_exit(a, 1);
	assert_ptr_equal(kin_log.last_woken, first);
	assert_true(atomic_load(&first->events) > events);
	EXPECT_OK(wait_for(first, WAIT_ANY, 0, 0, &got));
	/* a child nobody can wait for does not keep anybody waiting */
	EXPECT_ERR(wait_for(first, WAIT_ANY, 0, 0, &got), ERR_CHILD);
	EXPECT_ERR(wait_for(first, WAIT_ID, quiet->id, 0, &got), ERR_CHILD);
	events = atomic_load(&first->events);
	kin_exit(quiet, 2);
	assert_true(atomic_load(&first->events) > events);
	kin_end();
}

/* WNX-29, WNX-B13: a zombie stays until its parent asks for it, and for it alone. */
static void
reaping_wants_the_right_parent_and_a_zombie(void **state)
{
	struct process *one = kin_first();
	struct process *two = kin_child(one, 0);
	struct process *three = kin_child(two, 0);
	int32_t		code = 5;

	(void)state;
	EXPECT_ERR(proc_reap(one, two, &code), ERR_AGAIN);
	EXPECT_ERR(proc_reap(one, three, &code), ERR_CHILD);
	EXPECT_ERR(proc_reap(NULL, two, &code), ERR_CHILD);
	EXPECT_ERR(proc_reap(two, one, &code), ERR_CHILD);
	assert_int_equal(code, 5);
	kin_bury(three, 1);
	kin_bury(two, 2);
	kin_end();
}

/* With very many zombies each wait finds one at once, the one that came first. */
static void
a_wait_does_not_search(void **state)
{
	enum { MANY = 4000 };
	struct process	  *first = kin_first();
	struct process	 **child = calloc(MANY, sizeof(*child));
	struct wait_result got;

	(void)state;
	for (unsigned i = 0; i < MANY; i++)
		child[i] = kin_child(first, 0);
	for (unsigned i = MANY; i-- > 0;)
		proc_exit(child[i], (int32_t)i);
	machine_check_invariants();
	for (unsigned i = MANY; i-- > 0;) {
		EXPECT_OK(wait_for(first, WAIT_ANY, 0, 0, &got));
		assert_int_equal(got.code, i);
	}
	free(child);
	kin_end();
}

TEST_SUITE(wait, cmocka_unit_test(each_code_comes_once), cmocka_unit_test(an_id_names_one_child),
	   cmocka_unit_test(a_number_names_one_child),
	   cmocka_unit_test(a_group_names_some_children), cmocka_unit_test(stops_are_reported_once),
	   cmocka_unit_test(a_report_can_be_kept), cmocka_unit_test(waiting_ends_by_a_hook),
	   cmocka_unit_test(reaping_wants_the_right_parent_and_a_zombie),
	   cmocka_unit_test(a_wait_does_not_search))
