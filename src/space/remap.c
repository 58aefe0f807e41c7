/*
 * remap.c - mremap: a mapping grows, shrinks or moves.
 *
 *	parameters   what needs no look at the space
 *	region       what forbids it for the region at the old address
 *	shrink       the tail is unmapped
 *	grow         in place if there is room, else by moving
 *	move         [ A ]............      the new place is free, or made free
 *	             ............[ A   ]    entries move, then the region
 *
 * The order of checks and errors is Linux's, with two exceptions where Linux has
 * already unmapped something when it fails: here nothing has happened then. A
 * fixed move without a change of length covers any number of regions, gap
 * by gap; it goes region by region, so that those before a failure have moved.
 *
 * Everything is done under the space's write lock.
 */
#include "object/rmap.h"
#include "pt/pins.h"
#include "pt/range.h"
#include "space/bounds.h"
#include "space/limit.h"
#include "space/place.h"
#include "space/tree.h"
#include "space/unmap.h"

#define KNOWN_FLAGS ((uint64_t)(REMAP_MAYMOVE | REMAP_FIXED | REMAP_DONTUNMAP))

/* One region's part of a call. Lengths are whole pages. */
struct remap {
	struct space *sp;
	vaddr_t	      addr;
	uint64_t      old_bytes;
	uint64_t      new_bytes;
	uint64_t      flags;
	vaddr_t	      new_addr; /* the request's; then where it goes */

	struct region	     *r;	/* check_region: at addr */
	struct region_kind    kind;	/* check_region: what a region starting at addr is */
	struct va_range	      moved;	/* plan_move: the pages that go along */
	struct va_range	      unlocked; /* leave_empty: what was locked and stays, else empty */
	struct unmap_plan     clear;	/* plan_move: the new place */
	struct unmap_plan     tail;	/* plan_move: what shrinking takes away */
	struct pt_plan	      tables;
	struct region_reserve reserve;
};

static bool
has_new_address(uint64_t flags)
{
	return flags & (REMAP_FIXED | REMAP_DONTUNMAP);
}

static uint64_t
grown_by(const struct remap *m)
{
	return m->new_bytes > m->old_bytes ? m->new_bytes - m->old_bytes : 0;
}

/* overlap - literally as Linux computes it, sums that wrap around included. */
static bool
overlap(const struct remap *m)
{
	return m->addr + m->old_bytes > m->new_addr && m->new_addr + m->new_bytes > m->addr;
}

static err_t
check_new_address(const struct remap *m)
{
	if (!lies_below(m->new_addr, m->new_bytes, m->sp->layout.end))
		return ERR_INVAL;
	if (!is_page_aligned(m->new_addr) || !(m->flags & REMAP_MAYMOVE))
		return ERR_INVAL;
	if ((m->flags & REMAP_DONTUNMAP) && m->old_bytes != m->new_bytes)
		return ERR_INVAL;
	return overlap(m) ? ERR_INVAL : OK;
}

static err_t
check_parameters(const struct remap *m)
{
	if ((m->flags & ~KNOWN_FLAGS) || !is_page_aligned(m->addr) || m->new_bytes == 0 ||
	    m->new_bytes > m->sp->layout.end)
		return ERR_INVAL;
	return has_new_address(m->flags) ? check_new_address(m) : OK;
}

/* has_few_regions - room for the cuts of a move, with Linux's margin. */
static bool
has_few_regions(const struct space *sp, uint64_t more)
{
	return sp->nr_regions + more + 3 < sp->layout.max_regions;
}

static err_t
check_growth(const struct remap *m)
{
	uint64_t first = region_page_index(m->r, m->addr);

	if (first + (m->new_bytes >> ARCH_PAGE_SHIFT) < first)
		return ERR_INVAL;
	if (m->r->flags & REGION_DEVICE)
		return ERR_FAULT;
	if (limit_forbids_locked(m->sp, grown_by(m), m->r->flags))
		return ERR_AGAIN;
	if (limit_forbids(m->sp, grown_by(m), m->r->prot, m->r->flags))
		return ERR_NOMEM;
	return region_is_charged(m->r->prot, m->r->flags) && !limit_charge(m->sp, grown_by(m))
		       ? ERR_NOMEM
		       : OK;
}

/* hides_itself - a second mapping, put where the first one starts: Linux finds nothing there then. */
static bool
hides_itself(const struct remap *m)
{
	return m->old_bytes == 0 && (m->flags & REMAP_FIXED) &&
	       range_has(va_range(m->new_addr, m->new_addr + m->new_bytes), m->addr);
}

/* check_region - what the region at the old address forbids. */
static err_t
check_region(struct remap *m)
{
	uint64_t bytes = min_u64(m->old_bytes, m->new_bytes);
	err_t	 err = OK;

	m->r = space_find(m->sp, m->addr);
	if (!m->r)
		return ERR_FAULT;
	m->kind = (struct region_kind){ .prot = m->r->prot,
					.flags = m->r->flags,
					.place = m->r->place,
					.object = m->r->object,
					.offset = region_page_index(m->r, m->addr) };
	if (m->r->flags & REGION_SEALED)
		return ERR_PERM;
	if (!has_new_address(m->flags) && m->new_bytes <= m->old_bytes)
		return OK;
	if (m->old_bytes == 0 && !(m->r->flags & REGION_SHARED))
		return ERR_INVAL;
	if ((m->flags & REMAP_DONTUNMAP) && (m->r->flags & REGION_DEVICE))
		return ERR_INVAL;
	if (bytes > m->r->range.end - m->addr)
		return ERR_FAULT;
	if (m->new_bytes > m->old_bytes)
		err = check_growth(m);
	return err == OK && hides_itself(m) ? ERR_FAULT : err;
}

/* In place. */

static err_t
shrink_in_place(struct remap *m)
{
	vaddr_t end = m->addr + m->new_bytes;

	if (!lies_below(end, m->old_bytes - m->new_bytes, m->sp->layout.end))
		return ERR_INVAL;
	return unmap_range(m->sp, va_range(end, m->addr + m->old_bytes));
}

/* As in Linux, the guard gap of a stack above is not asked for. */
static bool
has_room_behind(const struct remap *m)
{
	struct region *next = tree_next(m->r);
	vaddr_t	       end = m->r->range.end;

	return m->addr + m->old_bytes == end && lies_below(end, grown_by(m), m->sp->layout.end) &&
	       (!next || next->range.start - end >= grown_by(m));
}

static void
grow_in_place(struct remap *m)
{
	struct va_range more = va_range(m->r->range.end, m->r->range.end + grown_by(m));

	region_resize(m->r, va_range(m->r->range.start, more.end));
	region_merge_around(m->sp, more);
}

/* By moving. */

static err_t
choose_place(struct remap *m)
{
	struct place_request place = {
		.hint = (m->flags & REMAP_DONTUNMAP) ? m->new_addr : 0,
		.bytes = m->new_bytes,
		.align_anonymous = !m->kind.object,
		.align_by_offset = (m->kind.flags & REGION_ALIGNED) != 0,
		.offset = m->kind.offset << ARCH_PAGE_SHIFT,
	};

	return m->flags & REMAP_FIXED ? OK : place_find(m->sp, &place, &m->new_addr);
}

/*
 * check_copy - leaving the old range mapped is a request for as much again, when what is at the
 * new place has gone.
 */
static err_t
check_copy(const struct remap *m)
{
	if (!(m->flags & REMAP_DONTUNMAP))
		return OK;
	if (limit_forbids_total(m->sp, m->new_bytes - m->clear.bytes) ||
	    (region_is_data(m->kind.prot, m->kind.flags) &&
	     limit_forbids_data(m->sp, m->new_bytes - m->clear.data)))
		return ERR_NOMEM;
	return region_is_charged(m->kind.prot, m->kind.flags) && !limit_charge(m->sp, m->new_bytes)
		       ? ERR_NOMEM
		       : OK;
}

static void
drop_plans(struct remap *m)
{
	unmap_drop(&m->clear);
	unmap_drop(&m->tail);
	pt_plan_drop(&m->tables);
}

static err_t
plan_tail(struct remap *m)
{
	vaddr_t end = m->addr + m->new_bytes;

	if (m->old_bytes <= m->new_bytes)
		return OK;
	if (!lies_below(end, m->old_bytes - m->new_bytes, m->sp->layout.end))
		return ERR_INVAL;
	return unmap_plan(m->sp, va_range(end, m->addr + m->old_bytes), &m->tail);
}

static err_t
plan_tables(struct remap *m)
{
	struct va_range place = va_range(m->new_addr, m->new_addr + m->new_bytes);
	err_t		err = OK;

	if (m->flags & REMAP_FIXED)
		err = unmap_plan(m->sp, place, &m->clear);
	if (err == OK)
		err = plan_tail(m);
	if (err == OK)
		err = check_copy(m);
	if (err == OK && !range_is_empty(m->moved))
		err = pt_plan_move(&m->tables, &m->sp->pt, m->moved, m->new_addr);
	return err;
}

/* plan_move - after OK only commit_move is left to do. */
static err_t
plan_move(struct remap *m)
{
	const struct pt_plan no_tables = { .first = pfn_none() };
	err_t		     err;

	if (!has_few_regions(m->sp, 0))
		return ERR_NOMEM;
	m->clear = m->tail = (struct unmap_plan){ .tables = no_tables };
	m->tables = no_tables;
	m->moved = va_range(m->addr, m->addr + min_u64(m->old_bytes, m->new_bytes));
	m->unlocked = va_range(0, 0);
	err = choose_place(m);
	if (err == OK)
		err = plan_tables(m);
	if (err == OK) /* two for the moved part: itself, and what it cuts off */
		err = region_reserve(&m->reserve, m->clear.cuts + m->tail.cuts + 2);
	if (err)
		drop_plans(m);
	return err;
}

/*
 * Both ranges are in the object's list of regions, and nobody walks through it meanwhile: who takes
 * a page from the object finds each entry at the one place or at the other.
 */
static void
move_entries(struct remap *m)
{
	struct va_range place = va_range(m->new_addr, m->new_addr + m->new_bytes);
	struct gather	g;

	rmap_lock(m->kind.object);
	gather_begin(&g, &m->sp->pt);
	pt_move(&m->sp->pt, m->moved, m->new_addr, &m->tables, &g);
	if (atomic_load(&m->sp->may_have_pins))
		pt_note_pins(&m->sp->pt, place);
	/* Tables with wired leaves are never shared: this needs none of the plan's. */
	pt_wire(&m->sp->pt, m->unlocked, false, &m->tables, &g);
	gather_end(&g);
	rmap_unlock(m->kind.object);
}

/* leave_empty - the old region stays, without the moved pages; what is locked is the new one. */
static void
leave_empty(struct remap *m)
{
	struct region *r = space_find(m->sp, m->addr);

	if (r->flags & REGION_LOCKED)
		m->unlocked = r->range;
	region_change(r, r->prot, r->flags & ~(unsigned)(REGION_LOCKED | REGION_LOCKONFAULT),
		      r->place);
	region_merge_around(m->sp, r->range);
}

static void
commit_move(struct remap *m)
{
	struct space   *sp = m->sp;
	struct va_range place = va_range(m->new_addr, m->new_addr + m->new_bytes);

	if (m->kind.object)
		object_get(m->kind.object); /* the last region may go before the new one comes */
	unmap_commit(sp, &m->clear, &m->reserve);
	unmap_commit(sp, &m->tail, &m->reserve);
	if (m->flags & REMAP_DONTUNMAP)
		leave_empty(m);
	region_add(sp, place, &m->kind, &m->reserve);
	if (!range_is_empty(m->moved))
		move_entries(m);
	if (!(m->flags & REMAP_DONTUNMAP) && !range_is_empty(m->moved))
		unmap_regions(sp, m->moved, &m->reserve);
	if (m->kind.object)
		object_put(m->kind.object);
	region_reserve_drop(&m->reserve);
	drop_plans(m);
}

static err_t
move(struct remap *m)
{
	err_t err = plan_move(m);

	if (err == OK)
		commit_move(m);
	return err;
}

/* remap_region - gives m->new_addr, where the mapping starts now. */
static err_t
remap_region(struct remap *m)
{
	err_t err = check_region(m);

	if (err)
		return err;
	if (has_new_address(m->flags))
		return move(m);
	m->new_addr = m->addr;
	if (m->new_bytes == m->old_bytes)
		return OK;
	if (m->new_bytes < m->old_bytes)
		return shrink_in_place(m);
	if (has_room_behind(m)) {
		grow_in_place(m);
		return OK;
	}
	return m->flags & REMAP_MAYMOVE ? move(m) : ERR_NOMEM;
}

/* move_each - all regions of the range keep their distances. */
static err_t
move_each(const struct remap *whole)
{
	struct va_range from = va_range(whole->addr, whole->addr + whole->old_bytes);
	vaddr_t		at = from.start;

	if (!space_find(whole->sp, at))
		return ERR_FAULT;
	for (;;) {
		struct region *r = tree_find_end(whole->sp, at);
		struct remap   part = *whole;
		err_t	       err;

		if (at >= from.end || !r || r->range.start >= from.end)
			return OK;
		/* What was left behind may have joined the next region. */
		part.addr = max_u64(r->range.start, at);
		part.new_addr = whole->new_addr + (part.addr - from.start);
		part.old_bytes = min_u64(r->range.end, from.end) - part.addr;
		part.new_bytes = part.old_bytes;
		at = part.addr + part.old_bytes;
		err = remap_region(&part);
		if (err)
			return err;
	}
}

static err_t
remap_locked(struct remap *m)
{
	bool is_move_only = (m->flags & REMAP_FIXED) && m->old_bytes == m->new_bytes;

	return is_move_only ? move_each(m) : remap_region(m);
}

/* pages_or_none - rounded up; a length that does not fit is none, as in Linux. */
static uint64_t
pages_or_none(uint64_t length)
{
	uint64_t bytes = 0;

	(void)page_ceil(length, &bytes);
	return bytes;
}

err_t
space_remap(struct space *sp, const struct remap_request *request, vaddr_t *out,
	    struct va_range *fresh)
{
	struct remap m = {
		.sp = sp,
		.addr = request->addr,
		.old_bytes = pages_or_none(request->old_length),
		.new_bytes = pages_or_none(request->new_length),
		.flags = request->flags,
		.new_addr = request->new_addr,
	};
	err_t err = check_parameters(&m);

	if (err)
		return err;
	write_lock(&sp->lock);
	if (has_new_address(m.flags) && !has_few_regions(sp, 2))
		err = ERR_NOMEM;
	else
		err = remap_locked(&m);
	limit_settle(sp);
	write_unlock(&sp->lock);
	if (err)
		return err;
	*out = m.new_addr;
	*fresh = va_range(0, 0);
	if ((m.kind.flags & REGION_LOCKED) && grown_by(&m))
		*fresh = va_range(m.new_addr + m.old_bytes, m.new_addr + m.new_bytes);
	return OK;
}
