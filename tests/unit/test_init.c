/* test_init.c - the whole library comes up, or says why not. */
#include "unit/sketch.h"

#include <string.h>

static void
a_fresh_library_is_empty(void **state)
{
	(void)state;
	machine_fresh();
	assert_null(proc_first());
	assert_null(space_list_first());
	assert_null(object_first());
	assert_int_equal(space_live_regions(), 0);
	machine_check();
}

/* Each allocation of the boot fails in turn: an error with a message, never a stop. */
static void
too_little_memory_is_an_error(void **state)
{
	unsigned failures = 0;

	(void)state;
	machine_fresh();
	for (;; failures++) {
		err_t err;

		/* a machine on which the library has not been started */
		machine_stop();
		assert_true(machine_start(&(struct machine_config){ .nr_frames = 8192 }));
		machine_fail_allocation(failures + 1, true);
		err = anymm_init(machine_boot_map());
		machine_fail_allocation(0, false);
		if (err == OK)
			break;
		assert_int_equal(err, ERR_NOMEM);
		assert_non_null(strstr(machine_console_text(), "ENOMEM"));
	}
	assert_true(failures >= 4);
}

/* Spares are given back, and what is in use is not. */
static void
draining_frees_spares_only(void **state)
{
	struct space *sp = sketch_space();
	uint64_t      kernel;

	(void)state;
	sketch_map(sp, 1, 2, PROT_RW, 0);
	sketch_store(sp, 1, 9);
	anymm_drain();
	kernel = frame_totals().by_kind[FRAME_KERNEL];
	for (unsigned page = 2; page < 9; page++)
		sketch_map(sp, page, page + 1, page % 2 ? PROT_RW : PROT_R, REGION_NOMERGE);
	EXPECT_OK(space_unmap(sp, PAGE(2), PAGE(7)));
	anymm_drain();
	assert_int_equal(frame_totals().by_kind[FRAME_KERNEL], kernel);
	assert_int_equal(sketch_load(sp, 1), 9);
	sketch_end(sp);
}

TEST_SUITE(init, cmocka_unit_test(a_fresh_library_is_empty),
	   cmocka_unit_test(too_little_memory_is_an_error),
	   cmocka_unit_test(draining_frees_spares_only))
