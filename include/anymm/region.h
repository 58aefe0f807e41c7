/*
 * region.h - a half-open page-aligned range of a space with one protection,
 * one kind and one backing.
 */
#pragma once

#include <anymm/object.h>
#include <anymm/pt.h>

enum region_flag {
	REGION_SHARED = 1 << 0,	     /* writes reach the object; else private */
	REGION_GROWSDOWN = 1 << 1,   /* a stack: extends down on a fault */
	REGION_NORESERVE = 1 << 2,   /* not charged to committed memory */
	REGION_DONTFORK = 1 << 3,    /* not in the child */
	REGION_WIPEONFORK = 1 << 4,  /* in the child, but empty */
	REGION_NOMERGE = 1 << 5,     /* never joined with a neighbour (images' special pages) */
	REGION_MAYNOTWRITE = 1 << 6, /* protect to writable is refused (shared, read-only file) */
	REGION_LOCKED = 1 << 7, /* counts against limit_memlock; its pages are never reclaimed */
	REGION_LOCKONFAULT = 1 << 8, /* with LOCKED: pages come when they are touched */
	REGION_SEALED = 1 << 9,	     /* place, protection and contents may not be taken away */
	REGION_SEQUENTIAL =
		1 << 10, /* hints, as madvise(2) sets them: the library only keeps them */
	REGION_RANDOM = 1 << 11,
	REGION_HUGEPAGE = 1 << 12,
	REGION_NOHUGEPAGE = 1 << 13,
	REGION_DONTDUMP = 1 << 14,
	REGION_MERGEABLE = 1 << 15,
	REGION_ALIGNED = 1 << 16, /* a move follows the file's alignment, as the mapping did */
	REGION_DEVICE =
		1 << 17, /* its object is a device: mapped as it is, never managed or locked */
	REGION_MAYNOTEXEC =
		1 << 18, /* protect to executable is refused (a file that nobody may execute) */
};

/*
 * The first cache line is all that lookups and gap searches read.
 *
 * [s] space->lock for writing changes, for reading keeps stable   [c] constant
 * [r] object->rmap_lock. A region in a reverse map changes range and offset under it too.
 */
struct region {
	/* [s] node of the space's tree (src/space/tree.c), ordered by range.start */
	struct va_range range; /* [s] */
	struct region  *left, *right, *parent;
	uint64_t	gap;	 /* unmapped bytes in front of it */
	uint64_t	max_gap; /* largest gap of this subtree */
	int8_t		height;
	prot_t		prot; /* [s] */

	unsigned	 flags;	 /* [s] enum region_flag */
	struct placement place;	 /* [s] of its private pages; shared ones obey their object */
	struct object	*object; /* [s] one reference held; NULL: private anonymous */
	uint64_t	 offset; /* [s] page index of range.start in the object */
	struct space	*space;	 /* [c] */
	struct pt  *pt;	  /* [c] the space's tables: all that the reverse map needs to know of it */
	struct list rmap; /* [r] in object->regions */
};
static_assert(offsetof(struct region, flags) == CACHE_LINE, "searches read one cache line");
static_assert(sizeof(struct region) <= 128, "a region fits two cache lines");

static inline uint64_t
region_pages(const struct region *r)
{
	return (r->range.end - r->range.start) >> ARCH_PAGE_SHIFT;
}

/* region_page_index - the object's page behind va. */
static inline uint64_t
region_page_index(const struct region *r, vaddr_t va)
{
	return r->offset + ((va - r->range.start) >> ARCH_PAGE_SHIFT);
}

/*
 * prot_usable - what hardware may do under a region's protection. As on x86-64,
 * what may be written or executed may be read, on every machine.
 */
static inline prot_t
prot_usable(prot_t prot)
{
	return prot ? prot | PROT_R : 0;
}

/* region_charge - pages of committed memory that the region stands for. */
uint64_t region_charge(const struct region *r);
