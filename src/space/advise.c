/*
 * advise.c - what a program says about its memory.
 *
 *	DONTNEED                pages go, guards stay; the next access finds zeros, or the
 *	                        object's page
 *	FREE                    may be taken as a hint, and is: nothing happens
 *	DONTFORK .. KEEPONFORK  flags of the regions, which fork reads
 *	GUARD_INSTALL, REMOVE   marks in the tables, which a fault reads
 *
 * Guards are not a property of a region: they survive protection changes and
 * fork in the tables alone, and do not keep neighbours from being merged.
 *
 * As in Linux, holes are passed over and reported at the end. A region that
 * does not fit the advice ends the call before anything is done.
 */
#include "pt/range.h"
#include "space/bounds.h"
#include "space/edit.h"
#include "space/tree.h"

struct request {
	struct va_range range; /* clipped to the part that holds regions */
	enum advice	advice;
	bool		has_hole;
};

static bool
is_private_anonymous(const struct region *r)
{
	return !r->object && !(r->flags & REGION_SHARED);
}

/* fits - the advice makes sense for this region. */
static bool
fits(enum advice advice, const struct region *r)
{
	if (advice == ADVICE_FREE || advice == ADVICE_WIPEONFORK)
		return is_private_anonymous(r);
	return true;
}

static bool
is_known(enum advice advice)
{
	switch (advice) {
	case ADVICE_NORMAL:
	case ADVICE_DONTNEED:
	case ADVICE_FREE:
	case ADVICE_DONTFORK:
	case ADVICE_DOFORK:
	case ADVICE_WIPEONFORK:
	case ADVICE_KEEPONFORK:
	case ADVICE_GUARD_INSTALL:
	case ADVICE_GUARD_REMOVE:
		return true;
	case ADVICE_RANDOM:
	case ADVICE_SEQUENTIAL:
	case ADVICE_WILLNEED:
	case ADVICE_REMOVE:
	case ADVICE_MERGEABLE:
	case ADVICE_UNMERGEABLE:
	case ADVICE_HUGEPAGE:
	case ADVICE_NOHUGEPAGE:
	case ADVICE_DONTDUMP:
	case ADVICE_DODUMP:
	case ADVICE_COLD:
	case ADVICE_PAGEOUT:
	case ADVICE_POPULATE_READ:
	case ADVICE_POPULATE_WRITE:
	case ADVICE_DONTNEED_LOCKED:
	case ADVICE_COLLAPSE:
		break;
	}
	return false;
}

/*
 * survey - clip the range to what is mapped, and note holes.
 *   fails  ERR_INVAL: the advice does not fit a region; ERR_NOMEM: nothing is mapped
 */
static err_t
survey(struct space *sp, struct request *request)
{
	struct va_range whole = request->range;
	vaddr_t		at = whole.start;

	request->range = va_range(UINT64_MAX, 0);
	for (struct region *r = tree_find_end(sp, whole.start); r && r->range.start < whole.end;
	     r = tree_next(r)) {
		struct va_range part = range_clip(r->range, whole);

		if (!fits(request->advice, r))
			return ERR_INVAL;
		request->has_hole |= part.start > at;
		request->range.start = min_u64(request->range.start, part.start);
		request->range.end = part.end;
		at = part.end;
	}
	request->has_hole |= at < whole.end;
	return range_is_empty(request->range) ? ERR_NOMEM : OK;
}

/* A change of the tables, piece by piece: all pieces are planned before the first is changed. */
struct change {
	/* The first piece of the range at or above `from`; false: none. */
	bool (*next)(struct space *sp, struct va_range range, vaddr_t from, struct va_range *piece);
	err_t (*plan)(struct pt_plan *plan, struct pt *pt, struct va_range piece);
	void (*commit)(struct pt *pt, struct va_range piece, struct pt_plan *plan,
		       struct gather *g);
};

/* next_run - a stretch of the range without a hole. */
static bool
next_run(struct space *sp, struct va_range range, vaddr_t from, struct va_range *run)
{
	struct region *r = tree_find_end(sp, from);

	if (from >= range.end || !r || r->range.start >= range.end)
		return false;
	*run = range_clip(r->range, va_range(from, range.end));
	while ((r = tree_next(r)) && r->range.start == run->end && run->end < range.end)
		run->end = min_u64(r->range.end, range.end);
	return true;
}

/* next_unguarded - a stretch of the range without a guard; holes have nothing to lose. */
static bool
next_unguarded(struct space *sp, struct va_range range, vaddr_t from, struct va_range *piece)
{
	while (from < range.end) {
		struct va_range rest = va_range(from, range.end);
		struct va_range guards = va_range(range.end, range.end);

		if (sp->may_have_guards)
			pt_next_mark(&sp->pt, rest, MARK_GUARD, &guards);
		*piece = va_range(from, guards.start);
		if (!range_is_empty(*piece))
			return true;
		from = guards.end;
	}
	return false;
}

/* next_guarded - a run of guards. */
static bool
next_guarded(struct space *sp, struct va_range range, vaddr_t from, struct va_range *piece)
{
	return sp->may_have_guards && from < range.end &&
	       pt_next_mark(&sp->pt, va_range(from, range.end), MARK_GUARD, piece);
}

static void
commit_guards(struct pt *pt, struct va_range piece, struct pt_plan *plan, struct gather *g)
{
	const struct pte_mark guard = { .type = MARK_GUARD };

	pt_mark(pt, piece, guard, plan, g);
}

static void
commit_no_guards(struct pt *pt, struct va_range piece, struct pt_plan *plan, struct gather *g)
{
	pt_unmark(pt, piece, MARK_GUARD, plan, g);
}

/* Guards stay when pages go, as in Linux: only their own advice or unmapping removes them. */
static const struct change drop_pages = { next_unguarded, pt_plan_unmap, pt_unmap };
static const struct change install_guards = { next_run, pt_plan_mark, commit_guards };
static const struct change remove_guards = { next_guarded, pt_plan_protect, commit_no_guards };

/* plan_change - tables for all pieces. fails ERR_NOMEM, ERR_OVERFLOW: nothing is held. */
static err_t
plan_change(struct space *sp, struct va_range range, const struct change *change,
	    struct pt_plan *tables)
{
	struct va_range piece;

	*tables = (struct pt_plan){ .first = pfn_none() };
	for (vaddr_t from = range.start; change->next(sp, range, from, &piece); from = piece.end) {
		struct pt_plan more;
		err_t	       err = change->plan(&more, &sp->pt, piece);

		if (err) {
			pt_plan_drop(tables);
			return err;
		}
		pt_plan_join(tables, &more);
	}
	return OK;
}

static err_t
change_tables(struct space *sp, struct va_range range, const struct change *change)
{
	struct pt_plan	tables;
	struct va_range piece;
	struct gather	g;
	err_t		err = plan_change(sp, range, change, &tables);

	if (err)
		return err;
	region_begin_unhook(sp, range);
	gather_begin(&g, &sp->pt);
	for (vaddr_t from = range.start; change->next(sp, range, from, &piece); from = piece.end)
		change->commit(&sp->pt, piece, &tables, &g);
	gather_end(&g);
	region_end_unhook(sp, range);
	pt_plan_drop(&tables);
	sp->may_have_guards |= change == &install_guards;
	return OK;
}

static err_t
set_flags(struct space *sp, struct va_range range, unsigned mask, unsigned flags)
{
	struct region_edit edit = { .range = range, .flags_mask = mask, .flags = flags };
	err_t		   err = edit_plan(sp, &edit);

	if (err == OK)
		edit_commit(sp, &edit);
	return err;
}

static err_t
follow(struct space *sp, const struct request *request)
{
	switch ((unsigned)request->advice) {
	case ADVICE_DONTNEED:
		return change_tables(sp, request->range, &drop_pages);
	case ADVICE_DONTFORK:
		return set_flags(sp, request->range, REGION_DONTFORK, REGION_DONTFORK);
	case ADVICE_DOFORK:
		return set_flags(sp, request->range, REGION_DONTFORK, 0);
	case ADVICE_WIPEONFORK:
		return set_flags(sp, request->range, REGION_WIPEONFORK, REGION_WIPEONFORK);
	case ADVICE_KEEPONFORK:
		return set_flags(sp, request->range, REGION_WIPEONFORK, 0);
	case ADVICE_GUARD_INSTALL:
		return change_tables(sp, request->range, &install_guards);
	case ADVICE_GUARD_REMOVE:
		return change_tables(sp, request->range, &remove_guards);
	default:
		break;
	}
	return OK;
}

err_t
space_advise(struct space *sp, vaddr_t addr, uint64_t length, enum advice advice)
{
	struct request request = { .advice = advice };
	uint64_t       bytes;
	err_t	       err;

	if (!is_known(advice) || !is_page_aligned(addr))
		return ERR_INVAL;
	if (!page_ceil(length, &bytes) || addr + bytes < addr)
		return ERR_INVAL;
	if (bytes == 0)
		return OK;
	request.range = va_range(addr, addr + bytes);
	write_lock(&sp->lock);
	err = survey(sp, &request);
	if (err == OK)
		err = follow(sp, &request);
	write_unlock(&sp->lock);
	return err == OK && request.has_hole ? ERR_NOMEM : err;
}
