/*
 * check_charge.c - I-CHARGE: a space's sums, recomputed from its regions.
 *
 * Charged to committed memory is what only this space can make the kernel find
 * memory for: private pages that may be written, unless the region was made
 * without reserve.
 */
#include <anymm/commit.h>

#include "check/walk.h"

struct sums {
	uint64_t regions;
	uint64_t pages;
	uint64_t committed;
	uint64_t data;
	uint64_t locked;
};

static void
add_region(const struct region *r, struct sums *sums)
{
	uint64_t pages = (r->range.end - r->range.start) / ARCH_PAGE_SIZE;
	bool	 is_private_writable = (r->prot & PROT_W) && !(r->flags & REGION_SHARED);

	sums->regions++;
	sums->pages += pages;
	if (is_private_writable && !(r->flags & REGION_NORESERVE))
		sums->committed += pages;
	if (is_private_writable && !(r->flags & REGION_GROWSDOWN))
		sums->data += pages;
	if (r->flags & REGION_LOCKED)
		sums->locked += pages;
}

static void
add_tree(const struct region *r, struct sums *sums)
{
	if (!r)
		return;
	add_tree(r->left, sums);
	add_region(r, sums);
	add_tree(r->right, sums);
}

static void
compare(struct check *c, const char *what, uint64_t kept, uint64_t found)
{
	if (kept != found)
		check_fail(c, INV_CHARGE, "a space says %s %llu, its regions %llu", what,
			   (unsigned long long)kept, (unsigned long long)found);
}

void
check_charge(struct check *c)
{
	uint64_t promised = 0;

	for (struct space *sp = space_list_first(); sp; sp = space_list_next(sp)) {
		struct sums sums = { 0 };

		add_tree(sp->regions, &sums);
		compare(c, "regions", sp->nr_regions, sums.regions);
		compare(c, "pages", sp->total_pages, sums.pages);
		compare(c, "committed pages", sp->committed_pages, sums.committed);
		compare(c, "promised pages", sp->charged_pages, sums.committed);
		compare(c, "data pages", sp->data_pages, sums.data);
		compare(c, "locked pages", sp->locked_pages, sums.locked);
		promised += sums.committed;
	}
	for (struct object *o = object_first(); o; o = object_next(o))
		promised += o->charged_pages;
	if (commit_total() != promised)
		check_fail(c, INV_CHARGE,
			   "%llu pages are promised in all, %llu to spaces and objects",
			   (unsigned long long)commit_total(), (unsigned long long)promised);
}
