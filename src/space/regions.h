/*
 * regions.h - making, splitting and merging the regions of a space, and the
 * sums that go with them.
 *
 * All of it needs the space's lock for writing. Whatever can fail is in
 * region_reserve: the rest works with regions that were made in advance.
 */
#pragma once

#include <anymm/space.h>

/* Region objects made in advance; a commit takes them from here. */
struct region_reserve {
	struct region *spare[4];
	unsigned       nr;
};

/*
 * region_reserve - make nr regions, at most four, for a commit.
 *   fails  ERR_NOMEM: none is held
 */
err_t region_reserve(struct region_reserve *reserve, unsigned nr);

/* region_reserve_drop - give back what the commit did not take. */
void region_reserve_drop(struct region_reserve *reserve);

/* What a region is, apart from where. */
struct region_kind {
	prot_t		 prot;
	unsigned	 flags; /* enum region_flag */
	struct placement place;
	struct object	*object; /* the new region takes a reference of its own */
	uint64_t	 offset; /* page index of the region's first page */
};

/*
 * region_add - a new region over a free range, merged with its neighbours if
 * they agree. Takes one region from the reserve.
 */
void region_add(struct space *sp, struct va_range range, const struct region_kind *kind,
		struct region_reserve *reserve);

/*
 * region_copy - the same region in another space, behind all others there (`last`), but not
 * locked; what only the lock has kept apart is joined. Takes fresh, which is unlinked.
 *   gives  the last region there now
 */
struct region *region_copy(const struct region *from, struct space *to, struct region *last,
			   struct region *fresh);

/*
 * region_split - cut r at an address strictly inside it.
 *   gives  the upper part; r is the lower one. Takes one region from the reserve
 */
struct region *region_split(struct region *r, vaddr_t at, struct region_reserve *reserve);

/* region_resize - move an end of r within its gap, or cut off a part. The contents stay in place. */
void region_resize(struct region *r, struct va_range range);

/* region_change - give r another protection, other flags, another placement. */
void region_change(struct region *r, prot_t prot, unsigned flags, struct placement place);

/* region_remove - take r out of its space and free it. */
void region_remove(struct region *r);

/* region_remove_all - the same for all of a space. O(regions). */
void region_remove_all(struct space *sp);

/* region_free - free a region that is in no space. */
void region_free(struct region *r);

/* region_make - an empty region object, or NULL. */
struct region *region_make(void);

/* region_agrees - b could follow a in one region: everything visible continues. */
bool region_agrees(const struct region *a, const struct region *b);

/*
 * region_merge_around - join neighbours that agree: all pairs of which one
 * touches the range.
 */
void region_merge_around(struct space *sp, struct va_range range);

/* region_is_data - pages of it count against the limit on data: private, writable, not a stack. */
bool region_is_data(prot_t prot, unsigned flags);

/* region_is_charged - pages of it count as committed memory. */
bool region_is_charged(prot_t prot, unsigned flags);

/*
 * region_begin_unhook, region_end_unhook - around a change that takes pages of the range out of the
 * tables: the objects of its regions wait for dirty bits that are on their way.
 */
void region_begin_unhook(struct space *sp, struct va_range range);
void region_end_unhook(struct space *sp, struct va_range range);
