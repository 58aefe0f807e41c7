/*
 * fork.h - a child's tables that share the parent's from the first slot of the
 * root down.
 *
 * Per used slot of the root: the slot's write bit goes in the parent, the entry
 * is copied, the child table counted once more. Only slots whose span holds a
 * range that must not be shared, or a page that the child must have otherwise, are
 * descended into.
 */
#pragma once

#include "pt/gather.h"

/*
 * Ranges that the child does not get, ascending and disjoint: next gives the
 * first one with end > from, false if there is none.
 */
struct fork_filter {
	bool (*next)(const struct fork_filter *filter, vaddr_t from, struct va_range *out);
	/* The span has pages that are wired for the parent, not for the child. NULL: there are none. */
	bool (*has_wired)(const struct fork_filter *filter, struct va_range span);
	void *data;
	bool  pins; /* private pages may be pinned: those the child gets as copies, at once */
};

/*
 * pt_fork_prepare - build the child's tables aside; the parent's entries are untouched.
 *   needs  child made by pt_create; the parent's space write-locked
 *   fails  ERR_NOMEM, ERR_OVERFLOW: nothing held, the child is as pt_create left it
 */
err_t pt_fork_prepare(struct pt *parent, struct pt *child, const struct fork_filter *filter);

/*
 * pt_fork_commit - take the write permissions from the parent. Cannot fail;
 * after gather_end no CPU can write what the two share.
 */
void pt_fork_commit(struct pt *parent, struct pt *child, struct gather *g);
