/* test_proc_fork.c - fork with every flag: what is copied, shared, reset; what is refused; failures. */
#include "unit/kin.h"

#include <string.h>

#include <anymm/fs_context.h>

#include "proc/handlers.h"
#include "proc/state.h"

/* ---- a process that has one of everything ---- */

struct household {
	struct process	    *proc;
	struct handle_table *handles; /* 0: a thing; 3: another, close on exec */
	struct fs_context   *fs;
	struct resource	    *mounts, *own;
	struct account	    *account;
};

static struct household
household(void)
{
	const struct signal_action handler = { .handler = 0x1000 };
	const struct signal_action ignore = { .handler = SIGNAL_IGNORE };
	struct household	   h = { .proc = kin_first() };
	int32_t			   handle;

	EXPECT_OK(handle_table_create(1024, &h.handles));
	EXPECT_OK(handle_add(h.handles, kin_thing(), 0, 0, &handle));
	EXPECT_OK(handle_add(h.handles, kin_thing(), 3, HANDLE_CLOSE_ON_EXEC, &handle));
	EXPECT_OK(fs_context_create(kin_thing(), kin_thing(), 022, &h.fs));
	EXPECT_OK(account_create(NULL, 100, &h.account));
	h.mounts = kin_thing();
	h.own = kin_thing();
	proc_set_resource(h.proc, RESOURCE_HANDLES, &h.handles->resource);
	proc_set_resource(h.proc, RESOURCE_FS, &h.fs->resource);
	proc_set_resource(h.proc, RESOURCE_MOUNTS, h.mounts);
	proc_set_resource(h.proc, RESOURCE_ACCOUNT, &h.account->resource);
	proc_set_resource(h.proc, RESOURCE_OWN, h.own);
	EXPECT_OK(signal_set_action(h.proc, SIGNAL_USR1, &handler, NULL));
	EXPECT_OK(signal_set_action(h.proc, SIGNAL_TERM, &ignore, NULL));
	machine_check_invariants();
	return h;
}

static struct process *
fork_of(struct process *parent, uint64_t flags)
{
	struct process *child;

	EXPECT_OK(proc_fork(parent, flags, 0, &child));
	machine_check_invariants();
	return child;
}

static vaddr_t
handler_of(struct process *proc, unsigned signal)
{
	struct signal_action action;

	EXPECT_OK(signal_set_action(proc, signal, NULL, &action));
	return action.handler;
}

/*
 * LUN-32, DRG-18, WNX-22, CAM-15, CAM-16, ALM-25: a plain fork copies: each handle, the working directory and
 * the root get one more reference, handlers are copied, mounts are shared, the account is the same.
 */
static void
a_plain_fork_copies(void **state)
{
	struct household     h = household();
	struct process	    *child = fork_of(h.proc, SIGNAL_CHLD);
	struct resource	    *thing = handle_get(h.handles, 0);
	struct handle_table *copy = (struct handle_table *)child->resources[RESOURCE_HANDLES];

	(void)state;
	assert_ptr_not_equal(child->space, h.proc->space);
	assert_ptr_not_equal(copy, h.handles);
	assert_int_equal(handle_count(copy), 2);
	assert_int_equal(resource_refs(thing), 3); /* two tables and this test */
	resource_put(thing);
	assert_ptr_not_equal(child->resources[RESOURCE_FS], &h.fs->resource);
	assert_int_equal(resource_refs(h.fs->cwd), 2);
	assert_int_equal(resource_refs(h.fs->root), 2);
	assert_ptr_equal(child->resources[RESOURCE_MOUNTS], h.mounts);
	assert_int_equal(resource_refs(h.mounts), 2);
	assert_ptr_equal(child->resources[RESOURCE_ACCOUNT], &h.account->resource);
	assert_int_equal(h.account->nr, 2);
	assert_int_equal(kin_thing_in(h.own)->nr_copies, 1);
	assert_int_equal(handler_of(child, SIGNAL_USR1), 0x1000);
	assert_int_equal(child->exit_signal, SIGNAL_CHLD);
	assert_ptr_equal(child->group, h.proc->group);
	kin_bury(child, 0);
	assert_int_equal(resource_refs(h.fs->cwd), 1);
	assert_int_equal(resource_refs(h.mounts), 1);
	assert_int_equal(h.account->nr, 1);
	kin_end();
}

/* DRG-20, DRG-22, DRG-23, DRG-B04, DRG-B08, CAM-10, CAM-16: with flags all of it is the parent's, counted. */
static void
flags_share(void **state)
{
	struct household	   h = household();
	uint64_t		   live = resource_live();
	struct process		  *child = fork_of(h.proc, PROC_SHARE_SPACE | PROC_SHARE_FS |
								   PROC_SHARE_HANDLES | PROC_SHARE_HANDLERS);
	const struct signal_action ignore = { .handler = SIGNAL_IGNORE };

	(void)state;
	assert_ptr_equal(child->space, h.proc->space);
	assert_ptr_equal(child->resources[RESOURCE_HANDLES], &h.handles->resource);
	assert_int_equal(resource_refs(&h.handles->resource), 2);
	assert_ptr_equal(child->resources[RESOURCE_FS], &h.fs->resource);
	assert_ptr_equal(child->resources[RESOURCE_HANDLERS], h.proc->resources[RESOURCE_HANDLERS]);
	assert_int_equal(resource_refs(h.proc->resources[RESOURCE_HANDLERS]), 2);
	assert_int_equal(resource_live(), live + 1); /* the copy of what is the kernel's own */
	EXPECT_OK(signal_set_action(child, SIGNAL_USR1, &ignore, NULL));
	assert_int_equal(handler_of(h.proc, SIGNAL_USR1), SIGNAL_IGNORE);
	EXPECT_OK(handle_close((struct handle_table *)child->resources[RESOURCE_HANDLES], 3));
	assert_int_equal(handle_count(h.handles), 1);
	kin_bury(child, 0);
	assert_int_equal(resource_refs(&h.handles->resource), 1);
	assert_int_equal(handler_of(h.proc, SIGNAL_USR1), SIGNAL_IGNORE);
	kin_end();
}

/* DRG-22, DRG-23: reset: no handles; default handlers but for what is ignored. */
static void
flags_reset(void **state)
{
	struct household h = household();
	struct process	*child = fork_of(h.proc, PROC_EMPTY_HANDLES | PROC_DEFAULT_HANDLERS);

	(void)state;
	assert_int_equal(handle_count((struct handle_table *)child->resources[RESOURCE_HANDLES]),
			 0);
	assert_int_equal(handle_count(h.handles), 2);
	assert_int_equal(handler_of(child, SIGNAL_USR1), SIGNAL_DEFAULT);
	assert_int_equal(handler_of(child, SIGNAL_TERM), SIGNAL_IGNORE);
	assert_int_equal(handler_of(h.proc, SIGNAL_USR1), 0x1000);
	kin_end();
}

/* CAM-09, CAM-15: a new mount is a copy, and the kernel's own slots do what the request says. */
static void
the_kernels_own_slots_follow_the_request(void **state)
{
	struct household     h = household();
	struct clone_request request = {
		.flags = PROC_NEW_MOUNT,
		.own = { INHERIT_SHARE, INHERIT_COPY, INHERIT_RESET },
	};
	struct thread *t;

	(void)state;
	proc_set_resource(h.proc, RESOURCE_OWN + 2, kin_thing());
	EXPECT_OK(kin_clone(&h.proc->main, &request, &t));
	assert_ptr_not_equal(t->process->resources[RESOURCE_MOUNTS], h.mounts);
	assert_int_equal(kin_thing_in(h.mounts)->nr_copies, 1);
	assert_ptr_equal(t->process->resources[RESOURCE_OWN], h.own);
	assert_null(t->process->resources[RESOURCE_OWN + 1]);
	assert_int_equal(kin_thing_in(h.proc->resources[RESOURCE_OWN + 2])->nr_resets, 1);
	kin_end();
}

/* DRG-29: what needs or excludes something else is refused, and nothing is made. */
static void
illegal_combinations_are_refused(void **state)
{
	static const uint64_t illegal[] = {
		PROC_SHARE_HANDLERS,
		PROC_THREAD | PROC_SHARE_SPACE,
		PROC_THREAD,
		PROC_NEW_MOUNT | PROC_SHARE_FS,
		PROC_DEFAULT_HANDLERS | PROC_SHARE_HANDLERS | PROC_SHARE_SPACE,
		PROC_EMPTY_HANDLES | PROC_SHARE_HANDLES,
		PROC_SAME_PARENT | SIGNAL_CHLD,
		PROC_THREAD | PROC_SHARE_HANDLERS | PROC_SHARE_SPACE | SIGNAL_CHLD,
		PROC_THREAD | PROC_SHARE_HANDLERS | PROC_SHARE_SPACE | PROC_NEW_MOUNT,
		PROC_THREAD | PROC_SHARE_HANDLERS | PROC_SHARE_SPACE | PROC_EMPTY_HANDLES,
		PROC_THREAD | PROC_SHARE_HANDLERS | PROC_SHARE_SPACE | PROC_NO_REAP,
		65,
		0x1000,
		UINT64_C(1) << 63,
	};
	struct household     h = household();
	struct process	    *child = fork_of(h.proc, 0);
	uint64_t	     nr_ids = proc_state()->root.nr_ids;
	struct clone_request request = { 0 };
	struct thread	    *t;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(illegal); i++) {
		request.flags = illegal[i];
		EXPECT_ERR(kin_clone(&child->main, &request, &t), ERR_INVAL);
	}
	/* init has no parent to share */
	request.flags = PROC_SAME_PARENT;
	EXPECT_ERR(kin_clone(&h.proc->main, &request, &t), ERR_INVAL);
	/* a given space cannot be a shared one; a thread has its process's account */
	request = (struct clone_request){ .flags = PROC_SHARE_SPACE, .space = child->space };
	EXPECT_ERR(kin_clone(&child->main, &request, &t), ERR_INVAL);
	request = (struct clone_request){
		.flags = PROC_SHARE_SPACE | PROC_SHARE_HANDLERS | PROC_THREAD, .account = h.account
	};
	EXPECT_ERR(kin_clone(&child->main, &request, &t), ERR_INVAL);
	EXPECT_ERR(
		proc_fork(child, PROC_SHARE_SPACE | PROC_SHARE_HANDLERS | PROC_THREAD, 0, &child),
		ERR_INVAL);
	assert_int_equal(proc_state()->root.nr_ids, nr_ids);
	machine_check_invariants();
	kin_end();
}

/* DRG-29: with the parent's parent the child is a sibling, and has its sibling's exit signal. */
static void
a_child_can_be_a_sibling(void **state)
{
	struct process *first = kin_first();
	struct process *a = kin_child(first, SIGNAL_USR1);
	struct process *b = kin_child(a, PROC_SAME_PARENT);

	(void)state;
	assert_ptr_equal(b->parent, first);
	assert_int_equal(proc_number(b), 2);
	assert_int_equal(b->exit_signal, SIGNAL_USR1);
	assert_int_equal(a->family.nr_children, 0);
	kin_end();
}

/* The dead get no children: where orphans stay, a sibling of one cannot be made. */
static void
a_dead_parent_gets_no_more_children(void **state)
{
	struct process *first = kin_first_with(8192, ORPHANS_STAY);
	struct process *a = kin_child(first, 0);
	struct process *b = kin_child(a, 0);
	struct process *none;

	(void)state;
	thread_exit_group(&a->main, 0);
	(void)kin_child(b, PROC_SAME_PARENT);
	kin_exit(a, 0);
	EXPECT_ERR(proc_fork(b, PROC_SHARE_SPACE | PROC_SAME_PARENT, 0, &none), ERR_AGAIN);
	machine_check_invariants();
	(void)kin_child(b, 0);
	kin_end();
}

/* DRG-16, DRG-20, DRG-B08: vfork: the caller is suspended until the child executes a program or exits. */
static void
a_suspended_parent_goes_on(void **state)
{
	struct space_layout layout = sketch_layout();
	struct process	   *first = kin_first();
	struct process	   *child = kin_child(first, PROC_SUSPEND);
	struct process	   *other;
	struct space	   *fresh;

	(void)state;
	assert_true(thread_is_suspended(&first->main));
	EXPECT_ERR(proc_fork(first, PROC_SHARE_SPACE | PROC_SUSPEND, 0, &other), ERR_BUSY);
	EXPECT_OK(space_create(&layout, &fresh));
	proc_exec(child, fresh);
	space_put(fresh);
	assert_false(thread_is_suspended(&first->main));
	assert_ptr_equal(kin_log.last_woken, first);
	assert_ptr_equal(child->space, fresh);
	machine_check_invariants();
	other = kin_child(first, PROC_SUSPEND);
	kin_exit(other, 0);
	assert_false(thread_is_suspended(&first->main));
	kin_end();
}

/* The suspended parent is killed meanwhile: the child goes on and finds nobody to wake. */
static void
a_suspended_parent_may_die(void **state)
{
	struct process *first = kin_first();
	struct process *a = kin_child(first, 0);
	struct process *child = kin_child(a, PROC_SUSPEND);

	(void)state;
	kin_exit(a, 9);
	assert_null(child->main.suspends);
	assert_ptr_equal(child->parent, first);
	kin_bury(child, 1);
	kin_end();
}

/* WNX-B02: A space of the caller's choice: no fork of the parent's, one reference for the child. */
static void
a_child_can_have_a_given_space(void **state)
{
	struct space_layout  layout = sketch_layout();
	struct process	    *first = kin_first();
	struct clone_request request = { 0 };
	struct thread	    *t;

	(void)state;
	EXPECT_OK(space_create(&layout, &request.space));
	EXPECT_OK(kin_clone(&first->main, &request, &t));
	assert_ptr_equal(t->process->space, request.space);
	assert_int_equal(atomic_load(&request.space->refs), 2);
	space_put(request.space);
	assert_int_equal(atomic_load(&first->space->refs), 1);
	kin_end();
}

/*
 * LUN-B10, DRG-23, CAM-17, CAM-B08: pending signals are not inherited, masks are, and so is the alternate
 * stack unless two threads would stand on it.
 */
static void
signal_state_is_inherited_in_part(void **state)
{
	struct process *first = kin_first();
	struct process *copy, *sharer;

	(void)state;
	signal_block(&first->main, signal_bit(SIGNAL_USR1));
	first->main.alternate = (struct signal_stack){ .start = 0x5000, .bytes = 0x1000 };
	EXPECT_OK(signal_send(first, SIGNAL_USR1));
	EXPECT_OK(signal_send_thread(&first->main, SIGNAL_USR1));
	copy = kin_fork(first);
	sharer = kin_child(first, 0);
	assert_true(copy->pending == 0 && copy->main.pending == 0);
	assert_true(first->pending && first->main.pending);
	assert_true(copy->main.blocked == signal_bit(SIGNAL_USR1));
	assert_true(sharer->main.blocked == signal_bit(SIGNAL_USR1));
	assert_int_equal(copy->main.alternate.start, 0x5000);
	assert_int_equal(sharer->main.alternate.bytes, 0);
	kin_end();
}

/* DRG-35, DRG-B11: the kernel is told to run a child that is complete and in the tree. */
static void
the_child_starts_last(void **state)
{
	struct process *first = kin_first();
	unsigned	nr = kin_log.nr_starts;
	struct process *child = kin_fork(first);

	(void)state;
	assert_int_equal(kin_log.nr_starts, nr + 1);
	assert_ptr_equal(kin_log.last_started, &child->main);
	assert_int_equal(kin_log.nr_incomplete, 0);
	assert_int_equal(child->state, PROCESS_ALIVE);
	assert_ptr_equal(proc_find(child->id), child);
	kin_end();
}

/* WNX-27, CAM-29: exec closes what is marked and resets handlers, in the process that does it alone. */
static void
exec_closes_and_resets(void **state)
{
	struct space_layout  layout = sketch_layout();
	struct household     h = household();
	struct process	    *child = fork_of(h.proc, 0);
	struct handle_table *table = (struct handle_table *)child->resources[RESOURCE_HANDLES];
	struct space	    *fresh;

	(void)state;
	child->main.alternate = (struct signal_stack){ .start = 0x5000, .bytes = 0x1000 };
	EXPECT_OK(space_create(&layout, &fresh));
	proc_exec(child, fresh);
	space_put(fresh);
	assert_int_equal(handle_count(table), 1);
	assert_null(handle_get(table, 3));
	assert_int_equal(handle_count(h.handles), 2);
	assert_int_equal(handler_of(child, SIGNAL_USR1), SIGNAL_DEFAULT);
	assert_int_equal(handler_of(child, SIGNAL_TERM), SIGNAL_IGNORE);
	assert_int_equal(handler_of(h.proc, SIGNAL_USR1), 0x1000);
	assert_int_equal(child->main.alternate.bytes, 0);
	machine_check_invariants();
	kin_end();
}

/* ---- failures ---- */

static struct household	    swept;
static struct clone_request sweep_request;
static struct thread	   *made;

static err_t
clone_swept(void)
{
	return kin_clone(&swept.proc->main, &sweep_request, &made);
}

static void
undo_clone(void)
{
	struct process *child = made->process;
	uint32_t	pid = child->id;

	if (child == swept.proc) {
		uint32_t id = thread_id(made);

		assert_false(thread_end(made, 0));
		EXPECT_OK(thread_detach(child, id));
		return;
	}
	kin_exit(child, 0);
	if (proc_find(pid)) {
		struct wait_result got;

		EXPECT_OK(proc_wait(swept.proc, &(struct wait_request){ 0 }, &got));
	}
}

/*
 * LUN-37, LUN-B08, LUN-B09, DRG-19, DRG-B01, DRG-B02, DRG-B03, DRG-B05, WNX-23, WNX-B01, CAM-B03, ALM-B07: in every variant
 * every allocation fails, alone and with all after it; the parent, every count and every frame
 * are as before, and no id is used up.
 */
static void
every_failure_unwinds(void **state)
{
	static const uint64_t variants[] = {
		0,
		SIGNAL_CHLD | PROC_NEW_MOUNT | PROC_DEFAULT_HANDLERS,
		PROC_EMPTY_HANDLES | PROC_SHARE_FS,
		PROC_SHARE_HANDLES | PROC_SHARE_FS,
		PROC_SHARE_SPACE,
		PROC_SHARE_SPACE | PROC_SUSPEND,
		PROC_SHARE_SPACE | PROC_SHARE_HANDLERS | PROC_SHARE_FS | PROC_SHARE_HANDLES,
		PROC_SHARE_SPACE | PROC_SHARE_HANDLERS | PROC_THREAD,
		PROC_NO_REAP,
	};
	unsigned nr = 0;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(variants); i++) {
		swept = household();
		EXPECT_OK(space_add_thread(swept.proc->space));
		sweep_request = (struct clone_request){ .flags = variants[i] };
		nr += kin_fail_each(clone_swept, undo_clone);
		kin_end();
	}
	assert_true(nr > 4 * ARRAY_SIZE(variants));
}

/* The same for a child with a space and an account of the caller's choice, and copies of the kernel's slots. */
static void
a_chosen_childs_failures_unwind(void **state)
{
	struct space_layout layout = sketch_layout();

	(void)state;
	swept = household();
	proc_set_resource(swept.proc, RESOURCE_OWN + 1, kin_thing());
	sweep_request = (struct clone_request){ .flags = PROC_NEW_MOUNT,
						.own = { INHERIT_COPY, INHERIT_RESET } };
	EXPECT_OK(space_create(&layout, &sweep_request.space));
	EXPECT_OK(account_create(NULL, 10, &sweep_request.account));
	assert_true(kin_fail_each(clone_swept, undo_clone) > 4);
	assert_int_equal(atomic_load(&sweep_request.space->refs), 1);
	assert_int_equal(sweep_request.account->nr, 0);
	space_put(sweep_request.space);
	resource_put(&sweep_request.account->resource);
	kin_end();
}

/* DRG-B05: a parent that never set a handler gets its table together with the child, or not at all. */
static void
handlers_are_made_to_be_shared(void **state)
{
	const struct signal_action handler = { .handler = 0x2000 };

	(void)state;
	swept = (struct household){ .proc = kin_first() };
	EXPECT_OK(space_add_thread(swept.proc->space));
	sweep_request = (struct clone_request){ .flags = PROC_SHARE_SPACE | PROC_SHARE_HANDLERS };
	for (unsigned n = 1;; n++) {
		err_t err;

		machine_fail_allocation(n, false);
		err = clone_swept();
		machine_fail_allocation(0, false);
		if (err == OK)
			break;
		assert_int_equal(err, ERR_NOMEM);
		assert_null(swept.proc->resources[RESOURCE_HANDLERS]);
		assert_int_equal(resource_live(), 0);
	}
	assert_int_equal(resource_refs(swept.proc->resources[RESOURCE_HANDLERS]), 2);
	EXPECT_OK(signal_set_action(swept.proc, SIGNAL_USR2, &handler, NULL));
	assert_int_equal(handler_of(made->process, SIGNAL_USR2), 0x2000);
	kin_end();
}

/* ---- the order of things ---- */

/* A thing for each slot but handlers and account. What happens to it is written down as one letter. */
#define NOTED "hfm012"

static const enum resource_slot noted_slots[] = {
	RESOURCE_HANDLES, RESOURCE_FS,	    RESOURCE_MOUNTS,
	RESOURCE_OWN,	  RESOURCE_OWN + 1, RESOURCE_OWN + 2,
};

static struct {
	struct resource parents[sizeof(NOTED) - 1], childs[sizeof(NOTED) - 1];
	struct process *parent;
	char		text[32]; /* HFM012: copied; hfm, xyz: destroyed */
	unsigned	nr_wrong; /* times that something else was too early, or too late */
	bool		fails;	  /* the last copy */
} order;

static unsigned
nr_spaces(void)
{
	unsigned nr = 0;

	for (struct space *sp = space_list_first(); sp; sp = space_list_next(sp))
		nr++;
	return nr;
}

static void
write_down(char letter)
{
	size_t at = strlen(order.text);

	assert_true(at + 1 < sizeof(order.text));
	order.text[at] = letter;
}

/* By now the child has its id, which nobody finds, and its space; it is not in the tree and does not run. */
static err_t
copy_noted(struct resource *from, struct resource **out)
{
	unsigned i = (unsigned)(from - order.parents);

	order.nr_wrong += proc_find(2) || proc_count() != 1 || proc_state()->root.nr_ids != 2 ||
			  nr_spaces() != 2 || kin_log.nr_starts != 0;
	if (order.fails && i + 1 == ARRAY_SIZE(order.parents))
		return ERR_NOMEM;
	write_down(i < 3 ? (char)(NOTED[i] - 'a' + 'A') : NOTED[i]);
	resource_init(&order.childs[i], from->ops);
	*out = &order.childs[i];
	return OK;
}

/* The space is there still, and whoever exits is dying, with its place and its id. */
static void
destroy_noted(struct resource *resource)
{
	struct process *child = proc_find(2);
	unsigned	i = (unsigned)(resource - order.childs);

	if (i >= ARRAY_SIZE(order.childs))
		return; /* the parent's */
	write_down(i < 3 ? NOTED[i] : (char)(NOTED[i] - '0' + 'x'));
	order.nr_wrong += nr_spaces() != 2 || (child && child->state != PROCESS_DYING);
}

static const struct resource_ops noted_ops = { .name = "noted",
					       .copy = copy_noted,
					       .destroy = destroy_noted };

static void
start_noting(void)
{
	memset(&order, 0, sizeof(order));
	order.parent = kin_first();
	for (unsigned i = 0; i < ARRAY_SIZE(noted_slots); i++) {
		resource_init(&order.parents[i], &noted_ops);
		proc_set_resource(order.parent, noted_slots[i], &order.parents[i]);
	}
}

static err_t
fork_noting(struct process **child)
{
	struct clone_request request = { .flags = SIGNAL_CHLD | PROC_NEW_MOUNT };
	struct clone_result  result;
	err_t		     err = proc_clone(&order.parent->main, &request, &result);

	*child = result.process;
	return err;
}

/*
 * LUN-32, DRG-18, CAM-21: fork takes id, space, handles, directories, mounts, the kernel's own, in this order;
 * then the child is seen and runs. An exit gives the same back in reverse, the space last; then its parent hears of it.
 */
static void
steps_come_in_order(void **state)
{
	struct process *child;

	(void)state;
	start_noting();
	EXPECT_OK(fork_noting(&child));
	assert_string_equal(order.text, "HFM012");
	assert_int_equal(kin_log.nr_starts, 1);
	assert_int_equal(kin_log.nr_incomplete, 0);
	assert_ptr_equal(proc_find(2), child);
	kin_exit(child, 7);
	assert_string_equal(order.text, "HFM012zyxmfh");
	assert_int_equal(nr_spaces(), 1);
	assert_int_equal(child->state, PROCESS_ZOMBIE);
	assert_int_equal(kin_wait(order.parent).code, 7);
	assert_int_equal(order.nr_wrong, 0);
	kin_end();
}

/* DRG-19, DRG-B01: the last copy fails: those before it go in reverse, each once, and none of the parent's. */
static void
a_failure_unwinds_in_reverse(void **state)
{
	struct process *child;

	(void)state;
	start_noting();
	order.fails = true;
	EXPECT_ERR(fork_noting(&child), ERR_NOMEM);
	assert_string_equal(order.text, "HFM01yxmfh");
	assert_int_equal(order.nr_wrong, 0);
	assert_int_equal(kin_log.nr_starts, 0);
	assert_int_equal(nr_spaces(), 1);
	assert_int_equal(proc_state()->root.nr_ids, 1);
	for (unsigned i = 0; i < ARRAY_SIZE(order.parents); i++)
		assert_int_equal(resource_refs(&order.parents[i]), 1);
	kin_end();
}

TEST_SUITE(proc_fork, cmocka_unit_test(a_plain_fork_copies), cmocka_unit_test(flags_share),
	   cmocka_unit_test(flags_reset),
	   cmocka_unit_test(the_kernels_own_slots_follow_the_request),
	   cmocka_unit_test(illegal_combinations_are_refused),
	   cmocka_unit_test(a_child_can_be_a_sibling), cmocka_unit_test(a_suspended_parent_goes_on),
	   cmocka_unit_test(a_dead_parent_gets_no_more_children),
	   cmocka_unit_test(a_suspended_parent_may_die),
	   cmocka_unit_test(a_child_can_have_a_given_space),
	   cmocka_unit_test(signal_state_is_inherited_in_part),
	   cmocka_unit_test(the_child_starts_last), cmocka_unit_test(exec_closes_and_resets),
	   cmocka_unit_test(every_failure_unwinds),
	   cmocka_unit_test(a_chosen_childs_failures_unwind),
	   cmocka_unit_test(handlers_are_made_to_be_shared), cmocka_unit_test(steps_come_in_order),
	   cmocka_unit_test(a_failure_unwinds_in_reverse))
