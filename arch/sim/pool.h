/*
 * pool.h - arrays of records that grow in place, for the simulator's own notes.
 *
 * A pool reserves address space once, so pointers into it stay good, and hands
 * out indices from 1 on (0 means none). Snapshots copy the part in use.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pool {
	unsigned char *items;
	size_t	       item_bytes;
	uint32_t       limit;	   /* items that fit */
	uint32_t       used;	   /* items ever handed out, item 0 included */
	uint32_t       first_free; /* linked through the first word of free items */
	unsigned char *saved;	   /* the snapshot: items 0 .. saved_used - 1 */
	uint32_t       saved_used;
	uint32_t       saved_free;
};

bool pool_start(struct pool *pool, size_t item_bytes, uint32_t limit);
void pool_stop(struct pool *pool);

/* pool_alloc - an index whose item has its old contents (zero at first). Stops when full. */
uint32_t pool_alloc(struct pool *pool);
void	 pool_free(struct pool *pool, uint32_t index);

/* pool_save, pool_restore - remember all items, and go back to them. */
void pool_save(struct pool *pool);
void pool_restore(struct pool *pool);

static inline void *
pool_item(const struct pool *pool, uint32_t index)
{
	return pool->items + (size_t)index * pool->item_bytes;
}
