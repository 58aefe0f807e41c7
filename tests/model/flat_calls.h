/*
 * flat_calls.h - what the manual pages say of mremap, mlock, mseal, madvise, msync and
 * populating, on the flat model: errors, regions and contents.
 *
 * Arguments are the program's, unchecked. None of it looks at the library.
 */
#pragma once

#include "model/flat.h"

/* flat_remap - mremap(2), apart from bringing in what has been added to locked memory. */
err_t flat_remap(struct flat_space *fs, const struct remap_request *request, vaddr_t *out);

/* flat_lock - mlock2(2) with REGION_LOCKED and perhaps REGION_LOCKONFAULT, munlock(2) with 0. */
err_t flat_lock(struct flat_space *fs, vaddr_t addr, uint64_t length, unsigned set);

/* flat_lock_all - mlockall(2) with its flags; munlockall(2) with 0. */
err_t flat_lock_all(struct flat_space *fs, unsigned flags);

/* flat_seal - mseal(2). */
err_t flat_seal(struct flat_space *fs, vaddr_t addr, uint64_t length);

/* flat_advise - madvise(2), apart from the two that populate. */
err_t flat_advise(struct flat_space *fs, vaddr_t addr, uint64_t length, enum advice advice);

/* flat_sync - msync(2): contents stay as they are. */
err_t flat_sync(const struct flat_space *fs, vaddr_t addr, uint64_t length, unsigned flags);

/* Why pages are brought in before they are touched. */
enum flat_why {
	FLAT_MAPPED, /* MAP_POPULATE */
	FLAT_LOCKED, /* locked memory only, and not if it is locked on fault */
	FLAT_READ,   /* MADV_POPULATE_READ */
	FLAT_WRITE,  /* MADV_POPULATE_WRITE */
};

struct flat_fill {
	struct va_range range;
	enum flat_why	why;
	bool		goes_on; /* past what cannot be had, with the next region */
	void (*brought)(void *arg, vaddr_t page, enum access access); /* NULL: nobody is told */
	void *arg;
};

enum flat_end {
	FLAT_DONE,
	FLAT_HOLE,	/* FLAT_READ, FLAT_WRITE only */
	FLAT_FORBIDDEN, /* the region's protection */
	FLAT_NO_PAGE,	/* a guard, or behind the end of a file */
};

/* flat_fill - bring the pages in; what ended it, or FLAT_DONE. */
enum flat_end flat_fill(struct flat_space *fs, const struct flat_fill *fill);
