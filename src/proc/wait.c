/*
 * wait.c - what a parent hears of its children: exits, stops, continuations; and job control.
 *
 * A child with something to report stands in its parent's list of those, so a wait for any
 * child finds one at once, however many there are. Each report is given out once. A child
 * that nobody will wait for (no-reap, tombstones) reports nothing and is not counted.
 */
#include "proc/family.h"
#include "proc/group.h"
#include "proc/handlers.h"
#include "proc/life.h"
#include "proc/namespace.h"
#include "proc/send.h"
#include "proc/state.h"
#include "proc/thread.h"

#define WAIT_FLAGS (WAITF_STOPPED | WAITF_CONTINUED | WAITF_KEEP)

/* One wait: the reports it asks for as bits, and the group if it names one. */
struct wait {
	struct process		  *parent;
	const struct wait_request *request;
	unsigned		   events;
	struct group		  *group;
};

static unsigned
events_of(unsigned flags)
{
	return 1u << WAIT_EXITED | (flags & WAITF_STOPPED ? 1u << WAIT_STOPPED : 0) |
	       (flags & WAITF_CONTINUED ? 1u << WAIT_CONTINUED : 0);
}

static bool
is_child_to_wait_for(const struct wait *w, const struct process *proc)
{
	return proc && proc->parent == w->parent && !proc->no_reap &&
	       proc->state != PROCESS_CREATED && proc->state < PROCESS_TOMBSTONE;
}

/* named_child - by id or number, or NULL. */
static struct process *
named_child(const struct wait *w)
{
	struct id_node *node;

	if (w->request->which == WAIT_ID)
		return thread_find_process_in(namespace_of(w->parent), w->request->id);
	node = ids_find(ids_child_scope(w->parent), w->request->id);
	return node ? CONTAINER_OF(node, struct process, child_node) : NULL;
}

/* named_group - 0 names the parent's own; NULL: there is none. */
static struct group *
named_group(const struct wait *w)
{
	if (w->request->id)
		return group_find(namespace_of(w->parent), w->request->id);
	return w->parent ? w->parent->group : NULL;
}

/* first_report - a child with a report that is asked for, or NULL. */
static struct process *
first_report(const struct wait *w)
{
	LIST_FOR_EACH(node, &family_of(w->parent)->waitable) {
		struct process *child = CONTAINER_OF(node, struct process, report_link);

		if (child->reports & w->events && (!w->group || child->group == w->group))
			return child;
	}
	return NULL;
}

static bool
has_member_to_wait_for(const struct wait *w)
{
	LIST_FOR_EACH(node, &w->group->members) {
		if (is_child_to_wait_for(w, CONTAINER_OF(node, struct process, member)))
			return true;
	}
	return false;
}

/* choose - the child to report about. */
static err_t
choose(struct wait *w, struct process **out)
{
	switch (w->request->which) {
	case WAIT_ID:
	case WAIT_NUMBER:
		*out = named_child(w);
		if (!is_child_to_wait_for(w, *out))
			return ERR_CHILD;
		return (*out)->reports & w->events ? OK : ERR_AGAIN;
	case WAIT_GROUP:
		w->group = named_group(w);
		if (!w->group || !has_member_to_wait_for(w))
			return ERR_CHILD;
		break;
	case WAIT_ANY:
		if (!family_of(w->parent)->nr_awaitable)
			return ERR_CHILD;
		break;
	}
	*out = first_report(w);
	return *out ? OK : ERR_AGAIN;
}

static enum wait_event
first_event(unsigned reports)
{
	return (enum wait_event)__builtin_ctz(reports);
}

/* take - the report is given out. */
static void
take(const struct wait *w, struct process *child, struct wait_result *out, struct list *forgotten)
{
	enum wait_event event = first_event(child->reports & w->events);

	*out = (struct wait_result){
		.id = namespace_number(namespace_of(w->parent), &child->main.node,
				       child->main.inner),
		.number = proc_number(child),
		.event = event,
		.code = event == WAIT_EXITED ? child->code : child->stop_signal,
	};
	if (w->request->flags & WAITF_KEEP)
		return;
	if (event == WAIT_EXITED)
		process_settle(child, forgotten);
	else
		family_withdraw(child, event);
}

err_t
proc_wait(struct process *parent, const struct wait_request *request, struct wait_result *out)
{
	struct wait	w = { .parent = parent, .request = request };
	struct process *child;
	struct list	forgotten;
	err_t		err;

	if (request->flags & ~WAIT_FLAGS || request->which > WAIT_GROUP)
		return ERR_INVAL;
	w.events = events_of(request->flags);
	list_init(&forgotten);
	proc_lock();
	err = choose(&w, &child);
	if (err == OK)
		take(&w, child, out, &forgotten);
	proc_unlock();
	process_put_all(&forgotten);
	return err;
}

err_t
proc_reap(struct process *parent, struct process *child, int32_t *code)
{
	struct wait w = { .parent = parent };
	struct list forgotten;
	err_t	    err = OK;

	list_init(&forgotten);
	proc_lock();
	if (!is_child_to_wait_for(&w, child))
		err = ERR_CHILD;
	else if (child->state != PROCESS_ZOMBIE)
		err = ERR_AGAIN;
	if (err == OK) {
		*code = child->code;
		process_settle(child, &forgotten);
	}
	proc_unlock();
	process_put_all(&forgotten);
	return err;
}

/* ---- job control ---- */

/* tell_parent - of a change that is no exit. HOLDS the lock. */
static void
tell_parent(struct process *proc, enum wait_event event, enum wait_event opposite)
{
	struct process	  *parent = proc->parent;
	bool		   stopped = event == WAIT_STOPPED;
	struct signal_info info = {
		.signal = SIGNAL_CHLD,
		.code = stopped ? SIGNAL_CODE_STOPPED : SIGNAL_CODE_CONTINUED,
		.sender = parent ? namespace_number_of(parent->ids, proc) : 0,
		.status = stopped ? proc->stop_signal : SIGNAL_CONT,
	};

	family_withdraw(proc, opposite);
	family_report(proc, event);
	if (parent && !process_has_exited(parent) && handlers_want_child_stops(parent))
		signal_post(parent, &info);
	process_wake(proc);
}

/* process_stop - see life.h. */
bool
process_stop(struct process *proc, int32_t signal)
{
	if (proc->state != PROCESS_ALIVE || proc->is_exiting)
		return false;
	process_move(proc, PROCESS_STOPPED);
	proc->stop_signal = signal;
	tell_parent(proc, WAIT_STOPPED, WAIT_CONTINUED);
	return true;
}

bool
proc_stop(struct process *proc, int32_t signal)
{
	bool stops;

	proc_lock();
	stops = process_stop(proc, signal);
	proc_unlock();
	return stops;
}

/* process_continue - see life.h. */
bool
process_continue(struct process *proc)
{
	if (proc->state != PROCESS_STOPPED)
		return false;
	process_move(proc, PROCESS_ALIVE);
	tell_parent(proc, WAIT_CONTINUED, WAIT_STOPPED);
	return true;
}

bool
proc_continue(struct process *proc)
{
	bool continues;

	proc_lock();
	continues = process_continue(proc);
	proc_unlock();
	return continues;
}
