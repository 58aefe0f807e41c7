/*
 * test_tree.c - the tree of regions and its gap index, against a sorted array that is
 * searched from one end to the other.
 */
#include "space/tree.h"

#include "unit/sketch.h"

#include <stdlib.h>

#define NR_SLOTS 96u /* pages that the random regions live in */

/* A space whose tree is used directly: nothing is mapped through it. */
static struct space bare;

static struct space *
bare_space(void)
{
	bare = (struct space){ .layout = { .stack_guard = PAGE(2), .end = PAGE(100000) } };
	return &bare;
}

static struct region *
insert(struct space *sp, struct region *r, uint64_t from, uint64_t to, unsigned flags)
{
	*r = (struct region){ .range = { PAGE(from), PAGE(to) }, .flags = flags, .space = sp };
	tree_insert(sp, r);
	return r;
}

/* The regions in order, read off the tree; checks links, balance, gaps on the way. */
struct flat {
	struct region *r[NR_SLOTS];
	unsigned       nr;
};

static uint64_t
expected_gap(const struct flat *flat, unsigned i)
{
	return flat->r[i]->range.start - (i > 0 ? flat->r[i - 1]->range.end : 0);
}

static void
flatten(struct region *r, struct region *parent, struct flat *flat)
{
	int left, right;

	if (!r)
		return;
	assert_ptr_equal(r->parent, parent);
	flatten(r->left, r, flat);
	assert_true(flat->nr < NR_SLOTS);
	flat->r[flat->nr++] = r;
	flatten(r->right, r, flat);
	left = r->left ? r->left->height : 0;
	right = r->right ? r->right->height : 0;
	assert_true(left - right <= 1 && right - left <= 1);
	assert_int_equal(r->height, 1 + (left > right ? left : right));
}

/* The unmapped stretch in front of region i, or above all if i is their number. */
static struct va_range
stretch(const struct flat *flat, unsigned i, struct va_range limits)
{
	vaddr_t start = i > 0 ? flat->r[i - 1]->range.end : 0;
	vaddr_t end = i < flat->nr ? flat->r[i]->range.start : UINT64_MAX;

	return range_clip(va_range(start, end), limits);
}

static bool
has_room(struct va_range range, uint64_t bytes)
{
	return range.start < range.end && range.end - range.start >= bytes;
}

/* Linux's search, stretch by stretch from the top: a guard in the way lowers the limit. */
static bool
slow_highest(const struct flat *flat, uint64_t bytes, struct va_range limits, vaddr_t *out)
{
	for (unsigned i = flat->nr + 1; i-- > 0;) {
		struct va_range free = stretch(flat, i, limits);

		if (has_room(free, bytes) && i < flat->nr && guarded_start(flat->r[i]) < free.end) {
			limits.end = guarded_start(flat->r[i]);
			free = stretch(flat, i, limits);
		}
		if (has_room(free, bytes)) {
			*out = free.end - bytes;
			return true;
		}
	}
	return false;
}

/* And from the bottom: a stretch counts up to the guard behind it. */
static bool
slow_lowest(const struct flat *flat, uint64_t bytes, struct va_range limits, vaddr_t *out)
{
	for (unsigned i = 0; i <= flat->nr; i++) {
		struct va_range free = stretch(flat, i, limits);

		if (i < flat->nr)
			free.end = min_u64(free.end, guarded_start(flat->r[i]));
		if (has_room(free, bytes)) {
			*out = free.start;
			return true;
		}
	}
	return false;
}

static void
check_against_array(struct space *sp, uint64_t *seed)
{
	struct flat flat = { .nr = 0 };

	flatten(sp->regions, NULL, &flat);
	assert_int_equal(flat.nr, sp->nr_regions);
	assert_ptr_equal(tree_first(sp), flat.nr ? flat.r[0] : NULL);
	assert_ptr_equal(tree_last(sp), flat.nr ? flat.r[flat.nr - 1] : NULL);
	for (unsigned i = 0; i < flat.nr; i++) {
		assert_int_equal(flat.r[i]->gap, expected_gap(&flat, i));
		assert_ptr_equal(tree_next(flat.r[i]), i + 1 < flat.nr ? flat.r[i + 1] : NULL);
		assert_ptr_equal(tree_prev(flat.r[i]), i > 0 ? flat.r[i - 1] : NULL);
	}
	for (unsigned n = 0; n < 4; n++) {
		vaddr_t	       va = test_random(seed) % PAGE(NR_SLOTS + 2);
		struct region *by_end = NULL, *by_start = NULL;

		for (unsigned i = flat.nr; i-- > 0;) {
			if (flat.r[i]->range.end > va)
				by_end = flat.r[i];
			if (flat.r[i]->range.start >= va)
				by_start = flat.r[i];
		}
		assert_ptr_equal(tree_find_end(sp, va), by_end);
		assert_ptr_equal(tree_find_start(sp, va), by_start);
	}
	for (unsigned n = 0; n < 4; n++) {
		uint64_t	pages = 1 + test_random(seed) % 8;
		vaddr_t		low = PAGE(test_random(seed) % NR_SLOTS);
		struct va_range limits = { low, low + PAGE(test_random(seed) % NR_SLOTS) };
		vaddr_t		fast = 1, slow = 1;

		assert_int_equal(tree_gap_highest(sp, PAGE(pages), limits, &fast),
				 slow_highest(&flat, PAGE(pages), limits, &slow));
		assert_int_equal(fast, slow);
		fast = slow = 1;
		assert_int_equal(tree_gap_lowest(sp, PAGE(pages), limits, &fast),
				 slow_lowest(&flat, PAGE(pages), limits, &slow));
		assert_int_equal(fast, slow);
	}
}

/* Insert, remove and resize at random; after each step everything equals the array. */
static void
random_steps_agree_with_an_array(void **state)
{
	static struct region pool[NR_SLOTS];
	struct space	    *sp = bare_space();
	uint64_t	     seed = test_seed(20260101);

	(void)state;
	for (unsigned step = 0; step < 4000; step++) {
		uint64_t       page = test_random(&seed) % (NR_SLOTS - 8);
		struct region *r = tree_find_end(sp, PAGE(page));
		struct region *next = r;

		if (r && r->range.start <= PAGE(page)) {
			next = tree_next(r);
			if (test_random(&seed) % 3) {
				tree_remove(sp, r);
			} else {
				vaddr_t	 end = next ? next->range.start : PAGE(NR_SLOTS);
				uint64_t room = (end - r->range.start) / ARCH_PAGE_SIZE;
				uint64_t pages = 1 + test_random(&seed) % min_u64(room, 6);

				tree_resize(sp, r,
					    va_range(r->range.start, r->range.start + PAGE(pages)));
			}
		} else {
			vaddr_t	 end = next ? next->range.start : PAGE(NR_SLOTS);
			uint64_t room = end / ARCH_PAGE_SIZE - page;
			uint64_t pages = 1 + test_random(&seed) % min_u64(room, 4);
			unsigned flags = test_random(&seed) % 4 ? 0 : REGION_GROWSDOWN;

			/* The slot of the first page belongs to this region alone. */
			insert(sp, &pool[page], page, page + pages, flags);
		}
		check_against_array(sp, &seed);
	}
}

/*
 * page      0 . . . . 5 6 . . 9 . .        A = [5, 7), B = [9, 10)
 * Limits cut the gaps around them; a place that ends at the limit is one.
 */
static void
limits_cut_the_gap_they_fall_into(void **state)
{
	struct space *sp = bare_space();
	struct region a, b;
	vaddr_t	      va = 1;

	(void)state;
	insert(sp, &a, 5, 7, 0);
	insert(sp, &b, 9, 10, 0);
	assert_true(tree_gap_highest(sp, PAGE(2), va_range(0, PAGE(12)), &va));
	assert_int_equal(va, PAGE(10));
	assert_true(tree_gap_highest(sp, PAGE(2), va_range(0, PAGE(11)), &va));
	assert_int_equal(va, PAGE(7));
	assert_true(tree_gap_highest(sp, PAGE(2), va_range(0, PAGE(8)), &va));
	assert_int_equal(va, PAGE(3));
	assert_true(tree_gap_highest(sp, PAGE(2), va_range(0, PAGE(4)), &va));
	assert_int_equal(va, PAGE(2));
	assert_false(tree_gap_highest(sp, PAGE(2), va_range(PAGE(4), PAGE(8)), &va));
	assert_true(tree_gap_lowest(sp, PAGE(2), va_range(PAGE(2), PAGE(12)), &va));
	assert_int_equal(va, PAGE(2));
	assert_true(tree_gap_lowest(sp, PAGE(2), va_range(PAGE(4), PAGE(12)), &va));
	assert_int_equal(va, PAGE(7));
	assert_true(tree_gap_lowest(sp, PAGE(2), va_range(PAGE(8), PAGE(12)), &va));
	assert_int_equal(va, PAGE(10));
	assert_false(tree_gap_lowest(sp, PAGE(3), va_range(PAGE(4), PAGE(12)), &va));
}

/* The guard gap of a region that grows down belongs to it; at page 1 it reaches address 0. */
static void
a_guard_gap_is_not_free(void **state)
{
	struct space *sp = bare_space();
	struct region low, high;
	vaddr_t	      va = 1;

	(void)state;
	insert(sp, &low, 1, 2, REGION_GROWSDOWN);
	insert(sp, &high, 8, 9, REGION_GROWSDOWN);
	assert_int_equal(guarded_start(&low), 0);
	assert_true(tree_gap_highest(sp, PAGE(4), va_range(0, PAGE(9)), &va));
	assert_int_equal(va, PAGE(2));
	assert_true(tree_gap_highest(sp, PAGE(1), va_range(0, PAGE(9)), &va));
	assert_int_equal(va, PAGE(5));
	assert_false(tree_gap_highest(sp, PAGE(5), va_range(0, PAGE(9)), &va));
	assert_false(tree_gap_lowest(sp, PAGE(1), va_range(0, PAGE(2)), &va));
}

/*
 * page      0 1 2 3 4 5 6 7 8        the guard gap of S is four pages, [4, 8)
 * regions   . . . . . . P . S        P stands inside it
 * A page would fit at 7 but for the guard, so the search goes on below 4. Once 7 is taken
 * the guard is in nobody's way, and the gap below P counts like any other.
 */
static void
a_guard_gap_hides_what_is_mapped_inside_it(void **state)
{
	struct space *sp = bare_space();
	struct region p, s, t;
	vaddr_t	      va = 1;

	(void)state;
	sp->layout.stack_guard = PAGE(4);
	insert(sp, &p, 6, 7, 0);
	insert(sp, &s, 8, 9, REGION_GROWSDOWN);
	assert_true(tree_gap_highest(sp, PAGE(1), va_range(0, PAGE(9)), &va));
	assert_int_equal(va, PAGE(3));
	insert(sp, &t, 7, 8, 0);
	assert_true(tree_gap_highest(sp, PAGE(1), va_range(0, PAGE(9)), &va));
	assert_int_equal(va, PAGE(5));
}

/* ALM-08: The height stays within 1.45 log2(n) + 1 however the regions come. */
static void
the_height_is_logarithmic(void **state)
{
	enum { MANY = 65536 };
	struct region *pool = calloc(MANY, sizeof(*pool));
	uint64_t       seed = test_seed(7);

	(void)state;
	for (unsigned order = 0; order < 3; order++) {
		struct space *sp = bare_space();
		unsigned      log2 = 0;

		for (unsigned i = 0; i < MANY; i++) {
			/* rising, falling, and scattered by an odd factor */
			unsigned at = order == 0   ? i
				      : order == 1 ? MANY - 1 - i
						   : i * 40503u % MANY;

			insert(sp, &pool[at], 2 * at, 2 * at + 1, 0);
			if ((i & (i + 1)) != 0)
				continue;
			/* i + 1 is a power of two */
			assert_true(sp->regions->height * 100 <= 145 * (int)log2 + 100);
			log2++;
		}
		assert_true(sp->regions->height <= 24);
		for (unsigned i = 0; i < MANY / 2; i++)
			tree_remove(sp, &pool[2 * i + test_random(&seed) % 2]);
		assert_true(sp->regions->height <= 23);
		assert_int_equal(sp->nr_regions, MANY / 2);
	}
	free(pool);
}

/* Appending gives the same tree contents as inserting. */
static void
appending_keeps_order_and_gaps(void **state)
{
	static struct region pool[40];
	struct space	    *sp = bare_space();
	uint64_t	     seed = 3;

	(void)state;
	for (unsigned i = 0; i < 40; i++) {
		pool[i] = (struct region){ .range = { PAGE(2 * i), PAGE(2 * i + 1) }, .space = sp };
		tree_append(sp, i ? &pool[i - 1] : NULL, &pool[i]);
		check_against_array(sp, &seed);
	}
}

/* Taking apart visits each region once, children before parents. */
static void
taking_apart_gives_each_region_once(void **state)
{
	static struct region pool[100];
	struct space	    *sp = bare_space();
	struct region	    *parent = NULL;
	struct region	    *r;
	unsigned	     nr = 0;

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		insert(sp, &pool[i * 37 % 100], 2 * (i * 37 % 100), 2 * (i * 37 % 100) + 1, 0);
	while ((r = tree_pop_leaf(sp, parent))) {
		assert_null(r->left);
		assert_null(r->right);
		parent = r->parent;
		assert_true(r->height > 0);
		r->height = 0;
		nr++;
	}
	assert_int_equal(nr, 100);
	assert_int_equal(sp->nr_regions, 0);
	assert_null(sp->regions);
}

TEST_SUITE(tree, cmocka_unit_test(random_steps_agree_with_an_array),
	   cmocka_unit_test(limits_cut_the_gap_they_fall_into),
	   cmocka_unit_test(a_guard_gap_is_not_free),
	   cmocka_unit_test(a_guard_gap_hides_what_is_mapped_inside_it),
	   cmocka_unit_test(the_height_is_logarithmic),
	   cmocka_unit_test(appending_keeps_order_and_gaps),
	   cmocka_unit_test(taking_apart_gives_each_region_once))
