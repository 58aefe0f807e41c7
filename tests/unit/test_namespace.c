/*
 * test_namespace.c - namespaces of ids: numbers in each, who sees whom, orphans, the end of an init.
 */
#include "unit/kin.h"

#include "proc/group.h"
#include "proc/ids.h"
#include "proc/life.h"
#include "proc/namespace.h"
#include "proc/state.h"

/* inside - the first process of a namespace of its own. */
static struct process *
inside(struct process *parent)
{
	return kin_child(parent, PROC_NEW_IDS | SIGNAL_CHLD);
}

/* expect_ids - what proc is called by everybody from the root's namespace down to its own. */
static void
expect_ids(struct process *proc, struct process *const *viewers, const uint32_t *ids, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++) {
		assert_int_equal(proc_id_for(viewers[i], proc), ids[i]);
		assert_ptr_equal(proc_find_for(viewers[i], ids[i]), proc);
		assert_ptr_equal(thread_find_for(viewers[i], ids[i]), &proc->main);
	}
}

static uint64_t
nr_namespaces(void)
{
	uint64_t nr = 0;

	LIST_FOR_EACH(node, &proc_state()->namespaces)
		nr++;
	return nr;
}

/*
 * CAM-14: a subtree has numbers of its own, from 1, and each process one in every namespace
 * around it.
 *
 *	root's   1 first   2 top   3 a   4 deep   5 b
 *	top's              1 top   2 a   3 deep   4 b
 *	deep's                           1 deep   2 b
 */
static void
each_has_an_id_in_each_namespace_around_it(void **state)
{
	struct process *first = kin_first();
	struct process *top = inside(first);
	struct process *a = kin_child(top, 0);
	struct process *deep = inside(a);
	struct process *b = kin_child(deep, 0);
	struct process *viewers[] = { NULL, top, deep };

	(void)state;
	expect_ids(top, viewers, (const uint32_t[]){ 2, 1 }, 2);
	expect_ids(a, viewers, (const uint32_t[]){ 3, 2 }, 2);
	expect_ids(deep, viewers, (const uint32_t[]){ 4, 3, 1 }, 3);
	expect_ids(b, viewers, (const uint32_t[]){ 5, 4, 2 }, 3);
	assert_int_equal(b->ids->level, 2);
	assert_int_equal(nr_namespaces(), 3);
	machine_check_invariants();
	kin_end();
	assert_int_equal(nr_namespaces(), 1);
}

/* From inside nobody outside can be named, not even the parent; from outside everybody can. */
static void
nobody_looks_out(void **state)
{
	struct process *first = kin_first();
	struct process *beside = kin_child(first, 0);
	struct process *top = inside(first);
	struct process *child = kin_child(top, 0);

	(void)state;
	assert_int_equal(proc_id_for(top, first), 0);
	assert_int_equal(proc_id_for(child, top->parent), 0);
	assert_int_equal(proc_id_for(top, beside), 0);
	assert_null(proc_find_for(top, 3));
	assert_ptr_equal(proc_find_for(top, 2), child);
	assert_ptr_equal(proc_find_for(beside, 4), child);
	assert_ptr_equal(proc_find(4), child);
	assert_null(proc_find_for(top, 0));
	/* two side by side have the same numbers and do not see each other */
	assert_int_equal(proc_id_for(top, inside(first)), 0);
	assert_ptr_equal(proc_find_for(top, 1), top);
	kin_end();
}

/* clone and wait say what their caller sees; threads are named there, too. */
static void
callers_get_ids_of_their_own(void **state)
{
	struct process	    *first = kin_first();
	struct clone_request fork = { .flags = PROC_SHARE_SPACE | PROC_NEW_IDS };
	struct clone_request thread = { .flags = PROC_SHARE_SPACE | PROC_SHARE_HANDLERS |
						 PROC_THREAD };
	struct wait_request  request = { .which = WAIT_ID, .id = 3 };
	struct clone_result  top, child, made;
	struct wait_result   got;
	int32_t		     value;

	(void)state;
	EXPECT_OK(proc_clone(&first->main, &fork, &top));
	assert_int_equal(top.id, 2);
	EXPECT_OK(proc_clone(top.thread, &thread, &made));
	assert_int_equal(made.id, 2);
	assert_int_equal(thread_id(made.thread), 3);
	assert_ptr_equal(thread_find_for(top.process, 2), made.thread);
	assert_null(proc_find_for(top.process, 2));
	fork.flags = PROC_SHARE_SPACE;
	EXPECT_OK(proc_clone(top.thread, &fork, &child));
	assert_int_equal(child.id, 3);
	assert_int_equal(child.process->id, 4);
	machine_check_invariants();
	assert_false(thread_end(made.thread, 7));
	EXPECT_ERR(thread_join(top.thread, 3, &value), ERR_SRCH);
	EXPECT_OK(thread_join(top.thread, 2, &value));
	assert_int_equal(value, 7);
	kin_exit(child.process, 5);
	request.id = 4;
	EXPECT_ERR(proc_wait(top.process, &request, &got), ERR_CHILD);
	request.id = 3;
	EXPECT_OK(proc_wait(top.process, &request, &got));
	assert_int_equal(got.id, 3);
	assert_int_equal(got.code, 5);
	/* outside, the first process of the namespace is a child like any other */
	kin_exit(top.process, 6);
	got = kin_wait(first);
	assert_int_equal(got.id, 2);
	assert_int_equal(got.code, 6);
	kin_end();
}

/* The numbers of a namespace rise, rest, and wrap on their own, whatever happens outside. */
static void
numbers_of_a_namespace_rest_too(void **state)
{
	struct process *first = kin_first();
	struct process *top = inside(first);
	struct process *a = kin_child(top, 0);
	struct process *b;

	(void)state;
	kin_bury(a, 0);
	for (unsigned i = 0; i < 10; i++)
		(void)kin_child(first, 0);
	b = kin_child(top, 0);
	assert_int_equal(proc_id_for(top, b), 3);
	top->ids->next_id = PROCESS_ID_MAX;
	assert_int_equal(proc_id_for(top, kin_child(top, 0)), PROCESS_ID_MAX);
	assert_int_equal(proc_id_for(top, kin_child(top, 0)), 2);
	assert_int_equal(proc_id_for(top, kin_child(top, 0)), 4);
	kin_end();
}

/* A number that is wanted is the root's, and the others follow; one in use gives all back. */
static void
a_wanted_id_is_the_roots(void **state)
{
	struct process *first = kin_first();
	struct process *top = inside(first);
	struct process *a;

	(void)state;
	EXPECT_ERR(proc_fork(top, PROC_SHARE_SPACE, 1, &a), ERR_EXIST);
	EXPECT_ERR(proc_fork(top, PROC_SHARE_SPACE | PROC_NEW_IDS, 2, &a), ERR_EXIST);
	machine_check_invariants();
	EXPECT_OK(proc_fork(top, PROC_SHARE_SPACE, 1000, &a));
	assert_int_equal(a->id, 1000);
	assert_int_equal(proc_id_for(top, a), 2);
	assert_int_equal(nr_namespaces(), 2);
	kin_end();
}

/*
 * As on Linux: a thread lives where its process does; whoever leads a namespace makes no
 * siblings; a sibling in a namespace of its own is fine, and so are shared space and handlers.
 */
static void
combinations_are_those_of_linux(void **state)
{
	struct process	    *first = kin_first();
	struct process	    *top = inside(first);
	struct process	    *a = kin_child(top, 0);
	struct clone_request request = { .flags = PROC_NEW_IDS | PROC_SHARE_SPACE |
						  PROC_SHARE_HANDLERS | PROC_THREAD };
	struct thread	    *t;

	(void)state;
	EXPECT_ERR(kin_clone(&a->main, &request, &t), ERR_INVAL);
	request.flags = PROC_SAME_PARENT;
	EXPECT_ERR(kin_clone(&top->main, &request, &t), ERR_INVAL);
	request.flags = PROC_SAME_PARENT | PROC_NEW_IDS | PROC_SHARE_SPACE;
	EXPECT_ERR(kin_clone(&top->main, &request, &t), ERR_INVAL);
	EXPECT_ERR(proc_fork(a, PROC_NEW_IDS | PROC_SHARE_HANDLERS, 0, &a), ERR_INVAL);
	assert_int_equal(nr_namespaces(), 2);
	EXPECT_OK(kin_clone(&a->main, &request, &t));
	assert_ptr_equal(t->process->parent, top);
	assert_ptr_equal(t->process->ids->above, top->ids);
	assert_ptr_equal(t->process->ids->init, t->process);
	request.flags = PROC_NEW_IDS | PROC_SHARE_SPACE | PROC_SHARE_HANDLERS | PROC_SUSPEND;
	EXPECT_OK(kin_clone(&a->main, &request, &t));
	machine_check_invariants();
	kin_end();
}

/* Thirty-two may be nested, as on Linux; then it is an error, and the last can go on forking. */
static void
nesting_has_a_limit(void **state)
{
	struct process *first = kin_first();
	struct process *at = first;
	struct process *none;

	(void)state;
	for (unsigned level = 1; level <= ID_NAMESPACE_DEPTH; level++) {
		at = inside(at);
		assert_int_equal(at->ids->level, level);
	}
	EXPECT_ERR(proc_fork(at, PROC_SHARE_SPACE | PROC_NEW_IDS, 0, &none), ERR_NOSPC);
	none = kin_child(at, 0);
	for (struct process *viewer = at; viewer; viewer = viewer->parent)
		assert_ptr_equal(proc_find_for(viewer, proc_id_for(viewer, none)), none);
	machine_check_invariants();
	/* the outermost takes all the others along */
	while (at->parent != first)
		at = at->parent;
	kin_bury(at, 0);
	assert_int_equal(nr_namespaces(), 1);
	assert_int_equal(proc_count(), 1);
	kin_end();
}

/*
 * Orphans stay in the namespace: its init takes them, and not the one outside, nor a sub-reaper
 * outside; a sub-reaper inside comes first.
 */
static void
orphans_stay_inside(void **state)
{
	struct process *first = kin_first();
	struct process *outer = kin_child(first, 0);
	struct process *top = inside(outer);
	struct process *reaper = kin_child(top, 0);
	struct process *a = kin_child(reaper, 0);
	struct process *b = kin_child(a, 0);
	struct process *deep = inside(b);
	struct process *c = kin_child(deep, 0);
	struct process *d = kin_child(c, 0);

	(void)state;
	proc_set_subreaper(outer, true);
	kin_exit(a, 0);
	assert_ptr_equal(b->parent, top);
	kin_exit(c, 0);
	assert_ptr_equal(d->parent, deep);
	proc_set_subreaper(reaper, true);
	a = kin_child(reaper, 0);
	b = kin_child(a, 0);
	kin_exit(a, 0);
	assert_ptr_equal(b->parent, reaper);
	/* and outside it is as ever */
	a = kin_child(outer, 0);
	b = kin_child(a, 0);
	kin_exit(a, 0);
	assert_ptr_equal(b->parent, outer);
	kin_end();
}

/* When init ends, everybody in its namespace does, in those inside it too, and leaves no zombie. */
static void
the_end_of_init_is_the_end_of_all(void **state)
{
	struct process *first = kin_first();
	struct process *beside = kin_child(first, 0);
	struct process *top = inside(first);
	struct process *zombie = kin_child(top, 0);
	struct process *a = kin_child(top, 0);
	struct process *deep = inside(a);
	struct process *none;

	(void)state;
	(void)kin_child(kin_child(deep, 0), 0);
	kin_exit(zombie, 0);
	assert_int_equal(proc_count(), 8);
	kin_exit(top, 3);
	assert_int_equal(proc_count(), 3);
	assert_int_equal(top->state, PROCESS_ZOMBIE);
	assert_null(proc_find_for(top, 2));
	/* its own number stays until somebody has waited for it */
	assert_int_equal(nr_namespaces(), 2);
	assert_int_equal(kin_wait(first).code, 3);
	assert_int_equal(nr_namespaces(), 1);
	assert_int_equal(beside->state, PROCESS_ALIVE);
	/* the init of the namespace outside is not concerned */
	assert_ptr_equal(proc_init_process(), first);
	EXPECT_OK(proc_fork(first, PROC_SHARE_SPACE, 0, &none));
	kin_end();
}

/*
 * Who cannot be halted at once is told, outlives its init as a child of the init outside, forks
 * no more, and goes without a zombie; the namespace goes with the last of them.
 */
static void
stragglers_end_outside(void **state)
{
	struct process *first = kin_first();
	struct process *top = inside(first);
	struct process *a = kin_child(top, 0);
	struct process *b = kin_child(a, 0);
	struct process *none;

	(void)state;
	kin_log.refuse_halt = true;
	kin_bury(top, 0);
	assert_ptr_equal(a->parent, first);
	assert_ptr_equal(b->parent, a);
	assert_true(thread_must_end(&a->main) && thread_must_end(&b->main));
	assert_int_equal(a->code, SIGNAL_KILL);
	EXPECT_ERR(proc_fork(a, PROC_SHARE_SPACE, 0, &none), ERR_AGAIN);
	EXPECT_ERR(proc_fork(b, PROC_SHARE_SPACE | PROC_NEW_IDS, 0, &none), ERR_AGAIN);
	assert_ptr_equal(proc_find_for(a, 3), b);
	assert_int_equal(nr_namespaces(), 2);
	assert_true(thread_end(&a->main, 0));
	machine_check_invariants();
	assert_ptr_equal(b->parent, first);
	assert_true(thread_end(&b->main, 0));
	assert_int_equal(proc_count(), 1);
	assert_int_equal(nr_namespaces(), 1);
	kin_log.refuse_halt = false;
	kin_end();
}

/* With tombstones it is the same, and nothing of the namespace is left in the tree. */
static void
tombstones_go_with_their_init(void **state)
{
	struct process *first = kin_first_with(8192, ORPHANS_STAY);
	struct process *top = inside(first);
	struct process *a = kin_child(top, 0);
	struct process *b = kin_child(a, 0);

	(void)state;
	kin_exit(a, 0);
	assert_ptr_equal(b->parent, a);
	kin_bury(top, 1);
	assert_int_equal(proc_count(), 1);
	assert_int_equal(nr_namespaces(), 1);
	kin_end();
}

/* A process that somebody still holds keeps its namespace, and has no number there any more. */
static void
a_reference_keeps_the_namespace(void **state)
{
	struct process *first = kin_first();
	struct process *top = inside(first);

	(void)state;
	proc_get(top);
	kin_bury(top, 0);
	assert_int_equal(nr_namespaces(), 2);
	assert_int_equal(proc_id_for(top, top), 0);
	assert_null(proc_find_for(top, 1));
	proc_put(top);
	assert_int_equal(nr_namespaces(), 1);
	kin_end();
}

/* A group that was founded inside keeps its namespace, also when only members outside are left in it. */
static void
a_group_keeps_the_namespace(void **state)
{
	struct process *first = kin_first();
	struct process *top = inside(first);
	struct process *deep = inside(top);
	struct process *next;

	(void)state;
	EXPECT_OK(proc_set_group(deep, deep, 0));
	EXPECT_OK(proc_set_group(first, first, deep->id));
	kin_bury(top, 0);
	assert_int_equal(proc_count(), 1);
	assert_int_equal(nr_namespaces(), 3);
	machine_check_invariants();
	/* so whoever is made now has a namespace of its own */
	next = inside(first);
	assert_int_equal(nr_namespaces(), 4);
	assert_int_equal(proc_id_for(next, next), 1);
	EXPECT_OK(proc_set_group(first, next, 0));
	EXPECT_OK(proc_set_group(first, first, 0));
	assert_int_equal(nr_namespaces(), 2);
	kin_end();
	assert_int_equal(nr_namespaces(), 1);
}

/* The office of the root's init goes to nobody who lives in another namespace. */
static void
an_inner_init_does_not_become_the_roots(void **state)
{
	struct process *first = kin_first();
	struct process *top = inside(first);
	struct process *second;

	(void)state;
	kin_exit(first, 0);
	assert_null(top->parent);
	assert_null(proc_init_process());
	EXPECT_OK(proc_create(0, top->space, &second));
	assert_ptr_equal(proc_init_process(), second);
	kin_exit(top, 0);
	assert_ptr_equal(proc_init_process(), second);
	kin_end();
}

/* ---- signals ---- */

static uint64_t
kill(struct process *caller, int32_t target, unsigned signal)
{
	uint64_t nr = 0;

	EXPECT_OK(signal_kill(caller, target, signal, &nr));
	return nr;
}

static bool
takes(struct process *proc, unsigned signal)
{
	struct signal_delivery d;

	return signal_take(&proc->main, &d) && d.signal == signal;
}

/* kill(2) names processes and groups as its caller sees them, and reaches nobody outside. */
static void
kill_reaches_what_its_caller_sees(void **state)
{
	struct process *first = kin_first();
	struct process *beside = kin_child(first, 0);
	struct process *top = inside(first);
	struct process *a = kin_child(top, 0);
	struct process *b = kin_child(a, 0);
	struct process *deep = inside(b);
	uint64_t	nr;

	(void)state;
	assert_int_equal(kill(a, 3, SIGNAL_TERM), 1);
	assert_true(takes(b, SIGNAL_TERM));
	assert_int_equal(kill(beside, 5, SIGNAL_TERM), 1);
	assert_true(takes(b, SIGNAL_TERM));
	EXPECT_ERR(signal_kill(a, 5, SIGNAL_TERM, &nr), ERR_SRCH);
	EXPECT_ERR(signal_kill(a, 3, SIGNAL_NR + 1, &nr), ERR_INVAL);
	/* signal 0 only looks */
	assert_int_equal(kill(a, 3, 0), 1);
	assert_false(signal_is_pending(&b->main));
	/* all in the namespace but its init and the caller; the init of an inner one is shielded from no KILL */
	assert_int_equal(kill(b, -1, SIGNAL_KILL), 2);
	assert_true(takes(a, SIGNAL_KILL) && takes(deep, SIGNAL_KILL));
	assert_false(signal_is_pending(&beside->main) || signal_is_pending(&b->main));
	assert_int_equal(kill(beside, -1, 0), 4);
	EXPECT_ERR(signal_kill(deep, -1, SIGNAL_TERM, &nr), ERR_SRCH);
	/* the caller's group came from outside, and has members there */
	assert_int_equal(proc_group_for(a, a), 0);
	assert_int_equal(kill(a, 0, 0), 6);
	EXPECT_ERR(signal_kill(a, -1000, 0, &nr), ERR_SRCH);
	EXPECT_ERR(signal_kill(a, INT32_MIN, 0, &nr), ERR_SRCH);
	kin_end();
}

/* Init takes from inside what it has a handler for, and from above KILL and STOP besides. */
static void
init_is_shielded_from_inside(void **state)
{
	const struct signal_action handler = { .handler = 0x1000 };
	struct process		  *first = kin_first();
	struct process		  *beside = kin_child(first, 0);
	struct process		  *top = inside(first);
	struct process		  *a = kin_child(top, 0);
	struct process		  *deep = inside(a);
	struct process		  *child = kin_child(top, SIGNAL_KILL);

	(void)state;
	assert_int_equal(kill(a, 1, SIGNAL_KILL), 1);
	assert_int_equal(kill(a, 1, SIGNAL_STOP), 1);
	assert_int_equal(kill(deep, 1, SIGNAL_KILL), 1);
	assert_int_equal(kill(beside, 3, SIGNAL_TERM), 1);
	assert_false(signal_is_pending(&top->main) || signal_is_pending(&deep->main));
	EXPECT_OK(signal_set_action(top, SIGNAL_TERM, &handler, NULL));
	assert_int_equal(kill(a, 1, SIGNAL_TERM), 1);
	assert_true(takes(top, SIGNAL_TERM));
	assert_int_equal(kill(beside, 3, SIGNAL_KILL), 1);
	assert_true(takes(top, SIGNAL_KILL));
	assert_int_equal(kill(top, 3, SIGNAL_STOP), 1);
	assert_true(takes(deep, SIGNAL_STOP));
	/* the signal of a child's end is from inside, whichever it is */
	kin_exit(child, 0);
	assert_false(signal_is_pending(&top->main));
	/* and nobody is above the root's */
	assert_int_equal(kill(beside, 1, SIGNAL_KILL), 1);
	assert_false(signal_is_pending(&first->main));
	EXPECT_ERR(proc_kill(first, 9), ERR_PERM);
	EXPECT_OK(proc_kill(top, 9));
	assert_int_equal(proc_count(), 3);
	kin_end();
}

/* ---- groups ---- */

/* A group has its leader's number in each namespace; one from outside has none inside. */
static void
groups_have_numbers_in_each_namespace(void **state)
{
	struct process	   *first = kin_first();
	struct process	   *top = inside(first);
	struct process	   *a = kin_child(top, 0);
	struct process	   *b = kin_child(top, 0);
	struct process	   *c;
	struct wait_request request = { .which = WAIT_GROUP, .id = 2 };
	struct wait_result  got;

	(void)state;
	assert_int_equal(proc_group_for(top, a), 0);
	EXPECT_ERR(proc_set_group(top, b, 2), ERR_PERM);
	EXPECT_OK(proc_set_group(top, a, 2));
	EXPECT_OK(proc_set_group(top, b, 2));
	assert_int_equal(proc_group_for(top, b), 2);
	assert_int_equal(proc_group(b), 3);
	machine_check_invariants();
	assert_int_equal(kill(top, -2, SIGNAL_USR1), 2);
	assert_true(takes(a, SIGNAL_USR1) && takes(b, SIGNAL_USR1));
	assert_int_equal(kill(first, -3, SIGNAL_USR1), 2);
	/* its number is taken inside as well, as long as it has members */
	kin_exit(a, 1);
	EXPECT_OK(proc_wait(top, &request, &got));
	assert_int_equal(got.id, 2);
	top->ids->next_id = 2;
	c = kin_child(top, 0);
	assert_int_equal(proc_id_for(top, c), 4);
	kin_bury(b, 0);
	top->ids->next_id = 2;
	assert_int_equal(proc_id_for(top, kin_child(top, 0)), 2);
	kin_end();
}

/* A session founded inside is seen from all sides, too. */
static void
sessions_have_numbers_in_each_namespace(void **state)
{
	struct process *first = kin_first();
	struct process *top = inside(first);
	struct process *a = kin_child(top, 0);
	struct process *deep = inside(a);

	(void)state;
	EXPECT_OK(proc_new_session(a));
	assert_int_equal(proc_session(a), 3);
	assert_int_equal(proc_session_for(top, a), 2);
	assert_int_equal(proc_session_for(deep, a), 0);
	assert_int_equal(proc_session_for(top, deep), 0);
	machine_check_invariants();
	kin_end();
}

/* ---- many, and failures ---- */

/* Every id of a namespace that has its share of many is found at once, among all others. */
static void
many_are_found_in_many(void **state)
{
	enum { NAMESPACES = 40, EACH = 25 };
	struct process *first = kin_first();
	struct process *tops[NAMESPACES];

	(void)state;
	for (unsigned i = 0; i < NAMESPACES; i++)
		tops[i] = inside(i % 4 ? tops[i - 1] : first);
	for (unsigned j = 0; j < EACH; j++) {
		for (unsigned i = 0; i < NAMESPACES; i++)
			(void)kin_child(tops[i], 0);
	}
	machine_check_invariants();
	assert_int_equal(proc_count(), 1 + NAMESPACES * (EACH + 1));
	for (unsigned i = 3; i < NAMESPACES; i += 4) {
		assert_int_equal(tops[i]->ids->nr_ids, EACH + 1);
		assert_int_equal(tops[i - 3]->ids->nr_ids, 4 * (EACH + 1));
		for (uint32_t id = 2; id <= EACH + 1; id++)
			assert_ptr_equal(proc_find_for(tops[i], id)->parent, tops[i]);
	}
	kin_bury(tops[0], 0);
	assert_int_equal(proc_count(), 1 + (NAMESPACES - 4) * (EACH + 1));
	kin_end();
}

/* The ids of a namespace end before those outside; nothing is used up by the failure. */
static void
exhaustion_inside_is_an_error(void **state)
{
	struct process *first = kin_first();
	struct process *top = inside(first);
	struct process *a = kin_child(top, 0);
	struct process *none;
	uint64_t	nr = proc_state()->root.nr_ids;

	(void)state;
	top->ids->next_id = 1;
	EXPECT_OK(proc_set_id_limit(3));
	EXPECT_ERR(proc_fork(a, PROC_SHARE_SPACE, 0, &none), ERR_AGAIN);
	EXPECT_ERR(proc_fork(a, PROC_SHARE_SPACE, 77, &none), OK);
	EXPECT_ERR(proc_fork(a, PROC_SHARE_SPACE, 78, &none), ERR_AGAIN);
	EXPECT_ERR(proc_fork(a, PROC_SHARE_SPACE | PROC_NEW_IDS, 78, &none), ERR_AGAIN);
	assert_int_equal(proc_state()->root.nr_ids, nr + 1);
	assert_int_equal(nr_namespaces(), 2);
	machine_check_invariants();
	kin_end();
}

static struct process	   *swept;
static struct clone_request sweep_request;
static struct thread	   *made;

static err_t
clone_swept(void)
{
	return kin_clone(&swept->main, &sweep_request, &made);
}

static void
undo_clone(void)
{
	uint32_t id = proc_id_for(swept, made->process);

	if (made->process == swept) {
		id = thread_id_for(swept, made);
		assert_false(thread_end(made, 0));
		EXPECT_OK(thread_detach(swept, id));
	} else {
		EXPECT_OK(proc_kill(made->process, 0));
		EXPECT_OK(proc_wait(swept, &(struct wait_request){ .which = WAIT_ID, .id = id },
				    &(struct wait_result){ 0 }));
	}
}

/* WNX-23, DRG-19: whatever cannot be had on the way into a namespace, or for a thread or a child in one. */
static void
every_failure_unwinds(void **state)
{
	static const uint64_t variants[] = {
		PROC_NEW_IDS,
		PROC_NEW_IDS | PROC_SHARE_SPACE | PROC_SHARE_HANDLERS,
		PROC_NEW_IDS | PROC_SHARE_SPACE | PROC_SUSPEND,
		PROC_SHARE_SPACE,
		PROC_SHARE_SPACE | PROC_SHARE_HANDLERS | PROC_THREAD,
	};

	(void)state;
	for (unsigned depth = 0; depth < 3; depth++) {
		for (unsigned i = 0; i < ARRAY_SIZE(variants); i++) {
			swept = kin_first();
			EXPECT_OK(space_add_thread(swept->space));
			for (unsigned level = 0; level < depth; level++)
				swept = inside(swept);
			sweep_request = (struct clone_request){ .flags = variants[i] };
			/* one for each level and for the namespace, besides the process */
			assert_true(kin_fail_each(clone_swept, undo_clone) >
				    depth + (variants[i] & PROC_NEW_IDS ? 2 : 0));
			assert_int_equal(nr_namespaces(), depth + 1);
			kin_end();
		}
	}
}

static err_t
group_swept(void)
{
	return proc_set_group(swept, swept, 0);
}

static err_t
session_swept(void)
{
	return proc_new_session(swept);
}

/* undo_group - the child in a group of its own is replaced by one that is not. */
static void
undo_group(void)
{
	struct process *parent = swept->parent;

	kin_bury(swept, 0);
	swept = kin_child(parent, 0);
}

static void
groups_unwind_too(void **state)
{
	(void)state;
	swept = kin_child(inside(inside(kin_first())), 0);
	assert_true(kin_fail_each(group_swept, undo_group) >= 1);
	assert_true(kin_fail_each(session_swept, undo_group) >= 1);
	kin_end();
}

TEST_SUITE(namespace, cmocka_unit_test(each_has_an_id_in_each_namespace_around_it),
	   cmocka_unit_test(nobody_looks_out), cmocka_unit_test(callers_get_ids_of_their_own),
	   cmocka_unit_test(numbers_of_a_namespace_rest_too),
	   cmocka_unit_test(a_wanted_id_is_the_roots),
	   cmocka_unit_test(combinations_are_those_of_linux), cmocka_unit_test(nesting_has_a_limit),
	   cmocka_unit_test(orphans_stay_inside),
	   cmocka_unit_test(the_end_of_init_is_the_end_of_all),
	   cmocka_unit_test(stragglers_end_outside),
	   cmocka_unit_test(tombstones_go_with_their_init),
	   cmocka_unit_test(a_reference_keeps_the_namespace),
	   cmocka_unit_test(a_group_keeps_the_namespace),
	   cmocka_unit_test(an_inner_init_does_not_become_the_roots),
	   cmocka_unit_test(kill_reaches_what_its_caller_sees),
	   cmocka_unit_test(init_is_shielded_from_inside),
	   cmocka_unit_test(groups_have_numbers_in_each_namespace),
	   cmocka_unit_test(sessions_have_numbers_in_each_namespace),
	   cmocka_unit_test(many_are_found_in_many),
	   cmocka_unit_test(exhaustion_inside_is_an_error), cmocka_unit_test(every_failure_unwinds),
	   cmocka_unit_test(groups_unwind_too))
