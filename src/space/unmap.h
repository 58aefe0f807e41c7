/*
 * unmap.h - take everything out of a range, in two steps: for munmap, for
 * brk, and for mappings that replace others.
 */
#pragma once

#include "pt/range.h"
#include "space/regions.h"

struct unmap_plan {
	struct va_range range;
	struct va_range mapped;	 /* smallest part of it that holds all its regions; may be empty */
	uint64_t	bytes;	 /* mapped in the range */
	uint64_t	data;	 /* of them data (region_is_data) */
	uint64_t	charged; /* of them promised memory */
	unsigned	cuts;	 /* regions that the commit takes from the reserve: 0 or 1 */
	bool		sealed;	 /* one of them may not go */
	struct pt_plan	tables;
};

/*
 * unmap_plan - HOLDS sp->lock, also until the commit. The caller reserves plan->cuts regions.
 *   needs  a page-aligned range
 *   fails  ERR_NOMEM: no memory, or a hole would make more regions than the space
 *          may have; ERR_PERM: a region is sealed; nothing is held
 */
err_t unmap_plan(struct space *sp, struct va_range range, struct unmap_plan *plan);

/* unmap_commit - pages, marks and regions of the range are gone, from every CPU too. */
void unmap_commit(struct space *sp, struct unmap_plan *plan, struct region_reserve *reserve);

/* unmap_regions - the regions of the range go, or the parts of them in it; tables are left alone. */
void unmap_regions(struct space *sp, struct va_range range, struct region_reserve *reserve);

/* unmap_drop - instead of unmap_commit. */
void unmap_drop(struct unmap_plan *plan);

/* unmap_range - all of it at once. fails as unmap_plan: nothing changed. HOLDS sp->lock. */
err_t unmap_range(struct space *sp, struct va_range range);
