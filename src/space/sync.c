/*
 * sync.c - msync: what was written to shared mappings goes to storage.
 *
 * Region by region, each looked up anew, because writing back waits for a pager and
 * no lock is held then. The object is kept alive by a reference. Private memory has
 * nothing to write, and without SYNC_SYNC nothing is written now: pagers hear of
 * dirty pages in their own time.
 */
#include "space/bounds.h"
#include "space/tree.h"

/* What one look at the regions finds. */
struct sync_step {
	vaddr_t	       next;   /* go on from here */
	struct object *object; /* to be written, with a reference; NULL: nothing here */
	uint64_t       first;  /* its pages */
	uint64_t       nr_pages;
	bool	       has_hole; /* before this region */
	err_t	       err;
};

static void
look(struct space *sp, struct va_range range, unsigned flags, struct sync_step *step)
{
	struct region  *r = tree_find_end(sp, range.start);
	struct va_range part;

	if (!r || r->range.start >= range.end) {
		step->err = ERR_NOMEM;
		return;
	}
	part = range_clip(r->range, range);
	step->has_hole = part.start > range.start;
	step->next = part.end;
	if ((flags & SYNC_INVALIDATE) && (r->flags & REGION_LOCKED))
		step->err = ERR_BUSY;
	else if (step->has_hole && flags == SYNC_ASYNC)
		step->err = ERR_NOMEM;
	else if ((flags & SYNC_SYNC) && (r->flags & REGION_SHARED)) {
		step->object = r->object;
		step->first = region_page_index(r, part.start);
		step->nr_pages = (part.end - part.start) >> ARCH_PAGE_SHIFT;
		object_get(step->object);
	}
}

static err_t
sync_range(struct space *sp, struct va_range range, unsigned flags)
{
	err_t result = OK;

	while (range.start < range.end) {
		struct sync_step step = { .err = OK };

		read_lock(&sp->lock);
		look(sp, range, flags, &step);
		read_unlock(&sp->lock);
		if (step.object) {
			step.err = object_write_back(step.object, step.first, step.nr_pages);
			object_put(step.object);
		}
		if (step.err)
			return step.err;
		if (step.has_hole)
			result = ERR_NOMEM;
		range.start = step.next;
	}
	return result;
}

err_t
space_sync(struct space *sp, vaddr_t addr, uint64_t length, unsigned flags)
{
	const unsigned known = SYNC_ASYNC | SYNC_INVALIDATE | SYNC_SYNC;
	const unsigned both = SYNC_ASYNC | SYNC_SYNC;
	uint64_t       bytes = page_floor(length + ARCH_PAGE_MASK);

	if ((flags & ~known) || !is_page_aligned(addr) || (flags & both) == both)
		return ERR_INVAL;
	if (addr + bytes < addr)
		return ERR_NOMEM;
	return sync_range(sp, va_range(addr, addr + bytes), flags);
}
