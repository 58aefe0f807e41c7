/*
 * test_objects.c - the clock's hand over objects that come and go.
 */
#include "unit/sketch.h"

#include "reclaim/objects.h"

static struct object *
read_file(struct space *sp, uint64_t id, unsigned from, unsigned to)
{
	struct object *file = sketch_file(id, to - from);

	sketch_map_file(sp, from, to, PROT_R, file, 0, MAPF_SHARED);
	for (unsigned page = from; page < to; page++)
		sketch_load(sp, page);
	return file;
}

/* Everything can be had in two rounds, from all objects, and is read again when it is wanted. */
static void
all_clean_pages_can_be_had(void **state)
{
	struct space  *sp = sketch_space();
	struct object *a = read_file(sp, 3, 1, 5);
	struct object *b = read_file(sp, 4, 6, 9);

	(void)state;
	assert_int_equal(frame_totals().by_kind[FRAME_OBJECT], 7);
	assert_int_equal(objects_reclaim(OBJECTS_IN_MEMORY, 100), 7);
	assert_int_equal(frame_totals().by_kind[FRAME_OBJECT], 0);
	machine_check_invariants();
	assert_int_equal(sketch_load(sp, 1), object_pattern(3, 0));
	assert_int_equal(sketch_load(sp, 7), object_pattern(4, PAGE(1)));
	object_put(a);
	object_put(b);
	sketch_end(sp);
}

/* The hand stands in an object that dies: it goes on with the next. */
static void
the_hand_survives_an_object(void **state)
{
	struct space  *sp = sketch_space();
	struct object *a = read_file(sp, 3, 1, 5);
	struct object *b = read_file(sp, 4, 6, 9);

	(void)state;
	assert_true(objects_reclaim(OBJECTS_IN_MEMORY, 1) >= 1);
	EXPECT_OK(space_unmap(sp, PAGE(1), PAGE(4)));
	object_put(a);
	assert_int_equal(objects_reclaim(OBJECTS_IN_MEMORY, 100), 3);
	assert_int_equal(objects_reclaim(OBJECTS_IN_MEMORY, 100), 0);
	object_put(b);
	assert_int_equal(objects_reclaim(OBJECTS_IN_MEMORY, 100), 0);
	sketch_end(sp);
}

/* Files with storage have a hand of their own: what the one clock finds, the other does not look at. */
static void
each_class_has_its_own_clock(void **state)
{
	struct space  *sp = sketch_space();
	struct object *read_only = read_file(sp, 3, 1, 5);
	struct object *stored;

	(void)state;
	EXPECT_OK(object_create_stored(4, 3 * ARCH_PAGE_SIZE, &stored));
	sketch_map_file(sp, 6, 9, PROT_RW, stored, 0, MAPF_SHARED);
	sketch_store_all(sp, 6, 9);
	assert_int_equal(objects_reclaim(OBJECTS_STORED, 100), 3);
	assert_int_equal(objects_reclaim(OBJECTS_STORED, 100), 0);
	assert_int_equal(objects_reclaim(OBJECTS_IN_MEMORY, 100), 4);
	assert_true(read_only->nr_pages == 0 && stored->nr_pages == 0);
	assert_int_equal(sketch_load(sp, 7), 7);
	object_put(read_only);
	object_put(stored);
	sketch_end(sp);
}

static void
an_object_is_found_by_what_came_before_it(void **state)
{
	struct object *a, *b, *found;

	(void)state;
	machine_fresh();
	assert_null(object_after(0));
	a = sketch_file(1, 1);
	b = sketch_file(1, 1);
	found = object_after(0);
	assert_ptr_equal(found, a);
	object_put(found);
	found = object_after(a->serial);
	assert_ptr_equal(found, b);
	object_put(a);
	object_put(found);
	found = object_after(0);
	assert_ptr_equal(found, b);
	object_put(found);
	assert_null(object_after(b->serial));
	object_put(b);
	machine_check();
}

TEST_SUITE(objects, cmocka_unit_test(all_clean_pages_can_be_had),
	   cmocka_unit_test(the_hand_survives_an_object),
	   cmocka_unit_test(each_class_has_its_own_clock),
	   cmocka_unit_test(an_object_is_found_by_what_came_before_it))
