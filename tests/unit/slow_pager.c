/* slow_pager.c - see slow_pager.h. */
#include "unit/slow_pager.h"

#include <string.h>

struct slow_pager slow;

static err_t
slow_fill(struct object *object, uint64_t index, pfn_t pfn)
{
	assert_true(slow.nr_open < ARRAY_SIZE(slow.open));
	slow.open[slow.nr_open++] = (struct slow_fill){ object, index, pfn };
	slow.begun++;
	return ERR_AGAIN;
}

void
slow_finish(unsigned nr, err_t err)
{
	struct slow_fill fill = slow.open[nr];

	assert_true(nr < slow.nr_open);
	slow.nr_open--;
	memmove(&slow.open[nr], &slow.open[nr + 1], (slow.nr_open - nr) * sizeof(slow.open[0]));
	memset(arch_frame_ptr(fill.pfn), (int)fill.index + 1,
	       slow.bytes ? slow.bytes : ARCH_PAGE_SIZE);
	object_fill_done(fill.object, fill.index, fill.pfn, err);
}

void
slow_finish_all(void)
{
	while (slow.nr_open)
		slow_finish(slow.nr_open - 1, slow.result);
}

static err_t
slow_wait(struct object *object, uint64_t index)
{
	slow.waits++;
	if (slow.on_wait)
		slow.on_wait(object, index);
	for (unsigned i = 0; i < slow.nr_open; i++) {
		if (slow.open[i].object == object && slow.open[i].index == index) {
			slow_finish(i, slow.result);
			return slow.result == OK ? OK : ERR_IO;
		}
	}
	return OK;
}

static const struct pager_ops slow_ops = {
	.name = "slow",
	.fill = slow_fill,
	.wait = slow_wait,
};

struct object *
slow_file(uint64_t pages)
{
	struct object *file;

	memset(&slow, 0, sizeof(slow));
	EXPECT_OK(object_create(&slow_ops, 11, pages, NULL, &file));
	return file;
}
