/*
 * test_check_prot.c - I-PROT finds entries that the regions do not allow.
 */
#include "space/limit.h"
#include "unit/damage.h"

#include "pt/state.h"

static struct space *
touched_sketch(prot_t prot)
{
	struct space *sp = sketch_space();

	sketch_map(sp, 1, 4, PROT_RW, 0);
	sketch_store_all(sp, 1, 3);
	if (prot != PROT_RW)
		EXPECT_OK(space_protect(sp, PAGE(1), PAGE(3), prot));
	machine_check_invariants();
	return sp;
}

static void
a_leaf_that_allows_more_than_its_region_is_found(void **state)
{
	struct space   *sp = touched_sketch(PROT_R);
	struct pte_leaf leaf = damage_leaf(sp, 1);

	(void)state;
	leaf.prot = PROT_RX;
	damage_set_leaf(sp, 1, leaf);
	EXPECT_BROKEN(INV_PROT, "allows 5, its region");
	damage_abandon();
}

static void
a_leaf_outside_all_regions_is_found(void **state)
{
	struct space *sp = touched_sketch(PROT_RW);

	(void)state;
	*damage_slot(sp, 0, 3) = *damage_slot(sp, 0, 2);
	*damage_slot(sp, 0, 2) = arch_pte_empty();
	machine_check_invariants(); /* page 3 is in the region too */
	EXPECT_OK(space_protect(sp, PAGE(3), PAGE(1), PROT_R));
	damage_region(sp, 3)->range.end = PAGE(3); /* now it is nowhere */
	damage_region(sp, 2)->range.end = PAGE(3);
	EXPECT_BROKEN(INV_REG, "region");
	damage_abandon();
}

static void
a_leaf_of_a_removed_region_is_found(void **state)
{
	struct space *sp = sketch_space();
	pte_t	      kept;

	(void)state;
	sketch_map(sp, 1, 2, PROT_RW, 0);
	sketch_map(sp, 2, 3, PROT_R, 0);
	sketch_store(sp, 1, 'a');
	sketch_load(sp, 2);
	kept = *damage_slot(sp, 0, 2);
	EXPECT_OK(space_unmap(sp, PAGE(2), PAGE(1)));
	*damage_slot(sp, 0, 2) = kept;
	frame_of(damage_table(sp, 0, 2))->table.live++;
	EXPECT_BROKEN(INV_PROT, "lies in no region");
	damage_abandon();
}

/* Both spaces reach the same leaf; the check of one does not stand for the other. */
static void
a_shared_table_is_checked_against_every_spaces_regions(void **state)
{
	struct space *sp = touched_sketch(PROT_RW);
	struct space *child;

	(void)state;
	EXPECT_OK(space_fork(sp, &child));
	machine_check_invariants();
	damage_region(child, 1)->prot = PROT_R;
	child->committed_pages = 0;
	child->data_pages = 0;
	limit_settle(child);
	if (ARCH_HAS_UPPER_WRITE_DENIAL)
		EXPECT_BROKEN(INV_PROT, "allows 3, its region");
	damage_abandon();
}

static void
wrong_bits_of_a_leaf_are_found(void **state)
{
	struct space   *sp = touched_sketch(PROT_RW);
	struct pte_leaf good = damage_leaf(sp, 1);
	struct pte_leaf leaf = good;

	(void)state;
	leaf.kernel = true;
	damage_set_leaf(sp, 1, leaf);
	EXPECT_BROKEN(INV_PROT, "kernel-only");
	leaf = good;
	leaf.is_private = false;
	damage_set_leaf(sp, 1, leaf);
	EXPECT_BROKEN(INV_PROT, "says shared, its region is private");
	damage_abandon();
}

static void
a_shared_leaf_that_is_not_the_objects_page_is_found(void **state)
{
	struct space   *sp = sketch_space();
	struct object  *file = sketch_file(3, 4);
	struct pte_leaf leaf;

	(void)state;
	sketch_map_file(sp, 2, 4, PROT_RW, file, 0, MAPF_SHARED);
	sketch_store(sp, 2, 'a');
	sketch_store(sp, 3, 'b');
	machine_check_invariants();
	leaf = damage_leaf(sp, 2);
	damage_set_leaf(sp, 2, damage_leaf(sp, 3));
	damage_set_leaf(sp, 3, leaf);
	EXPECT_BROKEN(INV_PROT, "in a shared region names frame");
	damage_abandon();
}

static void
a_zero_frame_that_is_not_zero_is_found(void **state)
{
	struct space *sp = sketch_space();
	uint8_t	     *zeros;

	(void)state;
	sketch_map(sp, 1, 4, PROT_RW, 0);
	sketch_load(sp, 1);
	machine_check_invariants();
	zeros = arch_frame_ptr(pt_zero_frame());
	zeros[1000] = 1;
	EXPECT_BROKEN(INV_PROT, "is not zero");
	damage_abandon();
}

static void
a_writable_or_second_zero_frame_is_found(void **state)
{
	struct space   *sp = sketch_space();
	struct pte_leaf leaf;
	pfn_t		other;

	(void)state;
	sketch_map(sp, 1, 4, PROT_RW, 0);
	sketch_load(sp, 1);
	sketch_load(sp, 2);
	leaf = damage_leaf(sp, 2);
	EXPECT_OK(frame_alloc((struct frame_request){ .kind = FRAME_KERNEL, .zeroed = true },
			      &other));
	leaf.pfn = other;
	damage_set_leaf(sp, 2, leaf);
	EXPECT_BROKEN(INV_PROT, "special leaves name frame");
	leaf = damage_leaf(sp, 1);
	leaf.prot |= PROT_W;
	damage_set_leaf(sp, 1, leaf);
	EXPECT_BROKEN(INV_PROT, "is writable");
	damage_abandon();
}

static void
a_special_leaf_of_an_object_is_found(void **state)
{
	struct space   *sp = sketch_space();
	struct object  *file = sketch_file(3, 4);
	struct pte_leaf leaf;

	(void)state;
	sketch_map_file(sp, 2, 4, PROT_R, file, 0, MAPF_PRIVATE);
	sketch_load(sp, 2);
	leaf = damage_leaf(sp, 2);
	leaf.is_special = true;
	atomic_store(&damage_frame(sp, 2)->count, 1);
	damage_set_leaf(sp, 2, leaf);
	EXPECT_BROKEN(INV_PROT, "special leaf");
	damage_abandon();
}

/* LUN-15. */
static void
a_mark_of_unknown_type_is_found(void **state)
{
	struct space *sp = sketch_space();

	(void)state;
	sketch_map(sp, 1, 4, PROT_RW, 0);
	EXPECT_OK(space_advise(sp, PAGE(1), PAGE(1), ADVICE_GUARD_INSTALL));
	machine_check_invariants();
	*damage_slot(sp, 0, 1) =
		arch_pte_mark((struct pte_mark){ .type = MARK_TYPES, .payload = 3 });
	EXPECT_BROKEN(INV_PROT, "mark at 0x1000");
	damage_abandon();
}

TEST_SUITE(check_prot, cmocka_unit_test(a_leaf_that_allows_more_than_its_region_is_found),
	   cmocka_unit_test(a_leaf_outside_all_regions_is_found),
	   cmocka_unit_test(a_leaf_of_a_removed_region_is_found),
	   cmocka_unit_test(a_shared_table_is_checked_against_every_spaces_regions),
	   cmocka_unit_test(wrong_bits_of_a_leaf_are_found),
	   cmocka_unit_test(a_shared_leaf_that_is_not_the_objects_page_is_found),
	   cmocka_unit_test(a_zero_frame_that_is_not_zero_is_found),
	   cmocka_unit_test(a_writable_or_second_zero_frame_is_found),
	   cmocka_unit_test(a_special_leaf_of_an_object_is_found),
	   cmocka_unit_test(a_mark_of_unknown_type_is_found))
