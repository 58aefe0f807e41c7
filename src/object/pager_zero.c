/*
 * pager_zero.c - the pager of shared anonymous memory: every page starts as zeros.
 *
 * The frame it is handed is zeroed already, so there is nothing to do.
 */
#include "object/pagers.h"

err_t
fill_with_zeros(struct object *object, uint64_t index, pfn_t pfn)
{
	(void)object;
	(void)index;
	(void)pfn;
	return OK;
}

const struct pager_ops pager_zero = {
	.name = "zero",
	.fill = fill_with_zeros,
};
