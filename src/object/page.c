/*
 * page.c - pages on demand.
 *
 *	slot     empty ──── begin ────> FILLING ─── done, OK ────> resident <────> out
 *	           ^                       │                                (swapped.c)
 *	           └────── done, error ────┘        truncation empties the slot in any state
 *
 * The slot names the frame from the beginning of the fill on, so a page is asked of its pager
 * once, however many CPUs want it: the others are told ERR_AGAIN and wait without locks. While a fill
 * is under way the pager holds one count on the frame, and a reference on the object: both may have
 * been given up by everybody else when it ends.
 *
 * A page that is being taken from all spaces is not given to anybody until every CPU has forgotten
 * it (object->losing).
 *
 * What the pager wrote beyond the object's end is zeroed when the page becomes visible.
 */
#include "base/assert.h"
#include "base/mem.h"
#include "object/change.h"
#include "object/radix.h"
#include "object/swapped.h"

pfn_t
object_peek_page(struct object *object, uint64_t index)
{
	return radix_lookup(object, index);
}

bool
object_next_page(struct object *object, uint64_t from, uint64_t *index, pfn_t *pfn)
{
	return radix_next(object, from, index, pfn);
}

bool
object_next_out(struct object *object, uint64_t from, uint64_t *index, struct page_out *out)
{
	return radix_next_out(object, from, index, out);
}

bool
object_has_page(struct object *object, uint64_t index, pfn_t pfn)
{
	bool has;

	lock_acquire(&object->lock);
	has = index < object_pages(object) && pfn_eq(radix_lookup(object, index), pfn);
	lock_release(&object->lock);
	return has;
}

/* is_losing - the page is being taken from every space. HOLDS object->lock. */
static bool
is_losing(const struct object *object, uint64_t index)
{
	return object->losing.first <= index && index < object->losing.end;
}

/* is_filling - the slot names a frame that its pager is at work on. HOLDS object->lock. */
static bool
is_filling(const struct object *object, uint64_t index)
{
	pfn_t pfn = radix_lookup(object, index);

	return !pfn_is_none(pfn) && frame_has_flag(pfn, FRAME_FILLING);
}

/* is_out - the page is on the swap device. HOLDS object->lock. */
static bool
is_out(const struct object *object, uint64_t index)
{
	struct page_out out;

	return radix_lookup_out(object, index, &out);
}

/*
 * get_resident - the resident frame with one more count, or pfn_none().
 *   fails  ERR_FAULT: beyond the object; ERR_AGAIN: not now; ERR_OVERFLOW: its count is full
 */
static err_t
get_resident(struct object *object, uint64_t index, pfn_t *out)
{
	err_t err = OK;

	lock_acquire(&object->lock);
	*out = radix_lookup(object, index);
	if (index >= object_pages(object))
		err = ERR_FAULT;
	else if (is_losing(object, index) || is_filling(object, index))
		err = ERR_AGAIN;
	else if (!pfn_is_none(*out))
		err = frame_get(*out);
	else if (is_out(object, index))
		err = ERR_AGAIN;
	lock_release(&object->lock);
	return err;
}

/* alloc_page - a frame of zeros where the object wants its page. */
static err_t
alloc_page(struct object *object, uint64_t index, pfn_t *out)
{
	const struct frame_request request = {
		.kind = FRAME_OBJECT,
		.by_node = true,
		.node = placement_node(atomic_load(&object->place), index),
		.zeroed = true,
	};
	err_t err = frame_alloc(request, out);

	if (err == OK)
		frame_set_flag(*out, FRAME_USED); /* somebody wants it: not cold when it comes */
	return err;
}

/*
 * begin_fill - a fresh frame in the slot, FILLING, one count for the slot and one for the pager.
 *   fails  ERR_NOMEM; ERR_FAULT: beyond the object; ERR_EXIST: the slot is taken. Nothing changed
 */
static err_t
begin_fill(struct object *object, uint64_t index, pfn_t *out)
{
	pfn_t pfn;
	err_t err = alloc_page(object, index, &pfn);

	if (err)
		return err;
	frame_set_flag(pfn, FRAME_FILLING);
	lock_acquire(&object->lock);
	if (index >= object_pages(object))
		err = ERR_FAULT;
	else if (!pfn_is_none(radix_lookup(object, index)) || is_out(object, index))
		err = ERR_EXIST;
	else
		err = radix_insert(object, index, pfn);
	if (err == OK)
		err = frame_get(pfn); /* cannot fail: its count is 1 */
	lock_release(&object->lock);
	if (err) {
		frame_release(pfn);
		return err;
	}
	object_get(object);
	*out = pfn;
	return OK;
}

/* zero_tail - what lies beyond the object's end in its last page. HOLDS object->lock. */
static void
zero_tail(struct object *object, uint64_t index, pfn_t pfn)
{
	uint64_t tail = object->size_bytes & ARCH_PAGE_MASK;

	if (tail && index == object->size_bytes >> ARCH_PAGE_SHIFT)
		memset((char *)arch_frame_ptr(pfn) + tail, 0, ARCH_PAGE_SIZE - tail);
}

void
object_fill_done(struct object *object, uint64_t index, pfn_t pfn, err_t err)
{
	bool named;

	lock_acquire(&object->lock);
	REQUIRE(frame_has_flag(pfn, FRAME_FILLING), "frame %lx is not being filled",
		(unsigned long)pfn.n);
	named = pfn_eq(radix_lookup(object, index), pfn);
	if (named && err)
		radix_remove(object, index);
	else if (named)
		zero_tail(object, index, pfn);
	frame_clear_flag(pfn, FRAME_FILLING);
	lock_release(&object->lock);
	if (named && err)
		frame_release(pfn);
	frame_release(pfn);
	object_put(object);
}

/* make_page - OK: the page was made, here or elsewhere; look again. */
static err_t
make_page(struct object *object, uint64_t index)
{
	pfn_t pfn;
	err_t err = begin_fill(object, index, &pfn);

	if (err)
		return err == ERR_EXIST ? OK : err;
	err = object->ops->fill(object, index, pfn);
	if (err != ERR_AGAIN)
		object_fill_done(object, index, pfn, err);
	return err;
}

err_t
object_get_page(struct object *object, uint64_t index, pfn_t *out)
{
	pfn_t pfn;
	err_t err;

	do {
		err = get_resident(object, index, &pfn);
		if (err == OK && !pfn_is_none(pfn)) {
			*out = pfn;
			return OK;
		}
		if (err == OK)
			err = object_is_device(object) ? ERR_FAULT : make_page(object, index);
	} while (err == OK);
	return err;
}

err_t
page_add(struct object *object, uint64_t index, pfn_t *out)
{
	err_t err = alloc_page(object, index, out);

	if (err)
		return err;
	lock_acquire(&object->lock);
	err = radix_insert(object, index, *out);
	if (err == OK)
		err = frame_get(*out); /* cannot fail: its count is 1 */
	lock_release(&object->lock);
	if (err)
		frame_release(*out);
	return err;
}

/* wait_until_not - the condition, asked under the object's lock, has ended. */
static void
wait_until_not(struct object *object, uint64_t index,
	       bool (*condition)(const struct object *object, uint64_t index))
{
	bool still = true;

	while (still) {
		lock_acquire(&object->lock);
		still = condition(object, index);
		lock_release(&object->lock);
		if (still)
			arch_relax();
	}
}

err_t
object_wait(struct object *object, uint64_t index)
{
	err_t err;

	wait_until_not(object, index, is_losing);
	err = swapped_in(object, index);
	if (err != ERR_NOENT)
		return err;
	/* The slot says FILLING a moment before the pager hears of it: give that CPU the moment. */
	arch_relax();
	if (object->ops->wait)
		return object->ops->wait(object, index);
	wait_until_not(object, index, is_filling);
	return OK;
}
