/*
 * edit.c - change protection, flags or placement of every region in a range.
 *
 *	before   [ A  A  A ]  .  [ B ][ C  C ]
 *	range        |-----------------|
 *	cut      [ A ][ A ]   .  [ B ][ C ][ C ]    only where something changes
 *	change   [ A ][ B ]   .  [ B ][ B ][ C ]
 *	join     [ A ][ B ]   .  [ B    ]  [ C ]
 *
 * At most the two ends of the range cut a region, so a plan makes at most two.
 * The limit on the number of regions is held against the result: a piece that
 * joins its neighbour at once never counts. The space's write lock is held.
 */
#include "space/edit.h"

#include "space/tree.h"

static prot_t
new_prot(const struct region_edit *edit, const struct region *r)
{
	return (r->prot & ~edit->prot_mask) | edit->prot;
}

static unsigned
new_flags(const struct region_edit *edit, const struct region *r)
{
	return r->flags & edit->spare ? r->flags : (r->flags & ~edit->flags_mask) | edit->flags;
}

static struct placement
new_place(const struct region_edit *edit, const struct region *r)
{
	return edit->places && !(r->flags & edit->spare) ? edit->place : r->place;
}

bool
edit_changes(const struct region_edit *edit, const struct region *r)
{
	return new_prot(edit, r) != r->prot || new_flags(edit, r) != r->flags ||
	       !placement_equal(new_place(edit, r), r->place);
}

/* The regions that the edit would leave, counted without making them. */
struct tally {
	struct region last; /* what the last piece looks like */
	bool	      any;
	uint64_t      pieces;
};

/* tally_piece - the part of r in the range comes next; `change`: it is edited first. */
static void
tally_piece(struct tally *tally, const struct region *r, struct va_range range)
{
	struct region piece = *r;

	range = range_clip(r->range, range);
	if (range_is_empty(range))
		return;
	piece.range = range;
	if (piece.object)
		piece.offset = region_page_index(r, range.start);
	if (tally->any && region_agrees(&tally->last, &piece)) {
		tally->last.range.end = range.end;
		return;
	}
	tally->last = piece;
	tally->any = true;
	tally->pieces++;
}

/* too_many - the result has more regions than the space may have. */
static bool
too_many(const struct space *sp, const struct region_edit *edit)
{
	struct tally   tally = { .any = false };
	uint64_t       before = 0;
	struct region *r = tree_find_end(sp, edit->range.start);

	if (sp->nr_regions + 2 <= sp->layout.max_regions)
		return false;
	if (r && tree_prev(r))
		r = tree_prev(r);
	for (; r && r->range.start <= edit->range.end; r = tree_next(r)) {
		struct region edited = *r;

		edited.prot = new_prot(edit, r);
		edited.flags = new_flags(edit, r);
		edited.place = new_place(edit, r);
		tally_piece(&tally, r, va_range(0, edit->range.start));
		tally_piece(&tally, &edited, edit->range);
		tally_piece(&tally, r, va_range(edit->range.end, UINT64_MAX));
		before++;
	}
	return tally.pieces > before &&
	       sp->nr_regions - before + tally.pieces > sp->layout.max_regions;
}

err_t
edit_plan(struct space *sp, struct region_edit *edit)
{
	unsigned cuts = 0;

	edit->changed = va_range(UINT64_MAX, 0);
	edit->reserve.nr = 0;
	for (struct region *r = tree_find_end(sp, edit->range.start);
	     r && r->range.start < edit->range.end; r = tree_next(r)) {
		struct va_range part = range_clip(r->range, edit->range);

		if (!edit_changes(edit, r))
			continue;
		cuts += (part.start != r->range.start) + (part.end != r->range.end);
		edit->changed.start = min_u64(edit->changed.start, part.start);
		edit->changed.end = part.end;
	}
	if (cuts > 0 && too_many(sp, edit))
		return ERR_NOMEM;
	return region_reserve(&edit->reserve, cuts);
}

void
edit_commit(struct space *sp, struct region_edit *edit)
{
	struct region *next;

	for (struct region *r = tree_find_end(sp, edit->changed.start);
	     r && r->range.start < edit->changed.end; r = next) {
		if (edit_changes(edit, r)) {
			if (r->range.start < edit->range.start)
				r = region_split(r, edit->range.start, &edit->reserve);
			if (r->range.end > edit->range.end)
				region_split(r, edit->range.end, &edit->reserve);
			region_change(r, new_prot(edit, r), new_flags(edit, r), new_place(edit, r));
		}
		next = tree_next(r);
	}
	if (!range_is_empty(edit->changed))
		region_merge_around(sp, edit->changed);
}

void
edit_drop(struct region_edit *edit)
{
	region_reserve_drop(&edit->reserve);
}
