/*
 * test_fork_signals.c - signals and forks: what comes first, what ends a fork on its way, and what the child
 * gets of it.
 */
#include "unit/kin.h"

#include <anymm/fs_context.h>

static struct process	   *parent; /* a child of init that has one of everything, and a bell */
static struct clone_request request;
static struct thread	   *made;

static err_t
clone(void)
{
	return kin_clone(&parent->main, &request, &made);
}

/* A bell stands in a slot of the kernel's own: in the middle of the fork that copies it, it rings. */
struct bell {
	struct resource resource;
	void (*ring)(void);
};

static void
melt(struct resource *resource)
{
	(void)resource;
}

static err_t
ring(struct resource *resource, struct resource **out)
{
	CONTAINER_OF(resource, struct bell, resource)->ring();
	*out = kin_thing();
	return OK;
}

static const struct resource_ops bell_ops = { .name = "bell", .copy = ring, .destroy = melt };
static struct bell		 bell;

/* set_up - nobody rings: NULL. */
static void
set_up(uint64_t flags, void (*rings)(void))
{
	const struct signal_action handler = { .handler = 0x1000 };
	struct handle_table	  *handles;
	struct fs_context	  *fs;
	struct account		  *account;

	parent = kin_fork(kin_first());
	EXPECT_OK(space_add_thread(parent->space));
	EXPECT_OK(handle_table_create(1024, &handles));
	EXPECT_OK(fs_context_create(kin_thing(), kin_thing(), 022, &fs));
	EXPECT_OK(account_create(NULL, 100, &account));
	proc_set_resource(parent, RESOURCE_HANDLES, &handles->resource);
	proc_set_resource(parent, RESOURCE_FS, &fs->resource);
	proc_set_resource(parent, RESOURCE_MOUNTS, kin_thing());
	proc_set_resource(parent, RESOURCE_ACCOUNT, &account->resource);
	EXPECT_OK(signal_set_action(parent, SIGNAL_USR1, &handler, NULL));
	EXPECT_OK(signal_set_action(parent, SIGNAL_CONT, &handler, NULL));
	bell.ring = rings;
	resource_init(&bell.resource, &bell_ops);
	proc_set_resource(parent, RESOURCE_OWN, &bell.resource);
	request = (struct clone_request){ .flags = flags,
					  .own = { rings ? INHERIT_COPY : INHERIT_SHARE } };
}

static void
send_group(unsigned signal)
{
	uint64_t nr;

	EXPECT_OK(signal_send_group(proc_group(parent), signal, &nr));
}

static void
kill_group(void)
{
	send_group(SIGNAL_KILL);
}

static void
hang_up_group(void)
{
	send_group(SIGNAL_HUP);
}

static void
kill_parent(void)
{
	EXPECT_OK(signal_send(parent, SIGNAL_KILL));
}

static void
exit_group(void)
{
	thread_exit_group(&parent->main, 0);
}

/*
 * CAM-30, CAM-B04: what ends the parent while it forks keeps the child from being seen: whoever
 * kills a group, or exits with it, misses nobody; all that was made is taken back.
 */
static void
what_ends_the_parent_unwinds(void **state)
{
	static const uint64_t variants[] = {
		SIGNAL_CHLD,
		PROC_EMPTY_HANDLES | PROC_NEW_MOUNT,
		PROC_SHARE_SPACE | PROC_SUSPEND,
		PROC_SHARE_SPACE | PROC_SHARE_HANDLERS | PROC_SHARE_FS | PROC_SHARE_HANDLES,
		PROC_SAME_PARENT,
		PROC_NEW_IDS | PROC_NO_REAP,
	};
	static const struct {
		void (*ring)(void);
		err_t err;
	} ends[] = {
		{ kill_group, ERR_INTR },
		{ hang_up_group, ERR_INTR },
		{ kill_parent, ERR_INTR },
		{ exit_group, ERR_AGAIN },
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(variants) * ARRAY_SIZE(ends); i++) {
		unsigned end = i % ARRAY_SIZE(ends);

		set_up(variants[i / ARRAY_SIZE(ends)], ends[end].ring);
		kin_expect_no_trace(clone, ends[end].err);
		assert_int_equal(proc_count(), 2);
		assert_true(list_is_empty(&parent->forks));
		kin_end();
	}
}

/* What waits is taken first, in every variant; nothing is made before. What is held back waits on. */
static void
waiting_signals_are_taken_first(void **state)
{
	static const uint64_t variants[] = {
		SIGNAL_CHLD,
		PROC_SHARE_SPACE | PROC_SUSPEND,
		PROC_SHARE_SPACE | PROC_SHARE_HANDLERS | PROC_THREAD,
	};
	struct signal_delivery d;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(variants); i++) {
		set_up(variants[i], NULL);
		EXPECT_OK(signal_send(parent, SIGNAL_USR1));
		kin_expect_no_trace(clone, ERR_INTR);
		assert_true(signal_take(&parent->main, &d));
		/* it is held back now */
		EXPECT_OK(signal_send_thread(&parent->main, SIGNAL_USR1));
		EXPECT_OK(clone());
		kin_end();
		set_up(variants[i], NULL);
		EXPECT_OK(signal_send_thread(&parent->main, SIGNAL_USR1));
		kin_expect_no_trace(clone, ERR_INTR);
		kin_end();
	}
}

static void
usr1_to_group(void)
{
	send_group(SIGNAL_USR1);
}

static void
usr1_to_everybody(void)
{
	uint64_t nr;

	EXPECT_OK(signal_kill(parent->parent, -1, SIGNAL_USR1, &nr));
}

static void
usr1_to_descendants(void)
{
	assert_int_equal(signal_send_descendants(parent->parent, SIGNAL_USR1), 1);
}

static void
usr1_to_parent(void)
{
	EXPECT_OK(signal_send(parent, SIGNAL_USR1));
}

static void
stop_parent_alone(void)
{
	send_group(SIGNAL_CONT);
	EXPECT_OK(signal_send(parent, SIGNAL_TSTP));
}

static void
stop_and_continue_group(void)
{
	send_group(SIGNAL_TSTP);
	send_group(SIGNAL_CONT);
}

static signal_set
set_of(unsigned signal)
{
	return signal ? signal_bit(signal) : 0;
}

/*
 * CAM-17, CAM-30: what is sent to many while one of them forks comes to the child as well, and what
 * is sent to its parent alone does not; for the next child it is over.
 */
static void
what_is_sent_to_many_comes_to_the_child(void **state)
{
	static const struct {
		void (*ring)(void);
		unsigned parents, childs;
	} cases[] = {
		{ usr1_to_group, SIGNAL_USR1, SIGNAL_USR1 },
		{ usr1_to_everybody, SIGNAL_USR1, SIGNAL_USR1 },
		{ usr1_to_descendants, SIGNAL_USR1, SIGNAL_USR1 },
		{ usr1_to_parent, SIGNAL_USR1, 0 },
		{ stop_parent_alone, SIGNAL_TSTP, SIGNAL_CONT },
		{ stop_and_continue_group, SIGNAL_CONT, SIGNAL_CONT },
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		set_up(SIGNAL_CHLD, cases[i].ring);
		EXPECT_OK(clone());
		machine_check_invariants();
		assert_true(parent->pending == set_of(cases[i].parents));
		assert_true(made->process->pending == set_of(cases[i].childs));
		signal_block(&parent->main, UINT64_MAX);
		request.own[0] = INHERIT_SHARE;
		EXPECT_OK(clone());
		assert_true(made->process->pending == 0);
		kin_end();
	}
}

/* A KILL is for the whole process, whichever thread it was sent to: none of them forks any more. */
static void
a_kill_of_one_thread_ends_all_forks(void **state)
{
	const uint64_t a_thread = PROC_SHARE_SPACE | PROC_SHARE_HANDLERS | PROC_THREAD;
	struct thread *other;

	(void)state;
	set_up(a_thread, NULL);
	EXPECT_OK(clone());
	other = made;
	EXPECT_OK(signal_send_thread(other, SIGNAL_USR1));
	EXPECT_OK(clone());
	EXPECT_OK(signal_send_thread(other, SIGNAL_KILL));
	assert_true(signal_is_pending(&parent->main));
	kin_expect_no_trace(clone, ERR_INTR);
	request.flags = SIGNAL_CHLD;
	kin_expect_no_trace(clone, ERR_INTR);
	kin_end();
}

/*
 * A thread has taken what is the end of its process, and has not said so yet, when another one forks: the child
 * would miss a signal that was sent to the whole group. So it goes for new threads.
 */
static void
what_a_thread_has_taken_ends_the_forks_of_all(void **state)
{
	const uint64_t	       a_thread = PROC_SHARE_SPACE | PROC_SHARE_HANDLERS | PROC_THREAD;
	struct signal_delivery d;
	struct thread	      *other;

	(void)state;
	set_up(a_thread, NULL);
	EXPECT_OK(clone());
	other = made;
	send_group(SIGNAL_TERM);
	assert_true(signal_take(other, &d));
	assert_int_equal(d.signal, SIGNAL_TERM);
	assert_false(signal_is_pending(&parent->main));
	kin_expect_no_trace(clone, ERR_AGAIN);
	request.flags = SIGNAL_CHLD;
	kin_expect_no_trace(clone, ERR_AGAIN);
	thread_exit_group(other, 7);
	assert_int_equal(parent->code, 7);
	kin_end();
}

/* A thread of a stopped process that has not seen that stops before it forks: the stop was its group's. */
static void
a_stopped_process_does_not_fork(void **state)
{
	static const uint64_t variants[] = {
		SIGNAL_CHLD,
		PROC_SHARE_SPACE | PROC_SHARE_HANDLERS | PROC_THREAD,
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(variants); i++) {
		set_up(variants[i], NULL);
		assert_true(proc_stop(parent, SIGNAL_TSTP));
		kin_expect_no_trace(clone, ERR_INTR);
		assert_true(proc_continue(parent));
		EXPECT_OK(clone());
		kin_end();
	}
}

TEST_SUITE(fork_signals, cmocka_unit_test(what_ends_the_parent_unwinds),
	   cmocka_unit_test(waiting_signals_are_taken_first),
	   cmocka_unit_test(a_kill_of_one_thread_ends_all_forks),
	   cmocka_unit_test(what_a_thread_has_taken_ends_the_forks_of_all),
	   cmocka_unit_test(a_stopped_process_does_not_fork),
	   cmocka_unit_test(what_is_sent_to_many_comes_to_the_child))
