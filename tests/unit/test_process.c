/* test_process.c - processes: fork, exec, exit, orphans, reaping, failures. */
#include "unit/sketch.h"

#include "proc/state.h"

#include <string.h>

/* A process whose space has pages 1 to 3 stored to; the process holds the only reference. */
static struct process *
first_process(void)
{
	struct space   *sp = sketch_space();
	struct process *proc;

	sketch_map(sp, 1, 4, PROT_RW, 0);
	sketch_store_all(sp, 1, 4);
	EXPECT_OK(proc_create(0, sp, &proc));
	space_put(sp);
	return proc;
}

static struct process *
fork_of(struct process *parent, unsigned flags)
{
	struct process *child;

	EXPECT_OK(proc_fork(parent, flags, 0, &child));
	machine_check_invariants();
	return child;
}

static void
leave(struct process *proc)
{
	pt_deactivate(&proc->space->pt);
	proc_exit(proc, (int32_t)proc->id * 10);
	machine_check_invariants();
}

/* exit and reap; the code comes from leave. */
static void
bury(struct process *proc)
{
	uint32_t id = proc->id;
	int32_t	 code;

	leave(proc);
	EXPECT_OK(proc_reap(proc->parent, proc, &code));
	assert_int_equal(code, id * 10);
	assert_null(proc_find(id));
}

static void
end(void)
{
	assert_int_equal(proc_count(), 0);
	assert_null(space_list_first());
	assert_int_equal(space_live_regions(), 0);
	machine_check();
}

static void
fork_copies_the_space(void **state)
{
	struct process *parent = first_process();
	struct process *child = fork_of(parent, 0);

	(void)state;
	assert_ptr_not_equal(child->space, parent->space);
	assert_ptr_equal(child->parent, parent);
	assert_int_not_equal(child->id, parent->id);
	sketch_store(child->space, 1, 100);
	assert_int_equal(sketch_load(parent->space, 1), 1);
	bury(child);
	bury(parent);
	end();
}

/* CAM-08: the first process is made once, and is init; a second one without a parent is not. */
static void
the_first_process_is_init(void **state)
{
	struct process *first = first_process();
	struct process *second;

	(void)state;
	assert_int_equal(first->id, 1);
	assert_null(first->parent);
	assert_ptr_equal(proc_init_process(), first);
	EXPECT_OK(proc_create(0, first->space, &second));
	assert_null(second->parent);
	assert_ptr_equal(proc_init_process(), first);
	bury(second);
	bury(first);
	assert_null(proc_init_process());
	end();
}

/* DRG-20, DRG-B08: a shared space is counted; it lives until the last of both has left. */
static void
sharing_is_counted(void **state)
{
	struct process *parent = first_process();
	struct process *child = fork_of(parent, PROC_SHARE_SPACE);
	int32_t		code;

	(void)state;
	assert_ptr_equal(child->space, parent->space);
	sketch_store(child->space, 1, 100);
	assert_int_equal(sketch_load(parent->space, 1), 100);
	bury(child);
	assert_int_equal(sketch_load(parent->space, 1), 100);
	child = fork_of(parent, PROC_SHARE_SPACE);
	leave(parent);
	assert_null(child->parent);
	assert_int_equal(sketch_load(child->space, 2), 2);
	assert_int_equal(proc_find(1)->state, PROCESS_ZOMBIE);
	EXPECT_OK(proc_reap(NULL, parent, &code));
	bury(child);
	end();
}

/* DRG-20, WNX-27: a vfork child that executes a program gets a space of its own; the parent's is untouched. */
static void
exec_replaces_the_space(void **state)
{
	struct process	   *parent = first_process();
	struct process	   *child = fork_of(parent, PROC_SHARE_SPACE);
	struct space_layout layout = sketch_layout();
	struct space	   *fresh;

	(void)state;
	EXPECT_OK(space_create(&layout, &fresh));
	pt_deactivate(&child->space->pt);
	proc_exec(child, fresh);
	space_put(fresh);
	machine_check_invariants();
	assert_ptr_equal(child->space, fresh);
	assert_int_equal(sketch_access(child->space, ACCESS_LOAD, 1), FAULT_SEGV_MAPERR);
	assert_int_equal(sketch_load(parent->space, 1), 1);
	bury(child);
	bury(parent);
	end();
}

/*
 * WNX-29, LUN-B16, DRG-B15: children of the dead go to the first process.
 *
 *	1                 exits of 2 and 3:    1
 *	+- 2              4 goes to 1          +- 2 zombie
 *	   +- 3                                +- 3 zombie
 *	      +- 4                             +- 4
 */
static void
orphans_go_to_the_first_process(void **state)
{
	struct process *one = first_process();
	struct process *two = fork_of(one, 0);
	struct process *three = fork_of(two, 0);
	struct process *four = fork_of(three, 0);
	int32_t		code;

	(void)state;
	leave(three);
	assert_ptr_equal(four->parent, one);
	assert_ptr_equal(three->parent, two);
	leave(two);
	assert_ptr_equal(three->parent, one);
	bury(four);
	EXPECT_OK(proc_reap(one, three, &code));
	EXPECT_OK(proc_reap(one, two, &code));
	bury(one);
	end();
}

/* When the first process exits its children have no parent; the oldest of them is first from then on. */
static void
the_first_process_has_an_heir(void **state)
{
	struct process *one = first_process();
	struct process *two = fork_of(one, 0);
	struct process *three = fork_of(one, 0);
	struct process *four = fork_of(three, 0);

	(void)state;
	leave(one);
	assert_null(two->parent);
	assert_null(three->parent);
	assert_ptr_equal(proc_state()->root.init, two);
	leave(three);
	assert_ptr_equal(four->parent, two);
	assert_null(three->parent);
	leave(two);
	assert_null(four->parent);
	assert_ptr_equal(proc_state()->root.init, four);
	leave(four);
	assert_null(proc_state()->root.init);
	while (proc_first()) {
		int32_t code;

		EXPECT_OK(proc_reap(NULL, proc_first(), &code));
	}
	end();
}

/* WNX-29, WNX-B13: a zombie stays until its parent asks for it, and for it alone. */
static void
reaping_wants_the_right_parent_and_a_zombie(void **state)
{
	struct process *one = first_process();
	struct process *two = fork_of(one, 0);
	struct process *three = fork_of(two, 0);
	int32_t		code = 5;

	(void)state;
	EXPECT_ERR(proc_reap(one, two, &code), ERR_AGAIN);
	EXPECT_ERR(proc_reap(one, three, &code), ERR_CHILD);
	EXPECT_ERR(proc_reap(NULL, two, &code), ERR_CHILD);
	EXPECT_ERR(proc_reap(two, one, &code), ERR_CHILD);
	assert_int_equal(code, 5);
	bury(three);
	bury(two);
	bury(one);
	end();
}

/* CAM-35: sixteen children, each code exactly once, whatever the order. */
static void
each_code_is_seen_once(void **state)
{
	struct process *parent = first_process();
	struct process *child[16];
	unsigned	seen = 0;

	(void)state;
	for (unsigned i = 0; i < 16; i++)
		child[i] = fork_of(parent, i % 2 ? PROC_SHARE_SPACE : 0);
	for (unsigned i = 0; i < 16; i++)
		proc_exit(child[i * 7 % 16], (int32_t)(i * 7 % 16));
	for (unsigned i = 0; i < 16; i++) {
		int32_t code;

		EXPECT_OK(proc_reap(parent, child[i * 5 % 16], &code));
		assert_int_equal(code, i * 5 % 16);
		seen |= 1u << code;
	}
	assert_int_equal(seen, 0xffff);
	bury(parent);
	end();
}

static struct process *forking;

static err_t
fork_and_bury(struct space *sp)
{
	struct process *child;
	int32_t		code;
	err_t		err = proc_fork(forking, 0, 0, &child);

	(void)sp;
	if (err)
		return err;
	proc_exit(child, 0);
	return proc_reap(forking, child, &code);
}

/* DRG-B02: a fork that fails leaves no process, no id in use, and a parent as before. */
static void
a_failed_fork_leaves_no_process(void **state)
{
	struct process *parent = first_process();
	struct process *child;

	(void)state;
	forking = parent;
	assert_true(sketch_fail_each(fork_and_bury, parent->space) >= 4);
	assert_int_equal(proc_count(), 1);
	assert_int_equal(proc_state()->root.nr_ids, 1);
	assert_true(list_is_empty(&parent->family.children));
	EXPECT_ERR(proc_fork(parent, 0, parent->id, &child), ERR_EXIST);
	assert_int_equal(atomic_load(&parent->space->refs), 1);
	for (unsigned page = 1; page < 4; page++) {
		assert_int_equal(sketch_load(parent->space, page), page);
		sketch_store(parent->space, page, 0);
	}
	bury(parent);
	end();
}

static void
an_id_can_be_chosen(void **state)
{
	struct process *parent = first_process();
	struct process *child, *other;
	int32_t		code;

	(void)state;
	EXPECT_OK(proc_fork(parent, 0, 4711, &child));
	assert_ptr_equal(proc_find(4711), child);
	EXPECT_ERR(proc_create(4711, parent->space, &other), ERR_EXIST);
	assert_int_equal(atomic_load(&parent->space->refs), 1);
	leave(child);
	EXPECT_ERR(proc_fork(parent, 0, 4711, &other), ERR_EXIST);
	EXPECT_OK(proc_reap(parent, child, &code));
	EXPECT_OK(proc_fork(parent, PROC_SHARE_SPACE, 4711, &child));
	bury(child);
	bury(parent);
	end();
}

static void
exit_again(void *proc)
{
	proc_exit(proc, 0);
}

static void
fork_after_exit(void *proc)
{
	struct process *child;

	if (proc_fork(proc, 0, 0, &child) != OK)
		return;
}

static void
exec_after_exit(void *proc)
{
	proc_exec(proc, NULL);
}

/* What a kernel may not do with a zombie stops the machine and names the process. */
static void
misuse_of_a_zombie_stops(void **state)
{
	void (*const misuses[])(void *) = { exit_again, fork_after_exit, exec_after_exit };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(misuses); i++) {
		struct process *proc = first_process();
		char		text[400];

		leave(proc);
		assert_true(machine_expect_stop(misuses[i], proc, text, sizeof(text)));
		assert_non_null(strstr(text, "process 1 "));
	}
}

TEST_SUITE(process, cmocka_unit_test(the_first_process_is_init),
	   cmocka_unit_test(fork_copies_the_space), cmocka_unit_test(sharing_is_counted),
	   cmocka_unit_test(exec_replaces_the_space),
	   cmocka_unit_test(orphans_go_to_the_first_process),
	   cmocka_unit_test(the_first_process_has_an_heir),
	   cmocka_unit_test(reaping_wants_the_right_parent_and_a_zombie),
	   cmocka_unit_test(each_code_is_seen_once),
	   cmocka_unit_test(a_failed_fork_leaves_no_process), cmocka_unit_test(an_id_can_be_chosen),
	   cmocka_unit_test(misuse_of_a_zombie_stops))
