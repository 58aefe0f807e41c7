/* kin.c - the helpers of kin.h. */
#include "unit/kin.h"

#include "proc/state.h"

struct kin_log kin_log;

/* ---- hooks ---- */

static void
note_wake(struct process *proc)
{
	kin_log.nr_wakes++;
	kin_log.last_woken = proc;
}

static void
note_start(struct thread *t)
{
	const struct process *proc = t->process;

	kin_log.nr_starts++;
	kin_log.last_started = t;
	kin_log.nr_incomplete += proc->state != PROCESS_ALIVE || !proc->space ||
				 list_is_empty(&proc->sibling) || list_is_empty(&proc->all);
}

static void
note_release(struct process *proc)
{
	(void)proc;
	kin_log.nr_releases++;
}

static bool
note_halt(struct process *proc)
{
	if (kin_log.nr_halts < ARRAY_SIZE(kin_log.halted))
		kin_log.halted[kin_log.nr_halts] = proc->id;
	kin_log.nr_halts++;
	return !kin_log.refuse_halt;
}

static void
note_init_exit(struct process *init, int32_t code, uint64_t nr_children)
{
	(void)init;
	(void)code;
	kin_log.nr_init_exits++;
	kin_log.init_children = nr_children;
}

static const struct proc_hooks hooks = {
	.wake = note_wake,
	.start = note_start,
	.release = note_release,
	.halt = note_halt,
	.init_exits = note_init_exit,
};

/* ---- processes ---- */

void
kin_begin(void *thread)
{
	(void)thread;
}

static struct process *
first_with(const struct machine_config *config, enum orphan_policy policy,
	   const struct thread_config *threads)
{
	struct space_layout layout = sketch_layout();
	struct process	   *proc;
	struct space	   *sp;

	machine_fresh_with(config);
	kin_log = (struct kin_log){ 0 };
	proc_configure(&hooks, policy);
	proc_configure_threads(threads);
	EXPECT_OK(space_create(&layout, &sp));
	sketch_map(sp, 1, 4, PROT_RW, 0);
	sketch_store_all(sp, 1, 4);
	EXPECT_OK(proc_create(0, sp, &proc));
	pt_deactivate(&sp->pt);
	space_put(sp);
	return proc;
}

struct process *
kin_first_with(uint64_t nr_frames, enum orphan_policy policy)
{
	return first_with(&(struct machine_config){ .nr_frames = nr_frames }, policy, NULL);
}

struct process *
kin_first_with_bodies(void)
{
	const struct thread_config whole_bodies = {
		.has_fpu = true,
		.has_stack = ARCH_PT_LEVELS > 2,
		.begin = kin_begin,
	};

	return first_with(&(struct machine_config){ .nr_frames = 8192, .nr_cpus = 2 },
			  ORPHANS_ADOPTED, &whole_bodies);
}

struct process *
kin_first_on(unsigned nr_nodes)
{
	return first_with(&(struct machine_config){ .nr_cpus = 2 * nr_nodes,
						    .nr_nodes = nr_nodes,
						    .nr_frames = 8192 },
			  ORPHANS_ADOPTED, NULL);
}

struct process *
kin_first(void)
{
	return kin_first_with(8192, ORPHANS_ADOPTED);
}

struct process *
kin_child(struct process *parent, uint64_t flags)
{
	struct process *child;

	EXPECT_OK(proc_fork(parent, PROC_SHARE_SPACE | flags, 0, &child));
	return child;
}

struct process *
kin_fork(struct process *parent)
{
	struct process *child;

	EXPECT_OK(proc_fork(parent, SIGNAL_CHLD, 0, &child));
	return child;
}

err_t
kin_clone(struct thread *caller, const struct clone_request *request, struct thread **out)
{
	struct clone_result result;
	err_t		    err = proc_clone(caller, request, &result);

	if (err)
		return err;
	assert_ptr_equal(result.process, result.thread->process);
	assert_ptr_equal(thread_find_for(caller->process, result.id), result.thread);
	if (request->flags & PROC_THREAD)
		assert_int_equal(result.number, 0);
	else
		assert_ptr_equal(proc_find_child(result.process->parent, result.number),
				 result.process);
	*out = result.thread;
	return OK;
}

void
kin_exit(struct process *proc, int32_t code)
{
	pt_deactivate(&proc->space->pt);
	proc_exit(proc, code);
	machine_check_invariants();
}

void
kin_bury(struct process *proc, int32_t code)
{
	int32_t got = code + 1;

	kin_exit(proc, code);
	EXPECT_OK(proc_reap(proc->parent, proc, &got));
	assert_int_equal(got, code);
	machine_check_invariants();
}

struct wait_result
kin_wait(struct process *parent)
{
	struct wait_result result = { 0 };

	EXPECT_OK(proc_wait(parent, &(struct wait_request){ .which = WAIT_ANY }, &result));
	return result;
}

static void
drop_all_zombies(void)
{
	struct wait_request request = { .which = WAIT_ANY };
	struct wait_result  result;

	while (proc_wait(NULL, &request, &result) == OK)
		;
}

/* exit_oldest - false: nobody lives. Dead ones may be older, with the living below them. */
static bool
exit_oldest(void)
{
	struct process *proc = proc_first();

	while (proc && !proc->space)
		proc = proc_next(proc);
	if (!proc)
		return false;
	pt_deactivate(&proc->space->pt);
	proc_exit(proc, 0);
	return true;
}

void
kin_end(void)
{
	machine_check_invariants();
	if (proc_init_process())
		proc_kill_descendants(proc_init_process(), 0);
	do
		drop_all_zombies();
	while (exit_oldest());
	assert_null(proc_first());
	assert_null(space_list_first());
	assert_int_equal(space_live_regions(), 0);
	for (int32_t special = HANDLE_SPECIAL_FIRST; special >= HANDLE_SPECIAL_LAST; special--)
		EXPECT_OK(handle_set_special(special, NULL));
	assert_int_equal(resource_live(), 0);
	assert_int_equal(kin_things(), 0);
	assert_int_equal(proc_state()->root.nr_ids, 0);
	machine_check();
}

/* ---- things ---- */

static struct kin_thing things[64];

struct kin_thing *
kin_thing_in(struct resource *resource)
{
	return CONTAINER_OF(resource, struct kin_thing, resource);
}

static void
destroy_thing(struct resource *resource)
{
	kin_thing_in(resource)->is_used = false;
}

static err_t copy_thing(struct resource *from, struct resource **out);
static err_t reset_thing(struct resource *from, struct resource **out);

static const struct resource_ops thing_ops = {
	.name = "thing",
	.copy = copy_thing,
	.reset = reset_thing,
	.destroy = destroy_thing,
};

struct resource *
kin_thing(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(things); i++) {
		if (things[i].is_used)
			continue;
		things[i] = (struct kin_thing){ .is_used = true };
		resource_init(&things[i].resource, &thing_ops);
		return &things[i].resource;
	}
	fail_msg("no room for another thing");
	return NULL;
}

static err_t
copy_thing(struct resource *from, struct resource **out)
{
	if (arch_inject_failure())
		return ERR_NOMEM;
	kin_thing_in(from)->nr_copies++;
	*out = kin_thing();
	return OK;
}

static err_t
reset_thing(struct resource *from, struct resource **out)
{
	if (arch_inject_failure())
		return ERR_NOMEM;
	kin_thing_in(from)->nr_resets++;
	*out = kin_thing();
	return OK;
}

unsigned
kin_things(void)
{
	unsigned nr = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(things); i++)
		nr += things[i].is_used;
	return nr;
}

/* ---- failures ---- */

struct kin_moment {
	struct digest	    digest;
	struct frame_totals totals;
	uint64_t	    regions, resources, ids, nodes;
	unsigned	    things;
};

static struct kin_moment
moment(void)
{
	anymm_drain();
	return (struct kin_moment){
		.digest = digest_all(),
		.totals = frame_totals(),
		.regions = space_live_regions(),
		.resources = resource_live(),
		.ids = proc_state()->root.nr_ids,
		.nodes = proc_state()->ids.nr,
		.things = kin_things(),
	};
}

static void
expect_same(const struct kin_moment *a, const struct kin_moment *b)
{
	assert_true(a->digest.lo == b->digest.lo && a->digest.hi == b->digest.hi);
	for (unsigned kind = 0; kind < FRAME_KINDS; kind++)
		assert_int_equal(a->totals.by_kind[kind], b->totals.by_kind[kind]);
	assert_int_equal(a->regions, b->regions);
	assert_int_equal(a->resources, b->resources);
	assert_int_equal(a->ids, b->ids);
	assert_int_equal(a->nodes, b->nodes);
	assert_int_equal(a->things, b->things);
}

void
kin_expect_no_trace(err_t (*call)(void), err_t wanted)
{
	struct kin_moment before = moment();
	struct kin_moment after;

	EXPECT_ERR(call(), wanted);
	machine_check_invariants();
	after = moment();
	expect_same(&before, &after);
}

static unsigned
fail_each(err_t (*call)(void), void (*undo)(void), bool and_all_after)
{
	for (unsigned n = 1;; n++) {
		struct kin_moment before = moment();
		struct kin_moment after;
		err_t		  err;

		machine_fail_allocation(n, and_all_after);
		err = call();
		machine_fail_allocation(0, false);
		if (err == OK) {
			undo();
			return n - 1;
		}
		assert_int_equal(err, ERR_NOMEM);
		machine_check_invariants();
		after = moment();
		expect_same(&before, &after);
	}
}

unsigned
kin_fail_each(err_t (*call)(void), void (*undo)(void))
{
	fail_each(call, undo, true);
	return fail_each(call, undo, false);
}
