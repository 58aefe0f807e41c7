/* test_remove.c - holes punched through a mapping: who sees them, and who may not make them. */
#include "unit/sketch.h"

/* page      1 2 3 4      shared, two mappings of the same pages, and a private one that wrote page 2 */
static void
every_mapping_sees_the_hole(void **state)
{
	struct space  *sp = sketch_space();
	struct object *file;

	(void)state;
	EXPECT_OK(object_create(&pager_zero, 7, 4, NULL, &file));
	sketch_map_file(sp, 1, 4, PROT_RW, file, 0, MAPF_SHARED);
	sketch_map_file(sp, 5, 8, PROT_R, file, 0, MAPF_SHARED);
	sketch_map_file(sp, 8, 11, PROT_RW, file, 0, MAPF_PRIVATE);
	sketch_store_all(sp, 1, 4);
	assert_int_equal(sketch_load(sp, 6), 2);
	sketch_store(sp, 9, 99);
	assert_int_equal(sketch_load(sp, 10), 3);
	EXPECT_OK(space_advise(sp, PAGE(2), PAGE(2), ADVICE_REMOVE));
	assert_int_equal(sketch_load(sp, 1), 1);
	assert_int_equal(sketch_load(sp, 2), 0);
	assert_int_equal(sketch_load(sp, 6), 0);
	assert_int_equal(sketch_load(sp, 9), 99);
	assert_int_equal(sketch_load(sp, 10), 0);
	EXPECT_OK(space_advise(sp, PAGE(5), PAGE(1), ADVICE_REMOVE));
	assert_int_equal(sketch_load(sp, 1), 0);
	object_put(file);
	sketch_end(sp);
}

static void
regions_that_do_not_fit_end_it(void **state)
{
	struct space	  *sp = sketch_space();
	struct object	  *file = sketch_file(7, 20);
	struct map_request readonly = { .addr = PAGE(6),
					.length = PAGE(1),
					.prot = PROT_R,
					.flags = MAPF_SHARED | MAPF_FIXED,
					.object = file,
					.readonly_file = true };
	vaddr_t		   va;

	(void)state;
	sketch_map_file(sp, 1, 3, PROT_RW, file, 0, MAPF_SHARED);
	sketch_map_file(sp, 3, 4, PROT_RW, file, 5, MAPF_PRIVATE);
	sketch_map_file(sp, 5, 6, PROT_RW, file, 8, MAPF_SHARED);
	EXPECT_OK(space_map(sp, &readonly, &va));
	sketch_map(sp, 7, 8, PROT_R, 0);
	sketch_store_all(sp, 1, 3);
	sketch_store(sp, 5, 55);
	EXPECT_ERR(space_advise(sp, PAGE(2), PAGE(4), ADVICE_REMOVE), ERR_ACCES);
	assert_int_equal(sketch_load(sp, 1), 1);
	assert_int_not_equal(sketch_load(sp, 2), 2);
	assert_int_equal(sketch_load(sp, 5), 55);
	EXPECT_ERR(space_advise(sp, PAGE(6), PAGE(1), ADVICE_REMOVE), ERR_ACCES);
	EXPECT_ERR(space_advise(sp, PAGE(7), PAGE(1), ADVICE_REMOVE), ERR_INVAL);
	EXPECT_OK(space_seal(sp, PAGE(7), PAGE(1), 0));
	EXPECT_ERR(space_advise(sp, PAGE(7), PAGE(1), ADVICE_REMOVE), ERR_PERM);
	EXPECT_ERR(space_advise(sp, PAGE(8), PAGE(1), ADVICE_REMOVE), ERR_NOMEM);
	EXPECT_ERR(space_advise(sp, PAGE(4), PAGE(2), ADVICE_REMOVE), ERR_NOMEM);
	assert_int_not_equal(sketch_load(sp, 5), 55);
	EXPECT_OK(space_lock(sp, PAGE(1), PAGE(1), 0));
	EXPECT_ERR(space_advise(sp, PAGE(1), PAGE(1), ADVICE_REMOVE), ERR_INVAL);
	object_put(file);
	sketch_end(sp);
}

TEST_SUITE(remove, cmocka_unit_test(every_mapping_sees_the_hole),
	   cmocka_unit_test(regions_that_do_not_fit_end_it))
