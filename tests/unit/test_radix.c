/* test_radix.c - pages by index: heights, order, removal, failures, against a sorted array. */
#include "object/radix.h"

#include "object/state.h"
#include "unit/sketch.h"

static struct object *
fresh_object(void)
{
	struct object *object;

	machine_fresh();
	EXPECT_OK(object_create(&pager_zero, 1, UINT64_MAX, NULL, &object));
	return object;
}

/* The trees here hold numbers that are no frames, so they must be empty before the object goes. */
static void
end(struct object *object)
{
	assert_int_equal(object->nr_pages, 0);
	assert_int_equal(object->height, 0);
	assert_null(object->pages);
	assert_int_equal(object_state()->nodes.nr_objects, 0);
	object_put(object);
	machine_check();
}

static const uint64_t edges[] = {
	0,
	1,
	63,
	64,
	4095,
	4096,
	((uint64_t)1 << 18) - 1,
	(uint64_t)1 << 18,
	(uint64_t)1 << 59,
	((uint64_t)1 << 60) - 1,
	(uint64_t)1 << 60,
	((uint64_t)1 << 63) + 5,
	UINT64_MAX - 1,
	UINT64_MAX,
};

/* The height is the smallest that reaches the largest index, on the way up and down. */
static void
the_height_follows_the_largest_index(void **state)
{
	const unsigned heights[] = { 1, 1, 1, 2, 2, 3, 3, 4, 10, 10, 11, 11, 11, 11 };
	struct object *object = fresh_object();

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(edges); i++) {
		assert_true(pfn_is_none(radix_lookup(object, edges[i])));
		EXPECT_OK(radix_insert(object, edges[i], (pfn_t){ i }));
		assert_int_equal(object->height, heights[i]);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(edges); i++)
		assert_int_equal(radix_lookup(object, edges[i]).n, i);
	for (unsigned i = ARRAY_SIZE(edges); i-- > 0;) {
		assert_int_equal(object->height, heights[i]);
		assert_int_equal(radix_remove(object, edges[i]).n, i);
		assert_true(pfn_is_none(radix_remove(object, edges[i])));
	}
	end(object);
}

static void
walking_visits_all_in_order(void **state)
{
	struct object *object = fresh_object();
	uint64_t       from = 0, index = 0;
	pfn_t	       pfn;

	(void)state;
	assert_false(radix_next(object, 0, &index, &pfn));
	for (unsigned i = ARRAY_SIZE(edges); i-- > 0;)
		EXPECT_OK(radix_insert(object, edges[i], (pfn_t){ i }));
	for (unsigned i = 0; i < ARRAY_SIZE(edges); i++) {
		assert_true(radix_next(object, from, &index, &pfn));
		assert_int_equal(index, edges[i]);
		assert_int_equal(pfn.n, i);
		from = index + 1;
	}
	assert_int_equal(from, 0);
	radix_remove(object, UINT64_MAX);
	assert_false(radix_next(object, UINT64_MAX, &index, &pfn));
	assert_int_equal(index, UINT64_MAX);
	for (unsigned i = 0; i < ARRAY_SIZE(edges); i++)
		radix_remove(object, edges[i]);
	end(object);
}

/* Each node that an insertion lacks fails in turn: the tree is as before, no node is lost. */
static void
failed_insertions_change_nothing(void **state)
{
	struct object *object = fresh_object();
	const uint64_t far[] = { 5, 70, (uint64_t)1 << 40,
				 ((uint64_t)1 << 40) + ((uint64_t)1 << 20) };
	const unsigned needed[] = { 1, 2, 11, 3 };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(far); i++) {
		uint64_t nodes = object_state()->nodes.nr_objects;
		unsigned height = object->height;

		for (unsigned n = 1; n <= needed[i]; n++) {
			machine_fail_allocation(n, false);
			EXPECT_ERR(radix_insert(object, far[i], (pfn_t){ i }), ERR_NOMEM);
			machine_fail_allocation(0, false);
			assert_int_equal(object_state()->nodes.nr_objects, nodes);
			assert_int_equal(object->height, height);
			assert_int_equal(object->nr_pages, i);
		}
		EXPECT_OK(radix_insert(object, far[i], (pfn_t){ i }));
		assert_int_equal(object_state()->nodes.nr_objects, nodes + needed[i]);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(far); i++)
		assert_int_equal(radix_remove(object, far[i]).n, i);
	end(object);
}

#define NR_RANDOM 400u

static void
random_steps_agree_with_an_array(void **state)
{
	static uint64_t present[NR_RANDOM]; /* frame number + 1 by small index; 0: none */
	struct object  *object = fresh_object();
	uint64_t	seed = test_seed(99);
	uint64_t	nr = 0;

	(void)state;
	for (unsigned step = 0; step < 6000; step++) {
		/* indices in three far-apart clusters, in rising order */
		unsigned i = test_random(&seed) % NR_RANDOM;
		uint64_t index = (uint64_t)(i / 150) * ((uint64_t)1 << 30) + i * 7;
		uint64_t from, at = 0, expect = NR_RANDOM;
		bool	 found;
		pfn_t	 pfn;

		if (present[i]) {
			assert_int_equal(radix_remove(object, index).n, present[i] - 1);
			present[i] = 0;
			nr--;
		} else {
			EXPECT_OK(radix_insert(object, index, (pfn_t){ step }));
			present[i] = step + 1;
			nr++;
		}
		assert_int_equal(object->nr_pages, nr);
		i = test_random(&seed) % NR_RANDOM;
		from = (uint64_t)(i / 150) * ((uint64_t)1 << 30) + i * 7;
		for (expect = i; expect < NR_RANDOM && !present[expect]; expect++)
			;
		found = radix_next(object, from, &at, &pfn);
		assert_int_equal(found, expect < NR_RANDOM);
		if (found) {
			assert_int_equal(at, (expect / 150) * ((uint64_t)1 << 30) + expect * 7);
			assert_int_equal(pfn.n, present[expect] - 1);
		}
	}
	for (unsigned i = 0; i < NR_RANDOM; i++)
		radix_remove(object, (uint64_t)(i / 150) * ((uint64_t)1 << 30) + i * 7);
	end(object);
}

TEST_SUITE(radix, cmocka_unit_test(the_height_follows_the_largest_index),
	   cmocka_unit_test(walking_visits_all_in_order),
	   cmocka_unit_test(failed_insertions_change_nothing),
	   cmocka_unit_test(random_steps_agree_with_an_array))
