/* test_radix.c - pages by index: heights, order, removal, failures, against a sorted array. */
#include "object/radix.h"

#include <string.h>

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
	assert_int_equal(object->nr_out, 0);
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

/* What a slot should hold: nothing, frame `number`, or swap slot `number`. */
struct wanted {
	enum { NOTHING, IN_FRAME, IS_OUT } where;
	unsigned number;
};

/* Indices in three clusters that are far apart, in rising order. */
static uint64_t
index_of(unsigned i)
{
	return (uint64_t)(i / 150) * ((uint64_t)1 << 30) + i * 7;
}

static struct page_out
out_of(unsigned number)
{
	return (struct page_out){ .slot = { number }, .bytes = number % 4097 };
}

/* One step on the tree and on the array: empty slots are filled, others replaced or emptied. */
static void
take_step(struct object *object, struct wanted *w, unsigned i, unsigned step, unsigned choice)
{
	uint64_t index = index_of(i);

	if (w->where == NOTHING) {
		EXPECT_OK(radix_insert(object, index, (pfn_t){ step }));
		*w = (struct wanted){ IN_FRAME, step };
	} else if (choice == 0) {
		radix_set_out(object, index, out_of(step));
		*w = (struct wanted){ IS_OUT, step };
	} else if (choice == 1) {
		radix_set_frame(object, index, (pfn_t){ step });
		*w = (struct wanted){ IN_FRAME, step };
	} else {
		pfn_t pfn = radix_remove(object, index);

		assert_int_equal(pfn_is_none(pfn), w->where == IS_OUT);
		assert_true(w->where == IS_OUT || pfn.n == w->number);
		*w = (struct wanted){ NOTHING, 0 };
	}
}

static void
look_at(const struct object *object, const struct wanted *w, unsigned i)
{
	struct page_out out;
	pfn_t		pfn = radix_lookup(object, index_of(i));
	bool		is_out = radix_lookup_out(object, index_of(i), &out);

	assert_int_equal(!pfn_is_none(pfn), w->where == IN_FRAME);
	assert_int_equal(is_out, w->where == IS_OUT);
	if (is_out)
		assert_true(out.slot.n == w->number && out.bytes == w->number % 4097);
	else if (!pfn_is_none(pfn))
		assert_int_equal(pfn.n, w->number);
}

static unsigned
next_wanted(const struct wanted *wanted, unsigned i, unsigned where)
{
	while (i < NR_RANDOM && wanted[i].where != where)
		i++;
	return i;
}

static void
look_from(const struct object *object, const struct wanted *wanted, unsigned i)
{
	unsigned	in = next_wanted(wanted, i, IN_FRAME);
	unsigned	away = next_wanted(wanted, i, IS_OUT);
	struct page_out out;
	uint64_t	at;
	pfn_t		pfn;

	assert_int_equal(radix_next(object, index_of(i), &at, &pfn), in < NR_RANDOM);
	if (in < NR_RANDOM)
		assert_true(at == index_of(in) && pfn.n == wanted[in].number);
	assert_int_equal(radix_next_out(object, index_of(i), &at, &out), away < NR_RANDOM);
	if (away < NR_RANDOM)
		assert_true(at == index_of(away) && out.slot.n == wanted[away].number);
}

static unsigned
nr_wanted(const struct wanted *wanted, unsigned where)
{
	unsigned nr = 0;

	for (unsigned i = 0; i < NR_RANDOM; i++)
		nr += wanted[i].where == where;
	return nr;
}

static void
random_steps_agree_with_an_array(void **state)
{
	static struct wanted wanted[NR_RANDOM];
	struct object	    *object = fresh_object();
	uint64_t	     seed = test_seed(99);

	(void)state;
	memset(wanted, 0, sizeof(wanted));
	for (unsigned step = 1; step < 6000; step++) {
		unsigned i = test_random(&seed) % NR_RANDOM;

		take_step(object, &wanted[i], i, step, test_random(&seed) % 4);
		assert_int_equal(object->nr_pages, nr_wanted(wanted, IN_FRAME));
		assert_int_equal(object->nr_out, nr_wanted(wanted, IS_OUT));
		i = test_random(&seed) % NR_RANDOM;
		look_at(object, &wanted[i], i);
		look_from(object, wanted, i);
	}
	for (unsigned i = 0; i < NR_RANDOM; i++)
		radix_remove(object, index_of(i));
	end(object);
}

/* Pages that are out are as much a page as others: the tree keeps its height and its nodes for them. */
static void
pages_that_are_out_are_found(void **state)
{
	struct object  *object = fresh_object();
	struct page_out out;
	uint64_t	index;
	pfn_t		pfn;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(edges); i++) {
		EXPECT_OK(radix_insert(object, edges[i], (pfn_t){ i }));
		if (i % 2)
			radix_set_out(object, edges[i],
				      (struct page_out){ { UINT32_MAX - i }, ARCH_PAGE_SIZE });
	}
	assert_true(object->nr_pages == 7 && object->nr_out == 7);
	for (unsigned i = 0; i < ARRAY_SIZE(edges); i += 2) {
		assert_true(radix_next(object, edges[i], &index, &pfn));
		assert_int_equal(index, edges[i]);
		assert_true(radix_next_out(object, edges[i], &index, &out));
		assert_int_equal(index, edges[i + 1]);
		assert_int_equal(out.slot.n, UINT32_MAX - (i + 1));
		assert_int_equal(out.bytes, ARCH_PAGE_SIZE);
		assert_false(radix_lookup_out(object, edges[i], &out));
	}
	for (unsigned i = 0; i < ARRAY_SIZE(edges); i += 2)
		assert_int_equal(radix_remove(object, edges[i]).n, i);
	assert_false(radix_next(object, 0, &index, &pfn));
	assert_int_equal(object->height, 11);
	for (unsigned i = 1; i < ARRAY_SIZE(edges); i += 2)
		assert_true(pfn_is_none(radix_remove(object, edges[i])));
	end(object);
}

TEST_SUITE(radix, cmocka_unit_test(the_height_follows_the_largest_index),
	   cmocka_unit_test(walking_visits_all_in_order),
	   cmocka_unit_test(failed_insertions_change_nothing),
	   cmocka_unit_test(random_steps_agree_with_an_array),
	   cmocka_unit_test(pages_that_are_out_are_found))
