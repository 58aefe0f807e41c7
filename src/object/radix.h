/*
 * radix.h - the pages of one object: index -> frame, or where on the swap device its page is.
 *
 * All functions need the object's lock, except on an object that nobody else
 * can reach any more.
 */
#pragma once

#include <anymm/object.h>

/*
 * radix_insert - put a frame into the empty slot `index`.
 *   fails  ERR_NOMEM: nothing changed
 *   cost   O(height), at most one node for each level of the new path
 */
err_t radix_insert(struct object *object, uint64_t index, pfn_t pfn);

/* radix_lookup - the frame at index, or pfn_none(): no page, or one that is out. */
pfn_t radix_lookup(const struct object *object, uint64_t index);

/* radix_next - the first frame with an index >= from; false: none, outputs untouched. O(height). */
bool radix_next(const struct object *object, uint64_t from, uint64_t *index, pfn_t *pfn);

/* radix_lookup_out, radix_next_out - the same for pages that are out. */
bool radix_lookup_out(const struct object *object, uint64_t index, struct page_out *out);
bool radix_next_out(const struct object *object, uint64_t from, uint64_t *index,
		    struct page_out *out);

/* radix_set_frame, radix_set_out - a slot that holds a page, of either kind, holds this from now on. */
void radix_set_frame(struct object *object, uint64_t index, pfn_t pfn);
void radix_set_out(struct object *object, uint64_t index, struct page_out out);

/*
 * radix_remove - empty the slot; gives the frame that was there, or pfn_none(). Empty nodes go too. The
 * count on what the slot named is the caller's.
 */
pfn_t radix_remove(struct object *object, uint64_t index);

/* radix_init - the cache of nodes. */
void radix_init(void);
