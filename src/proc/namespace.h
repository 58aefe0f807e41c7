/*
 * namespace.h - namespaces of ids, for the files that make, name and end processes.
 */
#pragma once

#include <anymm/process.h>

/* namespace_root - the one that everybody has an id in. namespace_init - at boot. */
struct namespace *namespace_root(void);
void		  namespace_init(void);

/*
 * namespace_make - an empty one in `above`, which gets one more reference.
 *   gives  one reference, for namespace_put
 *   fails  ERR_NOSPC: nested too deep; ERR_NOMEM. Nothing changed
 */
err_t namespace_make(struct namespace *above, struct namespace **out);

/*
 * namespace_get, namespace_put - references; the root's is there anyway. put: no lock is held.
 * namespace_let_go - put by who HOLDS the lock.
 */
void namespace_get(struct namespace *ns);
void namespace_put(struct namespace *ns);
void namespace_let_go(struct namespace *ns);

/* namespace_of - the viewer's; NULL: the root's. */
struct namespace *namespace_of(const struct process *viewer);

/* namespace_is_inside - `ns` is `outer` or below it. */
bool namespace_is_inside(const struct namespace *ns, const struct namespace *outer);

/*
 * namespace_make_levels - records for the ids that a thread or a group has below the root, one
 * for each namespace from ns outwards, with no number yet; *out NULL if ns is the root's.
 *   fails  ERR_NOMEM: nothing changed
 * namespace_drop_levels - the opposite; their numbers have been given back.
 */
err_t namespace_make_levels(struct namespace *ns, void *of, struct id_level **out);
void  namespace_drop_levels(struct id_level *inner);

/* namespace_level - the record of a node that is not in the root's scopes. */
static inline struct id_level *
namespace_level(struct id_node *node)
{
	return CONTAINER_OF(node, struct id_level, node);
}

/* All of these HOLD the process-table lock. */

/* namespace_number - of what has this node in the root's scope and these levels; 0: not in ns. */
uint32_t namespace_number(const struct namespace *ns, const struct id_node *node,
			  const struct id_level *inner);

/* namespace_number_of - of a process, as somebody in ns sees it; 0: not at all. HOLDS the lock. */
static inline uint32_t
namespace_number_of(const struct namespace *ns, const struct process *proc)
{
	return namespace_number(ns, &proc->main.node, proc->main.inner);
}

/* namespace_heir - the living init of ns or of the nearest namespace around it; NULL: nobody. */
struct process *namespace_heir(const struct namespace *ns);

/* namespace_is_init - of its own namespace. */
static inline bool
namespace_is_init(const struct process *proc)
{
	return proc->ids->init == proc;
}
