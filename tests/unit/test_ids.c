/* test_ids.c - ids: order, rest before reuse, exhaustion, reservations, scopes, growth of the table. */
#include "proc/ids.h"

#include "unit/kin.h"

#include "proc/life.h"
#include "proc/state.h"

#include <stdlib.h>

static struct process *
reserved(uint32_t id)
{
	struct process *proc;

	EXPECT_OK(process_make(&proc_state()->root, id, &proc));
	return proc;
}

/* WNX-29, LUN-B16: ids wrap around. An id that was given back rests until all others have had their turn. */
static void
ids_rise_and_rest(void **state)
{
	struct process *a, *b, *c;

	(void)state;
	machine_fresh();
	a = reserved(0);
	b = reserved(0);
	assert_int_equal(a->id, 1);
	assert_int_equal(b->id, 2);
	process_discard(a);
	c = reserved(0);
	assert_int_equal(c->id, 3);
	proc_state()->root.next_id = PROCESS_ID_MAX;
	a = reserved(0);
	assert_int_equal(a->id, PROCESS_ID_MAX);
	process_discard(a);
	/* after the last id comes the first one that is free */
	a = reserved(0);
	assert_int_equal(a->id, 1);
	process_discard(b);
	process_discard(c);
	b = reserved(0);
	assert_int_equal(b->id, 2);
	process_discard(a);
	process_discard(b);
	machine_check();
}

static void
a_wanted_id_must_be_free(void **state)
{
	struct process *a, *b;

	(void)state;
	machine_fresh();
	a = reserved(77);
	EXPECT_ERR(process_make(&proc_state()->root, 77, &b), ERR_EXIST);
	EXPECT_ERR(process_make(&proc_state()->root, PROCESS_ID_MAX + 1, &b), ERR_INVAL);
	EXPECT_ERR(process_make(&proc_state()->root, UINT32_MAX, &b), ERR_INVAL);
	proc_state()->root.next_id = 77;
	b = reserved(0);
	assert_int_equal(b->id, 78);
	process_discard(a);
	process_discard(b);
	machine_fail_allocation(1, false);
	EXPECT_ERR(process_make(&proc_state()->root, 5, &a), ERR_NOMEM);
	machine_fail_allocation(0, false);
	machine_check();
}

/* DRG-35, DRG-B11: what is only reserved is taken, but nobody finds or lists it. */
static void
reservations_are_invisible(void **state)
{
	struct process *first = kin_first();
	struct process *a = reserved(9);

	(void)state;
	assert_null(proc_find(9));
	assert_null(proc_lookup(9));
	assert_null(thread_find(9));
	assert_null(proc_next(first));
	assert_int_equal(proc_count(), 1);
	EXPECT_ERR(proc_wait(NULL, &(struct wait_request){ .which = WAIT_ID, .id = 9 },
			     &(struct wait_result){ 0 }),
		   ERR_CHILD);
	process_discard(a);
	kin_end();
}

/*
 * LUN-B16, CAM-B03, DRG #1726: no id left is an error, and the parent is as before. With a
 * hundred ids the end is reached by forking, and a child that goes makes room for one.
 */
static void
exhaustion_is_an_error(void **state)
{
	struct process *first = kin_first();
	struct process *child = NULL;
	struct process *last;

	(void)state;
	EXPECT_ERR(proc_set_id_limit(0), ERR_INVAL);
	EXPECT_ERR(proc_set_id_limit(PROCESS_ID_MAX + 1), ERR_INVAL);
	EXPECT_OK(proc_set_id_limit(100));
	for (unsigned i = 1; i < 100; i++)
		child = kin_child(first, 0);
	EXPECT_ERR(proc_fork(first, 0, 0, &last), ERR_AGAIN);
	EXPECT_ERR(proc_fork(first, PROC_SHARE_SPACE, 0, &last), ERR_AGAIN);
	machine_check_invariants();
	assert_int_equal(proc_count(), 100);
	kin_bury(child, 3);
	last = kin_child(first, 0);
	assert_int_equal(last->id, 100);
	kin_end();
}

/* An id rests also when nearly all are in use: the search goes round once, and comes to an end. */
static void
the_last_free_id_is_found(void **state)
{
	struct process *first = kin_first();
	struct process *child[50];

	(void)state;
	EXPECT_OK(proc_set_id_limit(51));
	for (unsigned i = 0; i < 50; i++)
		child[i] = kin_child(first, 0);
	for (unsigned i = 0; i < 50; i += 7) {
		uint32_t id = child[i]->id;

		kin_bury(child[i], 1);
		child[i] = kin_child(first, 0);
		assert_int_equal(child[i]->id, id);
	}
	kin_end();
}

/* CAM-14: children are numbered by their parent, from 1; the global id is another number. */
static void
children_have_numbers_of_their_own(void **state)
{
	struct process *first = kin_first();
	struct process *a = kin_child(first, 0);
	struct process *b = kin_child(first, 0);
	struct process *aa = kin_child(a, 0);
	struct process *ab = kin_child(a, 0);

	(void)state;
	assert_int_equal(proc_number(a), 1);
	assert_int_equal(proc_number(b), 2);
	assert_int_equal(proc_number(aa), 1);
	assert_int_equal(proc_number(ab), 2);
	assert_ptr_equal(proc_find_child(first, 2), b);
	assert_ptr_equal(proc_find_child(a, 2), ab);
	assert_null(proc_find_child(b, 1));
	assert_ptr_equal(proc_find_child(NULL, 1), first);
	kin_bury(b, 0);
	/* a number is not given again */
	assert_null(proc_find_child(first, 2));
	assert_int_equal(proc_number(kin_child(first, 0)), 3);
	/* an orphan gets a number from its new parent */
	kin_exit(a, 0);
	assert_int_equal(proc_number(aa), 4);
	assert_int_equal(proc_number(ab), 5);
	assert_ptr_equal(proc_find_child(first, 5), ab);
	kin_end();
}

/* CAM-B03: the counter of children wraps, and numbers in use are passed over; none is 0. */
static void
child_numbers_wrap(void **state)
{
	struct process *first = kin_first();
	struct process *a = kin_child(first, 0);
	struct process *b;

	(void)state;
	first->family.last_number = UINT32_MAX - 1;
	b = kin_child(first, 0);
	assert_int_equal(proc_number(b), UINT32_MAX);
	assert_int_equal(proc_number(kin_child(first, 0)), 2);
	assert_int_equal(proc_number(a), 1);
	machine_check_invariants();
	kin_end();
}

/* The array of buckets doubles with the number of nodes, and a drain makes it small again. */
static void
the_table_grows_with_its_load(void **state)
{
	enum { MANY = 3000 };
	struct process	     **all = calloc(MANY, sizeof(*all));
	const struct id_table *table;

	(void)state;
	machine_fresh();
	table = &proc_state()->ids;
	for (unsigned i = 0; i < MANY; i++)
		all[i] = reserved(0);
	assert_int_equal(table->order, 3);
	assert_int_equal(table->nr, MANY);
	for (unsigned i = 0; i < MANY; i++)
		assert_ptr_equal(ids_find(ids_scope(&proc_state()->root), all[i]->id),
				 &all[i]->main.node);
	for (unsigned i = 0; i < MANY; i++)
		process_discard(all[i * 1013 % MANY]);
	assert_int_equal(table->nr, 0);
	free(all);
	anymm_drain();
	assert_int_equal(table->order, 0);
	machine_check();
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
		all[i] = reserved(0);
		machine_fail_allocation(0, false);
	}
	assert_int_equal(proc_state()->ids.order, 0);
	for (unsigned i = 0; i < ARRAY_SIZE(all); i++)
		assert_ptr_equal(ids_find(ids_scope(&proc_state()->root), i + 1),
				 &all[i]->main.node);
	for (unsigned i = 0; i < ARRAY_SIZE(all); i++)
		process_discard(all[i]);
	machine_check();
}

TEST_SUITE(ids, cmocka_unit_test(ids_rise_and_rest), cmocka_unit_test(a_wanted_id_must_be_free),
	   cmocka_unit_test(reservations_are_invisible), cmocka_unit_test(exhaustion_is_an_error),
	   cmocka_unit_test(the_last_free_id_is_found),
	   cmocka_unit_test(children_have_numbers_of_their_own),
	   cmocka_unit_test(child_numbers_wrap), cmocka_unit_test(the_table_grows_with_its_load),
	   cmocka_unit_test(growth_is_never_needed))
