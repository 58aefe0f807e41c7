/*
 * check_reg.c - I-REG: the regions of each space, their tree, and the lists of objects.
 *
 * The tree is checked first, because everything else trusts its links: each node
 * names its parent, heights differ by at most one, and the sums that the gap
 * search uses are recomputed bottom up. Then the regions in order, each
 * against its predecessor. Last the reverse map: since every region of a space
 * stands in the list of its object, and every member of a list is a region of a
 * space, the two say the same.
 */
#include "check/walk.h"

/* Deeper than any balanced tree of 2^32 nodes: a loop in the links. */
#define DEPTH_MAX 48

struct region *
reg_first(struct space *sp)
{
	struct region *r = sp->regions;

	while (r && r->left)
		r = r->left;
	return r;
}

struct region *
reg_next(struct region *r)
{
	if (r->right) {
		r = r->right;
		while (r->left)
			r = r->left;
		return r;
	}
	while (r->parent && r->parent->right == r)
		r = r->parent;
	return r->parent;
}

struct region *
reg_after(struct space *sp, vaddr_t va)
{
	struct region *best = NULL;

	for (struct region *r = sp->regions; r;) {
		if (r->range.end > va) {
			best = r;
			r = r->left;
		} else {
			r = r->right;
		}
	}
	return best;
}

/* What the tree walk knows of one subtree; prev_end runs through all regions in order. */
struct subtree {
	int	 height;
	uint64_t max_gap;
};

static void
fail_region(struct check *c, const struct region *r, const char *what)
{
	check_fail(c, INV_REG, "region [0x%llx, 0x%llx) %s", (unsigned long long)r->range.start,
		   (unsigned long long)r->range.end, what);
}

/* check_tree - links, balance and sums of a subtree; *prev_end is the end of the region before it. */
static struct subtree
check_tree(struct check *c, const struct region *r, const struct region *parent, vaddr_t *prev_end,
	   unsigned depth)
{
	struct subtree left, right, me = { 0 };

	if (!r || c->failed)
		return me;
	if (r->parent != parent || depth > DEPTH_MAX) {
		fail_region(c, r, "does not hang under the parent it names");
		return me;
	}
	left = check_tree(c, r->left, r, prev_end, depth + 1);
	if (r->range.start < *prev_end)
		fail_region(c, r, "begins before the end of the region before it");
	if (!c->failed && r->gap != r->range.start - *prev_end)
		check_fail(c, INV_REG, "region [0x%llx, 0x%llx) says gap 0x%llx, expected 0x%llx",
			   (unsigned long long)r->range.start, (unsigned long long)r->range.end,
			   (unsigned long long)r->gap,
			   (unsigned long long)(r->range.start - *prev_end));
	me.max_gap = max_u64(left.max_gap, r->range.start - *prev_end);
	*prev_end = r->range.end;
	right = check_tree(c, r->right, r, prev_end, depth + 1);
	me.max_gap = max_u64(me.max_gap, right.max_gap);
	me.height = 1 + (left.height > right.height ? left.height : right.height);
	if (left.height - right.height > 1 || right.height - left.height > 1)
		fail_region(c, r, "is a node out of balance");
	if (!c->failed && (r->max_gap != me.max_gap || r->height != me.height))
		check_fail(c, INV_REG,
			   "region [0x%llx, 0x%llx) says largest gap 0x%llx height %d, expected "
			   "0x%llx, %d",
			   (unsigned long long)r->range.start, (unsigned long long)r->range.end,
			   (unsigned long long)r->max_gap, r->height,
			   (unsigned long long)me.max_gap, me.height);
	return me;
}

/* could_be_one - two neighbours that agree in everything visible. */
static bool
could_be_one(const struct region *a, const struct region *b)
{
	if (a->range.end != b->range.start || a->prot != b->prot || a->flags != b->flags)
		return false;
	if (a->object != b->object || (a->flags & REGION_NOMERGE) ||
	    a->place.policy != b->place.policy || a->place.node != b->place.node)
		return false;
	return !a->object || region_page_index(a, a->range.end) == b->offset;
}

/* check_kind - flags and backing fit each other. */
static void
check_kind(struct check *c, const struct region *r)
{
	unsigned private_only = REGION_GROWSDOWN | REGION_WIPEONFORK;

	if (!r->object && (r->flags & REGION_SHARED))
		fail_region(c, r, "is shared and has no object");
	if ((r->flags & REGION_SHARED) && (r->flags & private_only))
		fail_region(c, r, "is shared and grows down or is wiped on fork");
	if (r->object && (r->flags & REGION_WIPEONFORK))
		fail_region(c, r, "has an object and is wiped on fork");
	if (!(r->flags & REGION_DEVICE) != !(r->object && object_is_device(r->object)) ||
	    ((r->flags & REGION_DEVICE) && (r->flags & REGION_LOCKED)))
		fail_region(c, r, "is a device's, or locked, as it may not be");
	if (!placement_is_legal(r->place) ||
	    ((r->flags & REGION_SHARED) && r->place.policy != PLACE_LOCAL))
		fail_region(c, r, "has a placement that it may not have");
	if ((r->prot & ~(prot_t)PROT_RWX) ||
	    ((r->flags & REGION_MAYNOTWRITE) && (r->prot & PROT_W)) ||
	    ((r->flags & REGION_MAYNOTEXEC) && (r->prot & PROT_X)))
		fail_region(c, r, "has a protection that it may not have");
}

static void
check_region(struct check *c, const struct space *sp, const struct region *r)
{
	if ((r->range.start | r->range.end) & ARCH_PAGE_MASK)
		fail_region(c, r, "is not page aligned");
	if (range_is_empty(r->range))
		fail_region(c, r, "is empty");
	if (r->range.end > sp->layout.end || r->range.end > ARCH_USER_END)
		fail_region(c, r, "ends beyond user space");
	if (r->space != sp)
		fail_region(c, r, "names another space");
	check_kind(c, r);
}

/* check_object_of - the region stands in its object's list, between two nodes that say so. */
static void
check_object_of(struct check *c, const struct region *r)
{
	if (!r->object)
		return;
	if (r->rmap.next->prev != &r->rmap || r->rmap.prev->next != &r->rmap ||
	    r->rmap.next == &r->rmap)
		fail_region(c, r, "does not stand in the list of its object");
}

/* check_space - gives the number of regions with an object. */
static uint64_t
check_space(struct check *c, struct space *sp)
{
	struct region *last = NULL;
	vaddr_t	       end = 0;
	uint64_t       nr_mapping = 0;

	check_tree(c, sp->regions, NULL, &end, 0);
	if (c->failed)
		return 0;
	for (struct region *r = reg_first(sp); r && !c->failed; r = reg_next(r)) {
		check_region(c, sp, r);
		check_object_of(c, r);
		nr_mapping += r->object != NULL;
		if (last && could_be_one(last, r))
			fail_region(c, r, "could be one with the region before it");
		last = r;
	}
	return nr_mapping;
}

/* check_list - gives the length of an object's list of regions, each of which is in a space. */
static uint64_t
check_list(struct check *c, struct object *object)
{
	uint64_t nr = 0;

	LIST_FOR_EACH(node, &object->regions) {
		struct region *r = CONTAINER_OF(node, struct region, rmap);

		if (r->object != object || reg_after(r->space, r->range.start) != r) {
			fail_region(c, r, "is in the list of an object that it does not name");
			return nr;
		}
		nr++;
	}
	if (atomic_load(&object->refs) < nr || !atomic_load(&object->refs))
		check_fail(c, INV_REG, "object %llu has %u references, named by %llu regions",
			   (unsigned long long)object->id, atomic_load(&object->refs),
			   (unsigned long long)nr);
	return nr;
}

void
check_regions(struct check *c)
{
	uint64_t mapping = 0;
	uint64_t listed = 0;
	uint64_t objects = 0;

	for (struct space *sp = space_list_first(); sp && !c->failed; sp = space_list_next(sp))
		mapping += check_space(c, sp);
	for (struct object *o = object_first(); o && !c->failed; o = object_next(o)) {
		listed += check_list(c, o);
		objects++;
	}
	if (!c->failed && mapping != listed)
		check_fail(c, INV_REG, "%llu regions name an object, the objects list %llu",
			   (unsigned long long)mapping, (unsigned long long)listed);
	if (!c->failed && objects != object_live())
		check_fail(c, INV_REG, "%llu objects are alive, %llu are listed",
			   (unsigned long long)object_live(), (unsigned long long)objects);
}
