/*
 * brk.c - the heap: private anonymous memory from the layout's brk_start up to
 * the break, which may stand anywhere inside its last page.
 *
 * The call cannot fail in Linux's sense: it gives the break as it is afterwards.
 * Growing keeps one page free below the next mapping, and below that mapping's
 * guard gap if it grows down. The space's write lock is held for the whole call.
 */
#include "space/bounds.h"
#include "space/limit.h"
#include "space/tree.h"
#include "space/unmap.h"

/* has_room - the heap may be extended to `to`, which is a whole page. */
static bool
has_room(struct space *sp, struct va_range more)
{
	struct region *next = tree_find_end(sp, more.start);

	return more.end <= sp->layout.end &&
	       (!next || guarded_start(next) >= more.end + ARCH_PAGE_SIZE) &&
	       sp->nr_regions <= sp->layout.max_regions;
}

static bool
grow(struct space *sp, struct va_range more)
{
	const struct region_kind heap = { .prot = PROT_RW, .flags = sp->new_flags };
	struct region_reserve	 reserve;

	if (!has_room(sp, more) || limit_forbids_locked(sp, more.end - more.start, heap.flags) ||
	    limit_forbids(sp, more.end - more.start, heap.prot, heap.flags) ||
	    !limit_charge(sp, more.end - more.start))
		return false;
	if (region_reserve(&reserve, 1) != OK)
		return false;
	region_add(sp, more, &heap, &reserve);
	return true;
}

/* shrink - as in Linux, the break stays if a program has unmapped all that would be given back. */
static bool
shrink(struct space *sp, struct va_range less)
{
	struct region *first = tree_find_end(sp, less.start);

	return first && first->range.start < less.end && unmap_range(sp, less) == OK;
}

/*
 * move - the break goes to `brk` if everything allows it; false: it stays. As in Linux, a heap
 * that would still be larger than the limit is refused, even if it is smaller than now.
 */
static bool
move(struct space *sp, vaddr_t brk)
{
	vaddr_t before, after;

	if (!sp->layout.brk_start || brk < sp->layout.brk_start || brk > sp->layout.end ||
	    !page_ceil(sp->brk, &before) || !page_ceil(brk, &after))
		return false;
	if (brk - sp->layout.brk_start > sp->layout.limit_data)
		return false;
	if (after < before)
		return shrink(sp, va_range(after, before));
	return after == before || grow(sp, va_range(before, after));
}

vaddr_t
space_brk(struct space *sp, vaddr_t addr)
{
	vaddr_t brk;

	write_lock(&sp->lock);
	if (move(sp, addr))
		sp->brk = addr;
	brk = sp->brk;
	limit_settle(sp);
	write_unlock(&sp->lock);
	return brk;
}
