/* test_edit.c - changing regions of a range: what is cut, what is made in advance, the limit. */
#include "space/limit.h"
#include "space/edit.h"

#include "unit/sketch.h"

static struct region_edit
to_read_only(unsigned from, unsigned to)
{
	return (struct region_edit){ .range = { PAGE(from), PAGE(to) },
				     .prot_mask = PROT_RWX,
				     .prot = PROT_R };
}

/* page      1 2 3 4 5 6 7
 * before    A A B B . A A      rw r . rw
 * edit        |-------|        read only: cuts at 2 and at 7; B does not change */
static void
only_what_changes_is_cut(void **state)
{
	struct space	  *sp = sketch_space();
	struct region_edit edit = to_read_only(2, 7);

	(void)state;
	sketch_map(sp, 1, 3, PROT_RW, 0);
	sketch_map(sp, 3, 5, PROT_R, 0);
	sketch_map(sp, 6, 8, PROT_RW, 0);
	write_lock(&sp->lock);
	EXPECT_OK(edit_plan(sp, &edit));
	assert_int_equal(edit.reserve.nr, 2);
	assert_int_equal(edit.changed.start, PAGE(2));
	assert_int_equal(edit.changed.end, PAGE(7));
	edit_commit(sp, &edit);
	assert_int_equal(edit.reserve.nr, 0);
	limit_settle(sp);
	write_unlock(&sp->lock);
	EXPECT_REGIONS(sp, "1-2 rw, 2-5 r, 6-7 r, 7-8 rw");
	assert_int_equal(sp->data_pages, 2);
	sketch_end(sp);
}

static void
no_change_needs_nothing(void **state)
{
	struct space	  *sp = sketch_space();
	struct region_edit edit = to_read_only(2, 4);

	(void)state;
	sketch_map(sp, 1, 6, PROT_R, 0);
	write_lock(&sp->lock);
	machine_fail_allocation(1, true);
	EXPECT_OK(edit_plan(sp, &edit));
	machine_fail_allocation(0, false);
	assert_true(range_is_empty(edit.changed));
	assert_false(edit_changes(&edit, space_first(sp)));
	edit_commit(sp, &edit);
	write_unlock(&sp->lock);
	EXPECT_REGIONS(sp, "1-6 r");
	sketch_end(sp);
}

static void
a_plan_can_be_dropped(void **state)
{
	struct space	  *sp = sketch_space();
	struct region_edit edit = to_read_only(2, 4);

	(void)state;
	sketch_map(sp, 1, 6, PROT_RW, 0);
	write_lock(&sp->lock);
	EXPECT_OK(edit_plan(sp, &edit));
	assert_int_equal(space_live_regions(), 3);
	edit_drop(&edit);
	write_unlock(&sp->lock);
	EXPECT_REGIONS(sp, "1-6 rw");
	assert_int_equal(space_live_regions(), 1);
	sketch_end(sp);
}

/* page      1 2 3 4 5 6      the space may have two regions and has them
 * before    A A A B B B      rw r
 * edit 3        r            joins B: still two, allowed
 * edit 2      r              would be three
 * edit 1-3  r r r            one */
static void
the_limit_counts_the_result(void **state)
{
	struct space_layout layout = sketch_layout();
	struct space	   *sp;

	(void)state;
	layout.max_regions = 2;
	sp = sketch_space_with(&layout);
	sketch_map(sp, 1, 4, PROT_RW, 0);
	sketch_map(sp, 4, 7, PROT_R, 0);
	EXPECT_ERR(space_protect(sp, PAGE(2), PAGE(1), PROT_R), ERR_NOMEM);
	EXPECT_ERR(space_protect(sp, PAGE(5), PAGE(1), PROT_RW), ERR_NOMEM);
	EXPECT_REGIONS(sp, "1-4 rw, 4-7 r");
	EXPECT_OK(space_protect(sp, PAGE(3), PAGE(1), PROT_R));
	EXPECT_REGIONS(sp, "1-3 rw, 3-7 r");
	EXPECT_OK(space_protect(sp, PAGE(1), PAGE(2), PROT_R));
	EXPECT_REGIONS(sp, "1-7 r");
	EXPECT_OK(space_protect(sp, PAGE(1), PAGE(2), PROT_RW));
	EXPECT_REGIONS(sp, "1-3 rw, 3-7 r");
	sketch_end(sp);
}

/* Pieces of one object continue each other only at the right offset, in the count as in fact. */
static void
the_limit_knows_objects(void **state)
{
	struct space_layout layout = sketch_layout();
	struct object	   *file;
	struct space	   *sp;

	(void)state;
	layout.max_regions = 2;
	sp = sketch_space_with(&layout);
	file = sketch_file(7, 100);
	sketch_map_file(sp, 1, 4, PROT_RW, file, 0, MAPF_PRIVATE);
	sketch_map_file(sp, 4, 7, PROT_R, file, 9, MAPF_PRIVATE);
	EXPECT_ERR(space_protect(sp, PAGE(3), PAGE(1), PROT_R), ERR_NOMEM);
	EXPECT_OK(space_unmap(sp, PAGE(4), PAGE(3)));
	sketch_map_file(sp, 4, 7, PROT_R, file, 3, MAPF_PRIVATE);
	EXPECT_OK(space_protect(sp, PAGE(3), PAGE(1), PROT_R));
	EXPECT_REGIONS(sp, "1-3 rw @7:0, 3-7 r @7:2");
	object_put(file);
	sketch_end(sp);
}

TEST_SUITE(edit, cmocka_unit_test(only_what_changes_is_cut),
	   cmocka_unit_test(no_change_needs_nothing), cmocka_unit_test(a_plan_can_be_dropped),
	   cmocka_unit_test(the_limit_counts_the_result), cmocka_unit_test(the_limit_knows_objects))
