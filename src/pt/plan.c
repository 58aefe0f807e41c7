/*
 * plan.c - how many tables a change of a range will need, allocated before the
 * first visible change.
 *
 * A table must be copied if several slots name it, or if it hangs below a table
 * that must be copied (the copy names it too), unless it has nothing in the
 * range: then the commit leaves it alone. Other spaces can only make the
 * real number smaller: nobody but this space can name these tables anew, and
 * its write lock is held.
 */
#include "pt/path.h"
#include "pt/table.h"

/* What the change does with an entry whose span lies wholly in the range. */
enum span_use {
	SPAN_DROPPED, /* the slot is cleared; what hangs below is not looked at */
	SPAN_EDITED,  /* every entry below is edited */
};

struct count {
	struct va_range range;
	enum span_use	use;
	uint64_t	tables;
	err_t		err;
};

static void count_below(struct count *c, pfn_t table, unsigned level, vaddr_t base, bool shared);

/* One slot that names a table which the change will descend into. */
static void
count_child(struct count *c, pfn_t child, unsigned level, vaddr_t base, bool shared)
{
	bool copy = shared || frame_count(child) > 1;

	if (copy && !table_uses(child, level, base, c->range))
		return;
	table_lock(child);
	if (copy) {
		c->tables++;
		c->err = table_can_copy(child);
	}
	if (level > 0)
		count_below(c, child, level, base, copy);
	table_unlock(child);
}

/*
 * Count below one locked table whose first byte is `base`. `shared`: it is going to be
 * a copy, so every table below has one more name. Locks keep the tables of the path in place:
 * whoever takes a page from an object unhooks tables that become empty (visit.c).
 */
static void
count_below(struct count *c, pfn_t table, unsigned level, vaddr_t base, bool shared)
{
	struct va_range part = range_clip(c->range, va_range(base, base + level_span(level + 1)));

	for (vaddr_t va = part.start; va < part.end && !c->err;) {
		vaddr_t		start = va & ~(level_span(level) - 1);
		struct va_range span = va_range(start, start + level_span(level));
		pte_t		pte = table_get(table, level_index(level, va));

		va = span.end;
		if (arch_pte_kind(pte, level) == PTE_TABLE &&
		    (c->use == SPAN_EDITED || !range_covers(c->range, span)))
			count_child(c, arch_pte_table_pfn(pte), level - 1, start, shared);
	}
}

static err_t
plan_fill(struct pt_plan *plan, uint64_t tables)
{
	while (tables--) {
		pfn_t pfn;
		err_t err = table_alloc(0, &pfn);

		if (err) {
			pt_plan_drop(plan);
			return err;
		}
		frame_of(pfn)->table.next =
			pfn_is_none(plan->first) ? UINT32_MAX : (uint32_t)plan->first.n;
		plan->first = pfn;
		plan->nr++;
	}
	return OK;
}

static err_t
plan_count(struct pt_plan *plan, struct pt *pt, struct va_range range, enum span_use use,
	   uint64_t more)
{
	struct count c = { .range = range, .use = use };

	*plan = (struct pt_plan){ .first = pfn_none() };
	table_lock(pt->root);
	count_below(&c, pt->root, ARCH_PT_LEVELS - 1, 0, false);
	table_unlock(pt->root);
	if (c.err)
		return c.err;
	return plan_fill(plan, c.tables + more);
}

err_t
pt_plan_unmap(struct pt_plan *plan, struct pt *pt, struct va_range range)
{
	return plan_count(plan, pt, range, SPAN_DROPPED, 0);
}

err_t
pt_plan_protect(struct pt_plan *plan, struct pt *pt, struct va_range range)
{
	return plan_count(plan, pt, range, SPAN_EDITED, 0);
}

err_t
pt_plan_edit(struct pt_plan *plan, struct pt *pt, struct va_range range, uint64_t more)
{
	return plan_count(plan, pt, range, SPAN_EDITED, more);
}

/* Tables that a full range needs, counted without looking at what is there. */
static uint64_t
tables_of_range(struct va_range range)
{
	uint64_t n = 0;

	for (unsigned level = 1; level < ARCH_PT_LEVELS && !range_is_empty(range); level++)
		n += ((range.end - 1) >> level_shift(level)) - (range.start >> level_shift(level)) +
		     1;
	return n;
}

err_t
pt_plan_mark(struct pt_plan *plan, struct pt *pt, struct va_range range)
{
	return plan_count(plan, pt, range, SPAN_DROPPED, tables_of_range(range));
}

void
pt_plan_join(struct pt_plan *into, struct pt_plan *more)
{
	while (!pfn_is_none(more->first)) {
		pfn_t	      pfn = more->first;
		struct frame *f = frame_of(pfn);

		more->first = f->table.next == UINT32_MAX ? pfn_none() : (pfn_t){ f->table.next };
		f->table.next = pfn_is_none(into->first) ? UINT32_MAX : (uint32_t)into->first.n;
		into->first = pfn;
	}
	into->nr += more->nr;
	more->nr = 0;
}

void
pt_plan_drop(struct pt_plan *plan)
{
	while (!pfn_is_none(plan->first)) {
		pfn_t	 pfn = plan->first;
		uint32_t next = frame_of(pfn)->table.next;

		plan->first = next == UINT32_MAX ? pfn_none() : (pfn_t){ next };
		table_put(pfn);
	}
	plan->nr = 0;
}
