/*
 * pager_slow.c - a pager for scenarios that answers late.
 *
 * fill only takes note; the page comes when somebody waits for it, or for any other of
 * the file: then all that were asked for come, the youngest first. So a fault always has to
 * let go of its locks and begin again. Contents are those of a file of the same number.
 */
#include <anymm/arch.h>

#include "scenario/pager_slow.h"

static err_t
slow_fill(struct object *object, uint64_t index, pfn_t pfn)
{
	struct slow_file *file = object->private_data;

	for (unsigned i = 0; i < SLOW_PENDING; i++) {
		if (!file->pending[i].is_set) {
			file->pending[i] =
				(struct slow_page){ .index = index, .pfn = pfn, .is_set = true };
			return ERR_AGAIN;
		}
	}
	return ERR_IO;
}

static void
deliver(struct object *object, struct slow_page page)
{
	struct slow_file *file = object->private_data;
	uint8_t		 *bytes = arch_frame_ptr(page.pfn);

	for (size_t i = 0; i < ARCH_PAGE_SIZE; i++)
		bytes[i] = object_pattern(object->id, (page.index << ARCH_PAGE_SHIFT) + i);
	object_fill_done(object, page.index, page.pfn, page.index == file->bad_page ? ERR_IO : OK);
}

static err_t
slow_wait(struct object *object, uint64_t index)
{
	struct slow_file *file = object->private_data;

	for (unsigned i = SLOW_PENDING; i-- > 0;) {
		struct slow_page page = file->pending[i];

		file->pending[i].is_set = false;
		if (page.is_set)
			deliver(object, page);
	}
	return index == file->bad_page ? ERR_IO : OK;
}

const struct pager_ops pager_slow = {
	.name = "slow",
	.fill = slow_fill,
	.wait = slow_wait,
};
