/*
 * proc_table.h - the process table: ids, lookup by id, and the list of all.
 */
#pragma once

#include <anymm/process.h>
#include <anymm/slab.h>

#include "base/root.h"

/* Ids are 1 .. PROCESS_ID_MAX, as on Linux with many CPUs. */
#define PROCESS_ID_MAX 4194304u

/* [l] lock */
struct proc_state {
	struct slab_cache processes;	 /* of struct process */
	struct lock	  lock;		 /* RANK_PROC: the table and the tree */
	struct process	**buckets;	 /* [l] by hash of the id; a block of frames */
	pfn_t		  bucket_frames; /* [l] that block */
	unsigned	  bucket_order;	 /* [l] of that block */
	uint64_t	  nr_ids;	 /* [l] ids taken, reservations included */
	uint64_t	  nr_published;	 /* [l] processes in the list of all */
	uint32_t	  next_id;	 /* [l] where the search for a free id goes on */
	struct list	  all;		 /* [l] of struct process.all, in order of creation */
	struct process	 *first;	 /* [l] takes the orphans; NULL: nobody does */
};
static_assert(sizeof(struct proc_state) <= ARCH_PAGE_SIZE, "the state fits its frame");

static inline struct proc_state *
proc_state(void)
{
	return root()->part[ROOT_PROC];
}

/*
 * table_reserve - a process object with an id that nobody else can get now. It
 * is not found and not listed before table_publish.
 *   gives  id 0: the next free one in rising order, so that an id rests as long as possible
 *   fails  ERR_EXIST: the id is in use; ERR_INVAL: there is no such id; ERR_AGAIN:
 *          all are in use; ERR_NOMEM. Nothing changed
 */
err_t table_reserve(uint32_t id, struct process **out);

/* table_release - the process leaves the table and is freed. */
void table_release(struct process *proc);

/* table_publish - the process is found and listed from now on. HOLDS the table's lock. */
void table_publish(struct process *proc);

/* table_init, table_drain - at boot; and spare frames. */
err_t table_init(void);
void  table_drain(void);
