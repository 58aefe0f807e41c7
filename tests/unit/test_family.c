/* test_family.c - orphans, tombstones, walks over a tree that changes. */
#include "unit/kin.h"

#include "proc/state.h"

/* ids_met - the ids of a walk, each as one bit. */
static uint64_t
ids_met(struct process *root, unsigned *nr)
{
	struct proc_walk walk;
	struct process	*proc;
	uint64_t	 met = 0;

	*nr = 0;
	proc_walk_begin(&walk, root);
	while ((proc = proc_walk_next(&walk))) {
		met |= (uint64_t)1 << proc->id;
		++*nr;
		proc_put(proc);
	}
	proc_walk_end(&walk);
	return met;
}

static uint64_t
id_bit(const struct process *proc)
{
	return (uint64_t)1 << proc->id;
}

/*
 * LUN-B16, DRG-B15, WNX-29: children of the dead go to init, the dead ones too.
 *
 *	1                 exits of 3 and 2:    1
 *	+- 2                                   +- 4
 *	   +- 3                                +- 3 zombie
 *	      +- 4                             +- 2 zombie
 */
static void
orphans_go_to_init(void **state)
{
	struct process *one = kin_first();
	struct process *two = kin_child(one, 0);
	struct process *three = kin_child(two, 0);
	struct process *four = kin_child(three, 0);
	int32_t		code;

	(void)state;
	kin_exit(three, 3);
	assert_ptr_equal(four->parent, one);
	assert_ptr_equal(three->parent, two);
	kin_exit(two, 2);
	assert_ptr_equal(three->parent, one);
	assert_ptr_equal(kin_log.last_woken, one);
	kin_bury(four, 4);
	EXPECT_OK(proc_reap(one, three, &code));
	EXPECT_OK(proc_reap(one, two, &code));
	kin_end();
}

/* An orphan goes to the nearest sub-reaper above that lives. */
static void
sub_reapers_take_what_is_below_them(void **state)
{
	struct process *one = kin_first();
	struct process *reaper = kin_child(one, 0);
	struct process *inner = kin_child(reaper, 0);
	struct process *a = kin_child(inner, 0);
	struct process *b = kin_child(a, 0);
	struct process *c = kin_child(b, 0);

	(void)state;
	proc_set_subreaper(reaper, true);
	proc_set_subreaper(inner, true);
	proc_set_subreaper(inner, true);
	kin_exit(b, 0);
	assert_ptr_equal(c->parent, inner);
	kin_exit(inner, 0);
	assert_ptr_equal(a->parent, reaper);
	assert_ptr_equal(c->parent, reaper);
	proc_set_subreaper(reaper, false);
	assert_int_equal(proc_state()->nr_subreapers, 0);
	kin_exit(reaper, 0);
	assert_ptr_equal(a->parent, one);
	assert_int_equal(proc_state()->nr_subreapers, 0);
	/* the dead take no office any more */
	proc_set_subreaper(reaper, true);
	assert_int_equal(proc_state()->nr_subreapers, 0);
	machine_check_invariants();
	kin_end();
}

/* expect_chld - the next signal of proc, which is a CHLD about this child; none: NULL. */
static void
expect_chld(struct process *proc, const struct process *child)
{
	struct signal_delivery d;

	assert_true(signal_take(&proc->main, &d) == (child != NULL));
	signal_block(&proc->main, 0);
	if (!child)
		return;
	assert_int_equal(d.signal, SIGNAL_CHLD);
	assert_int_equal(d.info.code, SIGNAL_CODE_EXITED);
	assert_int_equal(d.info.sender, child->id);
	assert_int_equal(d.info.status, child->code);
}

/*
 * As on Linux whoever adopts a zombie hears of it, for nobody else will tell him; and no child ends with a
 * signal that its new parent has not chosen, be it KILL.
 *
 *	1 -- 2 sub-reaper -- 3 -+- 4 zombie
 *			         +- 5 ends with a KILL
 */
static void
an_heir_hears_of_orphans_by_chld(void **state)
{
	const struct signal_action handler = { .handler = 0x1000 };
	struct process		  *one = kin_first();
	struct process		  *reaper = kin_child(one, 0);
	struct process		  *three, *four, *five;

	(void)state;
	EXPECT_OK(signal_set_action(reaper, SIGNAL_CHLD, &handler, NULL));
	proc_set_subreaper(reaper, true);
	three = kin_child(reaper, 0);
	four = kin_child(three, 0);
	five = kin_child(three, SIGNAL_KILL);
	kin_exit(four, 4);
	expect_chld(reaper, NULL);
	kin_exit(three, 3);
	expect_chld(reaper, four);
	assert_int_equal(kin_wait(reaper).id, 4);
	kin_exit(five, 5);
	expect_chld(reaper, five);
	assert_int_equal(kin_wait(reaper).id, 3);
	assert_int_equal(kin_wait(reaper).id, 5);
	kin_end();
}

/* An orphaned zombie that its new parent will not wait for goes at once. */
static void
an_heir_that_ignores_gets_no_zombies(void **state)
{
	const struct signal_action ignore = { .handler = SIGNAL_IGNORE };
	struct process		  *one = kin_first();
	struct process		  *a = kin_child(one, SIGNAL_CHLD);
	struct process		  *b = kin_child(a, 0);
	uint32_t		   id = b->id;

	(void)state;
	EXPECT_OK(signal_set_action(one, SIGNAL_CHLD, &ignore, NULL));
	kin_exit(b, 0);
	assert_int_equal(b->state, PROCESS_ZOMBIE);
	kin_exit(a, 0);
	assert_null(proc_find(id));
	assert_int_equal(proc_count(), 1);
	kin_end();
}

/*
 * CAM-19, CAM-22, CAM-24, CAM-35: where orphans stay, the dead keep their places while
 * somebody is below them. A tombstone is not waited for; when the last one below has gone, the
 * whole chain goes.
 *
 *	1 -- 2 -- 3 -- 4       3, then 2 exit; 2 is waited for; then 4 exits
 */
static void
tombstones_stay_while_somebody_is_below(void **state)
{
	struct process *one = kin_first_with(8192, ORPHANS_STAY);
	struct process *two = kin_child(one, 0);
	struct process *three = kin_child(two, 0);
	struct process *four = kin_child(three, 0);
	int32_t		code;

	(void)state;
	kin_exit(three, 3);
	assert_ptr_equal(four->parent, three);
	assert_int_equal(three->state, PROCESS_ZOMBIE);
	kin_exit(two, 2);
	/* nobody will ask for 3 any more, but 4 is below it */
	assert_int_equal(three->state, PROCESS_TOMBSTONE);
	assert_int_equal(two->state, PROCESS_ZOMBIE);
	EXPECT_OK(proc_reap(one, two, &code));
	assert_int_equal(two->state, PROCESS_TOMBSTONE);
	machine_check_invariants();
	EXPECT_ERR(proc_reap(one, two, &code), ERR_CHILD);
	EXPECT_ERR(proc_wait(one, &(struct wait_request){ .which = WAIT_ANY },
			     &(struct wait_result){ 0 }),
		   ERR_CHILD);
	assert_int_equal(proc_count(), 4);
	kin_exit(four, 4);
	/* its parent is dead: no zombie, and the tombstones above are not needed any more */
	assert_int_equal(proc_count(), 1);
	assert_int_equal(kin_log.nr_releases, 3);
	kin_end();
}

/* CAM-21, CAM-23: the zombies of a dying parent become tombstones, or are gone if nobody is below. */
static void
zombies_of_the_dead_are_settled(void **state)
{
	struct process *one = kin_first_with(8192, ORPHANS_STAY);
	struct process *two = kin_child(one, 0);
	struct process *a = kin_child(two, 0);
	struct process *b = kin_child(two, 0);
	struct process *below = kin_child(b, 0);

	(void)state;
	kin_exit(a, 0);
	kin_exit(b, 0);
	kin_exit(two, 0);
	assert_int_equal(b->state, PROCESS_TOMBSTONE);
	assert_int_equal(two->family.nr_children, 1);
	assert_int_equal(proc_count(), 4);
	kin_bury(kin_child(one, 0), 3);
	kin_exit(below, 0);
	assert_int_equal(two->family.nr_children, 0);
	assert_int_equal(two->state, PROCESS_ZOMBIE);
	kin_end();
}

/*
 * CAM-32: parents before children, in order; the bound is not left.
 *
 *	1 -+- 2 -+- 4
 *	   |     +- 5
 *	   +- 3 --- 6
 */
static void
a_walk_is_bounded_by_its_root(void **state)
{
	struct process	*one = kin_first();
	struct process	*two = kin_child(one, 0);
	struct process	*three = kin_child(one, 0);
	uint32_t	 order[6] = { 1, 2, 4, 5, 3, 6 };
	struct proc_walk walk;
	unsigned	 nr;

	(void)state;
	kin_child(two, 0);
	kin_child(two, 0);
	kin_child(three, 0);
	proc_walk_begin(&walk, NULL);
	for (unsigned i = 0; i < 6; i++) {
		struct process *proc = proc_walk_next(&walk);

		assert_int_equal(proc->id, order[i]);
		proc_put(proc);
	}
	assert_null(proc_walk_next(&walk));
	proc_walk_end(&walk);
	assert_int_equal(ids_met(two, &nr), 1 << 2 | 1 << 4 | 1 << 5);
	assert_int_equal(nr, 3);
	assert_int_equal(ids_met(one, &nr), 0x7e);
	kin_end();
}

/* WNX-B13, CAM-B04: the process that a walk gives next leaves; the walk goes on behind it. */
static void
a_walk_survives_exits(void **state)
{
	struct process	*one = kin_first();
	struct process	*two = kin_child(one, 0);
	struct process	*three = kin_child(one, 0);
	struct process	*four = kin_child(one, 0);
	struct proc_walk walk;
	struct process	*met;

	(void)state;
	proc_walk_begin(&walk, one);
	proc_put(proc_walk_next(&walk));
	met = proc_walk_next(&walk);
	assert_ptr_equal(met, two);
	/* the one in hand and the next one go */
	kin_bury(two, 0);
	assert_int_equal(two->state, PROCESS_FORGOTTEN);
	kin_bury(three, 0);
	proc_put(met);
	met = proc_walk_next(&walk);
	assert_ptr_equal(met, four);
	kin_bury(four, 0);
	proc_put(met);
	assert_null(proc_walk_next(&walk));
	proc_walk_end(&walk);
	kin_end();
}

/*
 * A walk below 2 stands in 4, whose parent 3 dies: 4 and 5 are init's children then, and the
 * walk goes on with 6. A walk over everything meets 4 and 5 later on.
 *
 *	1 --- 2 -+- 3 --- 4 --- 5
 *	         +- 6
 */
static void
a_walk_survives_adoption(void **state)
{
	struct process	*one = kin_first();
	struct process	*two = kin_child(one, 0);
	struct process	*three = kin_child(two, 0);
	struct process	*four = kin_child(three, 0);
	struct process	*five = kin_child(four, 0);
	struct process	*six = kin_child(two, 0);
	struct proc_walk below, all, inner;
	uint64_t	 met = 0;
	struct process	*proc;

	(void)state;
	proc_walk_begin(&below, two);
	proc_walk_begin(&all, NULL);
	proc_walk_begin(&inner, four);
	for (unsigned i = 0; i < 2; i++)
		proc_put(proc_walk_next(&below));
	for (unsigned i = 0; i < 4; i++)
		proc_put(proc_walk_next(&all));
	proc_put(proc_walk_next(&inner));
	kin_exit(three, 0);
	proc = proc_walk_next(&below);
	assert_ptr_equal(proc, six);
	proc_put(proc);
	assert_null(proc_walk_next(&below));
	/* a walk that began inside goes on inside */
	proc = proc_walk_next(&inner);
	assert_ptr_equal(proc, five);
	proc_put(proc);
	assert_null(proc_walk_next(&inner));
	while ((proc = proc_walk_next(&all))) {
		met |= id_bit(proc);
		proc_put(proc);
	}
	assert_int_equal(met, id_bit(four) | id_bit(five) | id_bit(six));
	proc_walk_end(&below);
	proc_walk_end(&all);
	proc_walk_end(&inner);
	kin_end();
}

/*
 * CAM-32: the process that a walk gives next gets another parent, and that is still below the root:
 * the walk meets it there.
 *
 *	1 --- 2 --- 3 -+- 4		2 is a sub-reaper; 3 dies while walks stand on 4,
 *		       +- 5		or on 5
 */
static void
follow_the_last_of(unsigned nr)
{
	struct process	*one = kin_first();
	struct process	*two = kin_child(one, 0);
	struct process	*three = kin_child(two, 0);
	struct process	*roots[] = { NULL, one, two };
	struct proc_walk walks[3];
	struct process	*last = NULL;
	struct process	*proc;

	proc_set_subreaper(two, true);
	for (unsigned i = 0; i < nr; i++)
		last = kin_child(three, 0);
	for (unsigned i = 0; i < ARRAY_SIZE(roots); i++) {
		proc_walk_begin(&walks[i], roots[i]);
		do {
			proc = proc_walk_next(&walks[i]);
			proc_put(proc);
		} while (walks[i].next != last);
	}
	kin_exit(three, 0);
	assert_ptr_equal(last->parent, two);
	for (unsigned i = 0; i < ARRAY_SIZE(roots); i++) {
		uint64_t met = 0;

		while ((proc = proc_walk_next(&walks[i]))) {
			met |= id_bit(proc);
			proc_put(proc);
		}
		/* who was met before and has another parent now may be met again */
		assert_true(met & id_bit(last));
		proc_walk_end(&walks[i]);
	}
	kin_end();
}

static void
a_walk_follows_to_an_heir_below_its_root(void **state)
{
	(void)state;
	follow_the_last_of(1);
	follow_the_last_of(2);
}

/* The root of a walk goes: that is the end of it. */
static void
a_walk_ends_with_its_root(void **state)
{
	struct process	*one = kin_first();
	struct process	*two = kin_child(one, 0);
	struct proc_walk walk;

	(void)state;
	proc_walk_begin(&walk, two);
	kin_bury(two, 0);
	assert_null(proc_walk_next(&walk));
	proc_walk_end(&walk);
	assert_true(list_is_empty(&proc_state()->walks));
	kin_end();
}

TEST_SUITE(family, cmocka_unit_test(orphans_go_to_init),
	   cmocka_unit_test(sub_reapers_take_what_is_below_them),
	   cmocka_unit_test(an_heir_hears_of_orphans_by_chld),
	   cmocka_unit_test(an_heir_that_ignores_gets_no_zombies),
	   cmocka_unit_test(tombstones_stay_while_somebody_is_below),
	   cmocka_unit_test(zombies_of_the_dead_are_settled),
	   cmocka_unit_test(a_walk_is_bounded_by_its_root), cmocka_unit_test(a_walk_survives_exits),
	   cmocka_unit_test(a_walk_survives_adoption),
	   cmocka_unit_test(a_walk_follows_to_an_heir_below_its_root),
	   cmocka_unit_test(a_walk_ends_with_its_root))
