/* test_map.c - new mappings: arguments, errors and their order, replacing, kinds, limits. */
#include "unit/sketch.h"

#include <anymm/call.h>

/* CAM-06:

 * map 2                         A  A    top-down, highest gap first
 * map 3                 B B B
 * unmap                         .  .
 * map 1                            C    free places are used again, the highest first */
static void
mappings_are_placed_top_down(void **state)
{
	struct space	  *sp = sketch_space();
	struct map_request two = sketch_anonymous(2, MAPF_PRIVATE);
	struct map_request three = sketch_anonymous(3, MAPF_PRIVATE);
	struct map_request one = sketch_anonymous(1, MAPF_PRIVATE);
	vaddr_t		   va;

	(void)state;
	EXPECT_OK(space_map(sp, &two, &va));
	assert_int_equal(va, PAGE(10));
	three.prot = PROT_R;
	EXPECT_OK(space_map(sp, &three, &va));
	assert_int_equal(va, PAGE(7));
	EXPECT_OK(space_unmap(sp, PAGE(10), PAGE(2)));
	EXPECT_OK(space_map(sp, &one, &va));
	assert_int_equal(va, PAGE(11));
	EXPECT_REGIONS(sp, "7-10 r, 11-12 rw");
	sketch_end(sp);
}

/* page      1 2 3 4 5 6
 * map A     A A              [1, 3) rw
 * map B         B B          [3, 5) rw: one region with A
 * map C               C      [6, 7) rw
 * map D             D        [5, 6) rw: joins both sides */
static void
neighbours_that_agree_are_one(void **state)
{
	struct space *sp = sketch_space();

	(void)state;
	sketch_map(sp, 1, 3, PROT_RW, 0);
	sketch_map(sp, 3, 5, PROT_RW, 0);
	EXPECT_REGIONS(sp, "1-5 rw");
	sketch_map(sp, 6, 7, PROT_RW, 0);
	EXPECT_REGIONS(sp, "1-5 rw, 6-7 rw");
	sketch_map(sp, 5, 6, PROT_RW, 0);
	EXPECT_REGIONS(sp, "1-7 rw");
	assert_int_equal(space_live_regions(), 1);
	sketch_end(sp);
}

/* Any visible difference keeps neighbours apart. */
static void
neighbours_that_differ_are_two(void **state)
{
	struct space  *sp = sketch_space();
	struct object *file = sketch_file(7, 10);
	struct object *other = sketch_file(8, 10);

	(void)state;
	sketch_map(sp, 1, 2, PROT_RW, 0);
	sketch_map(sp, 2, 3, PROT_RW, REGION_NORESERVE);
	sketch_map(sp, 3, 4, PROT_RW, REGION_NOMERGE);
	sketch_map(sp, 4, 5, PROT_RW, REGION_NOMERGE);
	sketch_map_file(sp, 5, 6, PROT_R, file, 2, MAPF_PRIVATE);
	sketch_map_file(sp, 6, 7, PROT_R, file, 3, MAPF_PRIVATE);
	sketch_map_file(sp, 7, 8, PROT_R, file, 5, MAPF_PRIVATE);
	sketch_map_file(sp, 8, 9, PROT_R, file, 6, MAPF_SHARED);
	sketch_map_file(sp, 9, 10, PROT_R, other, 7, MAPF_SHARED);
	EXPECT_REGIONS(sp, "1-2 rw, 2-3 rw noreserve, 3-4 rw nomerge, 4-5 rw nomerge, "
			   "5-7 r @7:2, 7-8 r @7:5, 8-9 r shared @7:6, 9-10 r shared @8:7");
	object_put(file);
	object_put(other);
	sketch_end(sp);
}

/* Each shared anonymous mapping is an object of its own, so touching ones stay two; fork shares it. */
static void
shared_anonymous_memory_has_an_object_each(void **state)
{
	struct space	  *sp = sketch_space();
	struct map_request request = sketch_anonymous(2, MAPF_SHARED);
	struct space	  *child;
	vaddr_t		   a, b;

	(void)state;
	EXPECT_OK(space_map(sp, &request, &a));
	EXPECT_OK(space_map(sp, &request, &b));
	EXPECT_REGIONS(sp, "8-10 rw shared @anon:0, 10-12 rw shared @anon:0");
	assert_int_equal(object_live(), 2);
	assert_int_not_equal(space_find(sp, a)->object->id, space_find(sp, b)->object->id);
	EXPECT_OK(space_fork(sp, &child));
	sketch_store(child, 8, 5);
	assert_int_equal(sketch_load(sp, 8), 5);
	assert_int_equal(sketch_load(sp, 10), 0);
	pt_deactivate(&child->pt);
	space_put(child);
	EXPECT_OK(space_unmap(sp, b, PAGE(2)));
	assert_int_equal(object_live(), 1);
	sketch_end(sp);
}

/* LUN-07, CAM-06
 * page      1 2 3 4 5 6 7
 * before    A A A B B C C    rw, r, file
 * map           D D D        [3, 6) fixed: a hole's worth of three regions
 * after     A A D D D C C    the file part goes on at its own offset */
static void
fixed_replaces_what_is_there(void **state)
{
	struct space  *sp = sketch_space();
	struct object *file = sketch_file(7, 10);

	(void)state;
	sketch_map(sp, 1, 4, PROT_RW, 0);
	sketch_map(sp, 4, 5, PROT_R, 0);
	sketch_map_file(sp, 5, 8, PROT_R, file, 1, MAPF_PRIVATE);
	sketch_store_all(sp, 1, 4);
	sketch_map(sp, 3, 6, PROT_RX, 0);
	EXPECT_REGIONS(sp, "1-3 rw, 3-6 rx, 6-8 r @7:2");
	assert_int_equal(sketch_load(sp, 2), 2);
	assert_int_equal(sketch_load(sp, 3), 0);
	sketch_map(sp, 4, 5, PROT_RW, 0);
	EXPECT_REGIONS(sp, "1-3 rw, 3-4 rx, 4-5 rw, 5-6 rx, 6-8 r @7:2");
	sketch_map(sp, 1, 8, PROT_R, 0);
	EXPECT_REGIONS(sp, "1-8 r");
	assert_int_equal(sketch_load(sp, 1), 0);
	object_put(file);
	sketch_end(sp);
}

/* LUN-07, DRG-03, WNX-02, ALM-B10: overlap at the tail, at the head, inside; touching is none. */
static void
noreplace_refuses_any_overlap(void **state)
{
	struct space	  *sp = sketch_space();
	struct map_request request = sketch_anonymous(2, MAPF_PRIVATE | MAPF_FIXED_NOREPLACE);
	const struct {
		unsigned page;
		err_t	 err;
	} cases[] = { { 3, ERR_EXIST }, { 4, ERR_EXIST }, { 5, ERR_EXIST },
		      { 7, ERR_EXIST }, { 8, OK },	  { 2, OK } };
	vaddr_t va;

	(void)state;
	sketch_map(sp, 4, 8, PROT_R, 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		request.addr = PAGE(cases[i].page);
		EXPECT_ERR(space_map(sp, &request, &va), cases[i].err);
	}
	EXPECT_REGIONS(sp, "2-4 rw, 4-8 r, 8-10 rw");
	sketch_end(sp);
}

/* One row: what differs from a good request for two pages of private anonymous memory. */
struct bad {
	vaddr_t	 addr;
	uint64_t length;
	uint64_t offset;
	unsigned prot;
	uint64_t flags;
	bool	 has_file;
	bool	 readonly, writeonly;
	err_t	 err;
};

enum {
	ANON = MAPF_PRIVATE | MAPF_ANONYMOUS,
	FIXED = ANON | MAPF_FIXED,
	NOREPLACE = ANON | MAPF_FIXED_NOREPLACE,
};

/* Every refusal, and which of two comes first. */
static const struct bad bad_requests[] = {
	/* misaligned offset before everything else */
	{ 0, 0, 1, PROT_R, MAPF_PRIVATE, false, false, false, ERR_INVAL },
	/* no object before the length */
	{ 0, 0, 0, PROT_R, MAPF_PRIVATE, false, false, false, ERR_BADF },
	{ 0, 0, 0, PROT_R, ANON, false, false, false, ERR_INVAL },
	/* lengths that do not fit */
	{ 0, UINT64_MAX, 0, PROT_R, ANON, false, false, false, ERR_NOMEM },
	{ 0, PAGE(13), 0, PROT_R, ANON, false, false, false, ERR_NOMEM },
	{ 0, PAGE(12), 0, PROT_R, ANON, false, false, false, ERR_NOMEM },
	/* fixed: the range before the alignment, the alignment before the overlap */
	{ PAGE(11), PAGE(2), 0, PROT_R, FIXED, false, false, false, ERR_NOMEM },
	{ PAGE(11) + 1, PAGE(2), 0, PROT_R, FIXED, false, false, false, ERR_NOMEM },
	{ PAGE(2) + 1, PAGE(2), 0, PROT_R, FIXED, false, false, false, ERR_INVAL },
	{ PAGE(2) + 1, PAGE(2), 0, PROT_R, NOREPLACE, false, false, false, ERR_INVAL },
	{ UINT64_MAX - 4095, PAGE(2), 0, PROT_R, FIXED, false, false, false, ERR_NOMEM },
	{ PAGE(2), PAGE(2), 0, PROT_R, NOREPLACE, false, false, false, ERR_EXIST },
	/* the type comes after the address */
	{ PAGE(2), PAGE(2), 0, PROT_R, MAPF_ANONYMOUS | MAPF_FIXED_NOREPLACE, false, false, false,
	  ERR_EXIST },
	{ 0, PAGE(2), 0, PROT_R, MAPF_ANONYMOUS, false, false, false, ERR_INVAL },
	{ 0, PAGE(2), 0, PROT_R, MAPF_ANONYMOUS | 4, false, false, false, ERR_INVAL },
	{ 0, PAGE(2), 0, PROT_R, MAPF_ANONYMOUS | MAPF_SHARED_VALIDATE, false, false, false,
	  ERR_INVAL },
	{ 0, PAGE(2), 0, PROT_R, 0, true, false, false, ERR_INVAL },
	{ 0, PAGE(2), 0, PROT_R, MAPF_SHARED_VALIDATE | 0x80000000u, true, false, false,
	  ERR_OPNOTSUPP },
	{ 0, PAGE(2), 0, PROT_RW, MAPF_SHARED_VALIDATE | 0x80000000u, true, true, false,
	  ERR_OPNOTSUPP },
	{ 0, PAGE(2), 0, PROT_R, MAPF_SHARED_VALIDATE | MAPF_FIXED_NOREPLACE, true, false, false,
	  ERR_OPNOTSUPP },
	{ 0, PAGE(2), 0, PROT_R, MAPF_SHARED_VALIDATE | (uint64_t)1 << 32, true, false, false,
	  ERR_OPNOTSUPP },
	/* offsets of bytes in a file are signed numbers; that comes before the type */
	{ 0, PAGE(2), (uint64_t)1 << 63, PROT_R, MAPF_SHARED, true, false, false, ERR_OVERFLOW },
	{ 0, PAGE(2), ((uint64_t)1 << 63) - PAGE(2), PROT_R, MAPF_SHARED, true, false, false,
	  ERR_OVERFLOW },
	{ 0, PAGE(2), -PAGE(1), PROT_R, 0, true, false, false, ERR_OVERFLOW },
	/* what the file's opening forbids */
	{ 0, PAGE(2), 0, PROT_RW, MAPF_SHARED, true, true, false, ERR_ACCES },
	{ 0, PAGE(2), 0, PROT_R, MAPF_SHARED, true, false, true, ERR_ACCES },
	{ 0, PAGE(2), 0, PROT_R, MAPF_PRIVATE, true, false, true, ERR_ACCES },
	/* a stack is private anonymous */
	{ 0, PAGE(2), 0, PROT_R, MAPF_PRIVATE | MAPF_GROWSDOWN, true, false, false, ERR_INVAL },
	{ 0, PAGE(2), 0, PROT_R, MAPF_SHARED | MAPF_ANONYMOUS | MAPF_GROWSDOWN, false, false, false,
	  ERR_INVAL },
	/* there are no huge pages to be had */
	{ 0, PAGE(2), 0, PROT_R, ANON | MAPF_HUGETLB, false, false, false, ERR_NOMEM },
	{ 0, PAGE(2), 0, PROT_R, MAPF_PRIVATE | MAPF_HUGETLB, true, false, false, ERR_INVAL },
};

static struct map_request
request_of(const struct bad *bad, struct object *file)
{
	return (struct map_request){
		.addr = bad->addr,
		.length = bad->length,
		.prot = bad->prot,
		.flags = bad->flags,
		.object = bad->has_file ? file : NULL,
		.offset = bad->offset,
		.readonly_file = bad->readonly,
		.writeonly_file = bad->writeonly,
	};
}

/* LUN-02, DRG-02: What an image loader may ask for directly, and what fits no object. */
static void
region_flags_are_checked(void **state)
{
	const unsigned	   never[] = { REGION_SHARED, REGION_MAYNOTWRITE, 1u << 30 };
	const unsigned	   private_only[] = { REGION_GROWSDOWN, REGION_WIPEONFORK };
	struct space	  *sp = sketch_space();
	struct object	  *file = sketch_file(7, 10);
	struct map_request request = sketch_anonymous(1, MAPF_PRIVATE);
	vaddr_t		   va;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(never); i++) {
		request.region_flags = never[i];
		EXPECT_ERR(space_map(sp, &request, &va), ERR_INVAL);
	}
	for (size_t i = 0; i < ARRAY_SIZE(private_only); i++) {
		request = sketch_anonymous(1, MAPF_SHARED);
		request.region_flags = private_only[i];
		EXPECT_ERR(space_map(sp, &request, &va), ERR_INVAL);
		request.flags = MAPF_PRIVATE;
		request.object = file;
		EXPECT_ERR(space_map(sp, &request, &va), ERR_INVAL);
	}
	EXPECT_REGIONS(sp, "");
	object_put(file);
	sketch_end(sp);
}

/* LUN-08, DRG-03, WNX-02, WNX-25: the table above; a refused call changes nothing and gives no address. */
static void
errors_come_in_linux_order(void **state)
{
	struct space  *sp = sketch_space();
	struct object *file = sketch_file(7, 10);

	(void)state;
	sketch_map(sp, 3, 4, PROT_R, 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad_requests); i++) {
		struct map_request request = request_of(&bad_requests[i], file);
		vaddr_t		   va = 0x1234;
		err_t		   err = space_map(sp, &request, &va);

		if (err != bad_requests[i].err)
			fail_msg("row %zu gave %s, expected %s", i, err_name(err),
				 err_name(bad_requests[i].err));
		assert_int_equal(va, 0x1234);
	}
	EXPECT_REGIONS(sp, "3-4 r");
	assert_int_equal(object_live(), 1);
	object_put(file);
	sketch_end(sp);
}

/* Flags that Linux ignores for the layout. */
static void
harmless_flags_change_nothing(void **state)
{
	struct space	  *sp = sketch_space();
	struct map_request request =
		sketch_anonymous(1, MAPF_PRIVATE | MAPF_DENYWRITE | MAPF_POPULATE | MAPF_NONBLOCK);
	vaddr_t va;

	(void)state;
	request.prot |= 0x40;
	EXPECT_OK(space_map(sp, &request, &va));
	EXPECT_REGIONS(sp, "11-12 rw");
	sketch_end(sp);
}

/* A thread's stack is not for large pages; locked memory is the region's property from the start. */
static void
some_flags_are_the_regions(void **state)
{
	struct map_request stack = sketch_anonymous(1, MAPF_PRIVATE | MAPF_STACK);
	struct map_request locked = sketch_anonymous(1, MAPF_PRIVATE | MAPF_LOCKED);
	struct space	  *sp = sketch_space();
	vaddr_t		   va;

	(void)state;
	EXPECT_OK(space_map(sp, &stack, &va));
	EXPECT_OK(space_map(sp, &locked, &va));
	EXPECT_REGIONS(sp, "10-11 rw locked, 11-12 rw nohuge");
	sketch_end(sp);
}

/*
 * ALM-06: a place that has become free is used again, first by what fits into it: a search takes no
 * new room while an old place is large enough, and places need not be of certain sizes.
 */
static void
a_released_place_is_used_again(void **state)
{
	struct space	  *sp = sketch_space();
	struct map_request one = sketch_anonymous(1, MAPF_PRIVATE);
	struct map_request two = sketch_anonymous(2, MAPF_PRIVATE);
	struct map_request three = sketch_anonymous(3, MAPF_PRIVATE);
	vaddr_t		   first, second, third, again;

	(void)state;
	EXPECT_OK(space_map(sp, &three, &first));
	EXPECT_OK(space_map(sp, &one, &second));
	EXPECT_OK(space_map(sp, &two, &third));
	EXPECT_OK(space_unmap(sp, second, PAGE(1)));
	EXPECT_OK(space_map(sp, &two, &again));
	assert_int_equal(again, third - PAGE(2));
	EXPECT_OK(space_map(sp, &one, &again));
	assert_int_equal(again, second);
	EXPECT_OK(space_unmap(sp, first, PAGE(3)));
	EXPECT_OK(space_map(sp, &two, &again));
	assert_int_equal(again, first + PAGE(1));
	sketch_end(sp);
}

/* LUN-07, CAM-B07, ALM-B10: a gap that fits exactly is taken; one page less is an error, and no address. */
static void
exact_fit_is_a_fit(void **state)
{
	struct space	  *sp = sketch_space();
	struct map_request three = sketch_anonymous(3, MAPF_PRIVATE);
	struct map_request four = sketch_anonymous(4, MAPF_PRIVATE);
	vaddr_t		   va;

	(void)state;
	sketch_map(sp, 1, 6, PROT_R, 0);
	sketch_map(sp, 9, 12, PROT_R, 0);
	va = 0x1234;
	EXPECT_ERR(space_map(sp, &four, &va), ERR_NOMEM);
	assert_int_equal(va, 0x1234);
	EXPECT_REGIONS(sp, "1-6 r, 9-12 r");
	EXPECT_OK(space_map(sp, &three, &va));
	assert_int_equal(va, PAGE(6));
	EXPECT_REGIONS(sp, "1-6 r, 6-9 rw, 9-12 r");
	sketch_end(sp);
}

/* The limits of a space, each at its exact edge. What a fixed mapping replaces does not count twice. */
static void
limits_hold_to_the_page(void **state)
{
	struct space_layout layout = sketch_layout();
	struct map_request  one = sketch_anonymous(1, MAPF_PRIVATE);
	struct map_request  big = sketch_anonymous(5, MAPF_PRIVATE);
	struct space	   *sp;
	vaddr_t		    va;

	(void)state;
	layout.limit_as = PAGE(7);
	layout.limit_data = PAGE(5);
	layout.limit_commit = PAGE(4);
	sp = sketch_space_with(&layout);
	EXPECT_ERR(space_map(sp, &big, &va), ERR_NOMEM);
	big.flags |= MAPF_NORESERVE;
	EXPECT_OK(space_map(sp, &big, &va));
	assert_int_equal(sp->committed_pages, 0);
	assert_int_equal(sp->data_pages, 5);
	EXPECT_ERR(space_map(sp, &one, &va), ERR_NOMEM);
	sketch_map(sp, 7, 11, PROT_RW, 0);
	EXPECT_REGIONS(sp, "7-11 rw, 11-12 rw noreserve");
	assert_int_equal(sp->committed_pages, 4);
	one.prot = PROT_R;
	EXPECT_OK(space_map(sp, &one, &va));
	EXPECT_OK(space_map(sp, &one, &va));
	assert_int_equal(sp->total_pages, 7);
	EXPECT_ERR(space_map(sp, &one, &va), ERR_NOMEM);
	one.addr = PAGE(7);
	one.flags |= MAPF_FIXED;
	EXPECT_OK(space_map(sp, &one, &va));
	assert_int_equal(sp->total_pages, 7);
	assert_int_equal(sp->data_pages, 4);
	sketch_end(sp);
}

/* Shared anonymous memory must be servable as a whole, even if nobody may access it. */
static void
shared_memory_is_a_request_for_memory(void **state)
{
	struct space_layout layout = sketch_layout();
	struct map_request  request = sketch_anonymous(5, MAPF_SHARED);
	struct space	   *sp;
	vaddr_t		    va;

	(void)state;
	layout.limit_commit = PAGE(4);
	sp = sketch_space_with(&layout);
	request.prot = 0;
	EXPECT_ERR(space_map(sp, &request, &va), ERR_NOMEM);
	assert_int_equal(object_live(), 0);
	request.flags |= MAPF_NORESERVE;
	EXPECT_OK(space_map(sp, &request, &va));
	request = sketch_anonymous(4, MAPF_SHARED);
	EXPECT_OK(space_map(sp, &request, &va));
	EXPECT_REGIONS(sp, "3-7 rw shared @anon:0, 7-12 - shared noreserve @anon:0");
	assert_int_equal(sp->committed_pages, 0);
	sketch_end(sp);
}

/* Linux looks before it maps, so one region more than the limit is reached and no two. */
static void
the_number_of_regions_is_limited(void **state)
{
	struct space_layout layout = sketch_layout();
	struct map_request  request = sketch_anonymous(1, MAPF_PRIVATE | MAPF_FIXED);
	struct space	   *sp;
	vaddr_t		    va;

	(void)state;
	layout.max_regions = 2;
	sp = sketch_space_with(&layout);
	sketch_map(sp, 1, 2, PROT_RW, 0);
	sketch_map(sp, 3, 6, PROT_RW, 0);
	request.addr = PAGE(4);
	request.prot = PROT_R;
	EXPECT_ERR(space_map(sp, &request, &va), ERR_NOMEM);
	sketch_map(sp, 8, 9, PROT_RW, 0);
	request.addr = PAGE(10);
	EXPECT_ERR(space_map(sp, &request, &va), ERR_NOMEM);
	EXPECT_REGIONS(sp, "1-2 rw, 3-6 rw, 8-9 rw");
	sketch_end(sp);
}

static err_t
replace(struct space *sp, unsigned page, unsigned pages)
{
	struct map_request request = sketch_anonymous(pages, MAPF_SHARED | MAPF_FIXED);
	vaddr_t		   va;

	request.addr = PAGE(page);
	return space_map(sp, &request, &va);
}

static err_t
replace_page_3(struct space *sp)
{
	return replace(sp, 3, 1);
}

static err_t
replace_all(struct space *sp)
{
	return replace(sp, 1, 5);
}

/*
 * WNX-05, WNX-B07: replacing part of a shared table, and then whole regions, fails at every allocation in
 * turn, and changes nothing: no region without its object, none that has gone before the new one is there.
 */
static void
a_failed_allocation_changes_nothing(void **state)
{
	struct space *sp = sketch_space();
	struct space *child;

	(void)state;
	sketch_map(sp, 1, 6, PROT_RW, 0);
	sketch_store_all(sp, 1, 6);
	EXPECT_OK(space_fork(sp, &child));
	assert_true(sketch_fail_each(replace_page_3, sp) >= 3 + ARCH_HAS_UPPER_WRITE_DENIAL);
	EXPECT_REGIONS(sp, "1-3 rw, 3-4 rw shared @anon:0, 4-6 rw");
	assert_true(sketch_fail_each(replace_all, sp) >= 2);
	EXPECT_REGIONS(sp, "1-6 rw shared @anon:0");
	assert_int_equal(sketch_load(sp, 1), 0);
	assert_int_equal(sketch_load(child, 3), 3);
	pt_deactivate(&child->pt);
	space_put(child);
	sketch_end(sp);
}

/* What nobody may execute is neither mapped nor protected so; all else goes, and its copies know it too. */
static void
a_file_that_nobody_may_execute(void **state)
{
	struct space	    *sp = sketch_space(), *child;
	struct object	    *file = sketch_file(7, 10);
	struct map_request   request = { .addr = PAGE(2),
					 .length = PAGE(2),
					 .prot = PROT_R | PROT_X,
					 .flags = MAPF_PRIVATE | MAPF_FIXED,
					 .object = file,
					 .noexec_file = true };
	struct remap_request move = { PAGE(2), PAGE(2), PAGE(2), REMAP_MAYMOVE | REMAP_FIXED,
				      PAGE(6) };
	vaddr_t		     va;

	(void)state;
	EXPECT_ERR(space_map(sp, &request, &va), ERR_PERM);
	request.writeonly_file = true;
	EXPECT_ERR(space_map(sp, &request, &va), ERR_ACCES);
	request.writeonly_file = false;
	request.flags = MAPF_SHARED | MAPF_GROWSDOWN | MAPF_FIXED;
	EXPECT_ERR(space_map(sp, &request, &va), ERR_PERM);
	request.flags = MAPF_PRIVATE | MAPF_FIXED;
	request.prot = PROT_RW;
	EXPECT_OK(space_map(sp, &request, &va));
	EXPECT_REGIONS(sp, "2-4 rw maynotexec @7:0");
	EXPECT_ERR(space_protect(sp, PAGE(2), PAGE(1), PROT_X), ERR_ACCES);
	EXPECT_OK(space_protect(sp, PAGE(2), PAGE(2), PROT_R));
	EXPECT_OK(call_mremap(sp, &move, &va));
	EXPECT_OK(space_fork(sp, &child));
	EXPECT_ERR(space_protect(child, PAGE(6), PAGE(1), PROT_RWX), ERR_ACCES);
	space_put(child);
	request.noexec_file = false;
	request.prot = PROT_R;
	request.addr = PAGE(8);
	request.offset = PAGE(2);
	EXPECT_OK(space_map(sp, &request, &va));
	EXPECT_REGIONS(sp, "6-8 r maynotexec @7:0, 8-10 r @7:2");
	EXPECT_ERR(space_protect(sp, PAGE(6), PAGE(4), PROT_X), ERR_ACCES);
	EXPECT_OK(space_protect(sp, PAGE(8), PAGE(2), PROT_X));
	object_put(file);
	sketch_end(sp);
}

TEST_SUITE(map, cmocka_unit_test(a_file_that_nobody_may_execute),
	   cmocka_unit_test(mappings_are_placed_top_down),
	   cmocka_unit_test(neighbours_that_agree_are_one),
	   cmocka_unit_test(neighbours_that_differ_are_two),
	   cmocka_unit_test(shared_anonymous_memory_has_an_object_each),
	   cmocka_unit_test(fixed_replaces_what_is_there),
	   cmocka_unit_test(noreplace_refuses_any_overlap),
	   cmocka_unit_test(region_flags_are_checked), cmocka_unit_test(errors_come_in_linux_order),
	   cmocka_unit_test(harmless_flags_change_nothing),
	   cmocka_unit_test(some_flags_are_the_regions), cmocka_unit_test(exact_fit_is_a_fit),
	   cmocka_unit_test(a_released_place_is_used_again),
	   cmocka_unit_test(limits_hold_to_the_page),
	   cmocka_unit_test(shared_memory_is_a_request_for_memory),
	   cmocka_unit_test(the_number_of_regions_is_limited),
	   cmocka_unit_test(a_failed_allocation_changes_nothing))
