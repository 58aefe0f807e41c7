/*
 * fault_wait.c - what a fault waits for without any lock, and what it holds meanwhile.
 *
 * The counts on slot and page keep the two together, so when the fault looks again and finds
 * the same mark, the page is in memory. They are given up as soon as the entry has a count of
 * its own: what a fault holds must not make a page look shared.
 */
#include <anymm/stats.h>

#include "fault/resolve.h"
#include "swap/cache.h"

void
fault_wait_begin(struct fault_wait *wait)
{
	wait->object = NULL;
	wait->slot = swap_none();
	wait->page = pfn_none();
}

void
fault_wait_end(struct fault_wait *wait)
{
	if (wait->object)
		object_put(wait->object);
	if (!swap_is_none(wait->slot))
		swap_put(wait->slot);
	if (!pfn_is_none(wait->page))
		frame_release(wait->page);
	fault_wait_begin(wait);
}

bool
fault_must_wait(const struct fault_wait *wait)
{
	return wait->object || (!swap_is_none(wait->slot) && pfn_is_none(wait->page));
}

/* result_of - no more memory, or no more counts: a lack of the system's, not of the page's. */
static enum fault_result
result_of(err_t err)
{
	if (err == OK)
		return FAULT_DONE;
	return err == ERR_NOMEM || err == ERR_OVERFLOW ? FAULT_NOMEM : FAULT_BUS_ADRERR;
}

/* Nothing else is held. The page is from here on: page-out passes it by, so the fault finds it, and gets on. */
static enum fault_result
wait_for_pager(struct fault_wait *wait)
{
	err_t err = object_wait(wait->object, wait->index);

	if (err == OK && object_get_page(wait->object, wait->index, &wait->page))
		wait->page = pfn_none();
	object_put(wait->object);
	wait->object = NULL;
	stat_inc(STAT_FAULT_WAITS);
	return result_of(err);
}

static enum fault_result
wait_for_device(struct fault_wait *wait)
{
	err_t err = swap_load(wait->slot, &wait->page);

	if (err) {
		wait->page = pfn_none();
		fault_wait_end(wait);
	}
	return result_of(err);
}

enum fault_result
fault_wait_here(struct fault_wait *wait)
{
	return wait->object ? wait_for_pager(wait) : wait_for_device(wait);
}
