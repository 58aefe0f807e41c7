/*
 * region.c - one region's life: made, linked, cut, joined, counted.
 *
 *	before    [   A   ]
 *	split     [ A |A' ]       A' continues A's object, with a reference of its own
 *	change    [ A | B ]
 *	merge     [   A   ]       only if everything visible agrees again
 *
 * Two neighbours are merged whenever they agree in protection, flags and
 * backing: the same object with continuing offsets, or none. So the set of
 * regions depends on what is mapped and not on how it came about.
 *
 * Each function keeps the sums of the space (pages, committed pages, data
 * pages) and the object's list of regions exact. The space's write lock is held
 * throughout; object locks are taken inside.
 */
#include "space/regions.h"

#include "base/assert.h"
#include "object/rmap.h"
#include "space/state.h"
#include "space/tree.h"

bool
region_is_charged(prot_t prot, unsigned flags)
{
	return (prot & PROT_W) && !(flags & (REGION_SHARED | REGION_NORESERVE));
}

bool
region_is_data(prot_t prot, unsigned flags)
{
	return (prot & PROT_W) && !(flags & (REGION_SHARED | REGION_GROWSDOWN));
}

uint64_t
region_charge(const struct region *r)
{
	return region_is_charged(r->prot, r->flags) ? region_pages(r) : 0;
}

static uint64_t
data_pages(const struct region *r)
{
	return region_is_data(r->prot, r->flags) ? region_pages(r) : 0;
}

static uint64_t
locked_pages(const struct region *r)
{
	return r->flags & REGION_LOCKED ? region_pages(r) : 0;
}

/* count, uncount - the region enters or leaves the sums of its space. */
static void
count(const struct region *r)
{
	r->space->total_pages += region_pages(r);
	r->space->committed_pages += region_charge(r);
	r->space->data_pages += data_pages(r);
	r->space->locked_pages += locked_pages(r);
}

static void
uncount(const struct region *r)
{
	r->space->total_pages -= region_pages(r);
	r->space->committed_pages -= region_charge(r);
	r->space->data_pages -= data_pages(r);
	r->space->locked_pages -= locked_pages(r);
}

struct region *
region_make(void)
{
	return slab_alloc(&space_state()->regions);
}

void
region_free(struct region *r)
{
	slab_free(&space_state()->regions, r);
}

err_t
region_reserve(struct region_reserve *reserve, unsigned nr)
{
	*reserve = (struct region_reserve){ .nr = 0 };
	while (reserve->nr < nr) {
		struct region *r = region_make();

		if (!r) {
			region_reserve_drop(reserve);
			return ERR_NOMEM;
		}
		reserve->spare[reserve->nr++] = r;
	}
	return OK;
}

void
region_reserve_drop(struct region_reserve *reserve)
{
	while (reserve->nr > 0)
		region_free(reserve->spare[--reserve->nr]);
}

static struct region *
take(struct region_reserve *reserve)
{
	REQUIRE(reserve->nr > 0, "%u regions are left in the reserve", reserve->nr);
	return reserve->spare[--reserve->nr];
}

/* describe - fill in a fresh region, with a reference on its object. HOLDS the object's rmap_lock. */
static void
describe(struct region *r, struct space *sp, struct va_range range, const struct region_kind *kind)
{
	r->space = sp;
	r->pt = &sp->pt;
	r->range = range;
	r->prot = kind->prot;
	r->flags = kind->flags;
	r->place = kind->place;
	r->object = kind->object;
	r->offset = kind->object ? kind->offset : 0;
	list_init(&r->rmap);
	if (r->object) {
		object_get(r->object);
		rmap_insert(r);
	}
}

/* forget - the opposite of describe; the object may die of it. Without rmap_lock. */
static void
forget(struct region *r)
{
	struct object *object = r->object;

	if (object) {
		rmap_lock(object);
		rmap_remove(r);
		rmap_unlock(object);
		object_put(object);
	}
	region_free(r);
}

static struct region_kind
kind_of(const struct region *r)
{
	return (struct region_kind){ .prot = r->prot,
				     .flags = r->flags,
				     .place = r->place,
				     .object = r->object,
				     .offset = r->offset };
}

void
region_add(struct space *sp, struct va_range range, const struct region_kind *kind,
	   struct region_reserve *reserve)
{
	struct region *r = take(reserve);

	rmap_lock(kind->object);
	describe(r, sp, range, kind);
	rmap_unlock(kind->object);
	tree_insert(sp, r);
	count(r);
	region_merge_around(sp, range);
}

struct region *
region_split(struct region *r, vaddr_t at, struct region_reserve *reserve)
{
	struct region	  *upper = take(reserve);
	struct va_range	   range = va_range(at, r->range.end);
	struct region_kind kind = kind_of(r);

	REQUIRE(r->range.start < at && at < r->range.end, "%lx is not inside the region at %lx",
		(unsigned long)at, (unsigned long)r->range.start);
	kind.offset = region_page_index(r, at);
	rmap_lock(r->object);
	tree_resize(r->space, r, va_range(r->range.start, at));
	describe(upper, r->space, range, &kind);
	rmap_unlock(r->object);
	tree_insert(r->space, upper);
	return upper;
}

void
region_resize(struct region *r, struct va_range range)
{
	uncount(r);
	rmap_lock(r->object);
	if (r->object)
		r->offset += (range.start - r->range.start) >> ARCH_PAGE_SHIFT;
	tree_resize(r->space, r, range);
	rmap_unlock(r->object);
	count(r);
}

void
region_change(struct region *r, prot_t prot, unsigned flags, struct placement place)
{
	uncount(r);
	r->prot = prot;
	r->flags = flags;
	r->place = place;
	count(r);
}

void
region_remove(struct region *r)
{
	uncount(r);
	tree_remove(r->space, r);
	forget(r);
}

void
region_remove_all(struct space *sp)
{
	struct region *parent = NULL;
	struct region *r;

	while ((r = tree_pop_leaf(sp, parent))) {
		parent = r->parent;
		uncount(r);
		forget(r);
	}
}

bool
region_agrees(const struct region *a, const struct region *b)
{
	if (a->range.end != b->range.start || a->prot != b->prot || a->flags != b->flags)
		return false;
	if (a->object != b->object || (a->flags & REGION_NOMERGE) ||
	    !placement_equal(a->place, b->place))
		return false;
	return !a->object || a->offset + region_pages(a) == b->offset;
}

/* absorb - a takes over b's range. The sums stay as they are. */
static void
absorb(struct region *a, struct region *b)
{
	vaddr_t end = b->range.end;

	tree_remove(b->space, b);
	rmap_lock(a->object);
	tree_resize(a->space, a, va_range(a->range.start, end));
	rmap_unlock(a->object);
	forget(b);
}

void
region_merge_around(struct space *sp, struct va_range range)
{
	struct region *r = tree_find_end(sp, range.start);
	struct region *before = r ? tree_prev(r) : tree_last(sp);

	if (before)
		r = before;
	while (r && r->range.start < range.end) {
		struct region *next = tree_next(r);

		if (next && region_agrees(r, next))
			absorb(r, next);
		else
			r = next;
	}
}

struct region *
region_copy(const struct region *from, struct space *to, struct region *last, struct region *fresh)
{
	struct region_kind kind = kind_of(from);

	kind.flags &= ~(unsigned)(REGION_LOCKED | REGION_LOCKONFAULT);
	rmap_lock(kind.object);
	describe(fresh, to, from->range, &kind);
	rmap_unlock(kind.object);
	tree_append(to, last, fresh);
	count(fresh);
	if (!last || !region_agrees(last, fresh))
		return fresh;
	absorb(last, fresh);
	return last;
}

void
region_begin_unhook(struct space *sp, struct va_range range)
{
	for (struct region *r = tree_find_end(sp, range.start); r && r->range.start < range.end;
	     r = tree_next(r))
		rmap_begin_unhook(r->object);
}

void
region_end_unhook(struct space *sp, struct va_range range)
{
	for (struct region *r = tree_find_end(sp, range.start); r && r->range.start < range.end;
	     r = tree_next(r))
		rmap_end_unhook(r->object);
}
