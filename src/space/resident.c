/*
 * resident.c - mincore: which pages could be read without waiting for a pager.
 *
 * A page that has an entry is there, whatever the region allows. Where the entry is
 * empty, or a guard, the object decides: a page in one of its slots is in memory. Swapped
 * pages are not there, nor is anonymous memory that was never touched.
 */
#include "pt/cursor.h"
#include "space/tree.h"

static bool
object_has(struct object *object, uint64_t index)
{
	pfn_t pfn;

	lock_acquire(&object->lock);
	pfn = object_peek_page(object, index);
	lock_release(&object->lock);
	return !pfn_is_none(pfn);
}

static bool
is_resident(struct space *sp, const struct region *r, vaddr_t va)
{
	struct pt_view view = pt_look(&sp->pt, va);

	switch (arch_pte_kind(view.pte, view.level)) {
	case PTE_LEAF:
		return true;
	case PTE_MARK:
		if (arch_pte_decode_mark(view.pte).type != MARK_GUARD)
			return false;
		break;
	case PTE_EMPTY:
	case PTE_TABLE:
		break;
	}
	return r->object && object_has(r->object, region_page_index(r, va));
}

err_t
space_resident(struct space *sp, vaddr_t va, uint64_t nr_pages, uint8_t *vec, uint64_t *done)
{
	struct region *r;
	uint64_t       n = 0;

	read_lock(&sp->lock);
	r = space_find(sp, va);
	if (r)
		n = min_u64(nr_pages, (r->range.end - va) >> ARCH_PAGE_SHIFT);
	for (uint64_t i = 0; i < n; i++)
		vec[i] = is_resident(sp, r, va + (i << ARCH_PAGE_SHIFT));
	read_unlock(&sp->lock);
	if (!r)
		return ERR_NOMEM;
	*done = n;
	return OK;
}
