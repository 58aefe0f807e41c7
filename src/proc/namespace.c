/*
 * namespace.c - namespaces of ids: who is in one, and how each is named in those around it.
 *
 *	thread: node		7	in the root's scope, part of the record
 *	  inner -> level	3	in its own namespace
 *	    outer -> level	5	in the one around that, and so on outwards
 *
 * Whoever lives in the root's namespace has no such records and pays nothing. A namespace lives
 * as long as a process in it, a group that was founded in it, or another namespace in it. While
 * its init lives, it is the subtree below that: orphans do not leave it, and when init ends all
 * of it does.
 */
#include "proc/namespace.h"

#include "proc/ids.h"
#include "proc/state.h"
#include "proc/thread.h"

struct namespace *
namespace_root(void)
{
	return &proc_state()->root;
}

void
namespace_init(void)
{
	struct proc_state *state = proc_state();

	list_init(&state->namespaces);
	list_insert_before(&state->namespaces, &state->root.all);
	state->root.next_id = 1;
}

/* ---- references ---- */

/* destroy - HOLDS the lock. */
static void
destroy(struct resource *resource)
{
	struct namespace *ns = CONTAINER_OF(resource, struct namespace, resource);
	struct namespace *above = ns->above;

	list_remove(&ns->all);
	slab_free(&proc_state()->namespace_objects, ns);
	namespace_let_go(above);
}

static const struct resource_ops namespace_ops = { .name = "namespace", .destroy = destroy };

err_t
namespace_make(struct namespace *above, struct namespace **out)
{
	struct proc_state *state = proc_state();
	struct namespace  *ns;

	if (above->level >= ID_NAMESPACE_DEPTH)
		return ERR_NOSPC;
	ns = slab_alloc(&state->namespace_objects);
	if (!ns)
		return ERR_NOMEM;
	resource_init(&ns->resource, &namespace_ops);
	namespace_get(above);
	ns->above = above;
	ns->level = above->level + 1;
	ns->next_id = 1;
	proc_lock();
	list_insert_before(&state->namespaces, &ns->all);
	proc_unlock();
	*out = ns;
	return OK;
}

void
namespace_get(struct namespace *ns)
{
	if (ns->above)
		resource_get(&ns->resource);
}

void
namespace_let_go(struct namespace *ns)
{
	if (ns->above)
		resource_put(&ns->resource);
}

void
namespace_put(struct namespace *ns)
{
	if (!ns->above)
		return;
	proc_lock();
	namespace_let_go(ns);
	proc_unlock();
}

/* ---- levels ---- */

err_t
namespace_make_levels(struct namespace *ns, void *of, struct id_level **out)
{
	struct id_level	 *inner = NULL;
	struct id_level **link = &inner;

	for (; ns->above; ns = ns->above) {
		struct id_level *level = slab_alloc(&proc_state()->levels);

		if (!level) {
			namespace_drop_levels(inner);
			return ERR_NOMEM;
		}
		level->in = ns;
		level->of = of;
		*link = level;
		link = &level->outer;
	}
	*out = inner;
	return OK;
}

void
namespace_drop_levels(struct id_level *inner)
{
	while (inner) {
		struct id_level *outer = inner->outer;

		slab_free(&proc_state()->levels, inner);
		inner = outer;
	}
}

uint32_t
namespace_number(const struct namespace *ns, const struct id_node *node,
		 const struct id_level *inner)
{
	if (!ns->above)
		return node->number;
	while (inner && inner->in != ns)
		inner = inner->outer;
	return inner ? inner->node.number : 0;
}

/* ---- who sees whom ---- */

struct namespace *
namespace_of(const struct process *viewer)
{
	return viewer ? viewer->ids : namespace_root();
}

bool
namespace_is_inside(const struct namespace *ns, const struct namespace *outer)
{
	while (ns->level > outer->level)
		ns = ns->above;
	return ns == outer;
}

struct process *
namespace_heir(const struct namespace *ns)
{
	while (!ns->init && ns->above)
		ns = ns->above;
	return ns->init;
}

uint32_t
thread_id_for(const struct process *viewer, const struct thread *t)
{
	uint32_t id;

	proc_lock();
	id = namespace_number(namespace_of(viewer), &t->node, t->inner);
	proc_unlock();
	return id;
}

uint32_t
proc_id_for(const struct process *viewer, const struct process *proc)
{
	return thread_id_for(viewer, &proc->main);
}

struct thread *
thread_find_for(const struct process *viewer, uint32_t id)
{
	struct thread *t;

	proc_lock();
	t = thread_find_in(namespace_of(viewer), id);
	proc_unlock();
	return t;
}

struct process *
proc_find_for(const struct process *viewer, uint32_t id)
{
	struct process *proc;

	proc_lock();
	proc = thread_find_process_in(namespace_of(viewer), id);
	proc_unlock();
	return proc;
}
