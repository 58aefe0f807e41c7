/* test_resource.c - counted things: shared, copied, reset, released, each exactly once. */
#include "unit/kin.h"

#include <string.h>

/* LUN-B08, DRG-B08: each holder is counted, and the last one destroys. */
static void
holders_are_counted(void **state)
{
	struct resource *thing;

	(void)state;
	kin_first();
	thing = kin_thing();
	assert_int_equal(resource_refs(thing), 1);
	assert_int_equal(resource_live(), 1);
	assert_ptr_equal(resource_get(thing), thing);
	resource_put(thing);
	assert_true(kin_thing_in(thing)->is_used);
	resource_put(thing);
	assert_false(kin_thing_in(thing)->is_used);
	assert_int_equal(resource_live(), 0);
	assert_null(resource_get(NULL));
	resource_put(NULL);
	assert_int_equal(resource_refs(NULL), 0);
	kin_end();
}

/* What a child gets, by each of the three ways. */
static void
inheritance_has_three_ways(void **state)
{
	struct resource *thing, *other;

	(void)state;
	kin_first();
	thing = kin_thing();
	EXPECT_OK(resource_inherit(thing, INHERIT_SHARE, &other));
	assert_ptr_equal(other, thing);
	assert_int_equal(resource_refs(thing), 2);
	resource_put(other);
	EXPECT_OK(resource_inherit(thing, INHERIT_COPY, &other));
	assert_ptr_not_equal(other, thing);
	assert_int_equal(kin_thing_in(thing)->nr_copies, 1);
	resource_put(other);
	EXPECT_OK(resource_inherit(thing, INHERIT_RESET, &other));
	assert_int_equal(kin_thing_in(thing)->nr_resets, 1);
	resource_put(other);
	EXPECT_OK(resource_inherit(NULL, INHERIT_RESET, &other));
	assert_null(other);
	resource_put(thing);
	kin_end();
}

static struct resource plain;
static unsigned	       plain_ends;

static void
destroy_plain(struct resource *resource)
{
	(void)resource;
	plain_ends++;
}

/* Without operations of its own a thing never changes: a copy is a reference, a reset is nothing. */
static void
operations_have_defaults(void **state)
{
	static const struct resource_ops ops = { .name = "plain", .destroy = destroy_plain };
	struct resource			*other;

	(void)state;
	kin_first();
	plain_ends = 0;
	resource_init(&plain, &ops);
	EXPECT_OK(resource_inherit(&plain, INHERIT_COPY, &other));
	assert_ptr_equal(other, &plain);
	resource_put(other);
	EXPECT_OK(resource_inherit(&plain, INHERIT_RESET, &other));
	assert_null(other);
	assert_int_equal(plain_ends, 0);
	resource_put(&plain);
	assert_int_equal(plain_ends, 1);
	kin_end();
}

/* A slot of a process: replaced, read with a reference, made its own. */
static void
slots_hold_one_reference(void **state)
{
	struct process	*first = kin_first();
	struct resource *thing = kin_thing();
	struct process	*a;

	(void)state;
	proc_set_resource(first, RESOURCE_MOUNTS, thing);
	assert_ptr_equal(proc_resource(first, RESOURCE_MOUNTS), thing);
	resource_put(thing);
	assert_null(proc_resource(first, RESOURCE_FS));
	a = kin_child(first, 0);
	assert_int_equal(resource_refs(thing), 2);
	EXPECT_OK(proc_unshare(a, RESOURCE_MOUNTS));
	assert_int_equal(resource_refs(thing), 1);
	assert_int_equal(kin_thing_in(thing)->nr_copies, 1);
	/* it is its own already */
	EXPECT_OK(proc_unshare(a, RESOURCE_MOUNTS));
	EXPECT_OK(proc_unshare(a, RESOURCE_FS));
	assert_int_equal(kin_things(), 2);
	proc_set_resource(a, RESOURCE_MOUNTS, NULL);
	assert_int_equal(kin_things(), 1);
	kin_end();
}

static void
put_again(void *thing)
{
	resource_put(thing);
}

/* WNX-B05: one put too many stops the machine and names the kind of thing. */
static void
a_put_too_many_stops(void **state)
{
	struct resource *thing;
	char		 text[400];

	(void)state;
	kin_first();
	thing = kin_thing();
	resource_put(thing);
	assert_true(machine_expect_stop(put_again, thing, text, sizeof(text)));
	assert_non_null(strstr(text, "thing"));
}

TEST_SUITE(resource, cmocka_unit_test(holders_are_counted),
	   cmocka_unit_test(inheritance_has_three_ways), cmocka_unit_test(operations_have_defaults),
	   cmocka_unit_test(slots_hold_one_reference), cmocka_unit_test(a_put_too_many_stops))
