/* test_handlers.c - what a process does about signals: set, asked for, refused. */
#include "unit/kin.h"

#include "proc/handlers.h"

/* LUN-41: KILL and STOP are nobody's choice; numbers outside 1 to 64 are no signals. */
static void
some_actions_cannot_be_set(void **state)
{
	const struct signal_action handler = { .handler = 0x1000 };
	struct process		  *first = kin_first();
	struct signal_action	   old;

	(void)state;
	EXPECT_ERR(signal_set_action(first, SIGNAL_KILL, &handler, NULL), ERR_INVAL);
	EXPECT_ERR(signal_set_action(first, SIGNAL_STOP, &handler, NULL), ERR_INVAL);
	EXPECT_ERR(signal_set_action(first, 0, &handler, NULL), ERR_INVAL);
	EXPECT_ERR(signal_set_action(first, 65, NULL, &old), ERR_INVAL);
	EXPECT_OK(signal_set_action(first, SIGNAL_KILL, NULL, &old));
	assert_int_equal(old.handler, SIGNAL_DEFAULT);
	assert_null(first->resources[RESOURCE_HANDLERS]);
	kin_end();
}

static void
the_old_action_is_given(void **state)
{
	const struct signal_action one = { .handler = 0x1000, .blocked = UINT64_MAX };
	const struct signal_action two = { .handler = 0x2000, .flags = SIGNALF_RESTART };
	struct process		  *first = kin_first();
	struct signal_action	   old;

	(void)state;
	EXPECT_OK(signal_set_action(first, SIGNAL_USR1, &one, &old));
	assert_int_equal(old.handler, SIGNAL_DEFAULT);
	EXPECT_OK(signal_set_action(first, SIGNAL_USR1, &two, &old));
	assert_int_equal(old.handler, 0x1000);
	/* what cannot be held back is not in the mask either */
	assert_true(old.blocked ==
		    (UINT64_MAX & ~signal_bit(SIGNAL_KILL) & ~signal_bit(SIGNAL_STOP)));
	EXPECT_OK(signal_set_action(first, 64, &two, NULL));
	EXPECT_OK(signal_set_action(first, SIGNAL_USR1, NULL, &old));
	assert_int_equal(old.handler, 0x2000);
	assert_int_equal(old.flags, SIGNALF_RESTART);
	kin_end();
}

/* The first action needs a table; without memory nothing has changed. */
static void
a_table_that_cannot_be_had_is_an_error(void **state)
{
	const struct signal_action handler = { .handler = 0x1000 };
	struct process		  *first = kin_first();

	(void)state;
	machine_fail_allocation(1, false);
	EXPECT_ERR(signal_set_action(first, SIGNAL_USR1, &handler, NULL), ERR_NOMEM);
	machine_fail_allocation(0, false);
	assert_null(first->resources[RESOURCE_HANDLERS]);
	EXPECT_OK(signal_set_action(first, SIGNAL_USR1, &handler, NULL));
	kin_end();
}

/* LUN-B10: a child's table is a copy: each goes its own way. */
static void
a_copy_goes_its_own_way(void **state)
{
	const struct signal_action handler = { .handler = 0x1000 };
	const struct signal_action ignore = { .handler = SIGNAL_IGNORE };
	struct process		  *first = kin_first();
	struct signal_action	   got;
	struct process		  *child;

	(void)state;
	EXPECT_OK(signal_set_action(first, SIGNAL_USR1, &handler, NULL));
	child = kin_child(first, 0);
	EXPECT_OK(signal_set_action(child, SIGNAL_USR2, &ignore, &got));
	EXPECT_OK(signal_set_action(first, SIGNAL_USR1, &ignore, NULL));
	EXPECT_OK(signal_set_action(child, SIGNAL_USR1, NULL, &got));
	assert_int_equal(got.handler, 0x1000);
	EXPECT_OK(signal_set_action(first, SIGNAL_USR2, NULL, &got));
	assert_int_equal(got.handler, SIGNAL_DEFAULT);
	kin_end();
}

/* What was sent and is ignored from now on is not pending any more, in no thread. */
static void
ignoring_forgets_what_was_sent(void **state)
{
	const struct signal_action ignore = { .handler = SIGNAL_IGNORE };
	struct process		  *first = kin_first();
	struct process		  *a = kin_child(first, 0);

	(void)state;
	signal_block(&a->main, signal_bit(SIGNAL_USR1));
	EXPECT_OK(signal_send(a, SIGNAL_USR1));
	EXPECT_OK(signal_send_thread(&a->main, SIGNAL_USR1));
	EXPECT_OK(signal_set_action(a, SIGNAL_USR1, &ignore, NULL));
	signal_block(&a->main, 0);
	assert_false(signal_is_pending(&a->main));
	kin_end();
}

/* So is what is ignored by default, CONT among it: nothing interrupts a call for it. */
static void
a_default_that_does_nothing_forgets_too(void **state)
{
	static const unsigned ignored[] = { SIGNAL_CONT, SIGNAL_CHLD, SIGNAL_URG, SIGNAL_WINCH };
	const struct signal_action handler = { .handler = 0x1000 };
	const struct signal_action otherwise = { .handler = SIGNAL_DEFAULT };
	struct process		  *first = kin_first();
	struct process		  *a = kin_child(first, 0);

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(ignored); i++) {
		EXPECT_OK(signal_set_action(a, ignored[i], &handler, NULL));
		EXPECT_OK(signal_send(a, ignored[i]));
		EXPECT_OK(signal_send_thread(&a->main, ignored[i]));
		assert_true(signal_is_pending(&a->main));
		EXPECT_OK(signal_set_action(a, ignored[i], &otherwise, NULL));
		assert_false(signal_is_pending(&a->main));
	}
	/* what stops or ends it waits on */
	EXPECT_OK(signal_send(a, SIGNAL_TSTP));
	EXPECT_OK(signal_send(a, SIGNAL_HUP));
	EXPECT_OK(signal_set_action(a, SIGNAL_TSTP, &otherwise, NULL));
	EXPECT_OK(signal_set_action(a, SIGNAL_HUP, &otherwise, NULL));
	assert_true(a->pending == (signal_bit(SIGNAL_TSTP) | signal_bit(SIGNAL_HUP)));
	kin_end();
}

/* The dead have no table and get none: nobody would give it back. They can be asked. */
static void
the_dead_set_no_action(void **state)
{
	const struct signal_action handler = { .handler = 0x1000 };
	struct process		  *first = kin_first();
	struct process		  *a = kin_child(first, 0);
	struct signal_action	   old = { .handler = 0x2000 };

	(void)state;
	kin_exit(a, 0);
	EXPECT_ERR(signal_set_action(a, SIGNAL_USR1, &handler, &old), ERR_SRCH);
	assert_int_equal(old.handler, 0x2000);
	assert_int_equal(resource_live(), 0);
	EXPECT_OK(signal_set_action(a, SIGNAL_USR1, NULL, &old));
	assert_int_equal(old.handler, SIGNAL_DEFAULT);
	kin_end();
}

TEST_SUITE(handlers, cmocka_unit_test(some_actions_cannot_be_set),
	   cmocka_unit_test(the_old_action_is_given),
	   cmocka_unit_test(a_table_that_cannot_be_had_is_an_error),
	   cmocka_unit_test(a_copy_goes_its_own_way),
	   cmocka_unit_test(ignoring_forgets_what_was_sent),
	   cmocka_unit_test(a_default_that_does_nothing_forgets_too),
	   cmocka_unit_test(the_dead_set_no_action))
