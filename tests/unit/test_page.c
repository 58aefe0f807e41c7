/*
 * test_page.c - pages on demand: made once, however many want them; pagers that take their
 * time, fail, bring too little, answer out of order, or answer when nobody wants it any more.
 */
#include "unit/slow_pager.h"

#include <string.h>

static struct object *
fresh_slow_file(uint64_t pages)
{
	machine_fresh();
	return slow_file(pages);
}

/* WNX-14. */
static void
a_page_is_asked_for_once(void **state)
{
	struct object *file = fresh_slow_file(4);
	pfn_t	       pfn;

	(void)state;
	EXPECT_ERR(object_get_page(file, 2, &pfn), ERR_AGAIN);
	EXPECT_ERR(object_get_page(file, 2, &pfn), ERR_AGAIN);
	assert_int_equal(slow.begun, 1);
	assert_false(object_has_page(file, 2, pfn_none()));
	machine_check_invariants();
	slow_finish(0, OK);
	EXPECT_OK(object_get_page(file, 2, &pfn));
	assert_true(object_has_page(file, 2, pfn));
	assert_false(object_has_page(file, 3, pfn));
	assert_int_equal(*(uint8_t *)arch_frame_ptr(pfn), 3);
	assert_int_equal(frame_count(pfn), 2);
	frame_release(pfn);
	object_put(file);
	machine_check();
}

static void
fills_may_end_out_of_order_and_badly(void **state)
{
	struct object *file = fresh_slow_file(4);
	pfn_t	       pfn;

	(void)state;
	for (uint64_t i = 0; i < 4; i++)
		EXPECT_ERR(object_get_page(file, i, &pfn), ERR_AGAIN);
	slow_finish(2, OK);
	slow_finish(0, ERR_IO);
	slow.bytes = 10;
	slow_finish(1, OK);
	assert_int_equal(file->nr_pages, 3);
	EXPECT_ERR(object_get_page(file, 0, &pfn), ERR_AGAIN); /* a new attempt */
	EXPECT_OK(object_get_page(file, 3, &pfn));
	assert_int_equal(((uint8_t *)arch_frame_ptr(pfn))[9], 4);
	assert_int_equal(((uint8_t *)arch_frame_ptr(pfn))[10], 0);
	frame_release(pfn);
	machine_check_invariants();
	slow_finish_all();
	object_put(file);
	machine_check();
}

static void
a_wait_ends_with_the_fill(void **state)
{
	struct object *file = fresh_slow_file(4);
	pfn_t	       pfn;

	(void)state;
	EXPECT_ERR(object_get_page(file, 0, &pfn), ERR_AGAIN);
	EXPECT_OK(object_wait(file, 0));
	EXPECT_OK(object_get_page(file, 0, &pfn));
	frame_release(pfn);
	EXPECT_ERR(object_get_page(file, 1, &pfn), ERR_AGAIN);
	slow.result = ERR_IO;
	EXPECT_ERR(object_wait(file, 1), ERR_IO);
	assert_int_equal(file->nr_pages, 1);
	object_put(file);
	machine_check();
}

/* The slot is emptied while the pager is at work: the frame lives until it says so, and no longer. */
static void
truncation_does_not_wait_for_fills(void **state)
{
	struct object *file = fresh_slow_file(4);
	pfn_t	       old, pfn;

	(void)state;
	EXPECT_ERR(object_get_page(file, 1, &pfn), ERR_AGAIN);
	EXPECT_ERR(object_get_page(file, 2, &pfn), ERR_AGAIN);
	old = slow.open[1].pfn;
	object_resize(file, ARCH_PAGE_SIZE);
	assert_int_equal(file->nr_pages, 0);
	assert_int_equal(frame_count(old), 1);
	machine_check_invariants();
	object_resize(file, 4 * ARCH_PAGE_SIZE);
	EXPECT_ERR(object_get_page(file, 2, &pfn), ERR_AGAIN);
	assert_int_equal(slow.nr_open, 3);
	assert_false(pfn_eq(slow.open[2].pfn, old));
	slow_finish(1, OK); /* the old one: nobody's page */
	EXPECT_ERR(object_get_page(file, 2, &pfn), ERR_AGAIN);
	slow_finish_all();
	EXPECT_OK(object_get_page(file, 2, &pfn));
	frame_release(pfn);
	assert_int_equal(file->nr_pages, 1);
	object_put(file);
	machine_check();
}

/* A page that is cut in two while it is filled is asked for again; its tail is zeros. */
static void
truncation_in_the_middle_of_a_page(void **state)
{
	struct object *file = fresh_slow_file(4);
	uint8_t	       bytes[2];
	size_t	       done;
	pfn_t	       pfn;

	(void)state;
	EXPECT_ERR(object_get_page(file, 1, &pfn), ERR_AGAIN);
	object_resize(file, ARCH_PAGE_SIZE + 7);
	assert_int_equal(file->nr_pages, 0);
	object_resize(file, 3 * ARCH_PAGE_SIZE);
	slow_finish_all();
	slow.bytes = 7; /* storage has no more of it now */
	EXPECT_OK(object_read(file, ARCH_PAGE_SIZE + 6, bytes, 2, &done));
	assert_int_equal(bytes[0], 2);
	assert_int_equal(bytes[1], 0);
	object_put(file);
	machine_check();
}

/* The pager fills whole pages, whatever the object has of its last one. */
static void
what_is_brought_behind_the_end_is_not_shown(void **state)
{
	struct object *file = fresh_slow_file(4);
	const uint8_t *bytes;
	pfn_t	       pfn;

	(void)state;
	object_resize(file, ARCH_PAGE_SIZE + 7);
	EXPECT_ERR(object_get_page(file, 1, &pfn), ERR_AGAIN);
	slow_finish_all();
	EXPECT_OK(object_get_page(file, 1, &pfn));
	bytes = arch_frame_ptr(pfn);
	assert_int_equal(bytes[6], 2);
	assert_int_equal(bytes[7], 0);
	assert_int_equal(bytes[ARCH_PAGE_SIZE - 1], 0);
	frame_release(pfn);
	object_put(file);
	machine_check();
}

/* The last reference goes while the pager is at work: it keeps the object until it is done. */
static void
the_object_outlives_its_fills(void **state)
{
	struct object *file = fresh_slow_file(4);
	pfn_t	       pfn;

	(void)state;
	EXPECT_ERR(object_get_page(file, 1, &pfn), ERR_AGAIN);
	EXPECT_ERR(object_get_page(file, 2, &pfn), ERR_AGAIN);
	object_put(file);
	assert_int_equal(object_live(), 1);
	slow_finish(0, OK);
	assert_int_equal(object_live(), 1);
	slow_finish(0, ERR_IO);
	assert_int_equal(object_live(), 0);
	machine_check();
}

static void
finish_twice(void *arg)
{
	struct slow_fill fill = slow.open[0];

	(void)arg;
	slow_finish(0, OK);
	object_fill_done(fill.object, fill.index, fill.pfn, OK);
}

static void
a_fill_ends_once(void **state)
{
	struct object *file = fresh_slow_file(4);
	char	       text[400];
	pfn_t	       pfn;

	(void)state;
	EXPECT_ERR(object_get_page(file, 1, &pfn), ERR_AGAIN);
	assert_true(machine_expect_stop(finish_twice, NULL, text, sizeof(text)));
	assert_non_null(strstr(text, "is not being filled"));
}

/* WNX-B10: a pager that works in the call; while it does, the page is wanted again, or lost. */
static bool shrinks;

static err_t
prompt_fill(struct object *object, uint64_t index, pfn_t pfn)
{
	pfn_t other;

	*(uint8_t *)arch_frame_ptr(pfn) = 9;
	if (shrinks)
		object_resize(object, 0);
	else
		EXPECT_ERR(object_get_page(object, index, &other), ERR_AGAIN);
	return OK;
}

/* WNX-14. */
static void
who_comes_second_does_not_fill_again(void **state)
{
	static const struct pager_ops ops = { .name = "prompt", .fill = prompt_fill };
	struct object		     *object;
	pfn_t			      pfn;

	(void)state;
	machine_fresh();
	shrinks = false;
	EXPECT_OK(object_create(&ops, 1, 10, NULL, &object));
	EXPECT_OK(object_get_page(object, 4, &pfn));
	assert_int_equal(frame_count(pfn), 2);
	assert_int_equal(*(uint8_t *)arch_frame_ptr(pfn), 9);
	frame_release(pfn);
	EXPECT_OK(object_wait(object, 4)); /* nothing to wait for */
	shrinks = true;
	EXPECT_ERR(object_get_page(object, 5, &pfn), ERR_FAULT);
	assert_int_equal(object->nr_pages, 0);
	object_put(object);
	machine_check();
}

TEST_SUITE(page, cmocka_unit_test(a_page_is_asked_for_once),
	   cmocka_unit_test(fills_may_end_out_of_order_and_badly),
	   cmocka_unit_test(a_wait_ends_with_the_fill),
	   cmocka_unit_test(truncation_does_not_wait_for_fills),
	   cmocka_unit_test(truncation_in_the_middle_of_a_page),
	   cmocka_unit_test(what_is_brought_behind_the_end_is_not_shown),
	   cmocka_unit_test(the_object_outlives_its_fills), cmocka_unit_test(a_fill_ends_once),
	   cmocka_unit_test(who_comes_second_does_not_fill_again))
