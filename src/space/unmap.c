/*
 * unmap.c - take everything out of a range.
 *
 *	range          |-----------|
 *	hole in one    [ A         A ]    two are left, the upper one is made new
 *	tail cut     [ A    ]
 *	head cut                 [ A   ]  its offset in the object moves on
 *	whole            [ A ]
 *
 * The tables come first: unhooked, flushed on every CPU, freed. Then the
 * regions go: until then an object that loses a page finds them, and flushes here what it
 * found cleared already. All under the space's write lock, so nobody faults in between.
 * A range without regions has nothing in its tables either.
 */
#include "space/unmap.h"

#include "space/bounds.h"
#include "space/limit.h"
#include "space/tree.h"

/* look - what lies in the range. */
static void
look(struct space *sp, struct unmap_plan *plan)
{
	plan->mapped = va_range(UINT64_MAX, 0);
	for (struct region *r = tree_find_end(sp, plan->range.start);
	     r && r->range.start < plan->range.end; r = tree_next(r)) {
		struct va_range part = range_clip(r->range, plan->range);

		plan->bytes += part.end - part.start;
		if (region_is_data(r->prot, r->flags))
			plan->data += part.end - part.start;
		if (region_is_charged(r->prot, r->flags))
			plan->charged += part.end - part.start;
		plan->mapped.start = min_u64(plan->mapped.start, part.start);
		plan->mapped.end = part.end;
		plan->sealed |= (r->flags & REGION_SEALED) != 0;
		if (r->range.start < part.start && part.end < r->range.end)
			plan->cuts = 1;
	}
}

err_t
unmap_plan(struct space *sp, struct va_range range, struct unmap_plan *plan)
{
	*plan = (struct unmap_plan){ .range = range, .tables.first = pfn_none() };
	look(sp, plan);
	if (range_is_empty(plan->mapped))
		return OK;
	if (plan->cuts && sp->nr_regions >= sp->layout.max_regions)
		return ERR_NOMEM;
	if (plan->sealed)
		return ERR_PERM;
	return pt_plan_unmap(&plan->tables, &sp->pt, plan->mapped);
}

void
unmap_drop(struct unmap_plan *plan)
{
	pt_plan_drop(&plan->tables);
}

static void
empty_tables(struct space *sp, struct unmap_plan *plan)
{
	struct gather g;

	region_begin_unhook(sp, plan->mapped);
	gather_begin(&g, &sp->pt);
	pt_unmap(&sp->pt, plan->mapped, &plan->tables, &g);
	gather_end(&g);
	region_end_unhook(sp, plan->mapped);
	pt_plan_drop(&plan->tables);
}

/* cut - take the range out of one region that overlaps it. */
static void
cut(struct region *r, struct va_range range, struct region_reserve *reserve)
{
	bool keeps_head = r->range.start < range.start;
	bool keeps_tail = range.end < r->range.end;

	if (keeps_head && keeps_tail)
		region_split(r, range.end, reserve);
	if (keeps_head)
		region_resize(r, va_range(r->range.start, range.start));
	else if (keeps_tail)
		region_resize(r, va_range(range.end, r->range.end));
	else
		region_remove(r);
}

void
unmap_regions(struct space *sp, struct va_range range, struct region_reserve *reserve)
{
	struct region *next;

	for (struct region *r = tree_find_end(sp, range.start); r && r->range.start < range.end;
	     r = next) {
		next = tree_next(r);
		cut(r, range, reserve);
	}
}

void
unmap_commit(struct space *sp, struct unmap_plan *plan, struct region_reserve *reserve)
{
	if (range_is_empty(plan->mapped))
		return;
	empty_tables(sp, plan);
	unmap_regions(sp, plan->mapped, reserve);
}

err_t
unmap_range(struct space *sp, struct va_range range)
{
	struct region_reserve reserve;
	struct unmap_plan     plan;
	err_t		      err = unmap_plan(sp, range, &plan);

	if (err)
		return err;
	err = region_reserve(&reserve, plan.cuts);
	if (err) {
		unmap_drop(&plan);
		return err;
	}
	unmap_commit(sp, &plan, &reserve);
	return OK;
}

err_t
space_unmap(struct space *sp, vaddr_t addr, uint64_t length)
{
	uint64_t bytes;
	err_t	 err;

	if (!is_page_aligned(addr) || length == 0 || !lies_below(addr, length, sp->layout.end) ||
	    !page_ceil(length, &bytes))
		return ERR_INVAL;
	write_lock(&sp->lock);
	err = unmap_range(sp, va_range(addr, addr + bytes));
	limit_settle(sp);
	write_unlock(&sp->lock);
	return err;
}
