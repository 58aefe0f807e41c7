/*
 * tree.h - the regions of a space in order of address, with an index of the
 * gaps between them.
 *
 * Lookups need the space's lock for reading, changes need it for writing. All
 * costs are O(log n), except where stated.
 */
#pragma once

#include <anymm/space.h>

/* tree_find_end - the first region that ends above va: the one holding va, or the next. */
struct region *tree_find_end(const struct space *sp, vaddr_t va);

/* tree_find_start - the first region that starts at va or above. */
struct region *tree_find_start(const struct space *sp, vaddr_t va);

struct region *tree_first(const struct space *sp);
struct region *tree_last(const struct space *sp);
struct region *tree_next(const struct region *r);
struct region *tree_prev(const struct region *r);

/* tree_has_hole - some page of the range lies in no region. O(regions in it) */
bool tree_has_hole(const struct space *sp, struct va_range range);

/* tree_insert - r has its range and flags and overlaps no region of the space. */
void tree_insert(struct space *sp, struct region *r);

/* tree_append - the same behind all others: `last` is tree_last(sp). */
void tree_append(struct space *sp, struct region *last, struct region *r);

void tree_remove(struct space *sp, struct region *r);

/*
 * tree_pop_leaf - take some leaf below `at` (NULL: the root) out without keeping balance
 * or gaps: only for taking the whole tree apart, where the parent of the one given is the
 * place to go on. NULL: the tree is empty. O(1) on average.
 */
struct region *tree_pop_leaf(struct space *sp, struct region *at);

/* tree_resize - move one or both ends of r without passing a neighbour. */
void tree_resize(struct space *sp, struct region *r, struct va_range range);

/*
 * guarded_start - the lowest address that another mapping must keep below: the
 * region's start, less the guard gap if it grows down.
 */
vaddr_t guarded_start(const struct region *r);

/*
 * tree_gap_highest, tree_gap_lowest - a free place of `bytes` bytes within the
 * limits, as high or as low as possible, that leaves the guard gaps free.
 *   needs  bytes > 0
 *   gives  *out, the start of the place; false: there is none, *out untouched
 *   cost   O(log n), once more for each guard gap in the way
 */
bool tree_gap_highest(const struct space *sp, uint64_t bytes, struct va_range limits, vaddr_t *out);
bool tree_gap_lowest(const struct space *sp, uint64_t bytes, struct va_range limits, vaddr_t *out);
