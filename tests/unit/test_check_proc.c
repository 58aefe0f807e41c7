/*
 * test_check_proc.c - I-PROC finds links, ids, states and references that disagree.
 */
#include "unit/damage.h"
#include "unit/kin.h"

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
a_process_that_is_lost_is_found(void **state)
{
	struct pair f = make_pair();

	(void)state;
	list_remove(&f.child->all);
	EXPECT_BROKEN(INV_PROC, "the table says 2 processes, found 1");
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
an_ended_thread_with_a_body_is_found(void **state)
{
	struct process *first = kin_first_with_bodies();

	(void)state;
	first->main.has_ended = true;
	EXPECT_BROKEN(INV_PROC, "has ended and has a body");
	damage_abandon();
}

TEST_SUITE(check_proc, cmocka_unit_test(a_note_of_no_signal_is_found),
	   cmocka_unit_test(a_child_of_two_parents_is_found),
	   cmocka_unit_test(a_child_that_its_parent_does_not_list_is_found),
	   cmocka_unit_test(a_wrong_id_is_found), cmocka_unit_test(a_zombie_with_a_space_is_found),
	   cmocka_unit_test(a_reference_too_few_is_found),
	   cmocka_unit_test(a_process_that_is_lost_is_found),
	   cmocka_unit_test(a_body_that_is_not_the_threads_is_found),
	   cmocka_unit_test(an_ended_thread_with_a_body_is_found))
