/*
 * test_check_reg.c - I-REG finds damage to regions, their tree and the lists of objects.
 */
#include "space/limit.h"
#include "unit/damage.h"

/* Three regions that cannot be one: 1-3 rw, 3-5 r, 6-8 of a file. */
static struct space *
three_regions(void)
{
	struct space *sp = sketch_space();

	sketch_map(sp, 1, 3, PROT_RW, 0);
	sketch_map(sp, 3, 5, PROT_R, 0);
	sketch_map_file(sp, 6, 8, PROT_R, sketch_file(3, 4), 0, MAPF_SHARED);
	machine_check_invariants();
	return sp;
}

static void
neighbours_that_could_be_one_are_found(void **state)
{
	struct space *sp = three_regions();

	(void)state;
	damage_region(sp, 1)->prot = PROT_R;
	EXPECT_BROKEN(INV_REG, "could be one");
	damage_region(sp, 1)->flags = REGION_NOMERGE;
	sp->committed_pages = 0;
	sp->data_pages = 0;
	limit_settle(sp);
	machine_check_invariants();
	damage_abandon();
}

static void
overlap_and_bad_edges_are_found(void **state)
{
	struct space  *sp = three_regions();
	struct region *r = damage_region(sp, 3);
	struct region *last = damage_region(sp, 6);

	(void)state;
	r->range.start = PAGE(2);
	EXPECT_BROKEN(INV_REG, "begins before the end");
	r->range.start = PAGE(3);
	last->range.end = PAGE(8) + 1;
	EXPECT_BROKEN(INV_REG, "not page aligned");
	last->range.end = last->range.start;
	EXPECT_BROKEN(INV_REG, "is empty");
	last->range.end = sp->layout.end + PAGE(1);
	EXPECT_BROKEN(INV_REG, "ends beyond");
	damage_abandon();
}

static void
damage_to_the_tree_is_found(void **state)
{
	struct space  *sp = three_regions();
	struct region *root = sp->regions;

	(void)state;
	root->parent = root;
	EXPECT_BROKEN(INV_REG, "does not hang under");
	root->parent = NULL;
	root->height++;
	EXPECT_BROKEN(INV_REG, "height");
	root->height--;
	root->max_gap += PAGE(1);
	EXPECT_BROKEN(INV_REG, "largest gap");
	root->max_gap -= PAGE(1);
	root->gap += PAGE(1);
	EXPECT_BROKEN(INV_REG, "says gap");
	damage_abandon();
}

static void
a_tree_that_leans_is_found(void **state)
{
	struct space  *sp = three_regions();
	struct region *a = damage_region(sp, 1);
	struct region *b = damage_region(sp, 3);
	struct region *c = damage_region(sp, 6);

	(void)state;
	sp->regions = a;
	*a = (struct region){ .range = a->range,
			      .prot = a->prot,
			      .space = sp,
			      .right = b,
			      .height = 3,
			      .gap = a->gap,
			      .max_gap = max_u64(a->gap, c->gap) };
	b->parent = a;
	b->left = NULL;
	b->right = c;
	b->height = 2;
	b->max_gap = max_u64(b->gap, c->gap);
	c->parent = b;
	EXPECT_BROKEN(INV_REG, "out of balance");
	damage_abandon();
}

static void
a_region_of_impossible_kind_is_found(void **state)
{
	struct space  *sp = three_regions();
	struct region *r = damage_region(sp, 1);
	struct region *of_file = damage_region(sp, 6);

	(void)state;
	r->flags = REGION_SHARED;
	EXPECT_BROKEN(INV_REG, "is shared and has no object");
	r->flags = 0;
	of_file->flags |= REGION_GROWSDOWN;
	EXPECT_BROKEN(INV_REG, "");
	of_file->flags = REGION_WIPEONFORK;
	EXPECT_BROKEN(INV_REG, "is wiped on fork");
	of_file->flags = REGION_SHARED | REGION_MAYNOTWRITE;
	of_file->prot = PROT_RW;
	EXPECT_BROKEN(INV_REG, "protection that it may not have");
	of_file->flags = REGION_SHARED | REGION_MAYNOTEXEC;
	of_file->prot = PROT_R | PROT_X;
	EXPECT_BROKEN(INV_REG, "protection that it may not have");
	of_file->flags = REGION_SHARED | REGION_DEVICE;
	EXPECT_BROKEN(INV_REG, "a device's");
	of_file->flags = REGION_SHARED;
	of_file->prot = PROT_R;
	r->space = NULL;
	EXPECT_BROKEN(INV_REG, "");
	damage_abandon();
}

static void
a_wrong_reverse_map_is_found(void **state)
{
	struct space  *sp = three_regions();
	struct region *r = damage_region(sp, 6);
	struct object *file = r->object;

	(void)state;
	list_remove(&r->rmap);
	EXPECT_BROKEN(INV_REG, "does not stand in the list");
	list_insert_before(&file->regions, &r->rmap);
	list_insert_before(&file->regions, &damage_region(sp, 1)->rmap);
	EXPECT_BROKEN(INV_REG, "that it does not name");
	list_remove(&damage_region(sp, 1)->rmap);
	atomic_store(&file->refs, 0);
	EXPECT_BROKEN(INV_REG, "has 0 references");
	atomic_store(&file->refs, 2);
	list_remove(&file->all);
	EXPECT_BROKEN(INV_REG, "the objects list 0");
	damage_abandon();
}

TEST_SUITE(check_reg, cmocka_unit_test(neighbours_that_could_be_one_are_found),
	   cmocka_unit_test(overlap_and_bad_edges_are_found),
	   cmocka_unit_test(damage_to_the_tree_is_found),
	   cmocka_unit_test(a_tree_that_leans_is_found),
	   cmocka_unit_test(a_region_of_impossible_kind_is_found),
	   cmocka_unit_test(a_wrong_reverse_map_is_found))
