/*
 * check_prot.c - I-PROT: the tables of a space allow only what its regions say.
 *
 * The walk comes through a space's entries in ascending order, so the region of
 * each is found by moving one position along the regions.
 */
#include "check/walk.h"

#include "base/mem.h"

static bool
same_in(const struct region *a, const struct region *b, struct va_range range)
{
	struct va_range in_a = range_clip(a->range, range);
	struct va_range in_b = range_clip(b->range, range);

	return in_a.start == in_b.start && in_a.end == in_b.end && a->prot == b->prot &&
	       a->flags == b->flags && a->object == b->object &&
	       (!a->object || region_page_index(a, in_a.start) == region_page_index(b, in_a.start));
}

bool
prot_same_regions(struct space *a, struct space *b, struct va_range range)
{
	struct region *ra = reg_after(a, range.start);
	struct region *rb = reg_after(b, range.start);

	for (;;) {
		bool end_a = !ra || ra->range.start >= range.end;
		bool end_b = !rb || rb->range.start >= range.end;

		if (end_a || end_b)
			return end_a && end_b;
		if (!same_in(ra, rb, range))
			return false;
		ra = reg_next(ra);
		rb = reg_next(rb);
	}
}

/* region_at - the region of the space being walked that holds va; va only ascends. */
static struct region *
region_at(struct check *c, vaddr_t va)
{
	while (c->region && c->region->range.end <= va)
		c->region = reg_next(c->region);
	return c->region && c->region->range.start <= va ? c->region : NULL;
}

/* check_zero_frame - what a special leaf of anonymous memory names: one frame, all zero, read only. */
static void
check_zero_frame(struct check *c, const struct entry_at *e, const struct pte_leaf *leaf)
{
	const uint64_t *words = arch_frame_ptr(leaf->pfn);

	if (leaf->prot & PROT_W)
		check_fail(c, INV_PROT, "special leaf at 0x%llx of private memory is writable",
			   (unsigned long long)e->va);
	if (pfn_eq(c->zero_frame, leaf->pfn))
		return;
	if (!pfn_is_none(c->zero_frame))
		check_fail(c, INV_PROT, "special leaves name frame %llu and, at 0x%llx, %llu",
			   (unsigned long long)c->zero_frame.n, (unsigned long long)e->va,
			   (unsigned long long)leaf->pfn.n);
	c->zero_frame = leaf->pfn;
	if (words[0] || memcmp(words, words + 1, ARCH_PAGE_SIZE - sizeof(*words)))
		check_fail(c, INV_PROT, "the zero frame %llu is not zero",
			   (unsigned long long)leaf->pfn.n);
}

/* object_page - the frame that the region's object has behind va, or pfn_none(). */
static pfn_t
object_page(struct region *r, vaddr_t va)
{
	pfn_t pfn;

	lock_acquire(&r->object->lock);
	pfn = object_peek_page(r->object, region_page_index(r, va));
	lock_release(&r->object->lock);
	return pfn;
}

/* check_frame - the frame that a counted leaf names belongs to the region. */
static void
check_frame(struct check *c, const struct entry_at *e, const struct pte_leaf *leaf,
	    struct region *r)
{
	bool  is_anon = frame_of(leaf->pfn)->kind == FRAME_ANON;
	pfn_t expected;

	if (is_anon && !(r->flags & REGION_SHARED))
		return;
	expected = r->object ? object_page(r, e->va) : pfn_none();
	if (frame_has_flag(leaf->pfn, FRAME_FILLING))
		check_fail(c, INV_PROT, "leaf at 0x%llx names frame %llu, which is being filled",
			   (unsigned long long)e->va, (unsigned long long)leaf->pfn.n);
	if (!pfn_eq(leaf->pfn, expected))
		check_fail(c, INV_PROT,
			   "leaf at 0x%llx in a %s region names frame %llu of kind %u, the "
			   "object's page is frame %lld",
			   (unsigned long long)e->va,
			   r->flags & REGION_SHARED ? "shared" : "private",
			   (unsigned long long)leaf->pfn.n, frame_of(leaf->pfn)->kind,
			   (long long)expected.n);
}

/* check_device_page - what a special leaf in a region of an object names: the device's frame. */
static void
check_device_page(struct check *c, const struct entry_at *e, const struct pte_leaf *leaf,
		  const struct region *r)
{
	uint64_t index = region_page_index(r, e->va);

	if (!object_is_device(r->object))
		check_fail(c, INV_PROT, "special leaf at 0x%llx in a region of an object",
			   (unsigned long long)e->va);
	else if (leaf->pfn.n != r->object->device.first.n + index ||
		 leaf->type != r->object->device.type || index >= object_pages(r->object))
		check_fail(c, INV_PROT, "leaf at 0x%llx names frame %llu as type %d of a device",
			   (unsigned long long)e->va, (unsigned long long)leaf->pfn.n, leaf->type);
}

static void
prot_leaf(struct check *c, const struct entry_at *e, struct region *r)
{
	struct pte_leaf leaf = arch_pte_decode_leaf(e->pte, e->level);
	bool		is_shared = r->flags & REGION_SHARED;

	if (leaf.prot & ~prot_usable(r->prot))
		check_fail(c, INV_PROT, "leaf at 0x%llx allows %x, its region [0x%llx, 0x%llx) %x",
			   (unsigned long long)e->va, leaf.prot, (unsigned long long)r->range.start,
			   (unsigned long long)r->range.end, r->prot);
	if (leaf.kernel)
		check_fail(c, INV_PROT, "leaf at 0x%llx is kernel-only in the user half",
			   (unsigned long long)e->va);
	if (leaf.is_wired != ((r->flags & REGION_LOCKED) != 0))
		check_fail(c, INV_PROT, "leaf at 0x%llx in a region that is %slocked is %swired",
			   (unsigned long long)e->va, r->flags & REGION_LOCKED ? "" : "not ",
			   leaf.is_wired ? "" : "not ");
	if (leaf.is_private == is_shared)
		check_fail(c, INV_PROT, "leaf at 0x%llx says %s, its region is %s",
			   (unsigned long long)e->va, leaf.is_private ? "private" : "shared",
			   is_shared ? "shared" : "private");
	if (e->va + ((uint64_t)1 << walk_span(e->level)) > r->range.end)
		check_fail(c, INV_PROT, "leaf at 0x%llx of level %u passes the end of its region",
			   (unsigned long long)e->va, e->level);
	if (!leaf.is_special)
		check_frame(c, e, &leaf, r);
	else if (!r->object)
		check_zero_frame(c, e, &leaf);
	else
		check_device_page(c, e, &leaf, r);
}

static void
prot_mark(struct check *c, const struct entry_at *e, const struct region *r)
{
	struct pte_mark mark = arch_pte_decode_mark(e->pte);

	if (mark.type == MARK_SWAP && !(r->flags & REGION_SHARED) && e->level == 0)
		return; /* that the slot exists is seen where it is counted */
	if (mark.type != MARK_GUARD || mark.payload || e->level)
		check_fail(c, INV_PROT, "mark at 0x%llx: type %d payload 0x%llx level %u",
			   (unsigned long long)e->va, mark.type, (unsigned long long)mark.payload,
			   e->level);
}

void
prot_entry(struct check *c, const struct entry_at *e)
{
	struct region *r = region_at(c, e->va);

	if (!r)
		check_fail(c, INV_PROT, "%s at 0x%llx lies in no region of the space at 0x%llx",
			   e->kind == PTE_LEAF ? "leaf" : "mark", (unsigned long long)e->va,
			   (unsigned long long)(uintptr_t)c->sp);
	else if (e->kind == PTE_LEAF)
		prot_leaf(c, e, r);
	else
		prot_mark(c, e, r);
}
