/* pool.c - see pool.h. */
#include "pool.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "machine.h"

bool
pool_start(struct pool *pool, size_t item_bytes, uint32_t limit)
{
	void *items = mmap(NULL, item_bytes * limit, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	*pool = (struct pool){ .item_bytes = item_bytes, .limit = limit, .used = 1 };
	if (items == MAP_FAILED)
		return false;
	pool->items = items;
	return true;
}

void
pool_stop(struct pool *pool)
{
	if (pool->items)
		munmap(pool->items, pool->item_bytes * pool->limit);
	free(pool->saved);
	*pool = (struct pool){ 0 };
}

uint32_t
pool_alloc(struct pool *pool)
{
	uint32_t index = pool->first_free;

	if (index) {
		memcpy(&pool->first_free, pool_item(pool, index), sizeof(uint32_t));
		return index;
	}
	if (pool->used == pool->limit)
		sim_violation("the simulator's own notes are full: %u items of %zu bytes",
			      pool->limit, pool->item_bytes);
	return pool->used++;
}

void
pool_free(struct pool *pool, uint32_t index)
{
	memcpy(pool_item(pool, index), &pool->first_free, sizeof(uint32_t));
	pool->first_free = index;
}

void
pool_save(struct pool *pool)
{
	free(pool->saved);
	pool->saved = malloc(pool->used * pool->item_bytes);
	if (!pool->saved)
		sim_violation("the host has no memory for a snapshot");
	memcpy(pool->saved, pool->items, pool->used * pool->item_bytes);
	pool->saved_used = pool->used;
	pool->saved_free = pool->first_free;
}

void
pool_restore(struct pool *pool)
{
	memcpy(pool->items, pool->saved, pool->saved_used * pool->item_bytes);
	pool->used = pool->saved_used;
	pool->first_free = pool->saved_free;
}
