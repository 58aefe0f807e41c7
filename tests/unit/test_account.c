/* test_account.c - limits on processes: per user, per tree, for everybody. */
#include "unit/kin.h"

static struct account *
account_with(struct account *above, uint64_t limit)
{
	struct account *account;

	EXPECT_OK(account_create(above, limit, &account));
	return account;
}

static err_t
try_fork(struct process *parent)
{
	struct process *child;

	return proc_fork(parent, PROC_SHARE_SPACE, 0, &child);
}

/* ALM-25: the limit is an error before anything is made; a zombie counts until it has been waited for. */
static void
a_limit_is_an_error(void **state)
{
	struct process *first = kin_first();
	struct account *account = account_with(NULL, 3);
	struct process *a;
	int32_t		code;

	(void)state;
	proc_set_resource(first, RESOURCE_ACCOUNT, &account->resource);
	assert_int_equal(account->nr, 1);
	a = kin_child(first, 0);
	kin_child(a, 0);
	assert_int_equal(account->nr, 3);
	EXPECT_ERR(try_fork(first), ERR_AGAIN);
	EXPECT_ERR(try_fork(a), ERR_AGAIN);
	machine_check_invariants();
	kin_exit(a, 0);
	assert_int_equal(account->nr, 3);
	EXPECT_ERR(try_fork(first), ERR_AGAIN);
	EXPECT_OK(proc_reap(first, a, &code));
	EXPECT_OK(try_fork(first));
	account_set_limit(account, 1);
	EXPECT_ERR(try_fork(first), ERR_AGAIN);
	account_set_limit(account, UINT64_MAX);
	EXPECT_OK(try_fork(first));
	kin_end();
}

/*
 * A tree with an account of its own: what it may have, and what all may have together.
 *
 *	all, 5 --- tree, 2
 */
static void
accounts_nest(void **state)
{
	struct process	    *first = kin_first();
	struct account	    *all = account_with(NULL, 5);
	struct account	    *tree = account_with(all, 2);
	struct clone_request request = { .flags = PROC_SHARE_SPACE, .account = tree };
	struct thread	    *t;

	(void)state;
	proc_set_resource(first, RESOURCE_ACCOUNT, &all->resource);
	EXPECT_OK(kin_clone(&first->main, &request, &t));
	assert_int_equal(tree->nr, 1);
	assert_int_equal(all->nr, 2);
	EXPECT_OK(try_fork(t->process));
	EXPECT_ERR(try_fork(t->process), ERR_AGAIN);
	EXPECT_ERR(kin_clone(&first->main, &request, &t), ERR_AGAIN);
	assert_int_equal(all->nr, 3);
	EXPECT_OK(try_fork(first));
	EXPECT_OK(try_fork(first));
	EXPECT_ERR(try_fork(first), ERR_AGAIN);
	account_set_limit(tree, 3);
	EXPECT_ERR(try_fork(t->process), ERR_AGAIN);
	assert_int_equal(tree->nr, 2);
	machine_check_invariants();
	resource_put(&tree->resource);
	kin_end();
}

/* A process changes its account: it is counted there, with its threads, and the limit is for the next fork. */
static void
a_change_moves_the_count(void **state)
{
	struct process	    *first = kin_first();
	struct account	    *old = account_with(NULL, 10);
	struct account	    *next = account_with(NULL, 1);
	struct clone_request thread = { .flags = PROC_SHARE_SPACE | PROC_SHARE_HANDLERS |
						 PROC_THREAD };
	struct thread	    *t;
	struct process	    *a;

	(void)state;
	proc_set_resource(first, RESOURCE_ACCOUNT, &old->resource);
	a = kin_child(first, 0);
	EXPECT_OK(kin_clone(&a->main, &thread, &t));
	assert_int_equal(old->nr, 3);
	proc_set_resource(a, RESOURCE_ACCOUNT, &next->resource);
	assert_int_equal(old->nr, 1);
	assert_int_equal(next->nr, 2);
	EXPECT_ERR(try_fork(a), ERR_AGAIN);
	EXPECT_ERR(kin_clone(&a->main, &thread, &t), ERR_AGAIN);
	assert_int_equal(resource_refs(&next->resource), 1);
	machine_check_invariants();
	kin_end();
}

static struct process *racing;
static struct account *next_account;

static void
make_thread(void *arg)
{
	struct clone_request request = { .flags = PROC_SHARE_SPACE | PROC_SHARE_HANDLERS |
						  PROC_THREAD };
	struct clone_result  made;

	(void)arg;
	EXPECT_OK(proc_clone(&racing->main, &request, &made));
}

static void
change_account(void *arg)
{
	(void)arg;
	proc_set_resource(racing, RESOURCE_ACCOUNT, &next_account->resource);
}

/* Another account pays while a thread is on its way: it pays for the thread, too. */
static void
an_account_changes_under_a_clone(void **state)
{
	void (*const bodies[])(void *) = { make_thread, change_account };

	(void)state;
	for (uint64_t seed = 0; seed < 50; seed++) {
		struct process *first = kin_first_with_bodies();
		struct account *old = account_with(NULL, UINT64_MAX);

		racing = kin_child(first, 0);
		next_account = account_with(NULL, UINT64_MAX);
		resource_get(&old->resource);
		proc_set_resource(racing, RESOURCE_ACCOUNT, &old->resource);
		machine_race(2, bodies, NULL,
			     &(struct machine_schedule){ RACE_RANDOM, 3, seed, 100000 });
		assert_int_equal(racing->nr_charged, 2);
		assert_int_equal(old->nr, 0);
		assert_int_equal(next_account->nr, 2);
		resource_put(&old->resource);
		kin_end();
	}
}

/* A chain of accounts has an end, because its own end goes up all of it. */
static void
nesting_has_a_limit(void **state)
{
	struct account *accounts[ACCOUNT_DEPTH + 1];
	struct account *none;
	struct process *first = kin_first();

	(void)state;
	accounts[0] = account_with(NULL, 10);
	for (unsigned i = 1; i <= ACCOUNT_DEPTH; i++)
		accounts[i] = account_with(accounts[i - 1], 10);
	EXPECT_ERR(account_create(accounts[ACCOUNT_DEPTH], 10, &none), ERR_NOSPC);
	assert_int_equal(resource_refs(&accounts[ACCOUNT_DEPTH]->resource), 1);
	for (unsigned i = 0; i < ACCOUNT_DEPTH; i++)
		resource_put(&accounts[i]->resource);
	proc_set_resource(first, RESOURCE_ACCOUNT, &accounts[ACCOUNT_DEPTH]->resource);
	EXPECT_OK(try_fork(first));
	assert_int_equal(accounts[0]->nr, 2);
	proc_set_resource(first, RESOURCE_ACCOUNT, NULL);
	assert_int_equal(accounts[0]->nr, 1);
	kin_end();
}

TEST_SUITE(account, cmocka_unit_test(a_limit_is_an_error), cmocka_unit_test(accounts_nest),
	   cmocka_unit_test(a_change_moves_the_count),
	   cmocka_unit_test(an_account_changes_under_a_clone),
	   cmocka_unit_test(nesting_has_a_limit))
