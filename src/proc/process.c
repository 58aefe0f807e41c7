/*
 * process.c - process objects: states, references, lookup, and what a process holds.
 *
 *	state		legal next states	who moves it
 *	CREATED		ALIVE			process_publish
 *	ALIVE		STOPPED DYING		proc_stop, proc_exit
 *	STOPPED		ALIVE DYING		proc_continue, proc_exit
 *	DYING		ZOMBIE TOMBSTONE	proc_exit
 *	ZOMBIE		TOMBSTONE		process_settle, for wait or a parent's exit
 *	TOMBSTONE	FORGOTTEN		process_settle, once it has no children
 *	FORGOTTEN	-			freed with its last reference
 *
 * The tree holds one reference on each process in it. A forgotten process is out of the
 * tree, the table, and its group at once, while its memory stays as long as somebody looks.
 */
#include "base/assert.h"
#include "proc/account.h"
#include "proc/body.h"
#include "proc/family.h"
#include "proc/group.h"
#include "proc/handles.h"
#include "proc/handlers.h"
#include "proc/home.h"
#include "proc/life.h"
#include "proc/namespace.h"
#include "proc/state.h"
#include "proc/thread.h"

#define CAN_BECOME(state) (1u << PROCESS_##state)

static const uint8_t legal_moves[PROCESS_STATES] = {
	[PROCESS_CREATED] = CAN_BECOME(ALIVE),
	[PROCESS_ALIVE] = CAN_BECOME(STOPPED) | CAN_BECOME(DYING),
	[PROCESS_STOPPED] = CAN_BECOME(ALIVE) | CAN_BECOME(DYING),
	[PROCESS_DYING] = CAN_BECOME(ZOMBIE) | CAN_BECOME(TOMBSTONE),
	[PROCESS_ZOMBIE] = CAN_BECOME(TOMBSTONE),
	[PROCESS_TOMBSTONE] = CAN_BECOME(FORGOTTEN),
};

void
process_move(struct process *proc, enum process_state to)
{
	REQUIRE(proc->state < PROCESS_STATES && legal_moves[proc->state] >> to & 1,
		"process %u goes from state %u to %u", proc->id, proc->state, to);
	if (to == PROCESS_TOMBSTONE)
		family_count_out(proc);
	proc->state = to;
}

/* ---- birth ---- */

static void
init_links(struct process *proc)
{
	family_init(&proc->family);
	list_init(&proc->sibling);
	list_init(&proc->report_link);
	list_init(&proc->all);
	list_init(&proc->member);
	list_init(&proc->condemned);
	list_init(&proc->threads);
	list_init(&proc->forks);
}

err_t
process_make(struct namespace *ns, uint32_t id, struct process **out)
{
	struct proc_state *state = proc_state();
	struct process	  *proc = slab_alloc(&state->processes);
	err_t		   err;

	if (!proc)
		return ERR_NOMEM;
	init_links(proc);
	atomic_init(&proc->refs, 1);
	proc->nr_charged = 1;
	thread_start(&proc->main, proc);
	err = thread_take_ids(&proc->main, ns, id);
	if (err) {
		slab_free(&state->processes, proc);
		return err;
	}
	namespace_get(ns);
	proc->ids = ns;
	proc->id = thread_id(&proc->main);
	*out = proc;
	return OK;
}

void
process_discard(struct process *proc)
{
	proc_lock();
	thread_give_ids(&proc->main);
	proc_unlock();
	namespace_put(proc->ids);
	slab_free(&proc_state()->processes, proc);
}

void
process_publish(struct process *proc, struct process *parent)
{
	struct proc_state *state = proc_state();

	process_move(proc, PROCESS_ALIVE);
	family_add(proc, parent);
	list_insert_before(&state->all, &proc->all);
	state->nr_published++;
	if (!parent && !proc->ids->init)
		proc->ids->init = proc;
}

err_t
proc_create(uint32_t id, struct space *sp, struct process **out)
{
	struct process *proc;
	struct group   *group;
	err_t		err = process_make(namespace_root(), id, &proc);

	if (err)
		return err;
	err = body_make(&proc->main);
	if (err == OK)
		err = group_make(proc, &group);
	if (err) {
		body_drop(&proc->main);
		process_discard(proc);
		return err;
	}
	space_get(sp);
	proc->space = sp;
	proc_lock();
	group_open(group, proc);
	group_join(group, proc);
	proc->home = platform_node();
	home_add(proc->home, 1);
	process_publish(proc, NULL);
	proc_unlock();
	*out = proc;
	return OK;
}

/* ---- death ---- */

/* forget - out of the tree, the table, the group, and the account's count. HOLDS the lock. */
static void
forget(struct process *proc)
{
	process_move(proc, PROCESS_FORGOTTEN);
	family_remove(proc);
	list_remove(&proc->all);
	proc_state()->nr_published--;
	group_leave(proc);
	account_leave(proc);
	thread_give_ids(&proc->main);
}

void
process_settle(struct process *proc, struct list *forgotten)
{
	process_move(proc, PROCESS_TOMBSTONE);
	while (proc && proc->state == PROCESS_TOMBSTONE && !proc->family.nr_children) {
		struct process *parent = proc->parent;

		forget(proc);
		list_insert_before(forgotten, &proc->sibling);
		proc = parent;
	}
}

void
process_put_all(struct list *forgotten)
{
	while (!list_is_empty(forgotten)) {
		struct list *node = forgotten->next;

		list_remove(node);
		proc_put(CONTAINER_OF(node, struct process, sibling));
	}
}

/* ---- references ---- */

void
proc_get(struct process *proc)
{
	uint32_t before = atomic_fetch_add_explicit(&proc->refs, 1, memory_order_relaxed);

	REQUIRE(before != 0 && before != UINT32_MAX, "process %u has %u references", proc->id,
		before);
}

void
proc_put(struct process *proc)
{
	struct proc_state *state = proc_state();
	uint32_t	   before = atomic_fetch_sub_explicit(&proc->refs, 1, memory_order_acq_rel);

	REQUIRE(before != 0, "process %u has %u references", proc->id, before);
	if (before > 1)
		return;
	REQUIRE(proc->state == PROCESS_FORGOTTEN, "the last reference of process %u in state %u",
		proc->id, proc->state);
	if (state->hooks.release)
		state->hooks.release(proc);
	resource_put(proc->resources[RESOURCE_ACCOUNT]);
	namespace_put(proc->ids);
	slab_free(&state->processes, proc);
}

/* ---- lookup ---- */

struct process *
proc_find(uint32_t id)
{
	return proc_find_for(NULL, id);
}

struct process *
proc_lookup(uint32_t id)
{
	struct process *proc;

	proc_lock();
	proc = thread_find_process_in(namespace_root(), id);
	if (proc)
		proc_get(proc);
	proc_unlock();
	return proc;
}

struct process *
proc_find_child(struct process *parent, uint32_t number)
{
	struct id_node *node;

	proc_lock();
	node = ids_find(ids_child_scope(parent), number);
	proc_unlock();
	return node ? CONTAINER_OF(node, struct process, child_node) : NULL;
}

static struct process *
listed(struct list *node)
{
	return node == &proc_state()->all ? NULL : CONTAINER_OF(node, struct process, all);
}

struct process *
proc_first(void)
{
	return listed(proc_state()->all.next);
}

struct process *
proc_next(struct process *proc)
{
	return listed(proc->all.next);
}

uint64_t
proc_count(void)
{
	return proc_state()->nr_published;
}

struct process *
proc_init_process(void)
{
	struct process *proc;

	proc_lock();
	proc = namespace_root()->init;
	proc_unlock();
	return proc;
}

void
process_wake(struct process *proc)
{
	const struct proc_hooks *hooks = &proc_state()->hooks;

	if (!proc)
		return;
	atomic_fetch_add_explicit(&proc->events, 1, memory_order_release);
	if (hooks->wake)
		hooks->wake(proc);
}

/* ---- what it holds ---- */

struct resource *
proc_resource(struct process *proc, enum resource_slot slot)
{
	struct resource *resource;

	proc_lock();
	resource = resource_get(proc->resources[slot]);
	proc_unlock();
	return resource;
}

/* swap - what was in the slot, with its reference. HOLDS the lock. */
static struct resource *
swap(struct process *proc, enum resource_slot slot, struct resource *next)
{
	struct resource *old = proc->resources[slot];

	proc->resources[slot] = next;
	return old;
}

struct resource *
process_take_resource(struct process *proc, enum resource_slot slot)
{
	return swap(proc, slot, NULL);
}

void
proc_set_resource(struct process *proc, enum resource_slot slot, struct resource *resource)
{
	struct resource *old;

	proc_lock();
	if (slot == RESOURCE_ACCOUNT)
		account_change(proc, (struct account *)resource);
	if (slot == RESOURCE_ACCOUNT || !process_has_exited(proc))
		old = swap(proc, slot, resource);
	else
		old = resource;
	proc_unlock();
	resource_put(old);
}

err_t
proc_unshare(struct process *proc, enum resource_slot slot)
{
	struct resource *mine = proc_resource(proc, slot);
	struct resource *copy;
	err_t		 err = OK;

	/* One reference is ours, one the slot's. */
	if (resource_refs(mine) > 2) {
		err = resource_inherit(mine, INHERIT_COPY, &copy);
		if (err == OK)
			proc_set_resource(proc, slot, copy);
	}
	resource_put(mine);
	return err;
}

/* swap_space - gives the old one, whose reference is now the caller's. */
static struct space *
swap_space(struct process *proc, struct space *next)
{
	struct thread *t;
	struct space  *old;

	proc_lock();
	t = thread_running(proc, NULL);
	old = proc->space;
	proc->space = next;
	proc->nr_execs++;
	proc->exit_signal = SIGNAL_CHLD;
	proc->execs = NULL;
	proc->is_ending = false; /* who took a signal has ended of the exec before it could tell */
	t->alternate = (struct signal_stack){ 0 };
	body_exec(t);
	thread_release_maker(t);
	proc_unlock();
	return old;
}

void
proc_exec(struct process *proc, struct space *fresh)
{
	struct resource *handlers, *handles;

	REQUIRE(proc->space, "process %u executes a program after its exit", proc->id);
	REQUIRE(proc->nr_running == 1, "process %u executes a program with %u threads", proc->id,
		proc->nr_running);
	handlers = proc_resource(proc, RESOURCE_HANDLERS);
	handles = proc_resource(proc, RESOURCE_HANDLES);
	handlers_reset((struct handlers *)handlers);
	handle_table_exec((struct handle_table *)handles);
	resource_put(handles);
	resource_put(handlers);
	space_get(fresh);
	space_put(swap_space(proc, fresh));
}
