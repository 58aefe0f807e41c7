/*
 * family.h - parents and children. Every function but family_visit HOLDS the process-table lock.
 */
#pragma once

#include <anymm/process.h>

void family_init(struct family *family);

/* family_of - the children of parent, or of nobody for NULL. */
struct family *family_of(struct process *parent);

/* family_add - the youngest child of parent from now on, with a number there. */
void family_add(struct process *child, struct process *parent);

/* family_remove - the child leaves; walks that stand below it go on behind it. */
void family_remove(struct process *child);

/* family_count_out - wait has nothing to report about the child any more. */
void family_count_out(struct process *child);

/* family_report - wait has something to report about the child, whose parent wakes up. */
void family_report(struct process *child, enum wait_event event);

/* family_withdraw - it has not any more. */
void family_withdraw(struct process *child, enum wait_event event);

/* family_tell_exit - the signal of the child's end, to its parent, if that lives. */
void family_tell_exit(struct process *child);

/*
 * family_orphan - the children of a dying process get another parent, or stay, by the policy.
 * Those that are forgotten by that go to the list.
 */
void family_orphan(struct process *proc, struct list *forgotten);

/* family_reaps_itself - the exited child leaves its parent nothing to wait for: it would be told by CHLD. */
bool family_reaps_itself(const struct process *child);

/*
 * family_visit - each process of a walk, with the lock, which is taken here, held over the visit and the
 * step on: a child that comes before its parent's visit is visited, too. A visit leaves the tree as it is.
 */
void family_visit(struct process *root, void (*visit)(struct process *proc, void *arg), void *arg);

/* family_walk_on - a walk that stands on a process goes to the next one. */
void family_walk_on(struct proc_walk *walk);
