/*
 * swapped.c - pages of objects without storage, on the swap device.
 *
 *	in memory, dirty, mapped
 *	     │   ▲ fault            unmapped everywhere, flushed (object_evict)
 *	     ▼   │
 *	in memory, dirty, nobody's ── take ──▶ clean, held ── write ──▶ out: the slot takes the
 *	     ▲                                      │                   frame's place
 *	     ├── got, written or given up meanwhile ┘                    │
 *	     └─────────────────────── read (object_wait) ◀───────────────┘
 *
 * A page is in a frame or out, never both, so nothing has to keep two copies equal. While it is
 * written anybody may have it: a count beside ours or the dirty flag tell, since whoever changes a
 * page holds a count on it and sets the flag before the count goes. What changes a page without a
 * count, the end of a truncation in its last page, is kept out by `changing`.
 *
 * Reading needs no more than the slot's count. Two CPUs may read the same page at once; the second
 * one finds the slot's place taken. A truncation cuts a page that is out by noting how many of its
 * bytes count, so it has to wait for no device and cannot fail.
 */
#include "object/swapped.h"

#include <anymm/stats.h>

#include "base/mem.h"
#include "object/change.h"
#include "object/radix.h"
#include "swap/device.h"

bool
swapped_may_go(const struct object *object)
{
	struct swap_usage usage;

	if (object->ops->write_back || object->ops->stays)
		return false;
	usage = swap_usage();
	return usage.nr_used < usage.nr_slots;
}

/* take - the page with one more count, clean from here on; pfn_none(): it is not one that may go. */
static pfn_t
take(struct object *object, uint64_t index)
{
	pfn_t pfn;

	lock_acquire(&object->lock);
	pfn = radix_lookup(object, index);
	if (!pfn_is_none(pfn) && (frame_count(pfn) != 1 || frame_has_flag(pfn, FRAME_FILLING) ||
				  !frame_has_flag(pfn, FRAME_DIRTY) || frame_get(pfn)))
		pfn = pfn_none();
	if (!pfn_is_none(pfn))
		frame_clear_flag(pfn, FRAME_DIRTY);
	lock_release(&object->lock);
	return pfn;
}

/* leave - the slot takes the frame's place, unless somebody has the page, or has written it. */
static bool
leave(struct object *object, uint64_t index, pfn_t pfn, swap_t slot)
{
	bool unused;

	lock_acquire(&object->lock);
	/* The count first: who wrote has set the flag before giving up its count. */
	unused = frame_count(pfn) == 2 && !frame_has_flag(pfn, FRAME_DIRTY);
	if (unused)
		radix_set_out(object, index,
			      (struct page_out){ .slot = slot, .bytes = ARCH_PAGE_SIZE });
	lock_release(&object->lock);
	return unused;
}

/* store - a page that take has given. */
static bool
store(struct object *object, uint64_t index, pfn_t pfn)
{
	swap_t slot;

	if (swap_write_fresh(pfn, &slot))
		return false;
	if (leave(object, index, pfn, slot))
		return true;
	swap_put(slot);
	return false;
}

bool
swapped_out(struct object *object, uint64_t index)
{
	bool  gone = false;
	pfn_t pfn;

	change_begin(object);
	pfn = take(object, index);
	if (!pfn_is_none(pfn)) {
		gone = store(object, index, pfn);
		if (gone)
			frame_release(pfn); /* the count of the slot that names the device now */
		else
			frame_set_flag(pfn, FRAME_DIRTY);
		frame_release(pfn);
	}
	change_end(object);
	if (gone)
		stat_inc(STAT_OBJECT_OUTS);
	return gone;
}

/* find - where the page is, with one more count on it. fails ERR_NOENT, ERR_OVERFLOW */
static err_t
find(struct object *object, uint64_t index, swap_t *slot)
{
	struct page_out out;
	err_t		err = ERR_NOENT;

	lock_acquire(&object->lock);
	if (radix_lookup_out(object, index, &out)) {
		*slot = out.slot;
		err = swap_get(out.slot);
	}
	lock_release(&object->lock);
	return err;
}

/* return_page - false: the slot is not where the page is any more. Our count kept it from becoming another's. */
static bool
return_page(struct object *object, uint64_t index, swap_t slot, pfn_t pfn)
{
	struct page_out out;
	bool		is_there;

	lock_acquire(&object->lock);
	is_there = radix_lookup_out(object, index, &out) && out.slot.n == slot.n;
	if (is_there) {
		memset((char *)arch_frame_ptr(pfn) + out.bytes, 0, ARCH_PAGE_SIZE - out.bytes);
		frame_set_flag(pfn, FRAME_DIRTY);
		frame_set_flag(pfn, FRAME_USED); /* somebody wants it */
		radix_set_frame(object, index, pfn);
	}
	lock_release(&object->lock);
	return is_there;
}

/* bring - the slot is counted for us. */
static err_t
bring(struct object *object, uint64_t index, swap_t slot)
{
	pfn_t pfn;
	err_t err = frame_alloc((struct frame_request){ .kind = FRAME_OBJECT }, &pfn);

	if (err)
		return err;
	err = swap_read(slot, pfn);
	if (err || !return_page(object, index, slot, pfn)) {
		frame_release(pfn);
		return err;
	}
	swap_put(slot); /* the page's count */
	stat_inc(STAT_OBJECT_INS);
	return OK;
}

err_t
swapped_in(struct object *object, uint64_t index)
{
	swap_t slot;
	err_t  err = find(object, index, &slot);

	if (err)
		return err;
	err = bring(object, index, slot);
	swap_put(slot);
	return err;
}

void
swapped_drop(struct object *object, struct page_run run)
{
	struct page_out out;
	uint64_t	index;

	while (run.first < run.end && radix_next_out(object, run.first, &index, &out) &&
	       index < run.end) {
		radix_remove(object, index);
		swap_put(out.slot);
		run.first = index + 1;
	}
}

void
swapped_cut(struct object *object, uint64_t index, uint32_t bytes)
{
	struct page_out out;

	if (!radix_lookup_out(object, index, &out) || out.bytes <= bytes)
		return;
	out.bytes = bytes;
	radix_set_out(object, index, out);
}
