/*
 * test_root.c - laws D1 to D3: the root object, the console, the end.
 */
#include "harness.h"

#include <anymm/arch.h>

/* D1: zeroed when the machine starts, before the library; then always the same. */
static void
d1_root_state_is_zeroed_and_stays_in_place(void **state)
{
	const unsigned char *root;

	(void)state;
	machine_stop();
	assert_true(machine_start(&(struct machine_config){ .nr_cpus = 2 }));
	root = arch_root_state();
	for (unsigned i = 0; i < ARCH_ROOT_STATE_BYTES; i++)
		assert_int_equal(root[i], 0);
	assert_int_equal((uintptr_t)root % CACHE_LINE, 0);
	machine_cpu_set(1);
	assert_ptr_equal(root, arch_root_state());
	machine_stop();
}

/* D2 */
static void
d2_console_prints_bytes_as_they_are(void **state)
{
	(void)state;
	machine_fresh();
	machine_console_text();
	arch_console_write("a%s\n\tb", 6);
	arch_console_write("ignored", 0);
	assert_string_equal(machine_console_text(), "a%s\n\tb");
	machine_check();
}

static void
say_and_stop(void *arg)
{
	(void)arg;
	arch_console_write("last words\n", 11);
	arch_stop();
}

/* D3: stop itself adds nothing. */
static void
d3_stop_does_not_return(void **state)
{
	char text[64];

	(void)state;
	machine_fresh();
	assert_true(machine_expect_stop(say_and_stop, NULL, text, sizeof(text)));
	assert_string_equal(text, "last words\n");
}

TEST_SUITE(root, cmocka_unit_test(d1_root_state_is_zeroed_and_stays_in_place),
	   cmocka_unit_test(d2_console_prints_bytes_as_they_are),
	   cmocka_unit_test(d3_stop_does_not_return))
