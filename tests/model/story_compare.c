/*
 * story_compare.c - the library's regions and memory against the flat model's.
 *
 * Nothing is accessed: contents are read where the tables say they are, by the
 * machine's own walk, so comparing changes nothing and can be done at any time.
 */
#include "model/story.h"

#include <inttypes.h>
#include <string.h>

#include "pt/cursor.h"

#define PAGE ARCH_PAGE_SIZE

/* One process while it is compared. */
struct comparison {
	struct story	  *st;
	unsigned	   who;
	struct space	  *sp;
	struct flat_space *fs;
};

static bool
same_region(struct comparison *c, const struct region *r, const struct flat_region *fr)
{
	struct object *object = fr->object ? fr->object->real : NULL;

	if (r->range.start == fr->start && r->range.end == fr->end && r->prot == fr->prot &&
	    r->flags == fr->flags && r->object == object && (!object || r->offset == fr->offset))
		return true;
	return story_differ(c->st,
			    "p%u has a region [0x%" PRIx64 ", 0x%" PRIx64
			    ") prot %x flags %x offset %" PRIu64 ", expected [0x%" PRIx64
			    ", 0x%" PRIx64 ") %x %x %" PRIu64 "%s",
			    c->who, r->range.start, r->range.end, r->prot, r->flags, r->offset,
			    fr->start, fr->end, fr->prot, fr->flags, fr->offset,
			    r->object == object ? "" : ", another object");
}

static bool
same_regions(struct comparison *c)
{
	struct region *r = space_first(c->sp);
	unsigned       i = 0;

	for (; r && i < c->fs->nr_regions; i++, r = region_next(r)) {
		if (!same_region(c, r, &c->fs->regions[i]))
			return false;
	}
	if (r || i < c->fs->nr_regions)
		return story_differ(c->st, "p%u has %" PRIu64 " regions, expected %u", c->who,
				    c->sp->nr_regions, c->fs->nr_regions);
	if (c->sp->brk != c->fs->brk)
		return story_differ(c->st,
				    "the heap of p%u ends at 0x%" PRIx64 ", expected 0x%" PRIx64,
				    c->who, c->sp->brk, c->fs->brk);
	return true;
}

/* frame_behind - the frame a user would reach at va, or pfn_none(): the tables, else the object. */
static pfn_t
frame_behind(struct comparison *c, const struct flat_region *fr, vaddr_t va, bool *is_mapped)
{
	struct pt_view view = pt_look(&c->sp->pt, va);
	pfn_t	       pfn;

	*is_mapped = arch_pte_kind(view.pte, view.level) == PTE_LEAF;
	if (*is_mapped)
		return arch_pte_decode_leaf(view.pte, view.level).pfn;
	if (!fr->object)
		return pfn_none();
	lock_acquire(&fr->object->real->lock);
	pfn = object_peek_page(fr->object->real, fr->offset + (va - fr->start) / PAGE);
	lock_release(&fr->object->real->lock);
	return pfn;
}

/*
 * same_walk - the machine's own reading of the tables agrees with the library's. A leaf that
 * allows nothing is there for some machines and absent for others.
 */
static bool
same_walk(struct comparison *c, vaddr_t va, pfn_t pfn, bool is_mapped)
{
	struct machine_translation t = machine_translate(c->sp->pt.root, va);
	struct pt_view		   view = pt_look(&c->sp->pt, va);
	bool allows = is_mapped && arch_pte_decode_leaf(view.pte, view.level).prot != 0;

	if ((t.present && t.prot) == allows && (!t.present || (is_mapped && pfn_eq(t.pfn, pfn))))
		return true;
	return story_differ(
		c->st,
		"p%u at 0x%" PRIx64 ": the library reads frame %" PRId64 ", the machine %" PRId64,
		c->who, va, is_mapped ? (int64_t)pfn.n : -1, t.present ? (int64_t)t.pfn.n : -1);
}

/* swapped_behind - the contents of a page that is out, or NULL. */
static const uint8_t *
swapped_behind(struct space *sp, vaddr_t va)
{
	struct pt_view view = pt_look(&sp->pt, va);

	return arch_pte_kind(view.pte, view.level) == PTE_MARK ? story_swapped(view.pte) : NULL;
}

/* out_behind - the contents of the object's page there, if that is out; or NULL. */
static const uint8_t *
out_behind(const struct flat_region *fr, vaddr_t va)
{
	return fr->object ? story_page_out(fr->object->real, fr->offset + (va - fr->start) / PAGE)
			  : NULL;
}

/* same_place - a page that a device holds is where the device has it. */
static bool
same_place(struct comparison *c, const struct flat_page *own, vaddr_t va, pfn_t pfn)
{
	if (!own->pinned || pfn_eq(story_pinned_frame(c->st, own->pinned), pfn))
		return true;
	return story_differ(c->st,
			    "p%u at 0x%" PRIx64 " is in frame %" PRId64
			    ", a device holds frame %" PRIu64,
			    c->who, va, pfn_is_none(pfn) ? -1 : (int64_t)pfn.n,
			    story_pinned_frame(c->st, own->pinned).n);
}

/* is_freed_by_now - MADV_FREE allows the page to be gone. */
static bool
is_freed_by_now(const struct flat_page *own, const uint8_t *bytes)
{
	static const uint8_t zeros[FLAT_CELL_BYTES];

	for (unsigned cell = 0; bytes && cell < FLAT_CELLS; cell++) {
		if (memcmp(bytes + flat_cell_offset(cell), zeros, FLAT_CELL_BYTES))
			return false;
	}
	return own && own->is_freed;
}

/* same_page - contents of a page of a region. */
static bool
same_page(struct comparison *c, const struct flat_region *fr, vaddr_t va)
{
	struct flat_page *own = flat_page_of(c->fs->pages, c->fs->nr_pages, va / PAGE);
	const uint8_t	 *swapped = swapped_behind(c->sp, va);
	bool		  is_mapped;
	pfn_t		  pfn = frame_behind(c, fr, va, &is_mapped);
	uint8_t		  want[FLAT_CELL_BYTES];
	const uint8_t	 *bytes = pfn_is_none(pfn) ? out_behind(fr, va) : arch_frame_ptr(pfn);

	if (!same_walk(c, va, pfn, is_mapped))
		return false;
	if (own && own->is_guard)
		return (!is_mapped && !swapped) ||
		       story_differ(c->st, "p%u has a page behind the guard at 0x%" PRIx64, c->who,
				    va);
	if (swapped)
		bytes = swapped;
	if (is_freed_by_now(own, bytes))
		return true;
	if (own && !(fr->flags & REGION_SHARED) && !is_mapped && !swapped)
		return story_differ(c->st, "p%u has lost its page at 0x%" PRIx64, c->who, va);
	if (own && !same_place(c, own, va, pfn))
		return false;
	for (unsigned cell = 0; bytes && cell < FLAT_CELLS; cell++) {
		flat_read_cell(c->fs, fr, va, cell, want);
		if (memcmp(want, bytes + flat_cell_offset(cell), FLAT_CELL_BYTES))
			return story_differ(c->st,
					    "p%u at 0x%" PRIx64 " in frame %" PRIu64
					    ": expected %02x %02x.., found %02x %02x..",
					    c->who, va + flat_cell_offset(cell), pfn.n, want[0],
					    want[1], bytes[flat_cell_offset(cell)],
					    bytes[flat_cell_offset(cell) + 1]);
	}
	return true;
}

/* same_written - every page the model has written in a region is there and right. */
static bool
same_written(struct comparison *c, const struct flat_region *fr)
{
	for (unsigned i = 0; i < c->fs->nr_pages; i++) {
		vaddr_t va = c->fs->pages[i].page * PAGE;

		if (va >= fr->start && va < fr->end && !same_page(c, fr, va))
			return false;
	}
	return true;
}

/* same_edges - the pages at both ends of a region, all of a small one. */
static bool
same_edges(struct comparison *c, const struct flat_region *fr)
{
	uint64_t pages = (fr->end - fr->start) / PAGE;

	for (uint64_t i = 0; i < pages; i++) {
		if (i == 4 && pages > 12)
			i = pages - 4;
		if (!same_page(c, fr, fr->start + i * PAGE))
			return false;
	}
	return true;
}

static bool
same_process(struct comparison *c)
{
	if (!same_regions(c))
		return false;
	for (unsigned i = 0; i < c->fs->nr_regions; i++) {
		if (!same_edges(c, &c->fs->regions[i]) || !same_written(c, &c->fs->regions[i]))
			return false;
	}
	return true;
}

bool
story_compare(struct story *st)
{
	for (unsigned i = 0; i < STORY_PROCS; i++) {
		struct comparison c = { .st = st, .who = i, .fs = st->procs[i].fs };

		if (!st->procs[i].real || !c.fs)
			continue;
		c.sp = st->procs[i].real->space;
		if (!same_process(&c))
			return false;
	}
	return story_compare_pins(st);
}

/* settle_process - one page at a time: dropping it moves the others. */
static void
settle_process(struct comparison *c)
{
	for (unsigned i = c->fs->nr_pages; i-- > 0;) {
		struct flat_page   *own = &c->fs->pages[i];
		vaddr_t		    va = own->page * PAGE;
		struct flat_region *fr = own->is_freed ? flat_find(c->fs, va) : NULL;
		const uint8_t	   *bytes;
		bool		    is_mapped;
		pfn_t		    pfn;

		if (!fr)
			continue;
		bytes = swapped_behind(c->sp, va);
		pfn = frame_behind(c, fr, va, &is_mapped);
		if (!bytes && is_mapped)
			bytes = arch_frame_ptr(pfn);
		if (is_freed_by_now(own, bytes))
			flat_drop_pages(c->fs, va_range(va, va + PAGE), false);
	}
}

void
story_settle(struct story *st)
{
	for (unsigned i = 0; st->has_freed && i < STORY_PROCS; i++) {
		struct comparison c = { .st = st, .who = i, .fs = st->procs[i].fs };

		if (!st->procs[i].real || !c.fs)
			continue;
		c.sp = st->procs[i].real->space;
		settle_process(&c);
	}
}
