/*
 * thread.h - thread records, for the files that make and end processes.
 */
#pragma once

#include <anymm/process.h>

/* thread_start - a zeroed record becomes a running thread of the process, in its list. */
void thread_start(struct thread *t, struct process *proc);

/*
 * thread_take_ids - a zeroed record gets an id, and one in each namespace from ns to the root's.
 *   fails  as ids_reserve; ERR_NOMEM. Nothing changed
 * thread_give_ids - the opposite. HOLDS the process-table lock.
 */
err_t thread_take_ids(struct thread *t, struct namespace *ns, uint32_t id);
void  thread_give_ids(struct thread *t);

/*
 * thread_make - a record with ids for a process in this namespace, in no list yet. fails as
 * thread_take_ids
 * thread_discard - the opposite.
 */
err_t thread_make(struct namespace *ns, uint32_t id, struct thread **out);
void  thread_discard(struct thread *t);

/*
 * thread_find_in - by its id in this namespace: of a process that is in the tree, or NULL.
 * thread_find_process_in - a process by its first thread. HOLD the process-table lock.
 */
struct thread  *thread_find_in(const struct namespace *ns, uint32_t id);
struct process *thread_find_process_in(const struct namespace *ns, uint32_t id);

/* thread_running - a thread of the process that has not ended, other than `but`; NULL: none. */
struct thread *thread_running(struct process *proc, const struct thread *but);

/* thread_may_make - another thread or a child. HOLDS the lock. */
bool thread_may_make(const struct thread *t);

/* thread_release_maker - whoever waits for t (PROC_SUSPEND) goes on. HOLDS the lock. */
void thread_release_maker(struct thread *t);

/*
 * thread_end_all - the process dies: none of its threads runs, and only the record of the
 * first is left. HOLDS the lock.
 */
void thread_end_all(struct process *proc);
