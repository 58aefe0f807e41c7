/*
 * usage.c - what a program's memory consists of, region by region, as /proc/PID/smaps says it.
 *
 * Nothing of this is kept: the tables are read on demand. A page counts as shared if
 * anybody else reaches it: another space through a table that both have, another table,
 * or another mapping of the same page of an object. The object's own count on it is
 * not a mapping.
 *
 * Swapped is what a mark stands for, and a page of the region's object that is out: it has no entry,
 * whoever mapped it before. So it counts for every region that shows it, as in Linux.
 */
#include "pt/cursor.h"
#include "pt/scan.h"
#include "pt/table.h"
#include "space/tree.h"

struct survey {
	struct pt_scan	     scan;
	const struct region *r;
	struct usage	    *usage;
};

static bool
is_mapped_elsewhere(pfn_t pfn)
{
	return frame_count(pfn) > (frame_of(pfn)->kind == FRAME_OBJECT ? 2 : 1);
}

static bool
is_dirty(const struct pte_leaf *leaf)
{
	return leaf->dirty || (frame_of(leaf->pfn)->kind == FRAME_OBJECT &&
			       frame_has_flag(leaf->pfn, FRAME_DIRTY));
}

static void
count_page(struct survey *s, const struct pte_leaf *leaf, bool shared)
{
	struct usage *usage = s->usage;
	bool	      dirty = is_dirty(leaf);

	usage->resident++;
	usage->anonymous += frame_of(leaf->pfn)->kind == FRAME_ANON;
	usage->locked += (s->r->flags & REGION_LOCKED) != 0;
	if (shared || is_mapped_elsewhere(leaf->pfn))
		*(dirty ? &usage->shared_dirty : &usage->shared_clean) += 1;
	else
		*(dirty ? &usage->private_dirty : &usage->private_clean) += 1;
}

/* The zero page and a device's memory are nobody's. */
static void
count_entry(struct pt_scan *scan, pte_t pte, vaddr_t va, bool shared)
{
	struct survey  *s = CONTAINER_OF(scan, struct survey, scan);
	struct pte_leaf leaf;

	(void)va;
	if (arch_pte_kind(pte, 0) == PTE_MARK) {
		s->usage->swapped += arch_pte_decode_mark(pte).type == MARK_SWAP;
		return;
	}
	leaf = arch_pte_decode_leaf(pte, 0);
	if (!leaf.is_special)
		count_page(s, &leaf, shared);
}

/* next_out - the first page of the object from `index` on that is out; false: none below `end`. */
static bool
next_out(struct object *object, uint64_t *index, uint64_t end)
{
	struct page_out out;
	bool		found;

	lock_acquire(&object->lock);
	found = object_next_out(object, *index, index, &out);
	lock_release(&object->lock);
	return found && *index < end;
}

/* count_out - a private copy has an entry of its own, and the object's page is hidden behind it. */
static void
count_out(struct space *sp, struct survey *s, struct va_range part)
{
	const struct region *r = s->r;
	uint64_t	     index = region_page_index(r, part.start);
	uint64_t	     end = index + ((part.end - part.start) >> ARCH_PAGE_SHIFT);

	for (; next_out(r->object, &index, end); index++) {
		vaddr_t	       va = r->range.start + ((index - r->offset) << ARCH_PAGE_SHIFT);
		struct pt_view view = pt_look(&sp->pt, va);

		s->usage->swapped += arch_pte_kind(view.pte, view.level) == PTE_EMPTY;
	}
}

static void
no_entry(struct pt_scan *scan, pte_t pte, vaddr_t va, bool shared)
{
	(void)scan;
	(void)pte;
	(void)va;
	(void)shared;
}

struct usage
space_usage(struct space *sp, struct va_range range)
{
	struct pt_scan tables = { .entry = no_entry };
	struct usage   usage = { .size = 0 };

	for (struct region *r = tree_find_end(sp, range.start); r && r->range.start < range.end;
	     r = tree_next(r)) {
		struct va_range part = range_clip(r->range, range);
		struct survey	s = { .scan.entry = count_entry, .r = r, .usage = &usage };

		usage.size += (part.end - part.start) >> ARCH_PAGE_SHIFT;
		pt_scan_range(&sp->pt, part, &s.scan);
		if (r->object)
			count_out(sp, &s, part);
	}
	pt_scan_range(&sp->pt, range, &tables);
	usage.tables = tables.nr_tables;
	return usage;
}
