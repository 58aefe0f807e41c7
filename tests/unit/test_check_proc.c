/*
 * test_check_proc.c - I-PROC finds links, ids, states and references that disagree.
 */
#include "unit/damage.h"
#include "unit/kin.h"

#include "proc/family.h"
#include "proc/state.h"

struct pair {
	struct space   *sp;
	struct process *parent;
	struct process *child;
};

static struct pair
make_pair(void)
{
	struct pair f = { .sp = sketch_space() };

	EXPECT_OK(proc_create(10, f.sp, &f.parent));
	EXPECT_OK(proc_fork(f.parent, 0, 11, &f.child));
	machine_check_invariants();
	return f;
}

/* CAM-B01. */
static void
a_child_of_two_parents_is_found(void **state)
{
	struct pair f = make_pair();

	(void)state;
	f.child->parent = f.child;
	EXPECT_BROKEN(INV_PROC, "of somebody else");
	f.child->parent = NULL;
	EXPECT_BROKEN(INV_PROC, "of somebody else");
	damage_abandon();
}

static void
a_child_that_its_parent_does_not_list_is_found(void **state)
{
	struct pair f = make_pair();

	(void)state;
	list_remove(&f.child->sibling);
	EXPECT_BROKEN(INV_PROC, "counts 1 children, 1 to wait for; found 0, 0");
	f.parent->family.nr_children = 0;
	f.parent->family.nr_awaitable = 0;
	EXPECT_BROKEN(INV_PROC, "not among the children");
	damage_abandon();
}

static void
a_wrong_id_is_found(void **state)
{
	struct pair f = make_pair();

	(void)state;
	f.child->id = 10;
	EXPECT_BROKEN(INV_PROC, "does not find its process");
	damage_abandon();
}

static void
a_zombie_with_a_space_is_found(void **state)
{
	struct pair f = make_pair();

	(void)state;
	f.child->state = PROCESS_ZOMBIE;
	EXPECT_BROKEN(INV_PROC, "is a zombie and has a space");
	damage_abandon();
}

static void
a_reference_too_few_is_found(void **state)
{
	struct pair f = make_pair();

	(void)state;
	atomic_store(&f.child->space->refs, 0);
	EXPECT_BROKEN(INV_PROC, "has 0 references, named by 1 processes");
	damage_abandon();
}

static void
a_resource_of_the_dead_is_found(void **state)
{
	struct pair f = make_pair();

	(void)state;
	proc_exit(f.child, 0);
	f.child->resources[RESOURCE_OWN] = kin_thing();
	EXPECT_BROKEN(INV_PROC, "is a zombie and has a resource in slot 5");
	resource_put(f.child->resources[RESOURCE_OWN]); /* things outlive the machine */
	damage_abandon();
}

static void
a_wrong_count_of_subreapers_is_found(void **state)
{
	struct pair f = make_pair();

	(void)state;
	f.child->is_subreaper = true;
	EXPECT_BROKEN(INV_PROC, "0 sub-reapers are counted, found 1");
	damage_abandon();
}

static void
a_fork_that_is_over_is_found(void **state)
{
	struct pair f = make_pair();
	struct list fork;

	(void)state;
	list_insert_before(&f.parent->forks, &fork);
	EXPECT_BROKEN(INV_PROC, "lists a fork that is over");
	damage_abandon();
}

static void
a_process_that_is_lost_is_found(void **state)
{
	struct pair f = make_pair();

	(void)state;
	list_remove(&f.child->all);
	EXPECT_BROKEN(INV_PROC, "the table says 2 processes, found 1");
	damage_abandon();
}

/* make_inner - the child of make_pair leads a namespace, and there is one more in it. */
static struct pair
make_inner(struct process **inner)
{
	struct pair f = { .sp = sketch_space() };

	EXPECT_OK(proc_create(10, f.sp, &f.parent));
	EXPECT_OK(proc_fork(f.parent, PROC_NEW_IDS, 11, &f.child));
	EXPECT_OK(proc_fork(f.child, 0, 12, inner));
	machine_check_invariants();
	return f;
}

static void
a_wrong_id_in_a_namespace_is_found(void **state)
{
	struct process *inner;
	struct pair	f = make_inner(&inner);

	(void)state;
	inner->main.inner->node.number = 3;
	EXPECT_BROKEN(INV_PROC, "a thread has no id that finds it at level 1");
	inner->main.inner->node.number = 2;
	inner->main.inner->of = &f.child->main;
	EXPECT_BROKEN(INV_PROC, "a thread has no id that finds it at level 1");
	f.parent->main.inner = inner->main.inner;
	EXPECT_BROKEN(INV_PROC, "a thread has an id at level 1 and does not live there");
	damage_abandon();
}

static void
a_note_of_no_signal_is_found(void **state)
{
	struct signal_info info = { .signal = SIGNAL_USR1, .sender = 3 };
	struct pair	   f = make_pair();

	(void)state;
	EXPECT_OK(signal_send_info(f.child, &info));
	machine_check_invariants();
	f.child->pending = signal_bit(SIGNAL_USR2);
	EXPECT_BROKEN(INV_PROC, "has a note of signal 10, which does not wait");
	f.child->pending = 0;
	f.child->notes = NULL;
	EXPECT_BROKEN(INV_PROC, "1 notes of signals, 0 of them in a list");
	damage_abandon();
}

static void
a_body_that_is_not_the_threads_is_found(void **state)
{
	struct process *first = kin_first_with_bodies();
	struct process *child;
	struct kstack  *stack;

	(void)state;
	EXPECT_OK(proc_fork(first, PROC_SHARE_SPACE, 0, &child));
	machine_check_invariants();
	stack = child->main.stack;
	if (stack) {
		child->main.stack = first->main.stack;
		EXPECT_BROKEN(INV_PROC, "is not its own");
		child->main.stack = stack;
	}
	child->main.on_cpu = 2;
	EXPECT_BROKEN(INV_PROC, "CPU 1 does not know of thread");
	child->main.on_cpu = 0;
	child->main.fpu = NULL;
	EXPECT_BROKEN(INV_PROC, "2 floating-point states, 1 of them a thread's");
	damage_abandon();
}

static void
a_wrong_count_of_ids_is_found(void **state)
{
	struct process *inner;
	struct pair	f = make_inner(&inner);

	(void)state;
	f.child->ids->nr_ids++;
	EXPECT_BROKEN(INV_PROC, "a namespace at level 1 counts 3 ids, found 2");
	f.child->ids->nr_ids--;
	proc_state()->ids.nr++;
	EXPECT_BROKEN(INV_PROC, "the table counts 10 numbers, found 9, in use 9");
	damage_abandon();
}

static void
a_process_outside_of_its_namespace_is_found(void **state)
{
	struct process *inner;
	struct pair	f = make_inner(&inner);

	(void)state;
	f.child->ids->init = inner;
	EXPECT_BROKEN(INV_PROC, "process 11 has left the subtree of its init 12");
	f.child->ids->init = f.child;
	proc_lock();
	family_remove(inner);
	family_add(inner, f.parent);
	proc_unlock();
	EXPECT_BROKEN(INV_PROC, "process 12 has left the subtree of its init 11");
	damage_abandon();
}

static void
a_wrong_count_of_groups_is_found(void **state)
{
	struct pair f = make_pair();

	(void)state;
	EXPECT_OK(proc_new_session(f.child));
	machine_check_invariants();
	f.child->group->nr_groups = 2;
	EXPECT_BROKEN(INV_PROC, "session 11 counts 2 groups, found 1");
	f.child->group->session = NULL;
	EXPECT_BROKEN(INV_PROC, "session 11 counts 2 groups, found 0");
	damage_abandon();
}

static void
an_ended_thread_with_a_body_is_found(void **state)
{
	struct process *first = kin_first_with_bodies();

	(void)state;
	first->main.has_ended = true;
	EXPECT_BROKEN(INV_PROC, "has ended and has a body");
	damage_abandon();
}

static void
a_wrong_load_is_found(void **state)
{
	struct pair f = make_pair();

	(void)state;
	proc_state()->threads_on[1]++;
	EXPECT_BROKEN(INV_PROC, "node 1 counts 1 threads, found 0");
	proc_state()->threads_on[1]--;
	f.child->home = 1;
	EXPECT_BROKEN(INV_PROC, "node 0 counts 2 threads, found 1");
	damage_abandon();
}

TEST_SUITE(check_proc, cmocka_unit_test(a_note_of_no_signal_is_found),
	   cmocka_unit_test(a_child_of_two_parents_is_found),
	   cmocka_unit_test(a_child_that_its_parent_does_not_list_is_found),
	   cmocka_unit_test(a_wrong_id_is_found), cmocka_unit_test(a_zombie_with_a_space_is_found),
	   cmocka_unit_test(a_reference_too_few_is_found),
	   cmocka_unit_test(a_process_that_is_lost_is_found),
	   cmocka_unit_test(a_resource_of_the_dead_is_found),
	   cmocka_unit_test(a_wrong_count_of_subreapers_is_found),
	   cmocka_unit_test(a_fork_that_is_over_is_found),
	   cmocka_unit_test(a_wrong_id_in_a_namespace_is_found),
	   cmocka_unit_test(a_wrong_count_of_ids_is_found),
	   cmocka_unit_test(a_process_outside_of_its_namespace_is_found),
	   cmocka_unit_test(a_wrong_count_of_groups_is_found),
	   cmocka_unit_test(a_body_that_is_not_the_threads_is_found),
	   cmocka_unit_test(an_ended_thread_with_a_body_is_found),
	   cmocka_unit_test(a_wrong_load_is_found))
