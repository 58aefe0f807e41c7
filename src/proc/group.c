/*
 * group.c - process groups: who is waited for, signalled, and stopped together; and sessions.
 *
 * A group is an id with a list of members. The id is not given to a process while the group
 * lives, so whoever remembers a group by its id never meets a stranger. The namespace that it was
 * founded in lives as long: members that are left may all be outside.
 *
 *	session 5	group 5 <-- group 8	each group knows the first group of its session,
 *			    ^------ group 9	which counts them and stays, empty or not
 *
 * So the id of a session is reserved by the id of that group, and needs no records of its own.
 */
#include "proc/group.h"

#include "base/assert.h"
#include "proc/ids.h"
#include "proc/life.h"
#include "proc/namespace.h"
#include "proc/state.h"

err_t
group_make(const struct process *founder, struct group **out)
{
	struct group *group = slab_alloc(&proc_state()->groups);
	err_t	      err;

	if (!group)
		return ERR_NOMEM;
	list_init(&group->members);
	err = namespace_make_levels(founder->ids, group, &group->inner);
	if (err)
		slab_free(&proc_state()->groups, group);
	else
		*out = group;
	return err;
}

void
group_discard(struct group *group)
{
	if (!group)
		return;
	namespace_drop_levels(group->inner);
	slab_free(&proc_state()->groups, group);
}

void
group_open(struct group *group, const struct process *founder)
{
	const struct id_level *from = founder->main.inner;

	namespace_get(founder->ids);
	ids_insert(&group->node, ids_group_scope(namespace_root()), founder->id);
	for (struct id_level *to = group->inner; to; to = to->outer, from = from->outer)
		ids_insert(&to->node, ids_group_scope(to->in), from->node.number);
}

/* end - the opposite of group_open and group_make. HOLDS the lock. */
static void
end(struct group *group)
{
	struct namespace *ns = group->inner ? group->inner->in : namespace_root();

	ids_remove(&group->node);
	for (struct id_level *level = group->inner; level; level = level->outer)
		ids_remove(&level->node);
	group_discard(group);
	namespace_let_go(ns);
}

/* find_any - also one without members. HOLDS the lock. */
static struct group *
find_any(const struct namespace *ns, uint32_t id)
{
	struct id_node *node = ids_find(ids_group_scope(ns), id);

	if (!node)
		return NULL;
	return ns->above ? namespace_level(node)->of : CONTAINER_OF(node, struct group, node);
}

struct group *
group_find(const struct namespace *ns, uint32_t id)
{
	struct group *group = find_any(ns, id);

	return group && group->nr_members ? group : NULL;
}

void
group_join(struct group *group, struct process *proc)
{
	proc->group = group;
	group->nr_members++;
	list_insert_before(&group->members, &proc->member);
}

/* leave_session - of a group without members. HOLDS the lock. */
static void
leave_session(struct group *group)
{
	struct group *first = group->session;

	if (first != group)
		end(group);
	if (first && --first->nr_groups == 0)
		end(first);
}

void
group_leave(struct process *proc)
{
	struct group *group = proc->group;

	REQUIRE(group && group->nr_members, "process %u is in no group", proc->id);
	list_remove(&proc->member);
	proc->group = NULL;
	if (--group->nr_members == 0)
		leave_session(group);
}

/* found - a group of proc's own, in this session; NULL: the first one. HOLDS the lock. */
static void
found(struct process *proc, struct group *fresh, struct group *session)
{
	group_open(fresh, proc);
	fresh->session = session;
	if (session)
		session->nr_groups++;
}

static void
move(struct process *proc, struct group *to)
{
	group_leave(proc);
	group_join(to, proc);
}

/* ---- who sees whom ---- */

/* number_for - of a group; NULL: the first session's. */
static uint32_t
number_for(const struct process *viewer, const struct group *group)
{
	return group ? namespace_number(namespace_of(viewer), &group->node, group->inner) : 0;
}

uint32_t
proc_group_for(const struct process *viewer, const struct process *proc)
{
	uint32_t id;

	proc_lock();
	id = number_for(viewer, proc->group);
	proc_unlock();
	return id;
}

uint32_t
proc_session_for(const struct process *viewer, const struct process *proc)
{
	uint32_t id;

	proc_lock();
	id = number_for(viewer, proc->group->session);
	proc_unlock();
	return id;
}

uint32_t
proc_group(const struct process *proc)
{
	return proc_group_for(NULL, proc);
}

uint32_t
proc_session(const struct process *proc)
{
	return proc_session_for(NULL, proc);
}

/* ---- changes ---- */

/* leads_session - HOLDS the lock. */
static bool
leads_session(const struct process *proc)
{
	const struct group *session = proc->group->session;

	return session && session->node.number == proc->id;
}

/* may_move - the caller may put proc into a group. HOLDS the lock. */
static err_t
may_move(const struct process *caller, const struct process *proc)
{
	if (proc != caller && proc->parent != caller)
		return ERR_SRCH;
	if (process_has_exited(proc))
		return ERR_SRCH;
	if (proc->group->session != caller->group->session || leads_session(proc))
		return ERR_PERM;
	return proc != caller && proc->nr_execs ? ERR_ACCES : OK;
}

/*
 * choose_group - an existing one of the caller's session, or the fresh one under proc's own
 * id; 0: that. HOLDS the lock.
 */
static err_t
choose_group(const struct process *caller, struct process *proc, uint32_t id, struct group **fresh,
	     struct group **out)
{
	uint32_t own = namespace_number(caller->ids, &proc->main.node, proc->main.inner);

	*out = group_find(caller->ids, id ? id : own);
	if (*out)
		return (*out)->session == caller->group->session ? OK : ERR_PERM;
	if (id && id != own)
		return ERR_PERM;
	found(proc, *fresh, caller->group->session);
	*out = *fresh;
	*fresh = NULL;
	return OK;
}

err_t
proc_set_group(struct process *caller, struct process *proc, uint32_t id)
{
	struct group *fresh, *group;
	err_t	      err = group_make(proc, &fresh);

	if (err)
		return err;
	proc_lock();
	err = may_move(caller, proc);
	if (err == OK)
		err = choose_group(caller, proc, id, &fresh, &group);
	if (err == OK && group != proc->group)
		move(proc, group);
	proc_unlock();
	group_discard(fresh);
	return err;
}

err_t
proc_new_session(struct process *proc)
{
	struct group *fresh;
	err_t	      err = group_make(proc, &fresh);

	if (err)
		return err;
	proc_lock();
	if (find_any(namespace_root(), proc->id)) {
		err = ERR_PERM;
	} else {
		found(proc, fresh, fresh);
		move(proc, fresh);
		fresh = NULL;
	}
	proc_unlock();
	group_discard(fresh);
	return err;
}
