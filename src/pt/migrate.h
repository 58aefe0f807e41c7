/*
 * migrate.h - private pages that one space alone has go to another node.
 */
#pragma once

#include <anymm/pt.h>

/*
 * pt_migrate - the pages of the range that may move and lie elsewhere get a frame of that node. Those
 * that others share, that are pinned, that are an object's or nobody's, stay. HOLDS_READ the space's lock.
 *   needs  interrupts on
 *   gives  *moved: how many have moved, also when this fails
 *   fails  ERR_NOMEM: the rest has not moved
 */
err_t pt_migrate(struct pt *pt, struct va_range range, unsigned node, uint64_t *moved);

/*
 * pt_detach - the same pages lose every access, so that the next one faults and may move them: a leaf
 * without rights keeps its frame. HOLDS_READ the space's lock.
 *   needs  interrupts on
 */
void pt_detach(struct pt *pt, struct va_range range);

/* page_may_move - nobody but this leaf names the frame. HOLDS the leaf's table. */
bool page_may_move(struct pte_leaf leaf);

/*
 * page_alloc_on - a frame for a page that moves to this node. From no other one: there it might as well stay.
 *   fails  ERR_NOMEM
 */
err_t page_alloc_on(unsigned node, pfn_t *out);
