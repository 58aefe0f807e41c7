/*
 * advise_tables.c - pages and guards of a range come and go, regions stay.
 *
 * A change consists of pieces: stretches without a guard, runs of guards, stretches
 * without a hole. All pieces are planned before the first is changed, so a change
 * happens as a whole or not at all.
 *
 * Guards are not a property of a region: they survive protection changes and
 * fork in the tables alone, and do not keep neighbours from being merged. The space's
 * write lock is held.
 */
#include "space/advise.h"

#include "pt/migrate.h"
#include "pt/range.h"
#include "space/regions.h"
#include "space/tree.h"

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
	return OK;
}

err_t
advise_drop_pages(struct space *sp, struct va_range range)
{
	return change_tables(sp, range, &drop_pages);
}

err_t
advise_install_guards(struct space *sp, struct va_range range)
{
	err_t err = change_tables(sp, range, &install_guards);

	sp->may_have_guards |= err == OK;
	return err;
}

err_t
advise_remove_guards(struct space *sp, struct va_range range)
{
	return change_tables(sp, range, &remove_guards);
}

err_t
advise_next_touch(struct space *sp, struct va_range range)
{
	pt_detach(&sp->pt, range);
	return OK;
}
