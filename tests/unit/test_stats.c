/* test_stats.c - counters: a line per CPU, one sum. */
#include <anymm/stats.h>

#include "phys_machine.h"

static void
counts_of_all_cpus_are_summed(void **state)
{
	(void)state;
	phys_fresh_with(&(struct machine_config){ .nr_cpus = 3, .nr_frames = 256 });
	assert_int_equal(stat_get(STAT_FORKS), 0);
	stat_inc(STAT_FORKS);
	machine_cpu_set(2);
	stat_add(STAT_FORKS, 40);
	machine_cpu_set(1);
	stat_inc(STAT_FORKS);
	assert_int_equal(stat_get(STAT_FORKS), 42);
	assert_int_equal(stat_get(STAT_PTE_WRITES), 0);
}

static void
a_fresh_machine_counts_from_zero(void **state)
{
	(void)state;
	phys_fresh(256);
	stat_add(STAT_SHOOTDOWNS, 5);
	phys_fresh(256);
	assert_int_equal(stat_get(STAT_SHOOTDOWNS), 0);
}

static void
every_counter_has_a_name_and_a_text(void **state)
{
	(void)state;
	for (unsigned i = 0; i < STAT_NR; i++) {
		assert_true(stat_name((enum stat)i)[0] >= 'A' && stat_name((enum stat)i)[0] <= 'Z');
		assert_true(strlen(stat_text((enum stat)i)) > 5);
	}
	assert_string_equal(stat_name(STAT_FAULT_COPY), "FAULT_COPY");
	assert_string_equal(stat_text(STAT_FAULT_COPY), "page copied");
}

TEST_SUITE(stats, cmocka_unit_test(counts_of_all_cpus_are_summed),
	   cmocka_unit_test(a_fresh_machine_counts_from_zero),
	   cmocka_unit_test(every_counter_has_a_name_and_a_text))
