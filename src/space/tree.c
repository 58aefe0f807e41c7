/*
 * tree.c - a balanced tree of regions with a gap index.
 *
 * Each region remembers the gap in front of it: the bytes between the end of
 * its predecessor (or 0) and its own start. max_gap is the largest such gap in
 * its subtree, so a search can skip every subtree in which nothing fits.
 *
 *	0     .    [ A ]   .  .  .  [ B ]  [ C ]     .     end
 *	|<- gap A ->|   |<- gap B ->|   |gC|     |<- the tail: nobody's gap
 *
 * A search has limits, and a limit can cut a gap. At most the gap around each
 * limit is cut; it is looked at by itself. All other gaps count in full, so
 * "the nearest region in this direction whose gap is large enough" answers the
 * rest, and one descent finds it.
 *
 * The balance is that of Adelson-Velsky and Landis: the heights of two
 * siblings differ by at most one, which bounds the height at 1.45 log2(n).
 * The nodes are the regions themselves. The space's lock protects the tree.
 */
#include "space/tree.h"

#include "base/assert.h"

static int
height_of(const struct region *r)
{
	return r ? r->height : 0;
}

static uint64_t
max_gap_of(const struct region *r)
{
	return r ? r->max_gap : 0;
}

/* refresh - recompute what a node says about its subtree from its children. */
static void
refresh(struct region *r)
{
	int left = height_of(r->left);
	int right = height_of(r->right);

	r->height = (int8_t)(1 + (left > right ? left : right));
	r->max_gap = max_u64(r->gap, max_u64(max_gap_of(r->left), max_gap_of(r->right)));
}

/* replace_child - `next` takes the place of `old` under old's parent; next may be NULL. */
static void
replace_child(struct space *sp, struct region *old, struct region *next)
{
	struct region *parent = old->parent;

	if (!parent)
		sp->regions = next;
	else if (parent->left == old)
		parent->left = next;
	else
		parent->right = next;
	if (next)
		next->parent = parent;
}

/*
 *	    x              y
 *	   / \            / \
 *	  a   y    ->    x   c
 *	     / \        / \
 *	    b   c      a   b
 */
static struct region *
rotate_left(struct space *sp, struct region *x)
{
	struct region *y = x->right;

	replace_child(sp, x, y);
	x->right = y->left;
	if (x->right)
		x->right->parent = x;
	y->left = x;
	x->parent = y;
	refresh(x);
	refresh(y);
	return y;
}

/* rotate_right - the mirror image. */
static struct region *
rotate_right(struct space *sp, struct region *x)
{
	struct region *y = x->left;

	replace_child(sp, x, y);
	x->left = y->right;
	if (x->left)
		x->left->parent = x;
	y->right = x;
	x->parent = y;
	refresh(x);
	refresh(y);
	return y;
}

/* rebalance - gives the root of the subtree, whose children now differ by at most one. */
static struct region *
rebalance(struct space *sp, struct region *r)
{
	int balance = height_of(r->left) - height_of(r->right);

	if (balance > 1) {
		if (height_of(r->left->left) < height_of(r->left->right))
			rotate_left(sp, r->left);
		return rotate_right(sp, r);
	}
	if (balance < -1) {
		if (height_of(r->right->right) < height_of(r->right->left))
			rotate_right(sp, r->right);
		return rotate_left(sp, r);
	}
	return r;
}

/* repair - bring r and those above it up to date, up to the first that stays as it is. */
static void
repair(struct space *sp, struct region *r)
{
	while (r) {
		int8_t	       height = r->height;
		uint64_t       max_gap = r->max_gap;
		struct region *top;

		refresh(r);
		top = rebalance(sp, r);
		if (top == r && r->height == height && r->max_gap == max_gap)
			return;
		r = top->parent;
	}
}

vaddr_t
guarded_start(const struct region *r)
{
	uint64_t guard = r->flags & REGION_GROWSDOWN ? r->space->layout.stack_guard : 0;

	return r->range.start > guard ? r->range.start - guard : 0;
}

/* range_before - the unmapped addresses in front of r; may be empty. */
static struct va_range
range_before(const struct region *r)
{
	const struct region *prev = tree_prev(r);

	return va_range(prev ? prev->range.end : 0, r->range.start);
}

static void
measure_gap(struct region *r)
{
	struct va_range free = range_before(r);

	r->gap = free.end - free.start;
}

static struct region *
leftmost(struct region *r)
{
	while (r && r->left)
		r = r->left;
	return r;
}

static struct region *
rightmost(struct region *r)
{
	while (r && r->right)
		r = r->right;
	return r;
}

struct region *
tree_first(const struct space *sp)
{
	return leftmost(sp->regions);
}

struct region *
tree_last(const struct space *sp)
{
	return rightmost(sp->regions);
}

struct region *
tree_next(const struct region *r)
{
	if (r->right)
		return leftmost(r->right);
	while (r->parent && r->parent->right == r)
		r = r->parent;
	return r->parent;
}

struct region *
tree_prev(const struct region *r)
{
	if (r->left)
		return rightmost(r->left);
	while (r->parent && r->parent->left == r)
		r = r->parent;
	return r->parent;
}

struct region *
tree_find_end(const struct space *sp, vaddr_t va)
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

struct region *
tree_find_start(const struct space *sp, vaddr_t va)
{
	struct region *best = NULL;

	for (struct region *r = sp->regions; r;) {
		if (r->range.start >= va) {
			best = r;
			r = r->left;
		} else {
			r = r->right;
		}
	}
	return best;
}

/* settle - r has its place as a new leaf: count its gap and that of its successor. */
static void
settle(struct space *sp, struct region *r)
{
	struct region *next;

	r->left = NULL;
	r->right = NULL;
	measure_gap(r);
	refresh(r);
	repair(sp, r->parent);
	next = tree_next(r);
	if (next) {
		measure_gap(next);
		repair(sp, next);
	}
	sp->nr_regions++;
}

void
tree_insert(struct space *sp, struct region *r)
{
	struct region  *parent = NULL;
	struct region **link = &sp->regions;

	while (*link) {
		parent = *link;
		REQUIRE(!range_overlaps(parent->range, r->range), "region at %lx is taken",
			(unsigned long)r->range.start);
		link = r->range.start < parent->range.start ? &parent->left : &parent->right;
	}
	r->parent = parent;
	*link = r;
	settle(sp, r);
}

void
tree_append(struct space *sp, struct region *last, struct region *r)
{
	if (!last) {
		tree_insert(sp, r);
		return;
	}
	REQUIRE(!last->right && last->range.end <= r->range.start,
		"region at %lx is not behind %lx", (unsigned long)r->range.start,
		(unsigned long)last->range.end);
	r->parent = last;
	last->right = r;
	settle(sp, r);
}

/*
 * lift_successor - the leftmost region s of r's right subtree takes r's place,
 * with r's height and max_gap: those above r see no change yet. Gives the
 * lowest node whose subtree has changed.
 */
static struct region *
lift_successor(struct space *sp, struct region *r, struct region *s)
{
	struct region *lowest = s;

	if (s->parent != r) {
		lowest = s->parent;
		replace_child(sp, s, s->right);
		s->right = r->right;
		s->right->parent = s;
	}
	s->left = r->left;
	s->left->parent = s;
	replace_child(sp, r, s);
	s->height = r->height;
	s->max_gap = r->max_gap;
	return lowest;
}

void
tree_remove(struct space *sp, struct region *r)
{
	struct region *next = tree_next(r);
	struct region *lowest = r->parent;

	if (r->left && r->right)
		lowest = lift_successor(sp, r, next);
	else
		replace_child(sp, r, r->left ? r->left : r->right);
	repair(sp, lowest);
	if (next) {
		measure_gap(next);
		repair(sp, next);
	}
	sp->nr_regions--;
}

struct region *
tree_pop_leaf(struct space *sp, struct region *at)
{
	struct region *r = at ? at : sp->regions;

	if (!r)
		return NULL;
	while (r->left || r->right)
		r = r->left ? r->left : r->right;
	replace_child(sp, r, NULL);
	sp->nr_regions--;
	return r;
}

void
tree_resize(struct space *sp, struct region *r, struct va_range range)
{
	struct region *next = tree_next(r);

	r->range = range;
	measure_gap(r);
	repair(sp, r);
	if (next) {
		REQUIRE(next->range.start >= range.end, "region at %lx runs into %lx",
			(unsigned long)range.start, (unsigned long)next->range.start);
		measure_gap(next);
		repair(sp, next);
	}
}

/* last_with_gap - the last region of the subtree whose gap has at least `bytes`. */
static struct region *
last_with_gap(struct region *r, uint64_t bytes)
{
	if (max_gap_of(r) < bytes)
		return NULL;
	for (;;) {
		if (max_gap_of(r->right) >= bytes)
			r = r->right;
		else if (r->gap >= bytes)
			return r;
		else
			r = r->left;
	}
}

/* first_with_gap - the first such region of the subtree. */
static struct region *
first_with_gap(struct region *r, uint64_t bytes)
{
	if (max_gap_of(r) < bytes)
		return NULL;
	for (;;) {
		if (max_gap_of(r->left) >= bytes)
			r = r->left;
		else if (r->gap >= bytes)
			return r;
		else
			r = r->right;
	}
}

/* prev_with_gap - the nearest region before r whose gap has at least `bytes`. */
static struct region *
prev_with_gap(struct region *r, uint64_t bytes)
{
	struct region *found = last_with_gap(r->left, bytes);

	while (!found && r->parent) {
		struct region *below = r;

		r = r->parent;
		if (r->right != below)
			continue;
		if (r->gap >= bytes)
			return r;
		found = last_with_gap(r->left, bytes);
	}
	return found;
}

/* next_with_gap - the nearest region behind r whose gap has at least `bytes`. */
static struct region *
next_with_gap(struct region *r, uint64_t bytes)
{
	struct region *found = first_with_gap(r->right, bytes);

	while (!found && r->parent) {
		struct region *below = r;

		r = r->parent;
		if (r->left != below)
			continue;
		if (r->gap >= bytes)
			return r;
		found = first_with_gap(r->right, bytes);
	}
	return found;
}

static bool
fits(struct va_range range, uint64_t bytes)
{
	return !range_is_empty(range) && range.end - range.start >= bytes;
}

/* range_behind - the free addresses above all regions. */
static struct va_range
range_behind(const struct region *last)
{
	return va_range(last ? last->range.end : 0, UINT64_MAX);
}

/*
 * find_highest - the highest unmapped stretch within the limits that has room.
 *   gives  *free, and the region behind it or NULL; false: there is none
 */
static bool
find_highest(const struct space *sp, uint64_t bytes, struct va_range limits, struct va_range *free,
	     struct region **behind)
{
	struct region *r = tree_find_start(sp, limits.end);

	*free = range_clip(r ? range_before(r) : range_behind(tree_last(sp)), limits);
	if (!fits(*free, bytes)) {
		r = r ? prev_with_gap(r, bytes) : last_with_gap(sp->regions, bytes);
		if (!r)
			return false;
		*free = range_clip(range_before(r), limits);
	}
	*behind = r;
	return fits(*free, bytes);
}

/* find_lowest - the mirror image. */
static bool
find_lowest(const struct space *sp, uint64_t bytes, struct va_range limits, struct va_range *free,
	    struct region **behind)
{
	struct region *r = tree_find_end(sp, limits.start);

	/* A region across the lower limit has its gap below it. */
	if (r && r->range.start < limits.start)
		r = tree_next(r);
	*free = range_clip(r ? range_before(r) : range_behind(tree_last(sp)), limits);
	if (!fits(*free, bytes) && r) {
		r = next_with_gap(r, bytes);
		*free = range_clip(r ? range_before(r) : range_behind(tree_last(sp)), limits);
	}
	*behind = r;
	return fits(*free, bytes);
}

bool
tree_gap_highest(const struct space *sp, uint64_t bytes, struct va_range limits, vaddr_t *out)
{
	struct va_range free;
	struct region  *behind;

	while (find_highest(sp, bytes, limits, &free, &behind)) {
		if (!behind || guarded_start(behind) >= free.end) {
			*out = free.end - bytes;
			return true;
		}
		limits.end = guarded_start(behind);
	}
	return false;
}

bool
tree_gap_lowest(const struct space *sp, uint64_t bytes, struct va_range limits, vaddr_t *out)
{
	struct va_range free;
	struct region  *behind;

	while (find_lowest(sp, bytes, limits, &free, &behind)) {
		if (!behind || guarded_start(behind) >= free.start + bytes) {
			*out = free.start;
			return true;
		}
		limits.start = behind->range.end;
	}
	return false;
}

bool
tree_has_hole(const struct space *sp, struct va_range range)
{
	vaddr_t at = range.start;

	for (struct region *r = tree_find_end(sp, at); r && at < range.end; r = tree_next(r)) {
		if (r->range.start > at)
			return true;
		at = r->range.end;
	}
	return at < range.end;
}
