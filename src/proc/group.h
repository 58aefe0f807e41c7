/*
 * group.h - process groups, for the files that make and end processes.
 */
#pragma once

#include <anymm/process.h>

/* group_make - without id and members, or NULL: out of memory. group_discard - the opposite. */
struct group *group_make(void);
void	      group_discard(struct group *group);

/* All of these HOLD the process-table lock. */

/* group_open - the group gets its id, which no other has. */
void group_open(struct group *group, uint32_t id);

/* group_find - the group of this id, or NULL. */
struct group *group_find(uint32_t id);

/* group_join, group_leave - a group ends with its last member. */
void group_join(struct group *group, struct process *proc);
void group_leave(struct process *proc);
