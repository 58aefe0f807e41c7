/*
 * state.h - what the process layer keeps in the machine, and the rules of its one lock.
 *
 * The lock (RANK_PROC) protects the table of ids, the tree, states, groups, accounts,
 * and pending signals. It is never held while a space or a resource is copied or given
 * back: that is long, and their locks rank behind it.
 */
#pragma once

#include <anymm/process.h>
#include <anymm/slab.h>

#include "base/root.h"
#include "proc/ids.h"

/* Handles below zero that every table of handles has: -2, -3, ... */
#define SPECIAL_HANDLES 4

/* [c] constant after boot   [l] lock   [a] atomic */
struct proc_state {
	struct slab_cache processes;	     /* of struct process */
	struct slab_cache threads;	     /* of struct thread, those that are not first */
	struct slab_cache fpus;		     /* of struct arch_fpu */
	struct slab_cache groups;	     /* of struct group */
	struct slab_cache accounts;	     /* of struct account */
	struct slab_cache fs_contexts;	     /* of struct fs_context */
	struct slab_cache handlers;	     /* of struct handlers */
	struct slab_cache notes;	     /* of struct note */
	struct slab_cache handle_tables;     /* of struct handle_table */
	struct slab_cache handle_nodes;	     /* of struct handle_node */
	struct slab_cache namespace_objects; /* of struct namespace */
	struct slab_cache levels;	     /* of struct id_level */
	struct lock	  lock;		     /* RANK_PROC */
	struct id_table	  ids;		     /* [l] */
	struct namespace root;		     /* [l] of all ids; its init takes the orphans */
	struct list	   namespaces;	     /* [l] of struct namespace.all, the root's first */
	uint32_t	   id_limit;	     /* [l] the largest */
	struct list	   all;		     /* [l] of struct process.all, in order of creation */
	uint64_t	   nr_published;     /* [l] processes in that list */
	struct family	   nobody;	     /* [l] processes without a parent */
	struct list	   walks;	     /* [l] of struct proc_walk.link */
	uint64_t	   nr_subreapers;    /* [l] */
	enum orphan_policy policy;	     /* [c] */
	enum home_policy   home_policy;	     /* [c] */
	uint64_t	   threads_on[NODE_MAX]; /* [l] that run in processes at home on the node */
	struct proc_hooks  hooks;		 /* [c] */
	struct thread_config threads_have;	 /* [c] */
	struct resource	    *special[SPECIAL_HANDLES]; /* [l] one reference each, or NULL */
	_Atomic uint64_t     nr_resources;	       /* [a] between resource_init and destroy */
};
static_assert(sizeof(struct proc_state) <= ARCH_PAGE_SIZE, "the state fits its frame");

static inline struct proc_state *
proc_state(void)
{
	return root()->part[ROOT_PROC];
}

static inline void
proc_lock(void)
{
	lock_acquire(&proc_state()->lock);
}

static inline void
proc_unlock(void)
{
	lock_release(&proc_state()->lock);
}
