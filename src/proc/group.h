/*
 * group.h - process groups, for the files that make and end processes.
 */
#pragma once

#include <anymm/process.h>

/*
 * group_make - without id and members, for this process to found. fails ERR_NOMEM
 * group_discard - the opposite; NULL is fine.
 */
err_t group_make(const struct process *founder, struct group **out);
void  group_discard(struct group *group);

/* All of these HOLD the process-table lock. */

/* group_open - the group gets its founder's ids, which no other group has. */
void group_open(struct group *group, const struct process *founder);

/* group_find - the group with members that has this id in the namespace, or NULL. */
struct group *group_find(const struct namespace *ns, uint32_t id);

/* group_join, group_leave - a group ends with its last member, its session with its last group. */
void group_join(struct group *group, struct process *proc);
void group_leave(struct process *proc);
