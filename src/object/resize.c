/*
 * resize.c - pages that an object loses for good: a smaller size, a hole.
 *
 *	size     no page beyond it is made any more
 *	pager    its stored bytes are gone; a fill that is under way may still bring old ones
 *	slots    emptied: what is being filled, or was fetched by a fault, is nobody's page now
 *	spaces   every mapping, through the reverse map; flush; free
 *
 * A fault installs a page only after it has seen, under the lock of the leaf table, that the slot
 * still names it. So it comes before the walk through that table, which takes the
 * page out again, or it finds the slot empty and starts anew.
 *
 * None of it can fail: it goes in rounds of as many pages as can be noted.
 */
#include "base/mem.h"
#include "object/change.h"
#include "object/radix.h"
#include "object/swapped.h"

void
change_begin(struct object *object)
{
	while (atomic_exchange_explicit(&object->changing, true, memory_order_acquire))
		arch_relax();
}

void
change_end(struct object *object)
{
	atomic_store_explicit(&object->changing, false, memory_order_release);
}

/*
 * take_slots - empty slots of the run, from its first on, as long as their counts can be noted.
 * gives the part of the run that is empty now
 */
static struct page_run
take_slots(struct object *object, struct page_run run, struct held *held)
{
	uint64_t from = run.first;
	uint64_t index;
	pfn_t	 pfn;

	lock_acquire(&object->lock);
	while (radix_next(object, from, &index, &pfn) && index < run.end) {
		if (!held_add(held, pfn)) {
			run.end = index;
			break;
		}
		radix_remove(object, index);
		from = index + 1;
	}
	swapped_drop(object, run);
	lock_release(&object->lock);
	return run;
}

/* lose_pages - slots and mappings of the run. Between change_begin and change_end. */
static void
lose_pages(struct object *object, struct page_run run, enum zap what)
{
	struct held held;

	held_begin(&held);
	rmap_lock(object);
	rmap_begin_loss(object, run);
	while (run.first < run.end) {
		struct page_run done = take_slots(object, run, &held);

		rmap_zap(object, done, what, &held);
		run.first = done.end;
	}
	rmap_end_loss(object);
	rmap_unlock(object);
}

/*
 * set_size - and zero what lies between the smaller end and the end of its page. If that page is
 * being filled it goes, because its pager may bring bytes from beyond that end.
 */
static void
set_size(struct object *object, uint64_t bytes)
{
	uint64_t end, tail;
	pfn_t	 pfn;

	lock_acquire(&object->lock);
	end = min_u64(object->size_bytes, bytes);
	tail = end & ARCH_PAGE_MASK;
	object->size_bytes = bytes;
	pfn = tail ? radix_lookup(object, end >> ARCH_PAGE_SHIFT) : pfn_none();
	if (tail)
		swapped_cut(object, end >> ARCH_PAGE_SHIFT, (uint32_t)tail);
	if (!pfn_is_none(pfn) && frame_has_flag(pfn, FRAME_FILLING)) {
		radix_remove(object, end >> ARCH_PAGE_SHIFT);
		frame_release(pfn);
	} else if (!pfn_is_none(pfn)) {
		memset((char *)arch_frame_ptr(pfn) + tail, 0, ARCH_PAGE_SIZE - tail);
	}
	lock_release(&object->lock);
}

static void
tell_pager(struct object *object, uint64_t bytes)
{
	if (object->ops->truncated)
		object->ops->truncated(object, bytes);
}

/* The pager knows before any page can be asked for that the new size allows. */
void
resize_changing(struct object *object, uint64_t bytes)
{
	bool shrinks = bytes < object->size_bytes;

	if (!shrinks)
		tell_pager(object, bytes);
	set_size(object, bytes);
	if (!shrinks)
		return;
	tell_pager(object, bytes);
	lose_pages(object, (struct page_run){ object_pages(object), UINT64_MAX }, ZAP_COPIES);
}

void
object_resize(struct object *object, uint64_t bytes)
{
	change_begin(object);
	resize_changing(object, bytes);
	change_end(object);
}

void
object_punch(struct object *object, uint64_t first_page, uint64_t nr_pages)
{
	change_begin(object);
	if (object->ops->punched)
		object->ops->punched(object, first_page, nr_pages);
	lose_pages(object, page_run(first_page, nr_pages), ZAP_OBJECT);
	change_end(object);
}

uint64_t
object_size(struct object *object)
{
	uint64_t bytes;

	lock_acquire(&object->lock);
	bytes = object->size_bytes;
	lock_release(&object->lock);
	return bytes;
}
