/* test_exit.c - exit, init, kills from outside, and the killing of whole trees. */
#include "unit/kin.h"

#include "proc/life.h"
#include "proc/state.h"

#include <stdlib.h>
#include <string.h>

/* CAM-22: the kernel hears that init exits before anything has changed; it may shut down there. */
static void
the_exit_of_init_is_announced(void **state)
{
	struct process *first = kin_first();

	(void)state;
	kin_child(first, 0);
	kin_child(first, 0);
	kin_exit(first, 0);
	assert_int_equal(kin_log.nr_init_exits, 1);
	assert_int_equal(kin_log.init_children, 2);
	kin_end();
}

/* When init exits its children have no parent; the oldest of them is init from then on. */
static void
init_has_an_heir(void **state)
{
	struct process *one = kin_first();
	struct process *two = kin_child(one, 0);
	struct process *three = kin_child(one, 0);
	struct process *four = kin_child(three, 0);

	(void)state;
	kin_exit(one, 0);
	assert_null(two->parent);
	assert_null(three->parent);
	assert_ptr_equal(proc_init_process(), two);
	kin_exit(three, 0);
	assert_ptr_equal(four->parent, two);
	kin_exit(two, 0);
	assert_null(four->parent);
	assert_ptr_equal(proc_init_process(), four);
	kin_exit(four, 0);
	assert_null(proc_init_process());
	kin_end();
}

/* LUN-40: nobody kills init; CAM-28: killing what is dead or dying is harmless. */
static void
init_cannot_be_killed_and_the_dead_neither(void **state)
{
	struct process *first = kin_first();
	struct process *a = kin_child(first, 0);
	int32_t		code;

	(void)state;
	EXPECT_ERR(proc_kill(first, 9), ERR_PERM);
	EXPECT_OK(proc_kill(a, 9));
	assert_int_equal(a->state, PROCESS_ZOMBIE);
	assert_int_equal(kin_log.nr_halts, 1);
	EXPECT_OK(proc_kill(a, 11));
	assert_int_equal(kin_log.nr_halts, 1);
	EXPECT_OK(proc_reap(first, a, &code));
	assert_int_equal(code, 9);
	machine_check_invariants();
	kin_end();
}

/* A process whose threads cannot be stopped at once is told, makes no child, and ends itself. */
static void
a_running_process_is_told_to_exit(void **state)
{
	struct process *first = kin_first();
	struct process *a = kin_child(first, 0);
	struct process *child;
	int32_t		code;

	(void)state;
	kin_log.refuse_halt = true;
	EXPECT_OK(proc_kill(a, 9));
	assert_int_equal(a->state, PROCESS_ALIVE);
	assert_ptr_equal(kin_log.last_woken, a);
	EXPECT_ERR(proc_fork(a, PROC_SHARE_SPACE, 0, &child), ERR_AGAIN);
	machine_check_invariants();
	/* its own idea of a code comes too late */
	assert_true(thread_end(&a->main, 4));
	EXPECT_OK(proc_reap(first, a, &code));
	assert_int_equal(code, 9);
	kin_log.refuse_halt = false;
	kin_end();
}

static uint64_t
frames_of(enum frame_kind kind)
{
	anymm_drain();
	return frame_totals().by_kind[kind];
}

/*
 * LUN-40, DRG-B14, WNX-30, CAM-21, ALM-27: an exit has two steps. At once the memory and what the process held
 * are given back; its id, its code and its place are for its
 * parent, who gives those back by waiting.
 */
static void
an_exit_has_two_steps(void **state)
{
	struct process	*first = kin_first();
	struct resource *thing = kin_thing();
	uint64_t	 kernel = frames_of(FRAME_KERNEL);
	uint64_t	 tables = frames_of(FRAME_TABLE);
	uint64_t	 anon = frames_of(FRAME_ANON);
	struct process	*a;

	(void)state;
	proc_set_resource(first, RESOURCE_OWN, thing);
	proc_set_resource(first, RESOURCE_MOUNTS, resource_get(thing));
	a = kin_fork(first);
	sketch_store_all(a->space, 1, 4);
	assert_true(frames_of(FRAME_ANON) > anon);
	assert_int_equal(resource_refs(thing), 3);
	kin_exit(a, 5);
	assert_int_equal(a->state, PROCESS_ZOMBIE);
	assert_ptr_equal(proc_find(a->id), a);
	assert_null(a->space);
	assert_int_equal(frames_of(FRAME_ANON), anon);
	assert_int_equal(resource_refs(thing), 2);
	assert_int_equal(kin_things(), 1);
	assert_int_equal(kin_wait(first).code, 5);
	sketch_store_all(first->space, 1, 4);
	assert_int_equal(frames_of(FRAME_TABLE), tables);
	assert_int_equal(frames_of(FRAME_KERNEL), kernel);
	kin_end();
}

static void
execute(struct process *proc)
{
	struct space_layout layout = sketch_layout();
	struct space	   *fresh;

	EXPECT_OK(space_create(&layout, &fresh));
	proc_exec(proc, fresh);
	space_put(fresh);
	machine_check_invariants();
}

static unsigned
signal_of(struct process *proc)
{
	struct signal_delivery d = { 0 };

	(void)signal_take(&proc->main, &d);
	signal_block(&proc->main, 0);
	return d.signal;
}

/*
 * LUN-40: as on Linux the signal that was chosen is between the two programs that there were at the fork:
 * another one, on either side, has CHLD, be it that nobody wanted a signal.
 */
static void
programs_end_with_chld(void **state)
{
	const struct signal_action handler = { .handler = 0x1000 };
	struct process		  *first = kin_first();
	struct process		  *a = kin_fork(first);
	struct process		  *children[5];

	(void)state;
	EXPECT_OK(signal_set_action(a, SIGNAL_CHLD, &handler, NULL));
	children[0] = kin_child(a, SIGNAL_USR1);
	children[1] = kin_child(children[0], PROC_SAME_PARENT);
	children[2] = kin_child(a, SIGNAL_KILL);
	children[3] = kin_child(a, 0);
	execute(children[3]);
	kin_exit(children[3], 0);
	assert_int_equal(signal_of(a), SIGNAL_CHLD);
	kin_exit(children[0], 0);
	assert_int_equal(signal_of(a), SIGNAL_USR1);
	a->nr_execs += UINT32_MAX; /* how many they are makes no difference */
	execute(a);
	EXPECT_OK(signal_set_action(a, SIGNAL_CHLD, &handler, NULL));
	children[4] = kin_child(a, SIGNAL_USR2);
	for (unsigned i = 1; i < 3; i++) {
		kin_exit(children[i], 0);
		assert_int_equal(signal_of(a), SIGNAL_CHLD);
	}
	kin_exit(children[4], 0);
	assert_int_equal(signal_of(a), SIGNAL_USR2);
	kin_end();
}

/* What comes too late for a dead process is dropped at once: nobody would give it back later. */
static void
the_dead_get_nothing(void **state)
{
	struct process *first = kin_first();
	struct process *a = kin_child(first, 0);
	struct account *account;

	(void)state;
	EXPECT_OK(account_create(NULL, 10, &account));
	kin_exit(a, 0);
	proc_set_resource(a, RESOURCE_OWN, kin_thing());
	assert_int_equal(kin_things(), 0);
	assert_null(proc_resource(a, RESOURCE_OWN));
	EXPECT_OK(proc_unshare(a, RESOURCE_OWN));
	/* somebody has to pay for a zombie */
	proc_set_resource(a, RESOURCE_ACCOUNT, &account->resource);
	assert_int_equal(account->nr, 1);
	machine_check_invariants();
	(void)kin_wait(first);
	assert_int_equal(resource_live(), 0);
	kin_end();
}

/* CAM-09, CAM-13: with no-reap nobody waits, and nothing is left. */
static void
no_reap_leaves_no_zombie(void **state)
{
	struct process *first = kin_first();
	struct process *a = kin_child(kin_child(first, 0), PROC_NO_REAP);
	uint32_t	id = a->id;

	(void)state;
	/* a child begins childless, whatever its parent has */
	assert_int_equal(a->parent->family.nr_children, 1);
	assert_int_equal(a->family.nr_children, 0);
	kin_exit(a, 3);
	assert_null(proc_find(id));
	assert_int_equal(kin_log.nr_releases, 1);
	kin_end();
}

/* A parent that ignores its children's ends, or says so with a flag, finds no zombies of whose ends CHLD tells. */
static void
ignored_children_leave_no_zombies(void **state)
{
	static const struct signal_action actions[] = {
		{ .handler = SIGNAL_IGNORE },
		{ .handler = 0x1000, .flags = SIGNALF_NO_CHILD_WAIT },
	};
	struct process	  *first = kin_first();
	struct wait_result got;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(actions); i++) {
		struct process *a = kin_child(first, SIGNAL_CHLD);

		EXPECT_OK(signal_set_action(first, SIGNAL_CHLD, &actions[i], NULL));
		kin_exit(a, 3);
		EXPECT_ERR(proc_wait(first, &(struct wait_request){ 0 }, &got), ERR_CHILD);
		/* the handler, if there is one, is told all the same */
		assert_int_equal(signal_is_pending(&first->main), i == 1);
	}
	signal_block(&first->main, UINT64_MAX);
	/* who has chosen another signal, or none, is not meant */
	kin_bury(kin_child(first, 0), 4);
	kin_bury(kin_child(first, SIGNAL_USR1), 5);
	kin_end();
}

/* As on Linux, ignored news of children is not kept for later where CHLD is held back; a CHLD that somebody sends is. */
static void
ignored_news_does_not_wait(void **state)
{
	const struct signal_action ignore = { .handler = SIGNAL_IGNORE };
	struct process		  *first = kin_first();
	struct process		  *a = kin_child(first, SIGNAL_CHLD);

	(void)state;
	signal_block(&first->main, signal_bit(SIGNAL_CHLD));
	EXPECT_OK(signal_set_action(first, SIGNAL_CHLD, &ignore, NULL));
	assert_true(proc_stop(a, SIGNAL_STOP));
	assert_true(proc_continue(a));
	kin_exit(a, 3);
	assert_true(first->pending == 0);
	EXPECT_OK(signal_send(first, SIGNAL_CHLD));
	assert_true(first->pending == signal_bit(SIGNAL_CHLD));
	kin_end();
}

/* LUN-39: an exit is announced by the signal that the fork chose, or by none. */
static void
an_exit_sends_the_chosen_signal(void **state)
{
	const struct signal_action handler = { .handler = 0x1000 };
	struct process		  *first = kin_first();
	struct signal_delivery	   d;

	(void)state;
	EXPECT_OK(signal_set_action(first, SIGNAL_CHLD, &handler, NULL));
	EXPECT_OK(signal_set_action(first, SIGNAL_USR1, &handler, NULL));
	kin_bury(kin_child(first, 0), 0);
	assert_false(signal_is_pending(&first->main));
	kin_bury(kin_child(first, SIGNAL_CHLD), 0);
	assert_true(signal_take(&first->main, &d));
	assert_int_equal(d.signal, SIGNAL_CHLD);
	signal_block(&first->main, 0);
	kin_bury(kin_child(first, SIGNAL_USR1), 0);
	assert_true(signal_take(&first->main, &d));
	assert_int_equal(d.signal, SIGNAL_USR1);
	kin_end();
}

/* CAM-25, CAM-B02: who holds a reference still sees the process, out of the tree, until it lets go. */
static void
a_held_process_outlives_its_place(void **state)
{
	struct process *first = kin_first();
	struct process *a = kin_child(first, 0);
	uint32_t	id = a->id;
	int32_t		code;

	(void)state;
	assert_ptr_equal(proc_lookup(id), a);
	kin_exit(a, 3);
	EXPECT_OK(proc_reap(first, a, &code));
	assert_null(proc_lookup(id));
	assert_int_equal(a->state, PROCESS_FORGOTTEN);
	assert_int_equal(a->code, 3);
	assert_null(a->parent);
	assert_int_equal(kin_log.nr_releases, 0);
	machine_check_invariants();
	/* harmless: it is nobody's child, and dead */
	EXPECT_ERR(proc_reap(first, a, &code), ERR_CHILD);
	EXPECT_OK(proc_kill(a, 1));
	EXPECT_OK(signal_send(a, SIGNAL_TERM));
	proc_put(a);
	assert_int_equal(kin_log.nr_releases, 1);
	kin_end();
}

/*
 * CAM-26, CAM-35: killing the descendants of B leaves A and B, no zombies, and no orphans.
 *
 *	init -+- A
 *	      +- B -+- C -+- D
 *	            |     +- E (a zombie)
 *	            +- F (a zombie) - - G, whose parent died: init's
 */
static void
descendants_are_killed(void **state)
{
	struct process *first = kin_first();
	struct process *a = kin_child(first, 0);
	struct process *b = kin_child(first, 0);
	struct process *c = kin_child(b, 0);
	uint32_t	id_c = c->id, id_d = kin_child(c, 0)->id;
	struct process *e, *f, *g;

	(void)state;
	e = kin_child(c, 0);
	f = kin_child(b, 0);
	g = kin_child(f, 0);
	kin_exit(e, 1);
	kin_exit(f, 2);
	assert_ptr_equal(g->parent, first);
	assert_int_equal(proc_kill_descendants(b, 9), 2);
	machine_check_invariants();
	/* the leaf first */
	assert_int_equal(kin_log.nr_halts, 2);
	assert_int_equal(kin_log.halted[0], id_d);
	assert_int_equal(kin_log.halted[1], id_c);
	assert_int_equal(b->family.nr_children, 0);
	assert_int_equal(proc_count(), 4);
	assert_ptr_equal(proc_find_child(first, 1), a);
	assert_int_equal(proc_kill_descendants(a, 9), 0);
	assert_int_equal(proc_kill_descendants(first, 9), 3);
	assert_int_equal(proc_count(), 1);
	kin_end();
}

/* Those that run elsewhere are told once, fork no more, and leave no zombie when they end. */
static void
running_descendants_are_told(void **state)
{
	struct process *first = kin_first();
	struct process *a = kin_child(first, 0);
	struct process *b = kin_child(a, 0);
	struct process *child;

	(void)state;
	kin_log.refuse_halt = true;
	assert_int_equal(proc_kill_descendants(first, 9), 2);
	assert_int_equal(proc_kill_descendants(first, 9), 0);
	EXPECT_ERR(proc_fork(b, 0, 0, &child), ERR_AGAIN);
	EXPECT_ERR(proc_fork(b, PROC_SAME_PARENT, 0, &child), ERR_AGAIN);
	machine_check_invariants();
	kin_exit(a, 1);
	kin_exit(b, 2);
	assert_int_equal(proc_count(), 1);
	kin_log.refuse_halt = false;
	kin_end();
}

static void
exit_again(void *proc)
{
	proc_exit(proc, 0);
}

static void
end_again(void *proc)
{
	thread_end(&((struct process *)proc)->main, 0);
}

static void
put_too_often(void *proc)
{
	proc_put(proc);
}

/* One move of a process from a state that it is put into. */
struct state_move {
	struct process	  *proc;
	enum process_state to;
};

static void
make_move(void *move)
{
	const struct state_move *m = move;

	process_move(m->proc, m->to);
}

/* LUN-39, CAM-19, CAM-20: of all pairs of states exactly these are moves; each other one stops the machine. */
static void
only_legal_moves_are_made(void **state)
{
	/* Rows: from; columns: to. C created, A alive, S stopped, D dying, Z zombie, T tombstone, F forgotten. */
	static const char *const legal[PROCESS_STATES] = {
		[PROCESS_CREATED] = ".A.....",	 [PROCESS_ALIVE] = "..SD...",
		[PROCESS_STOPPED] = ".A.D...",	 [PROCESS_DYING] = "....ZT.",
		[PROCESS_ZOMBIE] = ".....T.",	 [PROCESS_TOMBSTONE] = "......F",
		[PROCESS_FORGOTTEN] = ".......",
	};
	static struct process fake;
	char		      text[200];

	(void)state;
	for (unsigned from = 0; from < PROCESS_STATES; from++) {
		for (unsigned to = 0; to < PROCESS_STATES; to++) {
			struct state_move m = { &fake, (enum process_state)to };
			bool		  stops;

			(void)kin_first();
			/* nobody's, and counted by nobody */
			fake = (struct process){ .state = (enum process_state)from,
						 .no_reap = true };
			list_init(&fake.report_link);
			stops = machine_expect_stop(make_move, &m, text, sizeof(text));
			assert_int_equal(stops, legal[from][to] == '.');
		}
	}
}

/* LUN-39, CAM-20: what a kernel may not do stops the machine and names the process. */
static void
misuse_stops(void **state)
{
	void (*const misuses[])(void *) = { exit_again, end_again, put_too_often };
	static const char *const says[] = { "process 2 exits twice", "thread 2 ends twice",
					    "the last reference of process 2 in state" };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(misuses); i++) {
		struct process *proc = kin_child(kin_first(), 0);
		char		text[400];

		kin_exit(proc, 0);
		assert_true(machine_expect_stop(misuses[i], proc, text, sizeof(text)));
		assert_non_null(strstr(text, says[i]));
	}
}

TEST_SUITE(exit, cmocka_unit_test(an_exit_has_two_steps), cmocka_unit_test(the_dead_get_nothing),
	   cmocka_unit_test(programs_end_with_chld),
	   cmocka_unit_test(the_exit_of_init_is_announced), cmocka_unit_test(init_has_an_heir),
	   cmocka_unit_test(init_cannot_be_killed_and_the_dead_neither),
	   cmocka_unit_test(a_running_process_is_told_to_exit),
	   cmocka_unit_test(no_reap_leaves_no_zombie),
	   cmocka_unit_test(ignored_children_leave_no_zombies),
	   cmocka_unit_test(ignored_news_does_not_wait),
	   cmocka_unit_test(an_exit_sends_the_chosen_signal),
	   cmocka_unit_test(a_held_process_outlives_its_place),
	   cmocka_unit_test(descendants_are_killed), cmocka_unit_test(running_descendants_are_told),
	   cmocka_unit_test(misuse_stops), cmocka_unit_test(only_legal_moves_are_made))
