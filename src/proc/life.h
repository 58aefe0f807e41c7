/*
 * life.h - process objects between slab and tree, for the files that make and end them.
 */
#pragma once

#include <anymm/process.h>

/*
 * process_make - an object in state CREATED in this namespace, with ids that nobody else can
 * get now, one reference, and its main thread. It is not found and in no tree before
 * process_publish.
 *   fails  as thread_take_ids; ERR_NOMEM. Nothing changed
 */
err_t process_make(struct namespace *ns, uint32_t id, struct process **out);

/* process_discard - the opposite, before anybody has seen it. Its slots are empty. */
void process_discard(struct process *proc);

/* process_publish - ALIVE, found, and a child of parent (NULL: of nobody). HOLDS the lock. */
void process_publish(struct process *proc, struct process *parent);

/* process_move - to another state; stops on a move that is not legal. HOLDS the lock. */
void process_move(struct process *proc, enum process_state to);

/*
 * process_settle - nobody will ask for it: a dead process becomes a tombstone, and if it
 * has no children it is forgotten, and so are tombstones above it that have none left.
 * They go to the list, whose members process_put_all frees. HOLDS the lock.
 */
void process_settle(struct process *proc, struct list *forgotten);
void process_put_all(struct list *forgotten);

/* process_is_dead - it has exited; what is left of it is for its parent. HOLDS the lock. */
static inline bool
process_is_dead(const struct process *proc)
{
	return proc->state >= PROCESS_ZOMBIE;
}

/* process_has_exited - or is about to have. */
static inline bool
process_has_exited(const struct process *proc)
{
	return proc->state >= PROCESS_DYING;
}

/* process_wake - whoever sleeps for it looks again. NULL is fine. HOLDS the lock. */
void process_wake(struct process *proc);

/* process_take_resource - empty the slot; gives what was there with its reference. HOLDS the lock. */
struct resource *process_take_resource(struct process *proc, enum resource_slot slot);

/* process_stop - false: it is stopped already, or exits. HOLDS the lock. */
bool process_stop(struct process *proc, int32_t signal);

/* process_continue - a stopped one is alive again; false: it was not stopped. HOLDS the lock. */
bool process_continue(struct process *proc);
