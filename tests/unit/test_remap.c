/* test_remap.c - mremap: growing, shrinking, moving; order of errors; failures change nothing. */
#include "unit/sketch.h"

static err_t
remap(struct space *sp, struct remap_request request, unsigned *page)
{
	struct va_range fresh;
	vaddr_t		at = 0;
	err_t		err = space_remap(sp, &request, &at, &fresh);

	if (err == OK)
		*page = (unsigned)(at >> ARCH_PAGE_SHIFT);
	return err;
}

/* in_place - mremap without any flag, which stays where it is or fails. */
static err_t
in_place(struct space *sp, unsigned page, unsigned before, unsigned after)
{
	unsigned at = page;
	err_t	 err = remap(sp,
			     (struct remap_request){ .addr = PAGE(page),
						     .old_length = PAGE(before),
						     .new_length = PAGE(after) },
			     &at);

	assert_int_equal(at, page);
	return err;
}

static err_t
move_to(struct space *sp, unsigned page, unsigned before, unsigned after, unsigned to)
{
	unsigned at = to;
	err_t	 err = remap(sp,
			     (struct remap_request){ .addr = PAGE(page),
						     .old_length = PAGE(before),
						     .new_length = PAGE(after),
						     .flags = REMAP_MAYMOVE | REMAP_FIXED,
						     .new_addr = PAGE(to) },
			     &at);

	assert_int_equal(at, to);
	return err;
}

/* page      1 2 3 4 5 6
 * before    A A . . B .      grows to 3 pages, to 4, not to 5; shrinks to 1
 * after     A A A A B . */
static void
it_grows_as_far_as_there_is_room(void **state)
{
	struct space *sp = sketch_space();

	(void)state;
	sketch_map(sp, 1, 3, PROT_RW, 0);
	sketch_map(sp, 5, 6, PROT_R, 0);
	sketch_store_all(sp, 1, 3);
	EXPECT_OK(in_place(sp, 1, 2, 3));
	EXPECT_REGIONS(sp, "1-4 rw, 5-6 r");
	assert_int_equal(sketch_load(sp, 3), 0);
	EXPECT_OK(in_place(sp, 3, 1, 2));
	EXPECT_REGIONS(sp, "1-5 rw, 5-6 r");
	EXPECT_ERR(in_place(sp, 1, 4, 5), ERR_NOMEM);
	EXPECT_ERR(in_place(sp, 1, 3, 4), ERR_NOMEM);
	EXPECT_REGIONS(sp, "1-5 rw, 5-6 r");
	assert_int_equal(sketch_load(sp, 2), 2);
	EXPECT_OK(in_place(sp, 1, 4, 1));
	EXPECT_REGIONS(sp, "1-2 rw, 5-6 r");
	assert_int_equal(sketch_access(sp, ACCESS_LOAD, 2), FAULT_SEGV_MAPERR);
	sketch_end(sp);
}

/* What it grows up to is joined if it agrees; the guard gap of a stack is not kept, as in Linux. */
static void
growing_joins_its_neighbour(void **state)
{
	struct space *sp = sketch_space();

	(void)state;
	sketch_map(sp, 1, 3, PROT_RW, 0);
	sketch_map(sp, 4, 6, PROT_RW, 0);
	sketch_map(sp, 8, 9, PROT_RW, REGION_GROWSDOWN);
	EXPECT_OK(in_place(sp, 1, 2, 3));
	EXPECT_REGIONS(sp, "1-6 rw, 8-9 rw down");
	EXPECT_OK(in_place(sp, 1, 5, 7));
	EXPECT_REGIONS(sp, "1-8 rw, 8-9 rw down");
	sketch_end(sp);
}

/* Shrinking reaches over holes and other regions, like unmap; nothing need be there. */
static void
shrinking_unmaps_whatever_is_there(void **state)
{
	struct space *sp = sketch_space();

	(void)state;
	sketch_map(sp, 1, 3, PROT_RW, 0);
	sketch_map(sp, 4, 7, PROT_R, 0);
	EXPECT_OK(in_place(sp, 2, 4, 1));
	EXPECT_REGIONS(sp, "1-3 rw, 6-7 r");
	EXPECT_OK(in_place(sp, 1, 5, 5));
	EXPECT_REGIONS(sp, "1-3 rw, 6-7 r");
	sketch_end(sp);
}

/* page      1 2 3 4 5 6 7 8 9 10 11
 * before    A A A B . . . . . .  .
 * grow A by moving, to the highest gap
 * after     . . . B . . . A A A  A */
static void
it_moves_to_where_it_fits(void **state)
{
	struct space *sp = sketch_space();
	unsigned      at;

	(void)state;
	sketch_map(sp, 1, 4, PROT_RW, 0);
	sketch_map(sp, 4, 5, PROT_R, 0);
	sketch_store_all(sp, 1, 4);
	EXPECT_OK(remap(sp,
			(struct remap_request){ .addr = PAGE(1),
						.old_length = PAGE(3),
						.new_length = PAGE(4),
						.flags = REMAP_MAYMOVE },
			&at));
	assert_int_equal(at, 8);
	EXPECT_REGIONS(sp, "4-5 r, 8-12 rw");
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(sketch_load(sp, 8 + i), 1 + i);
	assert_int_equal(sketch_load(sp, 11), 0);
	assert_false(sketch_is_present(sp, 1));
	EXPECT_ERR(remap(sp,
			 (struct remap_request){ .addr = PAGE(8),
						 .old_length = PAGE(4),
						 .new_length = PAGE(9),
						 .flags = REMAP_MAYMOVE },
			 &at),
		   ERR_NOMEM);
	EXPECT_REGIONS(sp, "4-5 r, 8-12 rw");
	sketch_end(sp);
}

/* page      1 2 3 4 5 6 7 8
 * before    A A A . B B B .
 * move      x x           6    the middle and what is there give way; file offsets go along
 * after     . . A . B A A . */
static void
a_fixed_move_replaces_what_is_there(void **state)
{
	struct space  *sp = sketch_space();
	struct object *file = sketch_file(7, 100);

	(void)state;
	sketch_map_file(sp, 1, 4, PROT_RW, file, 10, MAPF_PRIVATE);
	sketch_map(sp, 5, 9, PROT_R, 0);
	sketch_store(sp, 1, 99);
	EXPECT_OK(move_to(sp, 1, 2, 2, 6));
	EXPECT_REGIONS(sp, "3-4 rw @7:12, 5-6 r, 6-8 rw @7:10, 8-9 r");
	assert_int_equal(sketch_load(sp, 6), 99);
	assert_int_equal(sketch_load(sp, 7), object_pattern(7, PAGE(11)));
	assert_int_equal(sketch_load(sp, 3), object_pattern(7, PAGE(12)));
	EXPECT_OK(move_to(sp, 6, 2, 1, 1));
	EXPECT_REGIONS(sp, "1-2 rw @7:10, 3-4 rw @7:12, 5-6 r, 8-9 r");
	EXPECT_OK(move_to(sp, 1, 1, 2, 6));
	EXPECT_REGIONS(sp, "3-4 rw @7:12, 5-6 r, 6-8 rw @7:10, 8-9 r");
	assert_int_equal(sketch_load(sp, 6), 99);
	object_put(file);
	sketch_end(sp);
}

/* A part of a region moves onto another part of it, and back to where it joins again. */
static void
it_moves_within_its_own_region(void **state)
{
	struct space *sp = sketch_space();

	(void)state;
	sketch_map(sp, 1, 9, PROT_RW, 0);
	sketch_store_all(sp, 1, 9);
	EXPECT_OK(move_to(sp, 2, 2, 2, 6));
	EXPECT_REGIONS(sp, "1-2 rw, 4-9 rw");
	assert_int_equal(sketch_load(sp, 6), 2);
	assert_int_equal(sketch_load(sp, 7), 3);
	assert_int_equal(sketch_load(sp, 8), 8);
	EXPECT_OK(move_to(sp, 6, 2, 2, 2));
	EXPECT_REGIONS(sp, "1-6 rw, 8-9 rw");
	assert_int_equal(sketch_load(sp, 3), 3);
	sketch_end(sp);
}

/* page      1 2 3 4 5 6 7 8 9 10
 * before    A A . B C . . . . .
 * move      x x x x      6         every region keeps its distance
 * after     . . . . C A A . B . */
static void
several_regions_move_at_once(void **state)
{
	struct space *sp = sketch_space();

	(void)state;
	sketch_map(sp, 1, 3, PROT_RW, 0);
	sketch_map(sp, 4, 5, PROT_RW, REGION_NOMERGE);
	sketch_map(sp, 5, 6, PROT_R, 0);
	sketch_store_all(sp, 1, 3);
	sketch_store(sp, 4, 44);
	EXPECT_OK(move_to(sp, 1, 4, 4, 6));
	EXPECT_REGIONS(sp, "5-6 r, 6-8 rw, 9-10 rw nomerge");
	assert_int_equal(sketch_load(sp, 7), 2);
	assert_int_equal(sketch_load(sp, 9), 44);
	EXPECT_ERR(move_to(sp, 8, 3, 3, 1), ERR_FAULT);
	EXPECT_ERR(move_to(sp, 5, 4, 5, 0), ERR_FAULT);
	EXPECT_REGIONS(sp, "5-6 r, 6-8 rw, 9-10 rw nomerge");
	sketch_end(sp);
}

/* The old range stays mapped and is empty; the new place is a hint. */
static void
the_old_range_may_stay(void **state)
{
	struct remap_request request = { .addr = PAGE(2),
					 .old_length = PAGE(2),
					 .new_length = PAGE(2),
					 .flags = REMAP_MAYMOVE | REMAP_DONTUNMAP,
					 .new_addr = PAGE(7) };
	struct space	    *sp = sketch_space();
	unsigned	     at;

	(void)state;
	sketch_map(sp, 1, 5, PROT_RW, 0);
	sketch_store_all(sp, 1, 5);
	EXPECT_OK(remap(sp, request, &at));
	assert_int_equal(at, 7);
	EXPECT_REGIONS(sp, "1-5 rw, 7-9 rw");
	assert_int_equal(sketch_load(sp, 7), 2);
	assert_int_equal(sketch_load(sp, 2), 0);
	assert_int_equal(sketch_load(sp, 4), 4);
	request.addr = PAGE(4);
	request.old_length = request.new_length = PAGE(1);
	EXPECT_OK(remap(sp, request, &at));
	assert_int_equal(at, 11);
	request.flags |= REMAP_FIXED;
	request.addr = PAGE(11);
	request.new_addr = PAGE(5);
	EXPECT_OK(remap(sp, request, &at));
	EXPECT_REGIONS(sp, "1-6 rw, 7-9 rw, 11-12 rw");
	assert_int_equal(sketch_load(sp, 5), 4);
	sketch_end(sp);
}

/* An old length of zero: the same pages of a shared mapping once more. */
static void
a_shared_mapping_can_be_doubled(void **state)
{
	struct space  *sp = sketch_space();
	struct object *file = sketch_file(7, 100);
	unsigned       at;

	(void)state;
	sketch_map_file(sp, 1, 5, PROT_RW, file, 10, MAPF_SHARED);
	sketch_map(sp, 5, 6, PROT_RW, 0);
	sketch_store(sp, 2, 22);
	EXPECT_OK(move_to(sp, 2, 0, 3, 7));
	EXPECT_REGIONS(sp, "1-5 rw shared @7:10, 5-6 rw, 7-10 rw shared @7:11");
	assert_int_equal(sketch_load(sp, 7), 22);
	sketch_store(sp, 8, 33);
	assert_int_equal(sketch_load(sp, 3), 33);
	EXPECT_ERR(in_place(sp, 2, 0, 1), ERR_NOMEM);
	EXPECT_ERR(move_to(sp, 5, 0, 1, 11), ERR_INVAL);
	EXPECT_ERR(move_to(sp, 2, 0, 2, 1), ERR_INVAL);
	EXPECT_ERR(move_to(sp, 2, 0, 2, 2), ERR_FAULT);
	EXPECT_REGIONS(sp, "1-5 rw shared @7:10, 5-6 rw, 7-10 rw shared @7:11");
	EXPECT_OK(remap(sp,
			(struct remap_request){
				.addr = PAGE(1), .new_length = PAGE(1), .flags = REMAP_MAYMOVE },
			&at));
	assert_int_equal(at, 11);
	object_put(file);
	sketch_end(sp);
}

/* The child of a fork keeps what the parent moves away. */
static void
a_fork_keeps_its_own(void **state)
{
	struct space *sp = sketch_space();
	struct space *child;

	(void)state;
	sketch_map(sp, 1, 4, PROT_RW, 0);
	sketch_store_all(sp, 1, 4);
	EXPECT_OK(space_fork(sp, &child));
	EXPECT_OK(move_to(sp, 2, 2, 2, 8));
	sketch_store(sp, 8, 80);
	assert_int_equal(sketch_load(sp, 9), 3);
	EXPECT_REGIONS(child, "1-4 rw");
	assert_int_equal(sketch_load(child, 2), 2);
	assert_int_equal(sketch_load(child, 3), 3);
	machine_check_invariants();
	pt_deactivate(&child->pt);
	space_put(child);
	sketch_end(sp);
}

/* What is added to a locked region is told, and counts against the limit. */
static void
locked_memory_grows_within_its_limit(void **state)
{
	struct space_layout  layout = sketch_layout();
	struct remap_request grow = { .addr = PAGE(1),
				      .old_length = PAGE(2),
				      .new_length = PAGE(3),
				      .flags = REMAP_MAYMOVE };
	struct va_range	     fresh;
	struct space	    *sp;
	vaddr_t		     at;

	(void)state;
	layout.limit_memlock = PAGE(3);
	sp = sketch_space_with(&layout);
	sketch_map(sp, 1, 3, PROT_RW, 0);
	EXPECT_OK(space_lock(sp, PAGE(1), PAGE(2), 0));
	EXPECT_OK(space_remap(sp, &grow, &at, &fresh));
	assert_int_equal(fresh.start, PAGE(3));
	assert_int_equal(fresh.end, PAGE(4));
	grow.old_length = PAGE(3);
	grow.new_length = PAGE(4);
	EXPECT_ERR(space_remap(sp, &grow, &at, &fresh), ERR_AGAIN);
	EXPECT_OK(move_to(sp, 1, 3, 3, 5));
	EXPECT_REGIONS(sp, "5-8 rw locked");
	sketch_end(sp);
}

/* A second mapping onto the first: the limit is looked at before the place. */
static void
a_limit_comes_before_the_place(void **state)
{
	struct space_layout layout = sketch_layout();
	struct object	   *file;
	struct space	   *sp;

	(void)state;
	layout.limit_memlock = PAGE(3);
	sp = sketch_space_with(&layout);
	file = sketch_file(7, 100);
	sketch_map_file(sp, 1, 4, PROT_RW, file, 0, MAPF_SHARED);
	EXPECT_OK(space_lock(sp, PAGE(1), PAGE(3), 0));
	EXPECT_ERR(move_to(sp, 2, 0, 1, 2), ERR_AGAIN);
	sp->layout.limit_memlock = PAGE(4);
	EXPECT_ERR(move_to(sp, 2, 0, 1, 2), ERR_FAULT);
	EXPECT_REGIONS(sp, "1-4 rw shared locked @7:0");
	object_put(file);
	sketch_end(sp);
}

static void
limits_and_seals_are_kept(void **state)
{
	struct space_layout layout = sketch_layout();
	struct space	   *sp;

	(void)state;
	layout.limit_as = PAGE(4);
	sp = sketch_space_with(&layout);
	sketch_map(sp, 1, 4, PROT_RW, 0);
	EXPECT_ERR(in_place(sp, 1, 3, 5), ERR_NOMEM);
	EXPECT_OK(in_place(sp, 1, 3, 4));
	EXPECT_OK(space_seal(sp, PAGE(2), PAGE(1), 0));
	EXPECT_ERR(move_to(sp, 2, 1, 1, 7), ERR_PERM);
	EXPECT_ERR(in_place(sp, 2, 1, 1), ERR_PERM);
	EXPECT_ERR(in_place(sp, 1, 4, 1), ERR_PERM);
	EXPECT_ERR(move_to(sp, 3, 1, 1, 2), ERR_PERM);
	EXPECT_REGIONS(sp, "1-2 rw, 2-3 rw sealed, 3-5 rw");
	sketch_end(sp);
}

/* page       1 2 3      6 7 8
 * locked       l
 * after                   l       each part is as it was, and what stays is not locked */
static void
parts_that_move_together_keep_their_locks(void **state)
{
	const struct remap_request all = {
		.addr = PAGE(1),
		.old_length = PAGE(3),
		.new_length = PAGE(3),
		.flags = REMAP_MAYMOVE | REMAP_FIXED | REMAP_DONTUNMAP,
		.new_addr = PAGE(6),
	};
	struct space *sp = sketch_space();
	unsigned      at;

	(void)state;
	sketch_map(sp, 1, 4, PROT_RW, 0);
	sketch_store_all(sp, 1, 4);
	EXPECT_OK(space_lock(sp, PAGE(2), PAGE(1), 0));
	EXPECT_OK(remap(sp, all, &at));
	EXPECT_REGIONS(sp, "1-4 rw, 6-7 rw, 7-8 rw locked, 8-9 rw");
	for (unsigned page = 1; page < 4; page++) {
		assert_int_equal(sketch_load(sp, page + 5), page);
		assert_int_equal(sketch_load(sp, page), 0);
	}
	sketch_end(sp);
}

/* A copy left behind counts as data, whatever kind of memory makes room at the new place. */
static void
a_copy_keeps_the_data_limit(void **state)
{
	struct space_layout	   layout = sketch_layout();
	const struct remap_request copy = {
		.addr = PAGE(1),
		.old_length = PAGE(2),
		.new_length = PAGE(2),
		.flags = REMAP_MAYMOVE | REMAP_FIXED | REMAP_DONTUNMAP,
		.new_addr = PAGE(5),
	};
	struct space *sp;
	unsigned      at;

	(void)state;
	layout.limit_data = PAGE(3);
	layout.limit_as = PAGE(4);
	sp = sketch_space_with(&layout);
	sketch_map(sp, 1, 3, PROT_RW, 0);
	sketch_map(sp, 5, 7, PROT_R, 0);
	EXPECT_ERR(remap(sp, copy, &at), ERR_NOMEM);
	EXPECT_REGIONS(sp, "1-3 rw, 5-7 r");
	sp->layout.limit_data = PAGE(4);
	EXPECT_OK(remap(sp, copy, &at));
	EXPECT_REGIONS(sp, "1-3 rw, 5-7 rw");
	sketch_end(sp);
}

static void
bad_arguments_are_refused(void **state)
{
	enum {
		MAY = REMAP_MAYMOVE,
		FIX = REMAP_MAYMOVE | REMAP_FIXED,
		DONT = REMAP_MAYMOVE | REMAP_DONTUNMAP
	};
	const vaddr_t top = UINT64_MAX & ~ARCH_PAGE_MASK;
	const struct {
		struct remap_request request;
		err_t		     err;
	} cases[] = {
		{ { PAGE(1), PAGE(1), PAGE(1), 8, 0 }, ERR_INVAL },
		{ { PAGE(1) + 1, PAGE(1), PAGE(1), 0, 0 }, ERR_INVAL },
		{ { PAGE(1), PAGE(1), 0, 0, 0 }, ERR_INVAL },
		{ { PAGE(1), PAGE(1), UINT64_MAX, 0, 0 }, ERR_INVAL },
		{ { PAGE(1), PAGE(1), UINT64_MAX - PAGE(2), MAY, 0 }, ERR_INVAL },
		{ { PAGE(1), PAGE(1), PAGE(SKETCH_PAGES) + 1, MAY, 0 }, ERR_INVAL },
		{ { PAGE(6), PAGE(1), PAGE(1), 0, 0 }, ERR_FAULT },
		{ { top, PAGE(1), PAGE(1), 0, 0 }, ERR_FAULT },
		{ { PAGE(1), PAGE(4), PAGE(5), MAY, 0 }, ERR_FAULT },
		{ { PAGE(1), PAGE(1), PAGE(1), REMAP_FIXED, PAGE(6) }, ERR_INVAL },
		{ { PAGE(1), PAGE(1), PAGE(1), REMAP_DONTUNMAP, PAGE(6) }, ERR_INVAL },
		{ { PAGE(1), PAGE(1), PAGE(1), FIX, PAGE(6) + 1 }, ERR_INVAL },
		{ { PAGE(1), PAGE(1), PAGE(1), FIX, PAGE(SKETCH_PAGES) }, ERR_INVAL },
		{ { PAGE(1), PAGE(1), PAGE(1), FIX, top }, ERR_INVAL },
		{ { PAGE(1), PAGE(2), PAGE(2), FIX, PAGE(2) }, ERR_INVAL },
		{ { PAGE(2), PAGE(2), PAGE(1), FIX, PAGE(1) + 1 }, ERR_INVAL },
		{ { PAGE(2), PAGE(1), PAGE(2), FIX, PAGE(1) }, ERR_INVAL },
		{ { PAGE(1), PAGE(2), PAGE(1), DONT, PAGE(6) }, ERR_INVAL },
		{ { PAGE(1), UINT64_MAX, PAGE(1), MAY, 0 }, ERR_INVAL },
		{ { PAGE(1), UINT64_MAX - PAGE(4), PAGE(1), 0, 0 }, ERR_INVAL },
		{ { PAGE(1), UINT64_MAX - PAGE(4), PAGE(1), FIX, PAGE(6) }, ERR_INVAL },
	};
	struct space *sp = sketch_space();
	unsigned      at = 77;

	(void)state;
	sketch_map(sp, 1, 4, PROT_RW, 0);
	sketch_store_all(sp, 1, 4);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		EXPECT_ERR(remap(sp, cases[i].request, &at), cases[i].err);
	assert_int_equal(at, 77);
	EXPECT_REGIONS(sp, "1-4 rw");
	assert_int_equal(sketch_load(sp, 3), 3);
	sketch_end(sp);
}

/* Linux asks for more room in the count of regions than a move can take. */
static void
the_number_of_regions_is_limited(void **state)
{
	struct space_layout layout = sketch_layout();
	struct space	   *sp;

	(void)state;
	layout.max_regions = 6;
	sp = sketch_space_with(&layout);
	sketch_map(sp, 1, 2, PROT_RW, 0);
	EXPECT_ERR(move_to(sp, 1, 1, 1, 4), ERR_NOMEM);
	sp->layout.max_regions = 7;
	EXPECT_OK(move_to(sp, 1, 1, 1, 4));
	EXPECT_REGIONS(sp, "4-5 rw");
	sketch_end(sp);
}

/* Move the middle of a region over the middle of another, growing it, with a child that shares the tables. */
static err_t
move_the_middle(struct space *sp)
{
	return move_to(sp, 2, 1, 2, 7);
}

static void
a_failed_move_changes_nothing(void **state)
{
	struct space *sp = sketch_space();
	struct space *child;

	(void)state;
	sketch_map(sp, 1, 4, PROT_RW, 0);
	sketch_map(sp, 6, 10, PROT_RW, REGION_NORESERVE);
	sketch_store_all(sp, 1, 4);
	sketch_store_all(sp, 6, 10);
	EXPECT_OK(space_fork(sp, &child));
	assert_true(sketch_fail_each(move_the_middle, sp) > 2);
	EXPECT_REGIONS(sp, "1-2 rw, 3-4 rw, 6-7 rw noreserve, 7-9 rw, 9-10 rw noreserve");
	assert_int_equal(sketch_load(sp, 7), 2);
	assert_int_equal(sketch_load(child, 7), 7);
	pt_deactivate(&child->pt);
	space_put(child);
	sketch_end(sp);
}

TEST_SUITE(remap, cmocka_unit_test(it_grows_as_far_as_there_is_room),
	   cmocka_unit_test(growing_joins_its_neighbour),
	   cmocka_unit_test(shrinking_unmaps_whatever_is_there),
	   cmocka_unit_test(it_moves_to_where_it_fits),
	   cmocka_unit_test(a_fixed_move_replaces_what_is_there),
	   cmocka_unit_test(it_moves_within_its_own_region),
	   cmocka_unit_test(several_regions_move_at_once), cmocka_unit_test(the_old_range_may_stay),
	   cmocka_unit_test(a_shared_mapping_can_be_doubled),
	   cmocka_unit_test(a_fork_keeps_its_own),
	   cmocka_unit_test(locked_memory_grows_within_its_limit),
	   cmocka_unit_test(a_limit_comes_before_the_place),
	   cmocka_unit_test(limits_and_seals_are_kept),
	   cmocka_unit_test(parts_that_move_together_keep_their_locks),
	   cmocka_unit_test(a_copy_keeps_the_data_limit),
	   cmocka_unit_test(bad_arguments_are_refused),
	   cmocka_unit_test(the_number_of_regions_is_limited),
	   cmocka_unit_test(a_failed_move_changes_nothing))
