/*
 * populate.h - bringing pages in, region by region.
 */
#pragma once

#include <anymm/fault.h>

enum populate_why {
	POPULATE_MAPPED, /* MAP_POPULATE: whatever the region is */
	POPULATE_LOCKED, /* only regions that are locked, and not on fault */
	POPULATE_READ,	 /* as a load would; the region must be readable */
	POPULATE_WRITE,	 /* as a store would; the region must be writable */
};

/* Where populating stopped, and what was in the way. */
enum populate_end {
	POPULATED,
	POPULATE_HOLE,	    /* no region */
	POPULATE_FORBIDDEN, /* the region's protection */
	POPULATE_NO_PAGE,   /* a guard, or beyond the end of an object */
	POPULATE_NO_MEMORY,
};

/*
 * populate - bring in the pages of the range, writable private ones as copies of their own.
 * The first two kinds pass holes over, and regions without any access are POPULATE_FORBIDDEN. Pages
 * that were brought in before one fails stay. Holds no lock.
 */
enum populate_end populate(struct space *sp, struct va_range range, enum populate_why why);

/* populate_what_can_be - the same, going on with the next region after a failure. */
void populate_what_can_be(struct space *sp, struct va_range range, enum populate_why why);
