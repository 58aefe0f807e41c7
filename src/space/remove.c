/*
 * remove.c - madvise's REMOVE: a hole in what a shared mapping shows, for everybody.
 *
 * Region by region, each looked up anew: punching waits for other changes of the
 * object and takes pages from every space, so no lock is held then. The object is kept
 * alive by a reference.
 */
#include "space/advise.h"

#include "space/tree.h"

/* What one look at the regions finds. */
struct hole {
	vaddr_t	       next;   /* go on from here */
	struct object *object; /* with a reference; NULL: nothing is mapped up to `next` */
	uint64_t       first;
	uint64_t       nr_pages;
};

static err_t
forbids(const struct region *r)
{
	bool is_lost = (r->flags & REGION_SEALED) && !r->object && !(r->prot & PROT_W);

	if (is_lost)
		return ERR_PERM;
	if ((r->flags & REGION_LOCKED) || !r->object)
		return ERR_INVAL;
	if (!(r->flags & REGION_SHARED) || (r->flags & REGION_MAYNOTWRITE))
		return ERR_ACCES;
	return r->flags & REGION_DEVICE ? ERR_NODEV : OK;
}

static err_t
look(struct space *sp, struct va_range range, struct hole *hole)
{
	struct region  *r = tree_find_end(sp, range.start);
	struct va_range part;
	err_t		err;

	*hole = (struct hole){ .next = range.end };
	if (!r || r->range.start >= range.end)
		return OK;
	part = range_clip(r->range, range);
	hole->next = part.start;
	if (part.start > range.start)
		return OK;
	err = forbids(r);
	if (err)
		return err;
	*hole = (struct hole){ .next = part.end,
			       .object = r->object,
			       .first = region_page_index(r, part.start),
			       .nr_pages = (part.end - part.start) >> ARCH_PAGE_SHIFT };
	object_get(hole->object);
	return OK;
}

err_t
advise_remove(struct space *sp, struct va_range range)
{
	err_t result = OK;

	while (range.start < range.end) {
		struct hole hole;
		err_t	    err;

		read_lock(&sp->lock);
		err = look(sp, range, &hole);
		read_unlock(&sp->lock);
		if (err)
			return err;
		if (hole.object) {
			object_punch(hole.object, hole.first, hole.nr_pages);
			object_put(hole.object);
		} else {
			result = ERR_NOMEM;
		}
		range.start = hole.next;
	}
	return result;
}
