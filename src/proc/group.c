/*
 * group.c - process groups: who is waited for, signalled, and stopped together.
 *
 * A group is an id with a list of members. The id is not given to a process while the group
 * lives, so whoever remembers a group by its id never meets a stranger.
 */
#include "proc/group.h"

#include "base/assert.h"
#include "proc/ids.h"
#include "proc/life.h"
#include "proc/state.h"

struct group *
group_make(void)
{
	struct group *group = slab_alloc(&proc_state()->groups);

	if (group)
		list_init(&group->members);
	return group;
}

void
group_discard(struct group *group)
{
	slab_free(&proc_state()->groups, group);
}

void
group_open(struct group *group, uint32_t id)
{
	ids_insert(&group->node, ids_group_scope(), id);
}

struct group *
group_find(uint32_t id)
{
	struct id_node *node = ids_find(ids_group_scope(), id);

	return node ? CONTAINER_OF(node, struct group, node) : NULL;
}

void
group_join(struct group *group, struct process *proc)
{
	proc->group = group;
	group->nr_members++;
	list_insert_before(&group->members, &proc->member);
}

void
group_leave(struct process *proc)
{
	struct group *group = proc->group;

	REQUIRE(group && group->nr_members, "process %u is in no group", proc->id);
	list_remove(&proc->member);
	proc->group = NULL;
	if (--group->nr_members)
		return;
	ids_remove(&group->node);
	group_discard(group);
}

uint32_t
proc_group(const struct process *proc)
{
	return proc->group->node.number;
}

/* may_move - the caller may put proc into a group. HOLDS the lock. */
static err_t
may_move(const struct process *caller, const struct process *proc)
{
	if (proc != caller && proc->parent != caller)
		return ERR_SRCH;
	if (process_has_exited(proc))
		return ERR_SRCH;
	return proc != caller && proc->has_execed ? ERR_ACCES : OK;
}

/* choose_group - an existing one, or the fresh one under proc's own id. HOLDS the lock. */
static err_t
choose_group(const struct process *proc, uint32_t id, struct group **fresh, struct group **out)
{
	*out = group_find(id);
	if (*out)
		return OK;
	if (id != proc->id)
		return ERR_PERM;
	group_open(*fresh, id);
	*out = *fresh;
	*fresh = NULL;
	return OK;
}

err_t
proc_set_group(struct process *caller, struct process *proc, uint32_t id)
{
	struct group *fresh = group_make();
	struct group *group;
	err_t	      err;

	if (!fresh)
		return ERR_NOMEM;
	proc_lock();
	err = may_move(caller, proc);
	if (err == OK)
		err = choose_group(proc, id ? id : proc->id, &fresh, &group);
	if (err == OK && group != proc->group) {
		group_leave(proc);
		group_join(group, proc);
	}
	proc_unlock();
	group_discard(fresh);
	return err;
}
