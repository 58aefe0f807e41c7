/*
 * test_check_ref.c - I-REF finds every count that is not the number of places that name the frame.
 */
#include "unit/damage.h"
#include "unit/swap_store.h"

#include "swap/slots.h"

static struct space *
touched_sketch(void)
{
	struct space *sp = sketch_space();

	sketch_map(sp, 1, 4, PROT_RW, 0);
	sketch_store_all(sp, 1, 3);
	machine_check_invariants();
	return sp;
}

static void
a_count_too_high_or_too_low_is_found(void **state)
{
	struct space *sp = touched_sketch();

	(void)state;
	atomic_store(&damage_frame(sp, 1)->count, 2);
	EXPECT_BROKEN(INV_REF, "has count 2, named by 1 places");
	atomic_store(&damage_frame(sp, 1)->count, 0);
	EXPECT_BROKEN(INV_REF, "has count 0, named by 1 places");
	damage_abandon();
}

static void
a_table_that_nobody_names_is_found(void **state)
{
	pfn_t pfn;

	(void)state;
	(void)touched_sketch();
	EXPECT_OK(frame_alloc((struct frame_request){ .kind = FRAME_TABLE, .zeroed = true }, &pfn));
	EXPECT_BROKEN(INV_REF, "(table) has count 1, named by 0 places");
	damage_abandon();
}

static void
a_frame_named_twice_is_found(void **state)
{
	struct space *sp = touched_sketch();

	(void)state;
	atomic_store(&damage_frame(sp, 2)->count, 0);
	*damage_slot(sp, 0, 2) = *damage_slot(sp, 0, 1);
	EXPECT_BROKEN(INV_REF, "has count");
	damage_abandon();
}

static void
a_frame_that_cannot_be_named_is_found(void **state)
{
	struct space   *sp = touched_sketch();
	struct pte_leaf leaf = damage_leaf(sp, 1);
	pfn_t		kernel;

	(void)state;
	EXPECT_OK(frame_alloc((struct frame_request){ .kind = FRAME_KERNEL }, &kernel));
	leaf.pfn = kernel;
	damage_set_leaf(sp, 1, leaf);
	EXPECT_BROKEN(INV_REF, "of kind kernel");
	leaf.pfn = (pfn_t){ 0x3fffffff };
	damage_set_leaf(sp, 1, leaf);
	EXPECT_BROKEN(INV_REF, "which does not exist");
	damage_abandon();
}

static void
a_pin_that_nobody_holds_is_found(void **state)
{
	struct space *sp = touched_sketch();

	(void)state;
	atomic_store(&damage_frame(sp, 1)->page.pins, 1);
	EXPECT_BROKEN(INV_REF, "named by 2 places");
	damage_abandon();
}

static void
an_object_with_wrong_pages_is_found(void **state)
{
	struct space  *sp = sketch_space();
	struct object *file = sketch_file(3, 4);

	(void)state;
	sketch_map_file(sp, 2, 4, PROT_R, file, 0, MAPF_SHARED);
	sketch_load(sp, 2);
	machine_check_invariants();
	file->nr_pages++;
	EXPECT_BROKEN(INV_REF, "says it has 2 pages, found 1");
	file->nr_pages--;
	file->size_bytes = 0;
	EXPECT_BROKEN(INV_REF, "has a page 0, size is 0");
	file->size_bytes = 4 * ARCH_PAGE_SIZE;
	damage_frame(sp, 2)->kind = FRAME_ANON;
	EXPECT_BROKEN(INV_REF, "of kind anonymous");
	damage_abandon();
}

static void
an_object_with_wrong_pages_out_is_found(void **state)
{
	struct swap_store store;
	struct object	 *shared;
	size_t		  done;

	(void)state;
	machine_fresh();
	swap_store_make(&store, 8);
	EXPECT_OK(object_create(&pager_zero, 5, 4, NULL, &shared));
	EXPECT_OK(object_write(shared, PAGE(2), "x", 1, &done));
	assert_int_equal(object_age(shared, 0, 4) + object_age(shared, 0, 4), 1);
	machine_check_invariants();
	shared->nr_out++;
	EXPECT_BROKEN(INV_REF, "says it has 2 pages out, found 1");
	shared->nr_out--;
	shared->size_bytes = PAGE(2);
	EXPECT_BROKEN(INV_REF, "has page 2 of 2 out");
	shared->size_bytes = PAGE(4);
	EXPECT_OK(swap_get((swap_t){ 0 }));
	EXPECT_BROKEN(INV_REF, "swap slot 0 has count 2, named by 1 places");
	swap_put((swap_t){ 0 });
	swap_put((swap_t){ 0 });
	EXPECT_BROKEN(INV_REF, "swap slot 0 has count 0, named by 1 places");
	damage_abandon();
}

static void
what_is_left_over_of_a_change_is_found(void **state)
{
	struct space  *sp = touched_sketch();
	struct object *file = sketch_file(3, 4);

	(void)state;
	atomic_store(&file->changing, true);
	EXPECT_BROKEN(INV_REF, "changing 1");
	atomic_store(&file->changing, false);
	atomic_store(&file->unhooking, 2);
	EXPECT_BROKEN(INV_REF, "unhooking 2");
	atomic_store(&file->unhooking, 0);
	file->losing = (struct page_run){ 1, 3 };
	EXPECT_BROKEN(INV_REF, "losing [1, 3)");
	file->losing.end = 1;
	atomic_store(&file->rmap_lock.held, 1);
	EXPECT_BROKEN(INV_REF, "but locked");
	atomic_store(&file->rmap_lock.held, 0);
	machine_check_invariants();
	atomic_store(&damage_frame(sp, 1)->flags, FRAME_DIRTY);
	EXPECT_BROKEN(INV_REF, "is anonymous and has the flags 2");
	damage_abandon();
}

static void
a_root_that_two_spaces_have_is_found(void **state)
{
	struct space	   *sp = touched_sketch();
	struct space_layout layout = sketch_layout();
	struct space	   *other;

	(void)state;
	EXPECT_OK(space_create(&layout, &other));
	machine_check_invariants();
	other->pt.root = sp->pt.root;
	EXPECT_BROKEN(INV_REF, "named by two spaces");
	damage_abandon();
}

TEST_SUITE(check_ref, cmocka_unit_test(a_count_too_high_or_too_low_is_found),
	   cmocka_unit_test(a_table_that_nobody_names_is_found),
	   cmocka_unit_test(a_frame_named_twice_is_found),
	   cmocka_unit_test(a_frame_that_cannot_be_named_is_found),
	   cmocka_unit_test(a_pin_that_nobody_holds_is_found),
	   cmocka_unit_test(an_object_with_wrong_pages_is_found),
	   cmocka_unit_test(an_object_with_wrong_pages_out_is_found),
	   cmocka_unit_test(what_is_left_over_of_a_change_is_found),
	   cmocka_unit_test(a_root_that_two_spaces_have_is_found))
