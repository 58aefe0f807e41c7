/*
 * handle.h - tables of handles: small numbers that name counted things.
 *
 * Handles are 0 .. limit - 1. Each slot holds one reference on what it names. Numbers below
 * zero from -2 on are special: they name the same things in every table, are in no slot, and
 * can be got and duplicated, but neither closed nor replaced.
 *
 * A new handle is the lowest free one from a given slot on, which is found in a few steps
 * however large the table is. Tables may be shared by threads and processes.
 */
#pragma once

#include <anymm/lock.h>
#include <anymm/resource.h>

#define HANDLE_LIMIT_MAX     (UINT32_C(1) << 24)
#define HANDLE_SPECIAL_FIRST (-2)
#define HANDLE_SPECIAL_LAST  (-5)

enum handle_flag {
	HANDLE_CLOSE_ON_EXEC = 1,
	HANDLE_EMPTY_CLOSES = 2, /* of handle_dup_to: a copy of nothing is nothing, no error */
};

struct handle_node;

/* [l] lock */
struct handle_table {
	struct resource	    resource;
	struct lock	    lock;   /* RANK_RESOURCE */
	struct handle_node *root;   /* [l] NULL: no handle at all */
	unsigned	    height; /* [l] levels of nodes */
	uint32_t	    limit;  /* [l] */
	uint32_t	    nr;	    /* [l] handles in use */
};

/* handle_table_create - empty, with one reference. fails ERR_INVAL: limit; ERR_NOMEM */
err_t handle_table_create(uint32_t limit, struct handle_table **out);

/* handle_set_limit - for new handles; those above it stay. fails ERR_INVAL */
err_t handle_set_limit(struct handle_table *table, uint32_t limit);

/* handle_count - handles in use. */
uint32_t handle_count(struct handle_table *table);

/*
 * handle_add - the lowest free handle from `from` on names the thing.
 *   takes  the caller's reference, on OK
 *   fails  ERR_INVAL: from is not below the limit, unknown flag; ERR_MFILE: all are in use;
 *          ERR_NOMEM. Nothing changed
 */
err_t handle_add(struct handle_table *table, struct resource *thing, uint32_t from, unsigned flags,
		 int32_t *out);

/* handle_get - what it names, with a reference for the caller; NULL: nothing. */
struct resource *handle_get(struct handle_table *table, int32_t handle);

/*
 * handle_dup - another handle for the same thing, the lowest free one from `from` on.
 *   fails  ERR_BADF: handle names nothing; else as handle_add
 */
err_t handle_dup(struct handle_table *table, int32_t handle, uint32_t from, unsigned flags,
		 int32_t *out);

/*
 * handle_dup_to - `to` names the same thing; what it named before is put. A handle onto
 * itself: nothing happens, its flags stay. With HANDLE_EMPTY_CLOSES and a handle that names
 * nothing, `to` names nothing afterwards either.
 *   fails  ERR_BADF: handle names nothing, or to is not below the limit; ERR_INVAL: unknown
 *          flag; ERR_NOMEM. Nothing changed
 */
err_t handle_dup_to(struct handle_table *table, int32_t handle, int32_t to, unsigned flags);

/* handle_close - free the slot. fails ERR_BADF: it names nothing, or is special */
err_t handle_close(struct handle_table *table, int32_t handle);

/* handle_close_range - all from first to last, both included; gives how many there were. */
uint32_t handle_close_range(struct handle_table *table, uint32_t first, uint32_t last);

/*
 * handle_take - free the slot and hand its reference to the caller. fails ERR_BADF
 * handle_put - put the caller's reference into that slot; what it named before is put.
 *   fails  ERR_BADF: not below the limit; ERR_NOMEM. Nothing changed, the reference is the caller's
 */
err_t handle_take(struct handle_table *table, int32_t handle, struct resource **out);
err_t handle_put(struct handle_table *table, int32_t handle, struct resource *thing);

/* handle_flags, handle_set_flags - fails ERR_BADF; ERR_INVAL: unknown flag */
err_t handle_flags(struct handle_table *table, int32_t handle, unsigned *out);
err_t handle_set_flags(struct handle_table *table, int32_t handle, unsigned flags);

/*
 * handle_set_special - what this number names in every table from now on (NULL: nothing);
 * takes over the caller's reference. fails ERR_INVAL: not a special number
 */
err_t handle_set_special(int32_t handle, struct resource *thing);
