/* test_policy.c - space_place: regions and objects say from which nodes their pages come. */
#include "unit/sketch.h"

static const struct placement local = { .policy = PLACE_LOCAL };
static const struct placement all = { .policy = PLACE_INTERLEAVE };
static const struct placement third = { .policy = PLACE_NODE, .node = 2 };

/*
 * ALM-01, ALM-04, ALM-11: a stack's pages are local to whoever touches them; data is spread by page
 * number; a third kind lies where it was put.
 *
 * page     1 2 3 4   5 6 7 8 9   10 11
 *          local     interleave  node 2
 */
static void
pages_lie_where_the_region_says(void **state)
{
	struct space *sp = sketch_space_on(4);

	(void)state;
	sketch_map(sp, 1, 5, PROT_RW, 0);
	sketch_map(sp, 5, 10, PROT_RW, 0);
	sketch_map(sp, 10, 12, PROT_RW, 0);
	EXPECT_OK(space_place(sp, PAGE(5), PAGE(5), all));
	EXPECT_OK(space_place(sp, PAGE(10), PAGE(2), third));
	EXPECT_REGIONS(sp, "1-5 rw, 5-10 rw interleave, 10-12 rw node2");
	for (unsigned page = 1; page < 12; page++) {
		sketch_on((page * 3) % 4);
		sketch_store(sp, page, (uint8_t)page);
		assert_int_equal(sketch_node(sp, page), page < 5    ? (page * 3) % 4
							: page < 10 ? page % 4
								    : 2);
	}
	sketch_end(sp);
}

/* A page that is copied on a write comes from where its region says, like a fresh one. */
static void
copies_obey_too(void **state)
{
	struct space *sp = sketch_space_on(4);
	struct space *child;

	(void)state;
	sketch_map(sp, 1, 3, PROT_RW, 0);
	EXPECT_OK(space_place(sp, PAGE(2), PAGE(1), third));
	sketch_store_all(sp, 1, 3);
	EXPECT_OK(space_fork(sp, &child));
	EXPECT_REGIONS(child, "1-2 rw, 2-3 rw node2");
	sketch_on(3);
	sketch_store(child, 1, 50);
	sketch_store(child, 2, 60);
	assert_int_equal(sketch_node(child, 1), 3);
	assert_int_equal(sketch_node(child, 2), 2);
	assert_int_equal(sketch_node(sp, 1), 0);
	sketch_drop(child);
	sketch_end(sp);
}

/*
 * page     1 2 3 4 5
 * before   A A A A A      local
 * place      i i          [2, 4) interleaved
 * after    A B B A A      and one region again when it is taken back
 */
static void
regions_are_cut_and_joined(void **state)
{
	struct space *sp = sketch_space_on(4);

	(void)state;
	sketch_map(sp, 1, 6, PROT_RW, 0);
	EXPECT_OK(space_place(sp, PAGE(2), PAGE(2), all));
	EXPECT_REGIONS(sp, "1-2 rw, 2-4 rw interleave, 4-6 rw");
	EXPECT_OK(space_protect(sp, PAGE(1), PAGE(2), PROT_R));
	EXPECT_REGIONS(sp, "1-2 r, 2-3 r interleave, 3-4 rw interleave, 4-6 rw");
	EXPECT_OK(space_protect(sp, PAGE(1), PAGE(2), PROT_RW));
	EXPECT_REGIONS(sp, "1-2 rw, 2-4 rw interleave, 4-6 rw");
	EXPECT_OK(space_place(sp, PAGE(1), PAGE(5), local));
	EXPECT_REGIONS(sp, "1-6 rw");
	sketch_end(sp);
}

static void
a_move_takes_the_policy_along(void **state)
{
	struct space	    *sp = sketch_space_on(4);
	struct remap_request request = { .addr = PAGE(2),
					 .old_length = PAGE(1),
					 .new_length = PAGE(1),
					 .flags = REMAP_MAYMOVE | REMAP_FIXED,
					 .new_addr = PAGE(9) };
	struct va_range	     fresh;
	vaddr_t		     at;

	(void)state;
	sketch_map(sp, 1, 4, PROT_RW, 0);
	EXPECT_OK(space_place(sp, PAGE(1), PAGE(3), third));
	EXPECT_OK(space_remap(sp, &request, &at, &fresh));
	EXPECT_REGIONS(sp, "1-2 rw node2, 3-4 rw node2, 9-10 rw node2");
	sketch_store(sp, 9, 1);
	assert_int_equal(sketch_node(sp, 9), 2);
	sketch_end(sp);
}

/* Shared pages are the object's, so it decides, for every space that maps it. */
static void
an_object_decides_for_all(void **state)
{
	struct space *sp = sketch_space_on(4);
	struct space *child;

	(void)state;
	EXPECT_OK(space_map(
		sp,
		&(struct map_request){ .addr = PAGE(1),
				       .length = PAGE(6),
				       .prot = PROT_RW,
				       .flags = MAPF_SHARED | MAPF_ANONYMOUS | MAPF_FIXED },
		&(vaddr_t){ 0 }));
	EXPECT_OK(space_fork(sp, &child));
	EXPECT_OK(space_place(sp, PAGE(2), PAGE(1), all));
	EXPECT_REGIONS(sp, "1-7 rw shared @anon:0");
	sketch_on(3);
	for (unsigned page = 1; page < 7; page++) {
		sketch_store(child, page, 7);
		assert_int_equal(sketch_node(child, page), (page - 1) % 4);
	}
	sketch_drop(child);
	sketch_end(sp);
}

/* The reader's private view shows the object's pages, where they are; only its copies are its own. */
static void
private_copies_obey_the_region(void **state)
{
	struct space  *sp = sketch_space_on(4);
	struct object *file = sketch_file(1, 4);

	(void)state;
	object_set_placement(file, (struct placement){ .policy = PLACE_NODE, .node = 1 });
	sketch_map_file(sp, 1, 5, PROT_RW, file, 0, MAPF_PRIVATE);
	EXPECT_OK(space_place(sp, PAGE(1), PAGE(4), third));
	(void)sketch_load(sp, 1);
	assert_int_equal(sketch_node(sp, 1), 1);
	sketch_store(sp, 1, 9);
	assert_int_equal(sketch_node(sp, 1), 2);
	object_put(file);
	sketch_end(sp);
}

static const struct bad_call {
	vaddr_t		 addr;
	uint64_t	 length;
	struct placement place;
	err_t		 err;
} bad_calls[] = {
	{ PAGE(1) + 1, PAGE(1), { PLACE_LOCAL, 0 }, ERR_INVAL },
	{ PAGE(1), UINT64_MAX, { PLACE_LOCAL, 0 }, ERR_INVAL },
	{ PAGE(3), UINT64_MAX - PAGE(1), { PLACE_LOCAL, 0 }, ERR_INVAL },
	{ PAGE(1), PAGE(1), { PLACE_NODE, 4 }, ERR_INVAL },
	{ PAGE(1), PAGE(1), { PLACE_INTERLEAVE, 1 }, ERR_INVAL },
	{ PAGE(1), PAGE(1), { PLACE_POLICIES, 0 }, ERR_INVAL },
	{ PAGE(1), PAGE(3), { PLACE_INTERLEAVE, 0 }, ERR_FAULT },
	{ PAGE(3), PAGE(1), { PLACE_INTERLEAVE, 0 }, ERR_FAULT },
	{ PAGE(4), PAGE(2), { PLACE_INTERLEAVE, 0 }, ERR_FAULT },
	{ PAGE(1), 0, { PLACE_INTERLEAVE, 0 }, OK },
};

static void
bad_arguments_are_refused(void **state)
{
	struct space *sp = sketch_space_on(4);

	(void)state;
	sketch_map(sp, 1, 3, PROT_RW, 0);
	sketch_map(sp, 4, 5, PROT_RW, 0);
	for (unsigned i = 0; i < ARRAY_SIZE(bad_calls); i++) {
		const struct bad_call *bad = &bad_calls[i];

		EXPECT_ERR(space_place(sp, bad->addr, bad->length, bad->place), bad->err);
		EXPECT_REGIONS(sp, "1-3 rw, 4-5 rw");
	}
	sketch_end(sp);
}

static err_t
place_the_middle(struct space *sp)
{
	return space_place(sp, PAGE(2), PAGE(2), all);
}

static void
a_failed_call_changes_nothing(void **state)
{
	struct space *sp = sketch_space_on(2);

	(void)state;
	sketch_map(sp, 1, 5, PROT_RW, 0);
	assert_int_equal(sketch_fail_each(place_the_middle, sp), 2);
	EXPECT_REGIONS(sp, "1-2 rw, 2-4 rw interleave, 4-5 rw");
	sketch_end(sp);
}

TEST_SUITE(policy, cmocka_unit_test(pages_lie_where_the_region_says),
	   cmocka_unit_test(copies_obey_too), cmocka_unit_test(regions_are_cut_and_joined),
	   cmocka_unit_test(a_move_takes_the_policy_along),
	   cmocka_unit_test(an_object_decides_for_all),
	   cmocka_unit_test(private_copies_obey_the_region),
	   cmocka_unit_test(bad_arguments_are_refused),
	   cmocka_unit_test(a_failed_call_changes_nothing))
