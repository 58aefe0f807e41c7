/* test_alternate.c - the stack for handlers that ask for it: what may be set, when, and who is on it. */
#include "unit/kin.h"

#include "proc/deliver.h"

#define START 0x10000
#define BYTES 0x2000

static const struct signal_stack stack = { .start = START, .bytes = BYTES };

static struct signal_stack
now(struct thread *t, vaddr_t sp)
{
	struct signal_stack got = { .start = 99 };

	EXPECT_OK(signal_set_alternate(t, sp, NULL, &got));
	return got;
}

/* Setting gives the old one, and asking changes nothing. */
static void
set_and_asked_for(void **state)
{
	struct process	   *first = kin_first();
	struct thread	   *t = &first->main;
	struct signal_stack old;

	(void)state;
	assert_int_equal(now(t, 0).flags, SIGNAL_STACK_NONE);
	EXPECT_OK(signal_set_alternate(t, 0, &stack, &old));
	assert_true(old.flags == SIGNAL_STACK_NONE && old.bytes == 0);
	old = now(t, 0);
	assert_true(old.start == START && old.bytes == BYTES && old.flags == 0);
	EXPECT_OK(signal_set_alternate(t, 0, &(struct signal_stack){ .flags = SIGNAL_STACK_NONE },
				       &old));
	assert_int_equal(old.start, START);
	assert_int_equal(now(t, 0).flags, SIGNAL_STACK_NONE);
	kin_end();
}

/* Who runs on it is told so, and cannot change it. The start itself is not on it, the end is: it grows down. */
static void
who_is_on_it_keeps_it(void **state)
{
	static const struct {
		vaddr_t sp;
		bool	is_on;
	} places[] = {
		{ START - 8, false },	      { START, false },
		{ START + 1, true },	      { START + BYTES, true },
		{ START + BYTES + 1, false }, { 0, false },
		{ UINT64_MAX, false },
	};
	struct process	   *first = kin_first();
	struct thread	   *t = &first->main;
	struct signal_stack none = { .flags = SIGNAL_STACK_NONE };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
		vaddr_t sp = places[i].sp;

		EXPECT_OK(signal_set_alternate(t, 0, &stack, NULL));
		assert_true(alternate_is_on(t, sp) == places[i].is_on);
		assert_int_equal(now(t, sp).flags, places[i].is_on ? SIGNAL_STACK_ON : 0);
		EXPECT_ERR(signal_set_alternate(t, sp, &none, NULL),
			   places[i].is_on ? ERR_PERM : OK);
		assert_int_equal(now(t, 0).bytes, places[i].is_on ? BYTES : 0);
	}
	kin_end();
}

/* What is wrong is refused, in Linux's order, and nothing changes. ON in a request says nothing. */
static void
requests_are_checked(void **state)
{
	static const struct {
		struct signal_stack request;
		err_t		    wanted;
	} rows[] = {
		{ { .start = 1, .bytes = SIGNAL_STACK_MIN - 1 }, ERR_NOMEM },
		{ { .start = 1, .bytes = 0 }, ERR_NOMEM },
		{ { .start = 1, .bytes = SIGNAL_STACK_MIN - 1, .flags = 4 }, ERR_INVAL },
		{ { .start = 1, .bytes = BYTES, .flags = SIGNAL_STACK_ON | SIGNAL_STACK_NONE },
		  ERR_INVAL },
		{ { .start = 1, .bytes = BYTES, .flags = UINT32_MAX }, ERR_INVAL },
		{ { .start = 1, .bytes = SIGNAL_STACK_MIN, .flags = SIGNAL_STACK_ON }, OK },
		{ { .start = UINT64_MAX, .bytes = UINT64_MAX }, OK },
		{ { .start = 1, .bytes = 0, .flags = SIGNAL_STACK_NONE }, OK },
	};
	struct process	   *first = kin_first();
	struct signal_stack got;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		EXPECT_OK(signal_set_alternate(&first->main, 0, &stack, NULL));
		EXPECT_ERR(signal_set_alternate(&first->main, 0, &rows[i].request, &got),
			   rows[i].wanted);
		if (rows[i].wanted != OK)
			assert_int_equal(now(&first->main, 0).start, START);
	}
	kin_end();
}

/* One that disarms never counts as run on. */
static void
who_is_on_a_disarming_one_may_change_it(void **state)
{
	struct signal_stack disarming = { .start = START,
					  .bytes = BYTES,
					  .flags = SIGNAL_STACK_DISARM };
	struct process	   *first = kin_first();
	struct thread	   *t = &first->main;

	(void)state;
	EXPECT_OK(signal_set_alternate(t, 0, &disarming, NULL));
	assert_true(now(t, START + 8).flags == SIGNAL_STACK_DISARM);
	EXPECT_OK(signal_set_alternate(t, START + 8, &stack, NULL));
	assert_true(now(t, START + 8).flags == SIGNAL_STACK_ON);
	kin_end();
}

TEST_SUITE(alternate, cmocka_unit_test(set_and_asked_for), cmocka_unit_test(who_is_on_it_keeps_it),
	   cmocka_unit_test(requests_are_checked),
	   cmocka_unit_test(who_is_on_a_disarming_one_may_change_it))
