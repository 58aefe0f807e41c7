/* effect.h - what a changed entry makes stale, under one tag. */
#pragma once

#include "record.h"

/* A change as one way from a root sees it. */
struct effect {
	unsigned	    asid;
	cpu_mask_t	    cpus;   /* that may have cached what was there */
	unsigned	    rights; /* what the entries above left, and leave */
	uint64_t	    old;    /* the entry as they may have cached it */
	const struct cause *cause;
	bool		    page_by_page; /* translations only, each with a record of its own */
};

/* effect_loses - something that was allowed by `old` is not by `next`, or goes elsewhere. */
bool effect_loses(uint64_t old, uint64_t next);

/* effect_only_writes - the two differ in nothing but write permission (and dirty bits). */
bool effect_only_writes(uint64_t old, uint64_t next);

/* effect_record - put on the books all that the change makes stale. */
void effect_record(const struct effect *e);

/*
 * effect_differs - some page of the entry's span is translated below root to another frame than
 * below truth, or with rights that truth does not give; rights in `spared` do not count.
 */
bool effect_differs(pfn_t root, pfn_t truth, vaddr_t va, unsigned level, unsigned spared);

/* effect_expand - one record for each translation that a STALE_WRITES record means. */
void effect_expand(const struct record *range, pfn_t root);

/*
 * effect_is_stale - the record is stale by what the tables under root say now. A change
 * that was taken back before anybody flushed has made nothing wrong.
 */
bool effect_is_stale(const struct record *r, pfn_t root);
