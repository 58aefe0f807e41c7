/* test_group.c - process groups: inherited, changed by the rules, gone with their last member. */
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
	proc_state()->next_id = id;
	other = kin_child(first, 0);
	assert_int_not_equal(other->id, id);
	kin_exit(member, 0);
	EXPECT_ERR(proc_fork(first, PROC_SHARE_SPACE, id, &other), ERR_EXIST);
	EXPECT_OK(proc_reap(first, member, &code));
	EXPECT_OK(proc_fork(first, PROC_SHARE_SPACE, id, &other));
	kin_end();
}

TEST_SUITE(group, cmocka_unit_test(groups_are_inherited),
	   cmocka_unit_test(groups_are_changed_by_the_rules),
	   cmocka_unit_test(a_group_keeps_its_id))
