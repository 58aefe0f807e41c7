/*
 * policy.c - from which nodes the pages of a range come from now on.
 *
 * Private pages obey their region, which is cut and joined for it like for a change of protection;
 * it goes with the region through fork, split and move. The pages of an object obey the object,
 * through whichever mapping they are asked for. What is there already stays where it is, until
 * space_migrate moves it, or an advice lets it follow whoever touches it next.
 */
#include "pt/migrate.h"
#include "space/bounds.h"
#include "space/edit.h"
#include "space/tree.h"

/* for_objects - shared mappings have no pages of their own: their objects get the policy. */
static void
for_objects(struct space *sp, struct va_range range, struct placement place)
{
	for (struct region *r = tree_find_end(sp, range.start); r && r->range.start < range.end;
	     r = tree_next(r)) {
		if (r->flags & REGION_SHARED)
			object_set_placement(r->object, place);
	}
}

static err_t
place_locked(struct space *sp, struct va_range range, struct placement place)
{
	struct region_edit edit = {
		.range = range, .places = true, .place = place, .spare = REGION_SHARED
	};
	err_t err;

	if (tree_has_hole(sp, range))
		return ERR_FAULT;
	err = edit_plan(sp, &edit);
	if (err)
		return err;
	edit_commit(sp, &edit);
	for_objects(sp, range, place);
	return OK;
}

err_t
space_place(struct space *sp, vaddr_t addr, uint64_t length, struct placement place)
{
	uint64_t bytes;
	err_t	 err;

	if (!is_page_aligned(addr) || !page_ceil(length, &bytes) || addr + bytes < addr ||
	    !placement_is_legal(place))
		return ERR_INVAL;
	if (bytes == 0)
		return OK;
	write_lock(&sp->lock);
	err = place_locked(sp, va_range(addr, addr + bytes), place);
	write_unlock(&sp->lock);
	return err;
}

err_t
space_migrate(struct space *sp, vaddr_t addr, uint64_t length, unsigned node, uint64_t *moved)
{
	uint64_t bytes;
	err_t	 err = OK;

	*moved = 0;
	if (!is_page_aligned(addr) || !page_ceil(length, &bytes) || node >= frame_nr_nodes() ||
	    !lies_below(addr, bytes, sp->layout.end))
		return ERR_INVAL;
	read_lock(&sp->lock);
	err = pt_migrate(&sp->pt, va_range(addr, addr + bytes), node, moved);
	read_unlock(&sp->lock);
	return err;
}
