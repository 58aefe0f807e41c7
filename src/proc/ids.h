/*
 * ids.h - numbers and what they stand for: one hash table for all scopes.
 *
 * A scope is an address: a namespace for the ids of threads and processes in it, a field of it
 * for those of groups, a process for the numbers of its children. Every function HOLDS the
 * process-table lock.
 */
#pragma once

#include <anymm/process.h>

/* Ids are 1 .. PROCESS_ID_MAX, as on Linux with many CPUs. */
#define PROCESS_ID_MAX 4194304u

/* [l] the process-table lock */
struct id_table {
	struct id_node **buckets; /* [l] by hash of scope and number; a block of frames */
	pfn_t		 frames;  /* [l] that block */
	unsigned	 order;	  /* [l] of that block */
	uint64_t	 nr;	  /* [l] nodes */
};

/* The scopes: of ids, of groups, of the children of a process or (NULL) of nobody. */
const void *ids_scope(const struct namespace *ns);
const void *ids_group_scope(const struct namespace *ns);
const void *ids_child_scope(const struct process *parent);

/* ids_init - an empty table. fails ERR_NOMEM */
err_t ids_init(struct id_table *table);

/* ids_drain - a smaller array of buckets if most are empty. */
void ids_drain(struct id_table *table);

/* ids_insert - the number is free in that scope. Never fails: without memory chains get longer. */
void ids_insert(struct id_node *node, const void *scope, uint32_t number);

/* ids_remove - a node that is in no scope is left alone. */
void ids_remove(struct id_node *node);

/* ids_find - the node, or NULL. cost O(1) */
struct id_node *ids_find(const void *scope, uint32_t number);

/* ids_visit - each node of the table once, for check_all. The table does not change meanwhile. */
void ids_visit(void (*visit)(struct id_node *node, void *arg), void *arg);

/*
 * ids_reserve - give the node an id of its own in the root's namespace, and each of the levels
 * one in its namespace.
 *   gives  wanted 0, and in the levels: the next free one in rising order, from 1 again after
 *          the last, so that an id rests as long as possible. A group's id is not free
 *   fails  ERR_EXIST: the id is in use; ERR_INVAL: there is no such id; ERR_AGAIN:
 *          all are in use. Nothing changed
 */
err_t ids_reserve(struct id_node *node, struct id_level *inner, uint32_t wanted);

/* ids_release - the opposite. */
void ids_release(struct id_node *node, struct id_level *inner);

/* ids_number_child - the next number of the family that none of its children has. */
void ids_number_child(struct family *family, struct id_node *node, const struct process *parent);
