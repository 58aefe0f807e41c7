/* test_stack.c - stacks that grow down: by faults and directly, guard gap, limits. */
#include "unit/sketch.h"

static err_t
grow(struct space *sp, unsigned page)
{
	err_t err;

	write_lock(&sp->lock);
	err = space_grow_stack(sp, PAGE(page) + 100);
	write_unlock(&sp->lock);
	return err;
}

/* DRG-34
 * page      5 6 7 8 9 10 11
 * before               S  S
 * store at 7     *
 * after          S S S S  S       pages between are mapped but not filled */
static void
an_access_below_extends_the_stack(void **state)
{
	struct space *sp = sketch_space();

	(void)state;
	sketch_map(sp, 10, 12, PROT_RW, REGION_GROWSDOWN);
	sketch_store(sp, 10, 10);
	sketch_store(sp, 7, 7);
	EXPECT_REGIONS(sp, "7-12 rw down");
	assert_int_equal(stat_get(STAT_FAULT_STACK), 1);
	assert_int_equal(sp->total_pages, 5);
	assert_int_equal(sp->committed_pages, 5);
	assert_int_equal(sp->data_pages, 0);
	assert_false(sketch_is_present(sp, 8));
	assert_int_equal(sketch_load(sp, 10), 10);
	assert_int_equal(sketch_load(sp, 8), 0);
	sketch_end(sp);
}

/* page       3 4 5 6 7 8
 * before     X       . S          X may be accessed: one page of gap must stay
 * store at 5     ok
 * store at 4   no */
static void
the_guard_gap_is_kept_to_accessible_neighbours(void **state)
{
	struct space *sp = sketch_space();

	(void)state;
	sketch_map(sp, 3, 4, PROT_R, 0);
	sketch_map(sp, 8, 9, PROT_RW, REGION_GROWSDOWN);
	sketch_store(sp, 5, 5);
	EXPECT_REGIONS(sp, "3-4 r, 5-9 rw down");
	assert_int_equal(sketch_access(sp, ACCESS_STORE, 4), FAULT_SEGV_MAPERR);
	EXPECT_ERR(grow(sp, 4), ERR_FAULT);
	EXPECT_REGIONS(sp, "3-4 r, 5-9 rw down");
	sketch_end(sp);
}

/* Without any access, or as another stack, the neighbour is its own guard. */
static void
other_neighbours_need_no_gap(void **state)
{
	struct space *sp = sketch_space();

	(void)state;
	sketch_map(sp, 3, 4, 0, 0);
	sketch_map(sp, 6, 7, PROT_R, REGION_GROWSDOWN);
	sketch_map(sp, 9, 10, PROT_RW, REGION_GROWSDOWN);
	sketch_store(sp, 7, 7);
	EXPECT_REGIONS(sp, "3-4 -, 6-7 r down, 7-10 rw down");
	assert_int_equal(sketch_load(sp, 4), 0);
	EXPECT_REGIONS(sp, "3-4 -, 4-7 r down, 7-10 rw down");
	sketch_end(sp);
}

/* Two stacks that agree and come to touch are one. */
static void
stacks_that_meet_are_joined(void **state)
{
	struct space *sp = sketch_space();

	(void)state;
	sketch_map(sp, 4, 6, PROT_RW, REGION_GROWSDOWN);
	sketch_map(sp, 9, 10, PROT_RW, REGION_GROWSDOWN);
	EXPECT_OK(grow(sp, 6));
	EXPECT_REGIONS(sp, "4-10 rw down");
	sketch_end(sp);
}

static void
nothing_else_grows(void **state)
{
	struct space *sp = sketch_space();

	(void)state;
	sketch_map(sp, 8, 9, PROT_RW, 0);
	EXPECT_ERR(grow(sp, 7), ERR_FAULT);
	EXPECT_ERR(grow(sp, 9), ERR_FAULT);
	EXPECT_OK(grow(sp, 8));
	sketch_map(sp, 2, 3, PROT_RW, REGION_GROWSDOWN);
	EXPECT_ERR(grow(sp, 0), ERR_FAULT);
	EXPECT_OK(grow(sp, 1));
	EXPECT_REGIONS(sp, "1-3 rw down, 8-9 rw");
	sketch_end(sp);
}

/* DRG-34, rule 13: the stack limit to the byte; the limit on the space is another error. */
static void
limits_hold(void **state)
{
	struct space_layout layout = sketch_layout();
	struct space	   *sp;

	(void)state;
	layout.limit_stack = PAGE(4) - 1;
	sp = sketch_space_with(&layout);
	sketch_map(sp, 11, 12, PROT_RW, REGION_GROWSDOWN);
	EXPECT_ERR(grow(sp, 8), ERR_FAULT);
	EXPECT_OK(grow(sp, 9));
	sp->layout.limit_stack = PAGE(4);
	sp->layout.limit_as = PAGE(3);
	EXPECT_ERR(grow(sp, 8), ERR_NOMEM);
	sp->layout.limit_as = PAGE(4);
	sp->layout.limit_data = 0;
	EXPECT_OK(grow(sp, 8));
	EXPECT_ERR(grow(sp, 7), ERR_FAULT);
	EXPECT_REGIONS(sp, "8-12 rw down");
	sketch_end(sp);
}

/* Growing moves the guard gap with it: a search sees it at once. */
static void
the_gap_index_follows(void **state)
{
	struct space	  *sp = sketch_space();
	struct map_request request = sketch_anonymous(1, MAPF_PRIVATE);
	vaddr_t		   va;

	(void)state;
	sketch_map(sp, 11, 12, PROT_RW, REGION_GROWSDOWN);
	EXPECT_OK(grow(sp, 6));
	EXPECT_OK(space_map(sp, &request, &va));
	assert_int_equal(va, PAGE(4));
	sketch_end(sp);
}

TEST_SUITE(stack, cmocka_unit_test(an_access_below_extends_the_stack),
	   cmocka_unit_test(the_guard_gap_is_kept_to_accessible_neighbours),
	   cmocka_unit_test(other_neighbours_need_no_gap),
	   cmocka_unit_test(stacks_that_meet_are_joined), cmocka_unit_test(nothing_else_grows),
	   cmocka_unit_test(limits_hold), cmocka_unit_test(the_gap_index_follows))
