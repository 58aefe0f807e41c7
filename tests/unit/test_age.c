/*
 * test_age.c - the clock's look at the pages of one object: who goes, and what is stored first.
 */
#include "unit/sketch.h"

#include "object/pagers.h"
#include "pt/state.h"

/* A file of eight pages that keeps its bytes, mapped shared over pages [1, 9); its pages hold their number. */
static struct object *
written_file(struct space **sp)
{
	struct object *file;

	*sp = sketch_space();
	EXPECT_OK(object_create_stored(5, PAGE(8), &file));
	sketch_map_file(*sp, 1, 9, PROT_RW, file, 0, MAPF_SHARED);
	sketch_store_all(*sp, 1, 9);
	return file;
}

static void
end_file(struct space *sp, struct object *file)
{
	object_put(file);
	sketch_end(sp);
}

/* used       x x x x x x x x     first look: everybody stays
 * touched      x
 * gone       g . g g g g g g     second look */
static void
a_page_in_use_has_a_second_chance(void **state)
{
	struct space  *sp;
	struct object *file = written_file(&sp);

	(void)state;
	assert_int_equal(object_age(file, 0, 8), 0);
	shootdown_everything(); /* a CPU that has the page cached sets no bit */
	assert_int_equal(sketch_load(sp, 2), 2);
	assert_int_equal(object_age(file, 0, 8), 7);
	assert_int_equal(file->nr_pages, 1);
	machine_check_invariants();
	for (unsigned page = 1; page < 9; page++)
		assert_int_equal(sketch_load(sp, page), page);
	machine_check_invariants();
	end_file(sp, file);
}

/* Wired in one mapping, pinned by a device: the page stays, mapped as it is. */
static void
wired_and_pinned_pages_stay(void **state)
{
	struct space  *sp;
	struct object *file = written_file(&sp);
	pfn_t	       pinned;

	(void)state;
	EXPECT_OK(space_lock(sp, PAGE(3), PAGE(1), 0));
	lock_acquire(&file->lock);
	pinned = object_peek_page(file, 5);
	lock_release(&file->lock);
	atomic_store(&frame_of(pinned)->page.pins, 1);
	(void)object_age(file, 0, 8);
	assert_int_equal(object_age(file, 0, 8), 6);
	assert_true(sketch_is_present(sp, 3));
	assert_true(sketch_is_present(sp, 6));
	assert_true(
		pfn_is_none(stored_file_page(file, 2))); /* it is in use: no reason to write it */
	atomic_store(&frame_of(pinned)->page.pins, 0);
	assert_int_equal(object_age(file, 0, 8), 1);
	EXPECT_OK(space_unlock(sp, PAGE(3), PAGE(1)));
	assert_int_equal(object_age(file, 0, 8), 1);
	machine_check_invariants();
	assert_int_equal(sketch_load(sp, 3), 3);
	end_file(sp, file);
}

/* Shared memory that was written has no place to go; what nobody wrote can be had again. */
static void
pages_without_storage_stay_once_written(void **state)
{
	struct space  *sp = sketch_space();
	struct object *shared;

	(void)state;
	EXPECT_OK(object_create(&pager_zero, 5, 8, NULL, &shared));
	sketch_map_file(sp, 1, 9, PROT_RW, shared, 0, MAPF_SHARED);
	sketch_store(sp, 1, 11);
	assert_int_equal(sketch_load(sp, 2), 0);
	(void)object_age(shared, 0, 8);
	(void)object_age(shared, 0, 8);
	(void)object_age(shared, 0, 8);
	assert_int_equal(shared->nr_pages, 1);
	assert_int_equal(sketch_load(sp, 1), 11);
	assert_int_equal(sketch_load(sp, 2), 0);
	end_file(sp, shared);
}

/* An object that is being changed is not waited for; a device has nothing to give. */
static void
objects_that_cannot_be_asked_are_passed_over(void **state)
{
	struct space  *sp;
	struct object *file = written_file(&sp);
	struct object *device;

	(void)state;
	(void)object_age(file, 0, 8);
	atomic_store(&file->changing, true);
	assert_int_equal(object_age(file, 0, 8), 0);
	atomic_store(&file->changing, false);
	assert_int_equal(object_age(file, 0, 8), 8);
	EXPECT_OK(object_create_device(6, (struct device_memory){ .first = { 1 } }, 1, &device));
	assert_int_equal(object_age(device, 0, 1), 0);
	object_put(device);
	end_file(sp, file);
}

TEST_SUITE(age, cmocka_unit_test(a_page_in_use_has_a_second_chance),
	   cmocka_unit_test(wired_and_pinned_pages_stay),
	   cmocka_unit_test(pages_without_storage_stay_once_written),
	   cmocka_unit_test(objects_that_cannot_be_asked_are_passed_over))
