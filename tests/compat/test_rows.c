/*
 * test_rows.c - every row by the library: its result, and that an error changes nothing; and
 * what this Linux says to the same row.
 */
#include "compat/world.h"
#include "harness.h"

#include <anymm/check.h>

#include <stdio.h>

static struct request
request_of(const struct row *row)
{
	struct request request = { .call = row->call, .allowance = row->allowance };

	for (unsigned i = 0; i < ARRAY_SIZE(request.arg); i++)
		request.arg[i] = row->arg[i];
	return request;
}

static void
the_library_gives_what_the_rows_say(void **state)
{
	unsigned wrong = 0;

	(void)state;
	for (size_t i = 0; i < nr_rows; i++) {
		const struct row *row = &rows[i];
		struct request	  request = request_of(row);
		struct world	  w = world_make();
		struct digest	  before, after;
		err_t		  err;
		bool		  same;

		world_prepare(&w, &request);
		before = digest_all();
		err = world_run(&w, &request);
		after = digest_all();
		same = before.lo == after.lo && before.hi == after.hi;
		machine_check_invariants();
		if (err != row->gives || (err && !row->changes && !same)) {
			print_message("%s %s: %s%s, expected %s\n", call_name(row->call), row->what,
				      err_name(err), err && !same ? ", with a change" : "",
				      err_name(row->gives));
			wrong++;
		}
		world_end(&w);
	}
	assert_int_equal(wrong, 0);
}

static void
linux_gives_what_the_rows_say(void **state)
{
	unsigned wrong = 0;

	(void)state;
	for (size_t i = 0; i < nr_rows; i++) {
		const struct row     *row = &rows[i];
		struct request	      request = request_of(row);
		struct native_outcome native;

		if (is_ours(row->call))
			continue;
		if (!native_run(&request, &native)) {
			if (wants_device(&request) || wants_noexec(&request))
				continue;
			print_message(
				"this Linux cannot say: older than 6.18, or may not lock memory\n");
			skip();
		}
		if (native.err && native.changed && !row->changes && !row->why) {
			print_message("%s %s: Linux has changed the maps\n", call_name(row->call),
				      row->what);
			wrong++;
		}
		if (native.err != row->linux_gives) {
			print_message("%s %s: Linux gives %s, the row says %s\n",
				      call_name(row->call), row->what, err_name(native.err),
				      err_name(row->linux_gives));
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

/* A row that differs says why, and no other does. */
static void
differences_have_a_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < nr_rows; i++)
		if (!is_ours(rows[i].call))
			assert_int_equal(rows[i].linux_gives != rows[i].gives, rows[i].why != NULL);
}

TEST_SUITE(rows, cmocka_unit_test(the_library_gives_what_the_rows_say),
	   cmocka_unit_test(linux_gives_what_the_rows_say),
	   cmocka_unit_test(differences_have_a_reason))
