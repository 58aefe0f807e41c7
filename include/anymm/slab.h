/*
 * slab.h - small kernel objects of one size per cache, poisoned while free.
 */
#pragma once

#include <anymm/frame.h>

/* Slabs with no object in use that a cache keeps; slab_drain gives them back too. */
#define SLAB_SPARES_MAX 4

/* One cache per object type; embedded in the owner's state, never copied. [c] constant [s] lock */
struct slab_cache {
	const char     *name;	      /* [c] */
	uint32_t	object_bytes; /* [c] as asked for */
	uint32_t	stride;	      /* [c] with alignment and red zone */
	uint32_t	first_offset; /* [c] of the first object in a slab */
	uint16_t	per_slab;     /* [c] */
	uint8_t		order;	      /* [c] frames per slab: 2^order */
	_Atomic uint8_t lock;	      /* RANK_SLAB */
	uint32_t	partial;      /* [s] first slab with room, UINT32_MAX: none */
	uint32_t	nr_slabs;     /* [s] */
	uint32_t	nr_spare;     /* [s] slabs with no object in use */
	uint64_t	nr_objects;   /* [s] handed out */
};

/* slab_init - needs object_bytes in 1 .. 65536 and align a power of two <= 64. */
void slab_init(struct slab_cache *cache, const char *name, size_t object_bytes, size_t align);

/* slab_alloc - a zeroed object, or NULL: out of memory, nothing changed. */
void *slab_alloc(struct slab_cache *cache);

/* slab_free - give back; stops on a pointer that is not an object in use of this cache. NULL is fine. */
void slab_free(struct slab_cache *cache, void *object);

/* slab_drain - free the frames of all slabs with no object in use. */
void slab_drain(struct slab_cache *cache);
