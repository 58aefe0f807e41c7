/*
 * thread.h - thread records, for the files that make and end processes.
 */
#pragma once

#include <anymm/process.h>

/* thread_start - a zeroed record becomes a running thread of the process, in its list. */
void thread_start(struct thread *t, struct process *proc);

/*
 * thread_make - a record with an id, in no list yet. fails as ids_reserve; ERR_NOMEM
 * thread_discard - the opposite.
 */
err_t thread_make(uint32_t id, struct thread **out);
void  thread_discard(struct thread *t);

/* thread_of_node - of a node in the scope of ids; NULL for NULL. */
struct thread *thread_of_node(struct id_node *node);

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
