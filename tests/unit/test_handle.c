/* test_handle.c - tables of handles: lowest free, duplicates, limits, a million, exact counts. */
#include "unit/kin.h"

#include "proc/handles.h"
#include "proc/state.h"

#include <stdlib.h>

static struct handle_table *
table_of(uint32_t limit)
{
	struct handle_table *table;

	kin_first();
	EXPECT_OK(handle_table_create(limit, &table));
	return table;
}

static int32_t
add(struct handle_table *table, struct resource *thing, uint32_t from)
{
	int32_t handle = -1;

	EXPECT_OK(handle_add(table, resource_get(thing), from, 0, &handle));
	return handle;
}

static void
end(struct handle_table *table, struct resource *thing)
{
	resource_put(&table->resource);
	assert_int_equal(resource_refs(thing), 1);
	resource_put(thing);
	anymm_drain();
	assert_int_equal(proc_state()->handle_nodes.nr_objects, 0);
	kin_end();
}

static bool
names(struct handle_table *table, int32_t handle, struct resource *thing)
{
	struct resource *got = handle_get(table, handle);

	resource_put(got);
	return got == thing;
}

/* CAM-29: the lowest free slot, from a given one on. */
static void
the_lowest_free_slot_is_taken(void **state)
{
	struct handle_table *table = table_of(1000);
	struct resource	    *thing = kin_thing();

	(void)state;
	assert_int_equal(add(table, thing, 1), 1);
	assert_int_equal(add(table, thing, 1), 2);
	assert_int_equal(add(table, thing, 0), 0);
	assert_int_equal(add(table, thing, 0), 3);
	assert_int_equal(add(table, thing, 700), 700);
	assert_int_equal(add(table, thing, 63), 63);
	assert_int_equal(add(table, thing, 63), 64);
	assert_int_equal(add(table, thing, 700), 701);
	EXPECT_OK(handle_close(table, 2));
	assert_int_equal(add(table, thing, 0), 2);
	assert_int_equal(handle_count(table), 8);
	assert_int_equal(resource_refs(thing), 9);
	end(table, thing);
}

/* WNX-B11, CAM-29, CAM-35, ALM-B11: the limit is a limit: the last slot below it, and not one more. */
static void
a_full_table_is_an_error(void **state)
{
	struct handle_table *table = table_of(16);
	struct resource	    *thing = kin_thing();
	int32_t		     handle;

	(void)state;
	for (int32_t i = 0; i < 16; i++)
		assert_int_equal(add(table, thing, 0), i);
	EXPECT_ERR(handle_add(table, thing, 0, 0, &handle), ERR_MFILE);
	EXPECT_ERR(handle_add(table, thing, 15, 0, &handle), ERR_MFILE);
	EXPECT_ERR(handle_add(table, thing, 16, 0, &handle), ERR_INVAL);
	EXPECT_ERR(handle_dup(table, 3, 0, 0, &handle), ERR_MFILE);
	EXPECT_ERR(handle_dup_to(table, 3, 16, 0), ERR_BADF);
	EXPECT_ERR(handle_put(table, 16, thing), ERR_BADF);
	EXPECT_ERR(handle_put(table, -1, thing), ERR_BADF);
	assert_int_equal(resource_refs(thing), 17);
	/* a lower limit takes nothing away */
	EXPECT_OK(handle_set_limit(table, 4));
	assert_true(names(table, 15, thing));
	EXPECT_OK(handle_close(table, 1));
	assert_int_equal(add(table, thing, 0), 1);
	EXPECT_OK(handle_close(table, 15));
	EXPECT_ERR(handle_add(table, thing, 0, 0, &handle), ERR_MFILE);
	EXPECT_ERR(handle_set_limit(table, HANDLE_LIMIT_MAX + 1), ERR_INVAL);
	EXPECT_ERR(handle_table_create(HANDLE_LIMIT_MAX + 1, &table), ERR_INVAL);
	end(table, thing);
}

/* CAM-29, CAM-35: dup and dup-to: onto itself nothing happens; the target is put; empty is an error, or closes. */
static void
duplicates_follow_the_rules(void **state)
{
	struct handle_table *table = table_of(16);
	struct resource	    *a = kin_thing();
	struct resource	    *b = kin_thing();
	int32_t		     handle;
	unsigned	     flags;

	(void)state;
	add(table, a, 0);
	add(table, b, 0);
	EXPECT_OK(handle_dup(table, 0, 0, HANDLE_CLOSE_ON_EXEC, &handle));
	assert_int_equal(handle, 2);
	EXPECT_OK(handle_flags(table, 2, &flags));
	assert_int_equal(flags, HANDLE_CLOSE_ON_EXEC);
	EXPECT_OK(handle_dup_to(table, 2, 2, 0));
	EXPECT_OK(handle_flags(table, 2, &flags));
	assert_int_equal(flags, HANDLE_CLOSE_ON_EXEC);
	EXPECT_OK(handle_dup_to(table, 1, 2, 0));
	assert_true(names(table, 2, b));
	EXPECT_OK(handle_flags(table, 2, &flags));
	assert_int_equal(flags, 0);
	EXPECT_OK(handle_dup_to(table, 0, 9, 0));
	EXPECT_ERR(handle_dup(table, 5, 0, 0, &handle), ERR_BADF);
	EXPECT_ERR(handle_dup(table, 5000, 0, 0, &handle), ERR_BADF);
	EXPECT_ERR(handle_dup(table, -1, 0, 0, &handle), ERR_BADF);
	EXPECT_ERR(handle_dup(table, 0, 0, 4, &handle), ERR_INVAL);
	EXPECT_ERR(handle_dup_to(table, 5, 9, 0), ERR_BADF);
	EXPECT_ERR(handle_dup_to(table, 0, 9, 4), ERR_INVAL);
	assert_true(names(table, 9, a));
	EXPECT_OK(handle_dup_to(table, 5, 9, HANDLE_EMPTY_CLOSES));
	assert_true(names(table, 9, NULL));
	EXPECT_OK(handle_dup_to(table, 5, 9, HANDLE_EMPTY_CLOSES));
	EXPECT_ERR(handle_dup_to(table, 5, 16, HANDLE_EMPTY_CLOSES), ERR_BADF);
	assert_int_equal(resource_refs(a), 2);
	assert_int_equal(resource_refs(b), 3);
	resource_put(b);
	end(table, a);
}

/* CAM-29: take and put move the reference; a put onto something closes that. */
static void
take_and_put_move_the_reference(void **state)
{
	struct handle_table *table = table_of(16);
	struct resource	    *a = kin_thing();
	struct resource	    *b = kin_thing();
	struct resource	    *got;

	(void)state;
	add(table, a, 0);
	add(table, b, 0);
	EXPECT_OK(handle_take(table, 0, &got));
	assert_ptr_equal(got, a);
	assert_int_equal(resource_refs(a), 2);
	EXPECT_ERR(handle_take(table, 0, &got), ERR_BADF);
	EXPECT_OK(handle_put(table, 1, a));
	assert_int_equal(resource_refs(a), 2);
	assert_int_equal(resource_refs(b), 1);
	EXPECT_OK(handle_put(table, 7, b));
	EXPECT_ERR(handle_close(table, 0), ERR_BADF);
	EXPECT_ERR(handle_close(table, -1), ERR_BADF);
	EXPECT_OK(handle_close(table, 7));
	assert_int_equal(kin_things(), 1);
	end(table, a);
}

/* CAM-29, CAM-B06: special handles stand in no slot; getting and duplicating them counts, closing is refused. */
static void
special_handles_are_counted_too(void **state)
{
	struct handle_table *table = table_of(16);
	struct resource	    *special = kin_thing();
	int32_t		     handle;

	(void)state;
	EXPECT_OK(handle_set_special(-3, resource_get(special)));
	EXPECT_ERR(handle_set_special(-1, NULL), ERR_INVAL);
	EXPECT_ERR(handle_set_special(-6, NULL), ERR_INVAL);
	EXPECT_ERR(handle_set_special(0, NULL), ERR_INVAL);
	assert_true(names(table, -3, special));
	assert_true(names(table, -2, NULL));
	assert_true(names(table, INT32_MIN, NULL));
	EXPECT_OK(handle_dup(table, -3, 0, 0, &handle));
	EXPECT_OK(handle_dup_to(table, -3, 9, 0));
	assert_int_equal(resource_refs(special), 4);
	EXPECT_ERR(handle_close(table, -3), ERR_BADF);
	EXPECT_ERR(handle_dup_to(table, 0, -3, 0), ERR_BADF);
	EXPECT_OK(handle_close(table, handle));
	assert_int_equal(resource_refs(special), 3);
	/* where there is no room for a duplicate nothing is counted */
	EXPECT_OK(handle_set_limit(table, 0));
	EXPECT_ERR(handle_dup(table, -3, 0, 0, &handle), ERR_INVAL);
	EXPECT_ERR(handle_dup_to(table, -3, 0, 0), ERR_BADF);
	EXPECT_OK(handle_set_limit(table, 1));
	EXPECT_OK(handle_dup(table, -3, 0, 0, &handle));
	EXPECT_ERR(handle_dup(table, -3, 0, 0, &handle), ERR_MFILE);
	assert_int_equal(resource_refs(special), 4);
	EXPECT_OK(handle_close(table, handle));
	EXPECT_OK(handle_set_special(-3, NULL));
	end(table, special);
}

static void
what_is_marked_closes_on_exec(void **state)
{
	struct handle_table *table = table_of(100000);
	struct resource	    *thing = kin_thing();
	int32_t		     handle;
	unsigned	     flags = 7;

	(void)state;
	for (unsigned i = 0; i < 200; i++)
		EXPECT_OK(handle_add(table, resource_get(thing), i * 450,
				     i % 3 ? 0 : HANDLE_CLOSE_ON_EXEC, &handle));
	EXPECT_OK(handle_set_flags(table, 0, 0));
	EXPECT_OK(handle_set_flags(table, 450, HANDLE_CLOSE_ON_EXEC));
	EXPECT_ERR(handle_set_flags(table, 451, 0), ERR_BADF);
	EXPECT_ERR(handle_set_flags(table, 450, 2), ERR_INVAL);
	EXPECT_ERR(handle_flags(table, 451, &flags), ERR_BADF);
	assert_int_equal(flags, 7);
	handle_table_exec(table);
	assert_int_equal(handle_count(table), 200 - 67);
	assert_true(names(table, 0, thing));
	assert_true(names(table, 450, NULL));
	handle_table_exec(NULL);
	assert_int_equal(handle_close_range(table, 1, 90000), 132);
	assert_int_equal(handle_close_range(table, 0, UINT32_MAX), 1);
	end(table, thing);
}

/*
 * A million handles: the lowest free one is found in a few steps, and the tree costs what it
 * holds: 64-way nodes, given back as the handles go.
 */
static void
a_table_grows_to_a_million(void **state)
{
	enum { MILLION = 1000000 };
	struct handle_table *table = NULL;
	struct resource	    *thing, *copy;

	(void)state;
	kin_first_with(65536, ORPHANS_ADOPTED);
	EXPECT_OK(handle_table_create(MILLION, &table));
	thing = kin_thing();
	for (int32_t i = 0; i < MILLION; i++) {
		int32_t handle = -1;

		EXPECT_OK(handle_add(table, resource_get(thing), 0, 0, &handle));
		assert_int_equal(handle, i);
	}
	assert_int_equal(table->height, 4);
	assert_true(proc_state()->handle_nodes.nr_objects < MILLION / 64 * 65 / 64 + 10);
	EXPECT_ERR(handle_add(table, thing, 0, 0, &(int32_t){ 0 }), ERR_MFILE);
	EXPECT_OK(handle_close(table, 654321));
	assert_int_equal(add(table, thing, 0), 654321);
	/* CAM-16: a copy holds one reference for each handle */
	EXPECT_OK(resource_inherit(&table->resource, INHERIT_COPY, &copy));
	assert_int_equal(resource_refs(thing), 1 + 2 * MILLION);
	resource_put(copy);
	assert_int_equal(handle_close_range(table, 100, MILLION - 1), MILLION - 100);
	assert_int_equal(table->height, 2);
	end(table, thing);
}

/* Random calls against a plain array: the same handles, the same things, the same errors. */
static void
random_calls_agree_with_an_array(void **state)
{
	enum { LIMIT = 5000, CALLS = 20000 };
	static bool	     used[LIMIT];
	struct handle_table *table = table_of(LIMIT);
	struct resource	    *thing = kin_thing();
	uint64_t	     random = test_seed(77);
	uint32_t	     nr = 0;

	(void)state;
	for (unsigned i = 0; i < LIMIT; i++)
		used[i] = false;
	for (unsigned i = 0; i < CALLS; i++) {
		uint32_t at = (uint32_t)(test_random(&random) % LIMIT);
		uint32_t want = at;
		int32_t	 handle;

		if (test_random(&random) % 5 < 2) {
			err_t err = handle_close(table, (int32_t)at);

			assert_int_equal(err, used[at] ? OK : ERR_BADF);
			nr -= used[at];
			used[at] = false;
			continue;
		}
		if (test_random(&random) % 2)
			at = want = at % 100;
		while (want < LIMIT && used[want])
			want++;
		if (want == LIMIT) {
			EXPECT_ERR(handle_add(table, thing, at, 0, &handle), ERR_MFILE);
			continue;
		}
		assert_int_equal(add(table, thing, at), want);
		used[want] = true;
		nr++;
	}
	assert_int_equal(handle_count(table), nr);
	assert_int_equal(resource_refs(thing), nr + 1);
	for (unsigned i = 0; i < LIMIT; i++)
		assert_true(names(table, (int32_t)i, used[i] ? thing : NULL));
	end(table, thing);
}

static struct handle_table *swept;
static struct resource	   *swept_thing;
static struct resource	   *swept_copy;

static err_t
add_far(void)
{
	int32_t handle;
	err_t	err = handle_add(swept, swept_thing, 300000, 0, &handle);

	if (err == OK)
		resource_get(swept_thing);
	return err;
}

static void
close_far(void)
{
	EXPECT_OK(handle_close(swept, 300000));
}

static err_t
put_far(void)
{
	err_t err = handle_put(swept, 999999, swept_thing);

	if (err == OK)
		resource_get(swept_thing);
	return err;
}

static void
take_far(void)
{
	struct resource *thing;

	EXPECT_OK(handle_take(swept, 999999, &thing));
	resource_put(thing);
}

static err_t
copy_table(void)
{
	return resource_inherit(&swept->resource, INHERIT_COPY, &swept_copy);
}

static void
put_copy(void)
{
	resource_put(swept_copy);
}

/* LUN-B16, CAM-B11: lack of memory changes nothing: no node, no reference, no handle. */
static void
every_failure_unwinds(void **state)
{
	(void)state;
	swept = table_of(1000000);
	swept_thing = kin_thing();
	assert_true(kin_fail_each(add_far, close_far) >= 4);
	add(swept, swept_thing, 5);
	assert_true(kin_fail_each(add_far, close_far) >= 4);
	add(swept, swept_thing, 300001);
	assert_true(kin_fail_each(put_far, take_far) >= 3);
	assert_true(kin_fail_each(copy_table, put_copy) >= 6);
	assert_int_equal(handle_count(swept), 2);
	assert_int_equal(resource_refs(swept_thing), 3);
	end(swept, swept_thing);
}

/* Programs may say any number: one that no table ever reaches names nothing, as any other. */
static void
numbers_beyond_all_tables_name_nothing(void **state)
{
	static const int32_t numbers[] = { HANDLE_LIMIT_MAX - 1, HANDLE_LIMIT_MAX, 0x3fffffff,
					   0x40000000,		 INT32_MAX,	   INT32_MIN };
	struct handle_table *table = table_of(HANDLE_LIMIT_MAX);
	struct resource	    *thing = kin_thing();
	struct resource	    *got;
	int32_t		     handle;
	unsigned	     flags;

	(void)state;
	assert_int_equal(add(table, thing, 0), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(numbers); i++) {
		int32_t number = numbers[i];

		assert_null(handle_get(table, number));
		EXPECT_ERR(handle_close(table, number), ERR_BADF);
		EXPECT_ERR(handle_take(table, number, &got), ERR_BADF);
		EXPECT_ERR(handle_dup(table, number, 0, 0, &handle), ERR_BADF);
		EXPECT_ERR(handle_dup_to(table, number, 0, 0), ERR_BADF);
		EXPECT_ERR(handle_flags(table, number, &flags), ERR_BADF);
		EXPECT_ERR(handle_set_flags(table, number, 0), ERR_BADF);
		if (i > 0)
			EXPECT_ERR(handle_dup_to(table, 0, number, 0), ERR_BADF);
	}
	assert_int_equal(handle_close_range(table, 1, UINT32_MAX), 0);
	assert_int_equal(handle_count(table), 1);
	end(table, thing);
}

TEST_SUITE(handle, cmocka_unit_test(the_lowest_free_slot_is_taken),
	   cmocka_unit_test(numbers_beyond_all_tables_name_nothing),
	   cmocka_unit_test(a_full_table_is_an_error),
	   cmocka_unit_test(duplicates_follow_the_rules),
	   cmocka_unit_test(take_and_put_move_the_reference),
	   cmocka_unit_test(special_handles_are_counted_too),
	   cmocka_unit_test(what_is_marked_closes_on_exec),
	   cmocka_unit_test(a_table_grows_to_a_million),
	   cmocka_unit_test(random_calls_agree_with_an_array),
	   cmocka_unit_test(every_failure_unwinds))
