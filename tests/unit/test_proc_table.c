/* test_proc_table.c - ids: order, rest before reuse, exhaustion, reservations, growth of the table. */
#include "proc/proc_table.h"

#include "unit/sketch.h"

#include <stdlib.h>

static void
publish(struct process *proc)
{
	lock_acquire(&proc_state()->lock);
	proc->state = PROCESS_ALIVE;
	table_publish(proc);
	lock_release(&proc_state()->lock);
}

/* WNX-29: ids wrap around. An id that was given back rests until all others have had their turn. */
static void
ids_rise_and_rest(void **state)
{
	struct process *a, *b, *c;

	(void)state;
	machine_fresh();
	EXPECT_OK(table_reserve(0, &a));
	assert_int_equal(a->id, 1);
	EXPECT_OK(table_reserve(0, &b));
	assert_int_equal(b->id, 2);
	table_release(a);
	EXPECT_OK(table_reserve(0, &c));
	assert_int_equal(c->id, 3);
	proc_state()->next_id = PROCESS_ID_MAX;
	EXPECT_OK(table_reserve(0, &a));
	assert_int_equal(a->id, PROCESS_ID_MAX);
	table_release(a);
	/* after the last id comes the first one that is free */
	EXPECT_OK(table_reserve(0, &a));
	assert_int_equal(a->id, 1);
	table_release(b);
	table_release(c);
	EXPECT_OK(table_reserve(0, &b));
	assert_int_equal(b->id, 2);
	table_release(a);
	table_release(b);
	machine_check();
}

static void
a_wanted_id_must_be_free(void **state)
{
	struct process *a, *b;

	(void)state;
	machine_fresh();
	EXPECT_OK(table_reserve(77, &a));
	EXPECT_ERR(table_reserve(77, &b), ERR_EXIST);
	EXPECT_ERR(table_reserve(PROCESS_ID_MAX + 1, &b), ERR_INVAL);
	EXPECT_ERR(table_reserve(UINT32_MAX, &b), ERR_INVAL);
	proc_state()->next_id = 77;
	EXPECT_OK(table_reserve(0, &b));
	assert_int_equal(b->id, 78);
	table_release(a);
	table_release(b);
	machine_fail_allocation(1, false);
	EXPECT_ERR(table_reserve(5, &a), ERR_NOMEM);
	machine_fail_allocation(0, false);
	machine_check();
}

/* DRG-35: what is only reserved is taken, but nobody finds or lists it. */
static void
reservations_are_invisible(void **state)
{
	struct process *a;

	(void)state;
	machine_fresh();
	EXPECT_OK(table_reserve(9, &a));
	assert_null(proc_find(9));
	assert_null(proc_first());
	assert_int_equal(proc_count(), 0);
	publish(a);
	assert_ptr_equal(proc_find(9), a);
	assert_ptr_equal(proc_first(), a);
	assert_int_equal(proc_count(), 1);
	table_release(a);
	assert_null(proc_find(9));
	machine_check();
}

/* LUN-B16, CAM-B03: no id left is an error. The count is set by hand: four million take too long. */
static void
exhaustion_is_an_error(void **state)
{
	struct process *a;

	(void)state;
	machine_fresh();
	proc_state()->nr_ids = PROCESS_ID_MAX;
	EXPECT_ERR(table_reserve(0, &a), ERR_AGAIN);
	proc_state()->nr_ids = 0;
	EXPECT_OK(table_reserve(0, &a));
	table_release(a);
	machine_check();
}

/* The array of buckets doubles with the number of processes; without memory chains get longer. */
static void
the_table_grows_with_its_load(void **state)
{
	enum { MANY = 3000 };
	struct process	 **all = calloc(MANY, sizeof(*all));
	struct proc_state *table;

	(void)state;
	machine_fresh();
	table = proc_state();
	for (unsigned i = 0; i < MANY; i++) {
		unsigned order = table->bucket_order;

		EXPECT_OK(table_reserve(0, &all[i]));
		publish(all[i]);
		if (i > 512 && i < 1000)
			assert_true(order >= 1);
	}
	assert_int_equal(table->bucket_order, 3);
	assert_int_equal(proc_count(), MANY);
	for (unsigned i = 0; i < MANY; i++)
		assert_ptr_equal(proc_find(all[i]->id), all[i]);
	for (struct process *proc = proc_first(); proc; proc = proc_next(proc))
		assert_ptr_equal(proc, all[proc->id - 1]);
	for (unsigned i = 0; i < MANY; i++)
		table_release(all[i * 1013 % MANY]);
	assert_int_equal(proc_count(), 0);
	free(all);
}

/* The object is one allocation, the larger array the next: it fails each time it is tried. */
static void
growth_is_never_needed(void **state)
{
	struct process *all[600];

	(void)state;
	machine_fresh();
	for (unsigned i = 0; i < ARRAY_SIZE(all); i++) {
		if (i >= 512)
			machine_fail_allocation(2, true);
		EXPECT_OK(table_reserve(0, &all[i]));
		machine_fail_allocation(0, false);
		publish(all[i]);
	}
	assert_int_equal(proc_state()->bucket_order, 0);
	for (unsigned i = 0; i < ARRAY_SIZE(all); i++)
		assert_ptr_equal(proc_find(i + 1), all[i]);
	for (unsigned i = 0; i < ARRAY_SIZE(all); i++)
		table_release(all[i]);
	machine_check();
}

TEST_SUITE(proc_table, cmocka_unit_test(ids_rise_and_rest),
	   cmocka_unit_test(a_wanted_id_must_be_free), cmocka_unit_test(reservations_are_invisible),
	   cmocka_unit_test(exhaustion_is_an_error),
	   cmocka_unit_test(the_table_grows_with_its_load),
	   cmocka_unit_test(growth_is_never_needed))
