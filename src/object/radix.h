/*
 * radix.h - the pages of one object: index -> frame.
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

/* radix_lookup - the frame at index, or pfn_none(). */
pfn_t radix_lookup(const struct object *object, uint64_t index);

/* radix_next - the first frame with an index >= from; false: none, outputs untouched. */
bool radix_next(const struct object *object, uint64_t from, uint64_t *index, pfn_t *pfn);

/* radix_remove - empty the slot; gives what was there, or pfn_none(). Empty nodes go too. */
pfn_t radix_remove(struct object *object, uint64_t index);

/* radix_init - the cache of nodes. */
void radix_init(void);
