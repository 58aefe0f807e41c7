/* test_rmap.c - an object's list holds exactly the regions that name it (LUN-05, LUN-06, WNX-B03, ALM-26). */
#include "unit/sketch.h"

static unsigned
nr_regions_of(const struct object *object)
{
	unsigned nr = 0;

	LIST_FOR_EACH(node, (struct list *)&object->regions) {
		assert_ptr_equal(CONTAINER_OF(node, struct region, rmap)->object, object);
		nr++;
	}
	return nr;
}

/* DRG-04. */
static void
the_list_follows_map_split_fork_and_unmap(void **state)
{
	struct space  *sp = sketch_space();
	struct object *file = sketch_file(7, 20);
	struct object *other = sketch_file(8, 20);
	struct space  *child;

	(void)state;
	assert_int_equal(nr_regions_of(file), 0);
	sketch_map_file(sp, 1, 6, PROT_R, file, 0, MAPF_PRIVATE);
	sketch_map_file(sp, 7, 9, PROT_R, other, 0, MAPF_SHARED);
	assert_int_equal(nr_regions_of(file), 1);
	EXPECT_OK(space_unmap(sp, PAGE(3), PAGE(1)));
	assert_int_equal(nr_regions_of(file), 2);
	assert_int_equal(file->refs, 3);
	EXPECT_OK(space_fork(sp, &child));
	assert_int_equal(nr_regions_of(file), 4);
	assert_int_equal(nr_regions_of(other), 2);
	sketch_map_file(sp, 3, 4, PROT_R, file, 2, MAPF_PRIVATE);
	assert_int_equal(nr_regions_of(file), 3);
	EXPECT_OK(space_protect(sp, PAGE(2), PAGE(2), PROT_RW));
	assert_int_equal(nr_regions_of(file), 5);
	machine_check_invariants();
	space_put(child);
	assert_int_equal(nr_regions_of(file), 3);
	EXPECT_OK(space_unmap(sp, 0, PAGE(SKETCH_PAGES)));
	assert_int_equal(nr_regions_of(file), 0);
	assert_int_equal(file->refs, 1);
	object_put(file);
	object_put(other);
	sketch_end(sp);
}

static struct object *released;

/* The object is told when the last region has gone from its list, and nobody holds a page. */
static void
note_release(struct object *object)
{
	assert_int_equal(nr_regions_of(object), 0);
	assert_null(released);
	released = object;
}

static err_t
fill_nothing(struct object *object, uint64_t index, pfn_t pfn)
{
	(void)object;
	(void)index;
	(void)pfn;
	return OK;
}

/* LUN-05: parent, child, and two parts that a cut has made hold a file; the last one to go ends it, once. */
static void
the_last_region_ends_its_object(void **state)
{
	static const struct pager_ops ops = { .name = "noting",
					      .fill = fill_nothing,
					      .release = note_release };
	struct space		     *sp = sketch_space();
	struct object		     *file;
	struct space		     *child;

	(void)state;
	released = NULL;
	EXPECT_OK(object_create(&ops, 9, 4, NULL, &file));
	sketch_map_file(sp, 1, 5, PROT_RW, file, 0, MAPF_SHARED);
	object_put(file);
	sketch_store_all(sp, 1, 5);
	EXPECT_OK(space_fork(sp, &child));
	EXPECT_OK(space_unmap(sp, PAGE(2), PAGE(2)));
	assert_int_equal(nr_regions_of(file), 3);
	space_put(child);
	EXPECT_OK(space_unmap(sp, PAGE(1), PAGE(1)));
	assert_null(released);
	EXPECT_OK(space_unmap(sp, PAGE(4), PAGE(1)));
	assert_ptr_equal(released, file);
	assert_int_equal(object_live(), 0);
	sketch_end(sp);
}

TEST_SUITE(rmap, cmocka_unit_test(the_list_follows_map_split_fork_and_unmap),
	   cmocka_unit_test(the_last_region_ends_its_object))
