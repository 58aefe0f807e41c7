/*
 * slab.h - small kernel objects of one size per cache, poisoned while free.
 */
#pragma once

#include <anymm/frame.h>

/* One cache per object type; embedded in the owner's state, never copied. */
struct slab_cache {
	const char	*name;
	uint32_t	 object_bytes;	/* as asked for */
	uint32_t	 stride;	/* with alignment and red zone */
	uint16_t	 per_slab;
	uint8_t		 order;		/* frames per slab: 2^order */
	_Atomic uint8_t	 lock;
	uint32_t	 partial;	/* first slab with room, UINT32_MAX: none */
	uint32_t	 nr_slabs;
	uint64_t	 nr_objects;	/* handed out */
};

/* slab_init - needs object_bytes in 1 .. 65536 and align a power of two <= 64. */
void slab_init(struct slab_cache *cache, const char *name, size_t object_bytes, size_t align);

/* slab_alloc - a zeroed object, or NULL: out of memory, nothing changed. */
void *slab_alloc(struct slab_cache *cache);

/* slab_free - give back; stops on a pointer that is not an object in use of this cache. NULL is fine. */
void slab_free(struct slab_cache *cache, void *object);

/* slab_drain - free the frames of slabs with no object in use (they are kept as spares otherwise). */
void slab_drain(struct slab_cache *cache);
