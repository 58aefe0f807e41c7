/*
 * thread.c - threads as records: ids, ends, joins, and who waits for whom.
 *
 * The first thread is part of its process and has the process's id; the others come and go.
 * The record of a thread that has ended stays for one join, unless the thread is detached.
 * The end of the last thread ends the process. What it has of the machine is in body.c.
 *
 *	running ---thread_end---> ended ---thread_join---> gone
 *	   |                        |
 *	   +--- thread_detach ------+---> gone at the end, or at once if it has ended
 */
#include "proc/thread.h"

#include "base/assert.h"
#include "proc/account.h"
#include "proc/body.h"
#include "proc/home.h"
#include "proc/life.h"
#include "proc/namespace.h"
#include "proc/pending.h"
#include "proc/state.h"

static struct thread *
linked(struct list *node)
{
	return CONTAINER_OF(node, struct thread, link);
}

void
thread_start(struct thread *t, struct process *proc)
{
	t->process = proc;
	list_insert_before(&proc->threads, &t->link);
	proc->nr_running++;
}

err_t
thread_take_ids(struct thread *t, struct namespace *ns, uint32_t id)
{
	struct id_level *inner;
	err_t		 err = namespace_make_levels(ns, t, &inner);

	if (err)
		return err;
	proc_lock();
	err = ids_reserve(&t->node, inner, id);
	proc_unlock();
	if (err)
		namespace_drop_levels(inner);
	else
		t->inner = inner;
	return err;
}

void
thread_give_ids(struct thread *t)
{
	struct id_level *inner = t->inner;

	ids_release(&t->node, inner);
	t->inner = NULL;
	namespace_drop_levels(inner);
}

err_t
thread_make(struct namespace *ns, uint32_t id, struct thread **out)
{
	struct thread *t = slab_alloc(&proc_state()->threads);
	err_t	       err;

	if (!t)
		return ERR_NOMEM;
	list_init(&t->link);
	err = thread_take_ids(t, ns, id);
	if (err)
		slab_free(&proc_state()->threads, t);
	else
		*out = t;
	return err;
}

void
thread_discard(struct thread *t)
{
	proc_lock();
	thread_give_ids(t);
	proc_unlock();
	slab_free(&proc_state()->threads, t);
}

struct thread *
thread_running(struct process *proc, const struct thread *but)
{
	LIST_FOR_EACH(node, &proc->threads) {
		if (!linked(node)->has_ended && linked(node) != but)
			return linked(node);
	}
	return NULL;
}

struct thread *
thread_find_in(const struct namespace *ns, uint32_t id)
{
	struct id_node *node = ids_find(ids_scope(ns), id);
	struct thread  *t;

	if (!node)
		return NULL;
	t = ns->above ? namespace_level(node)->of : CONTAINER_OF(node, struct thread, node);
	return t->process && t->process->state != PROCESS_CREATED ? t : NULL;
}

struct process *
thread_find_process_in(const struct namespace *ns, uint32_t id)
{
	struct thread *t = thread_find_in(ns, id);

	return t && t == &t->process->main ? t->process : NULL;
}

/* find_own - a thread of this process by its id there. HOLDS the lock. */
static struct thread *
find_own(const struct process *proc, uint32_t id)
{
	struct thread *t = thread_find_in(proc->ids, id);

	return t && t->process == proc ? t : NULL;
}

struct thread *
thread_find(uint32_t id)
{
	return thread_find_for(NULL, id);
}

bool
thread_is_suspended(struct thread *t)
{
	bool suspended;

	proc_lock();
	suspended = t->waits_for != NULL;
	proc_unlock();
	return suspended;
}

void
thread_release_maker(struct thread *t)
{
	if (!t->suspends)
		return;
	t->suspends->waits_for = NULL;
	process_wake(t->suspends->process);
	t->suspends = NULL;
}

/* ---- ends ---- */

/* stop_waiting - t waits for nobody, and its maker not for t. HOLDS the lock. */
static void
stop_waiting(struct thread *t)
{
	thread_release_maker(t);
	if (t->waits_for)
		t->waits_for->suspends = NULL;
	t->waits_for = NULL;
	if (t->joins)
		t->joins->joined_by = NULL;
	t->joins = NULL;
}

/* cut_ties - and nobody waits for t. HOLDS the lock. */
static void
cut_ties(struct thread *t)
{
	stop_waiting(t);
	if (t->joined_by)
		t->joined_by->joins = NULL;
	t->joined_by = NULL;
}

/* remove - the record of a thread other than the first goes. HOLDS the lock. */
static void
remove(struct thread *t)
{
	struct process *proc = t->process;

	REQUIRE(t != &proc->main, "the first thread of process %u goes before it", proc->id);
	body_end(t);
	cut_ties(t);
	pending_drop(t);
	list_remove(&t->link);
	thread_give_ids(t);
	account_discharge(account_of(proc));
	proc->nr_charged--;
	slab_free(&proc_state()->threads, t);
}

void
thread_end_all(struct process *proc)
{
	struct list *node = proc->threads.next;

	while (node != &proc->threads) {
		struct thread *t = linked(node);

		node = node->next;
		if (t != &proc->main)
			remove(t);
	}
	cut_ties(&proc->main);
	pending_clear(proc, UINT64_MAX);
	body_end(&proc->main);
	proc->main.has_ended = true;
	home_remove(proc->home, proc->nr_running);
	proc->nr_running = 0;
}

/* end_one - one of several threads; false: it is the last, which ends with its process. */
static bool
end_one(struct thread *t, int32_t value)
{
	struct process *proc = t->process;

	if (proc->nr_running == 1)
		return false;
	stop_waiting(t);
	pending_drop(t);
	body_end(t);
	t->has_ended = true;
	t->value = value;
	proc->nr_running--;
	home_remove(proc->home, 1);
	if (t->detached && t != &proc->main)
		remove(t);
	process_wake(proc);
	return true;
}

bool
thread_end(struct thread *t, int32_t value)
{
	struct process *proc = t->process;
	bool		goes_on;
	int32_t		code;

	proc_lock();
	REQUIRE(!t->has_ended && !process_has_exited(proc), "thread %u ends twice", thread_id(t));
	code = proc->is_exiting ? proc->code : value;
	goes_on = end_one(t, value);
	proc_unlock();
	if (!goes_on)
		proc_exit(proc, code);
	return !goes_on;
}

void
thread_exit_group(struct thread *t, int32_t code)
{
	struct process *proc = t->process;

	proc_lock();
	if (!proc->is_exiting) {
		proc->is_exiting = true;
		proc->code = code;
		process_wake(proc);
	}
	proc_unlock();
}

/* ---- exec ---- */

static bool
must_end(const struct thread *t)
{
	const struct process *proc = t->process;

	return proc->is_exiting || (proc->execs && proc->execs != t);
}

bool
thread_may_make(const struct thread *t)
{
	return !must_end(t) && !t->process->is_ending;
}

bool
thread_must_end(struct thread *t)
{
	bool ends;

	proc_lock();
	ends = must_end(t);
	proc_unlock();
	return ends;
}

/* remove_ended - records that nobody will join. HOLDS the lock. */
static void
remove_ended(struct process *proc)
{
	struct list *node = proc->threads.next;

	while (node != &proc->threads) {
		struct thread *t = linked(node);

		node = node->next;
		if (t->has_ended && t != &proc->main)
			remove(t);
	}
}

/* take_first_place - t goes on as the first thread, which has ended. HOLDS the lock. */
static struct thread *
take_first_place(struct thread *t)
{
	struct thread *first = &t->process->main;

	if (t == first)
		return first;
	cut_ties(first);
	first->has_ended = false;
	first->detached = false;
	first->blocked = t->blocked;
	pending_drop(first);
	pending_move(t, first);
	first->alternate = t->alternate;
	first->data = t->data;
	body_move(t, first);
	first->suspends = t->suspends;
	if (first->suspends)
		first->suspends->waits_for = first;
	t->suspends = NULL;
	first->process->execs = first;
	remove(t);
	return first;
}

err_t
thread_begin_exec(struct thread *t, struct thread **out)
{
	struct process *proc = t->process;
	err_t		err = ERR_AGAIN;

	proc_lock();
	if (!must_end(t)) {
		if (!proc->execs)
			process_wake(proc);
		proc->execs = t;
		if (proc->nr_running == 1) {
			remove_ended(proc);
			*out = take_first_place(t);
			err = OK;
		}
	}
	proc_unlock();
	return err;
}

/* ---- joins ---- */

/* may_join - HOLDS the lock. */
static err_t
may_join(const struct thread *caller, const struct thread *t)
{
	if (!t)
		return ERR_SRCH;
	if (t == caller || t->joins == caller)
		return ERR_DEADLK;
	if (t->detached || (t->joined_by && t->joined_by != caller))
		return ERR_INVAL;
	return OK;
}

/* wait_for - caller waits for t, and for no other any more. HOLDS the lock. */
static void
wait_for(struct thread *caller, struct thread *t)
{
	if (caller->joins)
		caller->joins->joined_by = NULL;
	caller->joins = t;
	t->joined_by = caller;
}

/*
 * join - HOLDS the lock. The record of the first thread stays with its process: it becomes
 * detached, so that a second join finds nothing.
 */
static err_t
join(struct thread *caller, struct thread *t, int32_t *value)
{
	err_t err = may_join(caller, t);

	if (err)
		return err;
	if (!t->has_ended) {
		wait_for(caller, t);
		return ERR_AGAIN;
	}
	*value = t->value;
	if (t != &t->process->main) {
		remove(t);
		return OK;
	}
	cut_ties(t);
	t->detached = true;
	return OK;
}

err_t
thread_join(struct thread *caller, uint32_t id, int32_t *value)
{
	err_t err;

	proc_lock();
	err = join(caller, find_own(caller->process, id), value);
	proc_unlock();
	return err;
}

err_t
thread_detach(struct process *proc, uint32_t id)
{
	struct thread *t;
	err_t	       err = OK;

	proc_lock();
	t = find_own(proc, id);
	if (!t)
		err = ERR_SRCH;
	else if (t->detached || t->joined_by)
		err = ERR_INVAL;
	else if (t->has_ended && t != &proc->main)
		remove(t);
	else
		t->detached = true;
	proc_unlock();
	return err;
}
