/*
 * replica.h - for each node a cache of one space's translations, in tables of that node.
 *
 *	pt->root ── reference tables, shared and counted as ever ── what is true
 *	node 0   ── root ── tables of this space alone ─┐ filled by faults of CPUs there;
 *	node 1   ── root ── tables of this space alone ─┘ emptied by every shootdown
 *
 * The CPUs of a node walk the node's tables, and a miss there is a fault that copies one entry
 * from the reference. A replica never allows more than the reference does: who takes something away
 * there ends in a shootdown, and that empties the replicas before it asks any CPU to flush.
 *
 * Entries of a replica are special: they count nothing. So the reference alone decides about
 * sharing, and forks, copies and page-out never see a replica.
 */
#pragma once

#include <anymm/list.h>
#include <anymm/lock.h>
#include <anymm/pt.h>

/* [r] lock   [a] atomic */
struct replica {
	alignas(CACHE_LINE) struct lock lock; /* RANK_REPLICA: all tables below the root */
	_Atomic uint64_t root; /* [a] set under the lock; pfn_none().n: the CPUs of the node walk
				* the reference */
};

/* [c] constant after create   [l] the lock of the list */
struct replicas {
	pfn_t	       frame;	       /* [c] that holds this */
	struct list    link;	       /* [l] among all that have replicas (pt_state.replicas) */
	struct replica node[NODE_MAX]; /* by number; those without RAM have none */
};

/* Tables that have been unhooked from replicas and wait for the flush. */
struct replica_tables {
	pfn_t first; /* linked through frame->table.next, pfn_none(): none */
};

/* pt_has_replicas - tested first wherever replicas cost something. */
static inline bool
pt_has_replicas(const struct pt *pt)
{
	return atomic_load_explicit(&pt->replicas, memory_order_acquire) != NULL;
}

/* pt_root_here - the root that CPUs of the calling CPU's node load for this space. */
pfn_t pt_root_here(const struct pt *pt);

/*
 * replica_fill - the replica of the calling CPU's node allows the access, if the reference does. A
 * node that has no memory for it gives its replica up and walks the reference from now on.
 *   needs  pt_has_replicas; interrupts on. HOLDS_READ the space's lock
 */
void replica_fill(struct pt *pt, vaddr_t va, enum access access);

/*
 * replicas_empty - take these pages, or everything, out of all replicas of the space. To be called
 * between the change of the reference and the flush; `gone` is freed after that.
 * replicas_empty_all - everything, of all spaces.
 */
void replicas_empty(struct pt *pt, const vaddr_t *pages, unsigned nr_pages, bool whole_space,
		    struct replica_tables *gone);
void replicas_empty_all(struct replica_tables *gone);

/* replica_tables_free - every CPU has flushed since they were unhooked. */
void replica_tables_free(struct replica_tables *gone);

/* replicas_destroy - with all tables that are left. The space dies: no CPU has anything of it. */
void replicas_destroy(struct pt *pt);
