/*
 * pager_zero.c - the pager of shared anonymous memory: every page starts as zeros.
 *
 * The frame it is handed is zeroed already, so there is nothing to do.
 */
#include <anymm/object.h>

static err_t
zero_fill(struct object *object, uint64_t index, pfn_t pfn)
{
	(void)object;
	(void)index;
	(void)pfn;
	return OK;
}

const struct pager_ops pager_zero = {
	.name = "zero",
	.fill = zero_fill,
};
