/*
 * proc_fork.c - fork in all its variants: steps that are undone in reverse.
 *
 *	a new process		a new thread		undone by
 *	flags			flags			-
 *	signals			signals			no more come to the child
 *	limits			limits			the account pays for one fewer
 *	namespace of ids	-			reference dropped
 *	id and descriptor	id and record		given back
 *	home			-			counts one thread fewer
 *	space			-			reference dropped
 *	resources		-			references dropped
 *	its thread's body	the thread's body	given back
 *	its thread's signals	the thread's signals	-
 *	readers of the space	readers of the space	- (nobody can tell)
 *	publish and start	publish and start	(nothing after it can fail)
 *
 * Until it is published, nobody but its maker can reach the child, so a failure takes back
 * what was made and the parent is as before. Whether the parent may still fork is looked at
 * twice: at first, and where the child would become visible.
 *
 * So it is with signals: what waits for the caller at first is taken before there is a child, and
 * what ends its process keeps the child from being seen at last. What is sent to many in between
 * comes to parent and child, as if it had been sent when both were there. So nobody who kills
 * a group misses a member that is on its way, and a fork is not begun again and again.
 */
#include <anymm/reclaim.h>

#include "base/assert.h"
#include "proc/account.h"
#include "proc/body.h"
#include "proc/group.h"
#include "proc/handlers.h"
#include "proc/home.h"
#include "proc/life.h"
#include "proc/namespace.h"
#include "proc/pending.h"
#include "proc/state.h"
#include "proc/thread.h"

#define KNOWN_FLAGS \
	(PROC_EXIT_SIGNAL | PROC_SHARE_SPACE | PROC_SHARE_FS | PROC_SHARE_HANDLES | \
	 PROC_SHARE_HANDLERS | PROC_SUSPEND | PROC_SAME_PARENT | PROC_THREAD | PROC_NEW_MOUNT | \
	 PROC_NEW_IDS | PROC_DEFAULT_HANDLERS | PROC_NO_REAP | PROC_EMPTY_HANDLES | PROC_SET_TLS)

/* One fork on its way. The steps fill in the rest. */
struct fork {
	struct thread		   *caller;
	struct process		   *parent; /* the caller's process */
	const struct clone_request *request;
	uint64_t		    flags;
	struct fork_signals	    signals; /* hear_signals: in parent->forks, unless a thread */
	struct account		   *account;
	struct namespace	   *ids;    /* take_namespace: the child's */
	struct process		   *child;  /* make_process */
	struct thread		   *thread; /* make_process, make_thread: the result */
	struct handlers	   *handlers;	    /* take_handlers: for a parent that has none to share */
	struct clone_result result;	    /* describe */
};

/* ---- flags ---- */

/* Each flag needs the other. */
static const struct {
	uint64_t flag, needs;
} needs[] = {
	{ PROC_SHARE_HANDLERS, PROC_SHARE_SPACE },
	{ PROC_THREAD, PROC_SHARE_HANDLERS },
};

/* The two say opposite things; a thread has no parent to tell, and nothing of its own. */
static const struct {
	uint64_t one, other;
} excludes[] = {
	{ PROC_NEW_MOUNT, PROC_SHARE_FS },
	{ PROC_DEFAULT_HANDLERS, PROC_SHARE_HANDLERS },
	{ PROC_EMPTY_HANDLES, PROC_SHARE_HANDLES },
	{ PROC_SAME_PARENT, PROC_EXIT_SIGNAL },
	{ PROC_THREAD, PROC_EXIT_SIGNAL },
	{ PROC_THREAD, PROC_NEW_MOUNT },
	{ PROC_THREAD, PROC_EMPTY_HANDLES },
	{ PROC_THREAD, PROC_NO_REAP },
	{ PROC_THREAD, PROC_NEW_IDS },
};

static bool
are_legal(uint64_t flags)
{
	if (flags & ~KNOWN_FLAGS || (flags & PROC_EXIT_SIGNAL) > SIGNAL_NR)
		return false;
	for (unsigned i = 0; i < ARRAY_SIZE(needs); i++) {
		if (flags & needs[i].flag && !(flags & needs[i].needs))
			return false;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(excludes); i++) {
		if (flags & excludes[i].one && flags & excludes[i].other)
			return false;
	}
	return true;
}

/* leads_namespace - its children must stay below it, and init's siblings would have no parent. */
static bool
leads_namespace(const struct process *proc)
{
	bool leads;

	proc_lock();
	leads = namespace_is_init(proc);
	proc_unlock();
	return leads;
}

static err_t
check_request(struct fork *f)
{
	const struct clone_request *request = f->request;

	if (!are_legal(f->flags))
		return ERR_INVAL;
	if (request->space && f->flags & PROC_SHARE_SPACE)
		return ERR_INVAL;
	if (request->account && f->flags & PROC_THREAD)
		return ERR_INVAL;
	if (request->by_node && (request->node >= frame_nr_nodes() || f->flags & PROC_THREAD))
		return ERR_INVAL;
	if (f->flags & PROC_SAME_PARENT && leads_namespace(f->parent))
		return ERR_INVAL;
	if (body_check_request(f->caller, request) != OK)
		return ERR_INVAL;
	return f->flags & PROC_SUSPEND && thread_is_suspended(f->caller) ? ERR_BUSY : OK;
}

/* ---- signals ---- */

/* A stop that another thread has taken was for the caller, too, who just has not come to it. */
static err_t
hear_signals(struct fork *f)
{
	err_t err = OK;

	proc_lock();
	list_init(&f->signals.link);
	if (pending_for(f->caller) || f->parent->state == PROCESS_STOPPED)
		err = ERR_INTR;
	else if (!(f->flags & PROC_THREAD))
		list_insert_before(&f->parent->forks, &f->signals.link);
	proc_unlock();
	return err;
}

static void
forget_signals(struct fork *f)
{
	proc_lock();
	list_remove(&f->signals.link);
	proc_unlock();
}

/* ---- limits ---- */

static err_t
charge(struct fork *f)
{
	err_t err;

	proc_lock();
	f->account = f->request->account ? f->request->account : account_of(f->parent);
	if (f->account)
		resource_get(&f->account->resource);
	err = thread_may_make(f->caller) ? account_charge(f->account) : ERR_AGAIN;
	proc_unlock();
	if (err && f->account)
		resource_put(&f->account->resource);
	return err;
}

static void
discharge(struct fork *f)
{
	proc_lock();
	account_discharge(f->account);
	proc_unlock();
	if (f->account)
		resource_put(&f->account->resource);
}

/* ---- id and descriptor ---- */

static err_t
take_namespace(struct fork *f)
{
	if (f->flags & PROC_NEW_IDS)
		return namespace_make(f->parent->ids, &f->ids);
	f->ids = f->parent->ids;
	namespace_get(f->ids);
	return OK;
}

static void
drop_namespace(struct fork *f)
{
	namespace_put(f->ids);
}

static err_t
make_process(struct fork *f)
{
	err_t err = process_make(f->ids, f->request->id, &f->child);

	if (err == OK)
		f->thread = &f->child->main;
	return err;
}

static void
discard_process(struct fork *f)
{
	process_discard(f->child);
}

static err_t
make_thread(struct fork *f)
{
	return thread_make(f->parent->ids, f->request->id, &f->thread);
}

static void
discard_thread(struct fork *f)
{
	thread_discard(f->thread);
}

/* ---- home ---- */

static err_t
choose_home(struct fork *f)
{
	proc_lock();
	if (f->request->by_node)
		home_add(f->request->node, 1);
	f->child->home = f->request->by_node ? f->request->node : home_pick();
	proc_unlock();
	return OK;
}

static void
leave_home(struct fork *f)
{
	proc_lock();
	home_remove(f->child->home, 1);
	proc_unlock();
}

/* ---- space ---- */

/* next_stack - in user mode, of another thread than the caller: the lowest from `at` on; or empty. */
static struct va_range
next_stack(const struct fork *f, vaddr_t at)
{
	struct va_range lowest = { 0 };

	proc_lock();
	LIST_FOR_EACH(node, &f->parent->threads) {
		const struct thread *t = CONTAINER_OF(node, struct thread, link);
		bool is_other = t != f->caller && !t->has_ended && !range_is_empty(t->user_stack);

		if (is_other && t->user_stack.start >= at &&
		    (range_is_empty(lowest) || t->user_stack.start < lowest.start))
			lowest = t->user_stack;
	}
	proc_unlock();
	return lowest;
}

/* drop_other_stacks - what no thread of the child will use. Quadratic in threads, of which few fork. (LUN-35) */
static err_t
drop_other_stacks(const struct fork *f)
{
	struct va_range stack = next_stack(f, 0);
	err_t		err = OK;

	while (!range_is_empty(stack) && err == OK) {
		err = space_unmap(f->child->space, stack.start, stack.end - stack.start);
		stack = next_stack(f, stack.end);
	}
	return err;
}

static err_t
copy_space(struct fork *f)
{
	err_t err = space_fork_on(f->parent->space, f->child->home, &f->child->space);

	if (err)
		return err;
	err = drop_other_stacks(f);
	if (err)
		space_put(f->child->space);
	return err;
}

static err_t
inherit_space(struct fork *f)
{
	if (!f->request->space && !(f->flags & PROC_SHARE_SPACE))
		return copy_space(f);
	f->child->space = f->request->space ? f->request->space : f->parent->space;
	space_get(f->child->space);
	return OK;
}

static void
drop_space(struct fork *f)
{
	space_put(f->child->space);
}

/*
 * Two threads will run in the space at once, unless its only user is suspended meanwhile.
 * This is the last allocation, because it is not taken back.
 */
static err_t
add_reader(struct fork *f)
{
	bool shared = f->flags & PROC_SHARE_SPACE && !(f->flags & PROC_SUSPEND);

	return shared ? space_add_thread(f->parent->space) : OK;
}

/* ---- resources ---- */

static enum inherit
inheritance(const struct fork *f, unsigned slot)
{
	switch (slot) {
	case RESOURCE_HANDLES:
		return f->flags & PROC_SHARE_HANDLES   ? INHERIT_SHARE
		       : f->flags & PROC_EMPTY_HANDLES ? INHERIT_RESET
						       : INHERIT_COPY;
	case RESOURCE_FS:
		return f->flags & PROC_SHARE_FS ? INHERIT_SHARE : INHERIT_COPY;
	case RESOURCE_HANDLERS:
		return f->flags & PROC_DEFAULT_HANDLERS ? INHERIT_RESET : INHERIT_COPY;
	case RESOURCE_MOUNTS:
		return f->flags & PROC_NEW_MOUNT ? INHERIT_COPY : INHERIT_SHARE;
	default:
		return f->request->own[slot - RESOURCE_OWN];
	}
}

static void
drop_resources(struct fork *f)
{
	for (unsigned slot = RESOURCE_SLOTS; slot-- > 0;)
		resource_put(f->child->resources[slot]);
	if (f->handlers)
		resource_put(&f->handlers->resource);
}

/* is_later - shared handlers are taken when the child is published; the account is there already. */
static bool
is_later(const struct fork *f, unsigned slot)
{
	return slot == RESOURCE_ACCOUNT ||
	       (slot == RESOURCE_HANDLERS && f->flags & PROC_SHARE_HANDLERS);
}

static err_t
inherit_slot(struct fork *f, unsigned slot)
{
	struct resource *from = proc_resource(f->parent, (enum resource_slot)slot);
	err_t err = resource_inherit(from, inheritance(f, slot), &f->child->resources[slot]);

	resource_put(from);
	return err;
}

/* prepare_handlers - a parent that has no table gets one with the child, to share it. */
static err_t
prepare_handlers(struct fork *f)
{
	if (!(f->flags & PROC_SHARE_HANDLERS) || handlers_exist(f->parent))
		return OK;
	return handlers_create(&f->handlers);
}

static err_t
inherit_resources(struct fork *f)
{
	err_t err = OK;

	for (unsigned slot = 0; slot < RESOURCE_SLOTS && err == OK; slot++) {
		if (!is_later(f, slot))
			err = inherit_slot(f, slot);
	}
	if (err == OK)
		err = prepare_handlers(f);
	if (err)
		drop_resources(f);
	return err;
}

/* take_handlers - the table that both have from now on. HOLDS the lock. */
static void
take_handlers(struct fork *f)
{
	struct resource **mine = &f->parent->resources[RESOURCE_HANDLERS];

	if (!(f->flags & PROC_SHARE_HANDLERS))
		return;
	if (!*mine) {
		*mine = &f->handlers->resource;
		f->handlers = NULL;
	}
	f->child->resources[RESOURCE_HANDLERS] = resource_get(*mine);
}

/* ---- thread ---- */

static void
drop_body(struct fork *f)
{
	body_drop(f->thread);
}

/* WNX-B04: the caller's registers are read and nothing else. */
static err_t
make_body(struct fork *f)
{
	err_t err = body_make(f->thread);

	if (err)
		return err;
	err = body_inherit(f->thread, f->caller, f->request);
	if (err)
		drop_body(f);
	return err;
}

/* The mask is inherited; nothing is pending. An alternate stack would be shared with its owner. */
static err_t
copy_thread(struct fork *f)
{
	bool shares = f->flags & PROC_SHARE_SPACE && !(f->flags & PROC_SUSPEND);

	f->thread->blocked = f->caller->blocked;
	f->thread->alternate = (struct signal_stack){ .flags = SIGNAL_STACK_NONE };
	if (!shares && !f->request->space)
		f->thread->alternate = f->caller->alternate;
	return OK;
}

/* suspend - the caller waits for the child. HOLDS the lock. */
static void
suspend(struct fork *f)
{
	if (!(f->flags & PROC_SUSPEND))
		return;
	f->thread->suspends = f->caller;
	f->caller->waits_for = f->thread;
}

/* ---- publication ---- */

static void
describe_child(struct fork *f)
{
	bool same = f->flags & PROC_SAME_PARENT;

	f->child->exit_signal =
		same ? f->parent->exit_signal : (uint8_t)(f->flags & PROC_EXIT_SIGNAL);
	f->child->parent_execs = same ? f->parent->parent_execs : f->parent->nr_execs;
	f->child->no_reap = f->flags & PROC_NO_REAP;
	f->child->resources[RESOURCE_ACCOUNT] = f->account ? &f->account->resource : NULL;
}

/* may_publish - the caller's process does not end. HOLDS the lock. */
static err_t
may_publish(const struct fork *f)
{
	if (!thread_may_make(f->caller))
		return ERR_AGAIN;
	return signal_ends(f->caller) ? ERR_INTR : OK;
}

/* take_signals - that were sent to many meanwhile. HOLDS the lock. */
static void
take_signals(struct fork *f)
{
	list_remove(&f->signals.link);
	f->child->pending = f->signals.set;
}

/*
 * A parent that is dying still has its children to give away, this one too. Whoever kills a tree
 * comes to the caller, who is not condemned yet, and finds its siblings behind it.
 */
static err_t
publish_process(struct fork *f)
{
	struct process *to = f->flags & PROC_SAME_PARENT ? f->parent->parent : f->parent;
	err_t		err = may_publish(f);

	if (err)
		return err;
	if (to && process_is_dead(to))
		return ERR_AGAIN;
	take_signals(f);
	describe_child(f);
	take_handlers(f);
	group_join(f->parent->group, f->child);
	process_publish(f->child, to);
	if (f->flags & PROC_NEW_IDS)
		f->ids->init = f->child;
	suspend(f);
	return OK;
}

static err_t
publish_thread(struct fork *f)
{
	err_t err = may_publish(f);

	if (err)
		return err;
	if (f->parent->execs)
		return ERR_AGAIN;
	thread_start(f->thread, f->parent);
	account_move(f->account, account_of(f->parent), 1); /* another one may pay by now */
	home_add(f->parent->home, 1);
	f->parent->nr_charged++;
	suspend(f);
	return OK;
}

/* describe - now, because once the lock is given back the child may be gone at any moment. */
static void
describe(struct fork *f)
{
	f->result = (struct clone_result){
		.thread = f->thread,
		.process = f->thread->process,
		.id = namespace_number(f->parent->ids, &f->thread->node, f->thread->inner),
		.number = f->child ? proc_number(f->child) : 0,
	};
}

/* start - from here on it runs. HOLDS the lock: whoever kills it finds it runnable. */
static void
start(struct fork *f)
{
	void (*hook)(struct thread * t) = proc_state()->hooks.start;

	if (hook)
		hook(f->thread);
}

static err_t
publish(struct fork *f)
{
	err_t err;

	proc_lock();
	err = f->child ? publish_process(f) : publish_thread(f);
	if (err == OK) {
		describe(f);
		start(f);
	}
	proc_unlock();
	return err;
}

/* ---- steps ---- */

struct step {
	err_t (*run)(struct fork *f);
	void (*undo)(struct fork *f); /* NULL: there is nothing to undo */
};

static const struct step process_steps[] = {
	{ check_request, NULL },
	{ hear_signals, forget_signals },
	{ charge, discharge },
	{ take_namespace, drop_namespace },
	{ make_process, discard_process },
	{ choose_home, leave_home },
	{ inherit_space, drop_space },
	{ inherit_resources, drop_resources },
	{ make_body, drop_body },
	{ copy_thread, NULL },
	{ add_reader, NULL },
	{ publish, NULL },
};

static const struct step thread_steps[] = {
	{ check_request, NULL },  { hear_signals, forget_signals },
	{ charge, discharge },	  { make_thread, discard_thread },
	{ make_body, drop_body }, { copy_thread, NULL },
	{ add_reader, NULL },	  { publish, NULL },
};

static err_t
run_steps(struct fork *f, const struct step *steps, unsigned nr)
{
	err_t	 err = OK;
	unsigned done;

	for (done = 0; done < nr; done++) {
		err = steps[done].run(f);
		if (err)
			break;
	}
	while (err && done-- > 0) {
		if (steps[done].undo)
			steps[done].undo(f);
	}
	return err;
}

/* finish - what is left over when nothing can fail any more. */
static void
finish(struct fork *f)
{
	if (f->handlers)
		resource_put(&f->handlers->resource);
	if (!f->child && f->account)
		resource_put(&f->account->resource); /* the process holds one already */
	if (f->child)
		namespace_put(f->ids); /* the child holds one */
}

/* clone_once - proc_clone without page-out. */
static err_t
clone_once(struct thread *caller, const struct clone_request *request, struct clone_result *out)
{
	struct fork f = {
		.caller = caller,
		.parent = caller->process,
		.request = request,
		.flags = request->flags,
	};
	err_t err;

	REQUIRE(f.parent->space, "process %u forks after its exit", f.parent->id);
	if (f.flags & PROC_THREAD)
		err = run_steps(&f, thread_steps, ARRAY_SIZE(thread_steps));
	else
		err = run_steps(&f, process_steps, ARRAY_SIZE(process_steps));
	if (err)
		return err;
	finish(&f);
	*out = f.result;
	return OK;
}

err_t
proc_clone(struct thread *caller, const struct clone_request *request, struct clone_result *out)
{
	unsigned tries = 0;
	err_t	 err;

	do
		err = clone_once(caller, request, out);
	while (err == ERR_NOMEM && reclaim_retry(&tries));
	return err;
}

err_t
proc_fork(struct process *parent, uint64_t flags, uint32_t id, struct process **out)
{
	struct clone_request request = { .flags = flags, .id = id };
	struct clone_result  result;
	err_t		     err;

	if (flags & PROC_THREAD)
		return ERR_INVAL;
	err = proc_clone(&parent->main, &request, &result);
	if (err == OK)
		*out = result.process;
	return err;
}
