/* test_group.c - process groups and sessions: inherited, changed by the rules, gone with their last member. */
#include "unit/kin.h"

#include "proc/group.h"
#include "proc/state.h"

/* LUN-32, LUN-B10: a process without a parent leads its own group; a child is in its parent's. */
static void
groups_are_inherited(void **state)
{
	struct process *first = kin_first();
	struct process *a = kin_child(first, 0);

	(void)state;
	assert_int_equal(proc_group(first), first->id);
	assert_int_equal(proc_group(a), first->id);
	EXPECT_OK(proc_set_group(a, a, 0));
	assert_int_equal(proc_group(kin_child(a, 0)), a->id);
	machine_check_invariants();
	kin_end();
}

/* A parent and the process itself may choose; before exec; and only a group that is there. */
static void
groups_are_changed_by_the_rules(void **state)
{
	struct space_layout layout = sketch_layout();
	struct process	   *first = kin_first();
	struct process	   *a = kin_child(first, 0);
	struct process	   *b = kin_child(first, 0);
	struct process	   *aa = kin_child(a, 0);
	struct space	   *sp;

	(void)state;
	EXPECT_OK(proc_set_group(first, a, a->id));
	EXPECT_OK(proc_set_group(first, a, a->id));
	EXPECT_OK(proc_set_group(first, b, a->id));
	assert_int_equal(a->group->nr_members, 2);
	EXPECT_ERR(proc_set_group(first, aa, 0), ERR_SRCH);
	EXPECT_ERR(proc_set_group(a, first, 0), ERR_SRCH);
	EXPECT_ERR(proc_set_group(first, b, aa->id), ERR_PERM);
	EXPECT_OK(space_create(&layout, &sp));
	proc_exec(b, sp);
	space_put(sp);
	EXPECT_ERR(proc_set_group(first, b, 0), ERR_ACCES);
	EXPECT_OK(proc_set_group(b, b, 0));
	kin_exit(b, 0);
	EXPECT_ERR(proc_set_group(first, b, 0), ERR_SRCH);
	machine_fail_allocation(1, false);
	EXPECT_ERR(proc_set_group(a, aa, 0), ERR_NOMEM);
	machine_fail_allocation(0, false);
	machine_check_invariants();
	kin_end();
}

/* The id of a group is nobody else's while it has members, zombies included. */
static void
a_group_keeps_its_id(void **state)
{
	struct process *first = kin_first();
	struct process *leader = kin_child(first, 0);
	struct process *member = kin_child(leader, 0);
	struct process *other;
	uint32_t	id = leader->id;
	int32_t		code;

	(void)state;
	EXPECT_OK(proc_set_group(leader, leader, 0));
	EXPECT_OK(proc_set_group(leader, member, id));
	kin_bury(leader, 0);
	EXPECT_ERR(proc_fork(first, PROC_SHARE_SPACE, id, &other), ERR_EXIST);
	proc_state()->root.next_id = id;
	other = kin_child(first, 0);
	assert_int_not_equal(other->id, id);
	kin_exit(member, 0);
	EXPECT_ERR(proc_fork(first, PROC_SHARE_SPACE, id, &other), ERR_EXIST);
	EXPECT_OK(proc_reap(first, member, &code));
	EXPECT_OK(proc_fork(first, PROC_SHARE_SPACE, id, &other));
	kin_end();
}

/* A leader of nothing founds a session, with a group of its own; who leads a group does not. */
static void
a_session_has_a_leader(void **state)
{
	struct process *first = kin_first();
	struct process *leader = kin_child(first, 0);
	struct process *member;

	(void)state;
	assert_int_equal(proc_session(first), 0);
	assert_int_equal(proc_session(leader), 0);
	EXPECT_OK(proc_new_session(leader));
	assert_int_equal(proc_session(leader), leader->id);
	assert_int_equal(proc_group(leader), leader->id);
	member = kin_child(leader, 0);
	assert_int_equal(proc_session(member), leader->id);
	assert_int_equal(proc_group(member), leader->id);
	machine_check_invariants();
	/* twice; by the leader of a group; with a group of its id that it is not in itself */
	EXPECT_ERR(proc_new_session(leader), ERR_PERM);
	EXPECT_ERR(proc_new_session(first), ERR_PERM);
	EXPECT_OK(proc_set_group(member, member, 0));
	(void)kin_child(member, 0);
	EXPECT_OK(proc_set_group(member, member, leader->id));
	EXPECT_ERR(proc_new_session(member), ERR_PERM);
	machine_check_invariants();
	kin_end();
}

/* Groups do not reach over the border of a session, and its leader stays in its own. */
static void
groups_stay_in_their_session(void **state)
{
	struct process *first = kin_first();
	struct process *outside = kin_child(first, 0);
	struct process *leader = kin_child(first, 0);
	struct process *a, *b;

	(void)state;
	EXPECT_OK(proc_set_group(outside, outside, 0));
	EXPECT_OK(proc_new_session(leader));
	a = kin_child(leader, 0);
	b = kin_child(leader, 0);
	EXPECT_ERR(proc_set_group(leader, leader, 0), ERR_PERM);
	EXPECT_ERR(proc_set_group(first, leader, outside->id), ERR_PERM);
	EXPECT_ERR(proc_set_group(a, a, outside->id), ERR_PERM);
	EXPECT_ERR(proc_set_group(a, a, first->id), ERR_PERM);
	EXPECT_OK(proc_set_group(leader, a, 0));
	EXPECT_OK(proc_set_group(leader, b, a->id));
	assert_int_equal(proc_session(b), leader->id);
	assert_int_equal(leader->group->nr_groups, 2);
	/* a child that has gone to a session of its own is not its parent's to move */
	EXPECT_OK(proc_set_group(leader, b, leader->id));
	EXPECT_OK(proc_new_session(b));
	EXPECT_ERR(proc_set_group(leader, b, a->id), ERR_PERM);
	machine_check_invariants();
	kin_end();
}

/*
 * The id of a session is nobody else's while it has groups, also when its leader and the
 * leader's group are gone; nobody joins that group, waits for it or signals it.
 */
static void
a_session_outlives_its_leader(void **state)
{
	struct process *first = kin_first();
	struct process *leader = kin_child(first, 0);
	struct process *a = kin_child(leader, 0);
	struct process *b, *other;
	uint32_t	id = leader->id;
	uint64_t	nr;

	(void)state;
	EXPECT_OK(proc_new_session(leader));
	b = kin_child(leader, 0);
	EXPECT_OK(proc_set_group(leader, b, 0));
	kin_bury(leader, 0);
	assert_int_equal(proc_session(b), id);
	assert_int_equal(proc_session(a), 0);
	EXPECT_ERR(proc_fork(first, PROC_SHARE_SPACE, id, &other), ERR_EXIST);
	EXPECT_ERR(proc_set_group(b, b, id), ERR_PERM);
	EXPECT_ERR(signal_send_group(id, SIGNAL_TERM, &nr), ERR_SRCH);
	EXPECT_ERR(proc_wait(first, &(struct wait_request){ .which = WAIT_GROUP, .id = id },
			     &(struct wait_result){ 0 }),
		   ERR_CHILD);
	machine_check_invariants();
	kin_bury(b, 0);
	EXPECT_OK(proc_fork(first, PROC_SHARE_SPACE, id, &other));
	kin_end();
}

TEST_SUITE(group, cmocka_unit_test(groups_are_inherited),
	   cmocka_unit_test(groups_are_changed_by_the_rules),
	   cmocka_unit_test(a_group_keeps_its_id), cmocka_unit_test(a_session_has_a_leader),
	   cmocka_unit_test(groups_stay_in_their_session),
	   cmocka_unit_test(a_session_outlives_its_leader))
