/* test_object.c - objects: pages on demand, counts, references, pagers that fail or are raced. */
#include "object/radix.h"

#include "unit/sketch.h"

#include <string.h>

static struct object *
fresh_file(uint64_t pages)
{
	machine_fresh();
	return sketch_file(7, pages);
}

/*
 * WNX-09, WNX-B05, WNX-08:
 * one count for the slot, one for each caller; the last reference gives the slot's back.
 */
static void
pages_come_on_demand_and_are_counted(void **state)
{
	struct object *file = fresh_file(10);
	pfn_t	       a, again, b;

	(void)state;
	assert_true(pfn_is_none(object_peek_page(file, 3)));
	EXPECT_OK(object_get_page(file, 3, &a));
	assert_int_equal(frame_count(a), 2);
	assert_int_equal(frame_of(a)->kind, FRAME_OBJECT);
	EXPECT_OK(object_get_page(file, 3, &again));
	assert_true(pfn_eq(a, again));
	assert_int_equal(frame_count(a), 3);
	EXPECT_OK(object_get_page(file, 9, &b));
	assert_int_equal(file->nr_pages, 2);
	assert_true(pfn_eq(object_peek_page(file, 9), b));
	frame_release(a);
	frame_release(a);
	frame_release(b);
	machine_check_invariants();
	object_put(file);
	assert_int_equal(object_live(), 0);
	machine_check();
}

/* A frame outlives its object as long as somebody else names it. */
static void
frames_outlive_the_object(void **state)
{
	struct object *file = fresh_file(10);
	pfn_t	       pfn;

	(void)state;
	EXPECT_OK(object_get_page(file, 0, &pfn));
	object_put(file);
	assert_int_equal(frame_count(pfn), 1);
	assert_int_equal(((uint8_t *)arch_frame_ptr(pfn))[5], object_pattern(7, 5));
	frame_release(pfn);
	machine_check();
}

/* WNX-13 */
static void
beyond_the_end_there_is_nothing(void **state)
{
	struct object *file = fresh_file(10);
	pfn_t	       pfn = { 1234 };

	(void)state;
	EXPECT_ERR(object_get_page(file, 10, &pfn), ERR_FAULT);
	EXPECT_ERR(object_get_page(file, UINT64_MAX, &pfn), ERR_FAULT);
	assert_int_equal(pfn.n, 1234);
	EXPECT_OK(object_get_page(file, 9, &pfn));
	frame_release(pfn);
	object_put(file);
	machine_check();
}

static void
walking_finds_resident_pages(void **state)
{
	struct object *file = fresh_file(UINT64_MAX);
	const uint64_t wanted[] = { 2, 700, 1u << 20 };
	uint64_t       index = 0;
	pfn_t	       pfn;

	(void)state;
	for (unsigned i = ARRAY_SIZE(wanted); i-- > 0;) {
		EXPECT_OK(object_get_page(file, wanted[i], &pfn));
		frame_release(pfn);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(wanted); i++) {
		assert_true(object_next_page(file, i ? index + 1 : 0, &index, &pfn));
		assert_int_equal(index, wanted[i]);
		assert_true(pfn_eq(pfn, object_peek_page(file, index)));
	}
	assert_false(object_next_page(file, index + 1, &index, &pfn));
	object_put(file);
	machine_check();
}

static void
failed_allocations_change_nothing(void **state)
{
	struct object *file = fresh_file(1u << 20);
	unsigned       failures = 0;
	pfn_t	       pfn;

	(void)state;
	for (;; failures++) {
		err_t err;

		machine_fail_allocation(failures + 1, false);
		err = object_get_page(file, 5000, &pfn);
		machine_fail_allocation(0, false);
		if (err == OK)
			break;
		assert_int_equal(err, ERR_NOMEM);
		assert_int_equal(file->nr_pages, 0);
		machine_check_invariants();
	}
	/* the frame and three nodes */
	assert_int_equal(failures, 4);
	frame_release(pfn);
	object_put(file);
	machine_fail_allocation(1, false);
	EXPECT_ERR(object_create(&pager_zero, 1, 1, NULL, &file), ERR_NOMEM);
	machine_fail_allocation(0, false);
	machine_check();
}

/* A full count is an error for the caller, not a wrap. */
static void
a_full_count_is_an_error(void **state)
{
	struct object *file = fresh_file(10);
	pfn_t	       pfn, other;

	(void)state;
	EXPECT_OK(object_get_page(file, 0, &pfn));
	atomic_store(&frame_of(pfn)->count, FRAME_COUNT_MAX);
	EXPECT_ERR(object_get_page(file, 0, &other), ERR_OVERFLOW);
	atomic_store(&frame_of(pfn)->count, 2);
	frame_release(pfn);
	object_put(file);
	machine_check();
}

/* A pager whose fill fails for odd pages, and whose release is counted. */
static unsigned released;

static err_t
odd_fill(struct object *object, uint64_t index, pfn_t pfn)
{
	(void)object;
	(void)pfn;
	return index % 2 ? ERR_IO : OK;
}

static void
odd_release(struct object *object)
{
	released++;
	assert_int_equal(object->id, 77);
}

static void
a_pager_may_fail(void **state)
{
	const struct pager_ops ops = { .name = "odd", .fill = odd_fill, .release = odd_release };
	struct object	      *object;
	pfn_t		       pfn;

	(void)state;
	machine_fresh();
	released = 0;
	EXPECT_OK(object_create(&ops, 77, 10, NULL, &object));
	EXPECT_ERR(object_get_page(object, 3, &pfn), ERR_IO);
	assert_int_equal(object->nr_pages, 0);
	machine_check_invariants();
	EXPECT_OK(object_get_page(object, 4, &pfn));
	frame_release(pfn);
	object_get(object);
	object_put(object);
	assert_int_equal(released, 0);
	object_put(object);
	assert_int_equal(released, 1);
	machine_check();
}

static void
all_objects_are_listed(void **state)
{
	struct object *a = fresh_file(1);
	struct object *b = sketch_file(8, 1);

	(void)state;
	assert_int_equal(object_live(), 2);
	assert_ptr_equal(object_first(), a);
	assert_ptr_equal(object_next(a), b);
	assert_null(object_next(b));
	object_put(a);
	assert_ptr_equal(object_first(), b);
	object_put(b);
	assert_null(object_first());
	machine_check();
}

static void
put_once_more(void *object)
{
	/* the region's reference is given up as well, so the object would die under it */
	object_put(object);
	object_put(object);
}

static void
a_reference_too_few_stops(void **state)
{
	struct space  *sp = sketch_space();
	struct object *file = sketch_file(7, 10);
	char	       text[400];

	(void)state;
	sketch_map_file(sp, 1, 2, PROT_R, file, 0, MAPF_PRIVATE);
	assert_true(machine_expect_stop(put_once_more, file, text, sizeof(text)));
	assert_non_null(strstr(text, "object 7 dies with a region naming it"));
}

TEST_SUITE(object, cmocka_unit_test(pages_come_on_demand_and_are_counted),
	   cmocka_unit_test(frames_outlive_the_object),
	   cmocka_unit_test(beyond_the_end_there_is_nothing),
	   cmocka_unit_test(walking_finds_resident_pages),
	   cmocka_unit_test(failed_allocations_change_nothing),
	   cmocka_unit_test(a_full_count_is_an_error), cmocka_unit_test(a_pager_may_fail),
	   cmocka_unit_test(all_objects_are_listed), cmocka_unit_test(a_reference_too_few_stops))
