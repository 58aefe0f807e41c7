/*
 * handlers.c - the table of signal actions: a resource that fork copies, shares or resets.
 *
 *	fork		 copy: the child starts with what its parent does
 *	SHARE_HANDLERS	 one table, seen by all who share it
 *	DEFAULT_HANDLERS a new table: ignored signals stay ignored, all others get their default
 *	exec		 the same, in place
 */
#include "proc/handlers.h"

#include "base/assert.h"
#include "proc/life.h"
#include "proc/pending.h"
#include "proc/state.h"

static struct handlers *
handlers_in(struct resource *resource)
{
	return CONTAINER_OF(resource, struct handlers, resource);
}

static void
destroy(struct resource *resource)
{
	slab_free(&proc_state()->handlers, handlers_in(resource));
}

static err_t copy(struct resource *from, struct resource **out);
static err_t reset(struct resource *from, struct resource **out);

static const struct resource_ops handlers_ops = {
	.name = "signal handlers",
	.copy = copy,
	.reset = reset,
	.destroy = destroy,
};

err_t
handlers_create(struct handlers **out)
{
	struct handlers *handlers = slab_alloc(&proc_state()->handlers);

	if (!handlers)
		return ERR_NOMEM;
	resource_init(&handlers->resource, &handlers_ops);
	*out = handlers;
	return OK;
}

static err_t
copy(struct resource *from, struct resource **out)
{
	const struct handlers *old = handlers_in(from);
	struct handlers	      *handlers;
	err_t		       err = handlers_create(&handlers);

	if (err)
		return err;
	proc_lock();
	for (unsigned i = 0; i < SIGNAL_NR; i++)
		handlers->action[i] = old->action[i];
	proc_unlock();
	*out = &handlers->resource;
	return OK;
}

static err_t
reset(struct resource *from, struct resource **out)
{
	err_t err = copy(from, out);

	if (err == OK)
		handlers_reset(handlers_in(*out));
	return err;
}

void
handlers_reset(struct handlers *handlers)
{
	if (!handlers)
		return;
	proc_lock();
	for (unsigned i = 0; i < SIGNAL_NR; i++) {
		bool ignored = handlers->action[i].handler == SIGNAL_IGNORE;

		handlers->action[i] = (struct signal_action){
			.handler = ignored ? SIGNAL_IGNORE : SIGNAL_DEFAULT,
		};
	}
	proc_unlock();
}

static struct handlers *
handlers_of(const struct process *proc)
{
	struct resource *resource = proc->resources[RESOURCE_HANDLERS];

	return resource ? handlers_in(resource) : NULL;
}

struct signal_action
handlers_action(const struct process *proc, unsigned signal)
{
	const struct handlers *handlers = handlers_of(proc);

	return handlers ? handlers->action[signal - 1]
			: (struct signal_action){ .handler = SIGNAL_DEFAULT };
}

void
handlers_set_default(struct process *proc, unsigned signal)
{
	handlers_of(proc)->action[signal - 1] = (struct signal_action){ 0 };
}

bool
handlers_ignore_children(const struct process *parent)
{
	struct signal_action action = handlers_action(parent, SIGNAL_CHLD);

	return action.handler == SIGNAL_IGNORE || action.flags & SIGNALF_NO_CHILD_WAIT;
}

bool
handlers_want_child_stops(const struct process *parent)
{
	struct signal_action action = handlers_action(parent, SIGNAL_CHLD);

	return action.handler != SIGNAL_IGNORE && !(action.flags & SIGNALF_NO_CHILD_STOP);
}

bool
handlers_exist(struct process *proc)
{
	bool exist;

	proc_lock();
	exist = proc->resources[RESOURCE_HANDLERS] != NULL;
	proc_unlock();
	return exist;
}

/* ensure_handlers - a table to write into, which an exited process gets no more. fails ERR_NOMEM */
static err_t
ensure_handlers(struct process *proc)
{
	struct handlers *fresh;
	err_t		 err;

	if (handlers_exist(proc))
		return OK;
	err = handlers_create(&fresh);
	if (err)
		return err;
	proc_lock();
	if (!proc->resources[RESOURCE_HANDLERS] && !process_has_exited(proc)) {
		proc->resources[RESOURCE_HANDLERS] = &fresh->resource;
		fresh = NULL;
	}
	proc_unlock();
	if (fresh)
		resource_put(&fresh->resource);
	return OK;
}

static bool
is_dropped(const struct signal_action *action, unsigned signal)
{
	enum signal_default otherwise = signal_default(signal);

	if (action->handler != SIGNAL_DEFAULT)
		return action->handler == SIGNAL_IGNORE;
	return otherwise == SIGNAL_IGNORED || otherwise == SIGNAL_CONTINUES;
}

/* set_action - fails ERR_SRCH: the process has exited. HOLDS the lock. */
static err_t
set_action(struct process *proc, unsigned signal, const struct signal_action *action)
{
	struct handlers	     *handlers = handlers_of(proc);
	struct signal_action *mine;

	if (!handlers)
		return ERR_SRCH;
	mine = &handlers->action[signal - 1];
	*mine = *action;
	mine->blocked &= ~(signal_bit(SIGNAL_KILL) | signal_bit(SIGNAL_STOP));
	if (is_dropped(action, signal))
		pending_clear(proc, signal_bit(signal)); /* sent, and ignored now */
	return OK;
}

err_t
signal_set_action(struct process *proc, unsigned signal, const struct signal_action *action,
		  struct signal_action *old)
{
	struct signal_action before;
	err_t		     err = OK;

	if (signal < 1 || signal > SIGNAL_NR ||
	    (action && (signal == SIGNAL_KILL || signal == SIGNAL_STOP)))
		return ERR_INVAL;
	if (action)
		err = ensure_handlers(proc);
	if (err)
		return err;
	proc_lock();
	before = handlers_action(proc, signal);
	if (action)
		err = set_action(proc, signal, action);
	proc_unlock();
	if (old && err == OK)
		*old = before;
	return err;
}
