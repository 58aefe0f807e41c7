/*
 * test_sim_cpu.c - CPUs in turn: interrupts that are taken at once, or wait until
 * they are enabled, and waits that can never end.
 */
#include "harness.h"

#include <sim/sim.h>

#include <string.h>

#include <anymm/arch.h>
#include "pt/gather.h"

#define NR_CPUS 4

static struct pt pt;

/* A space that CPUs 0 and 1 have active; the caller is CPU 0. */
static int
two_cpus_run_a_space(void **state)
{
	(void)state;
	machine_fresh_with(&(struct machine_config){ .nr_cpus = NR_CPUS, .nr_frames = 8192 });
	EXPECT_OK(pt_create(&pt));
	sim_cpu_set(1);
	pt_activate(&pt);
	sim_cpu_set(0);
	pt_activate(&pt);
	return 0;
}

static int
both_leave(void **state)
{
	(void)state;
	for (unsigned cpu = 0; cpu < 2; cpu++) {
		sim_cpu_set(cpu);
		pt_deactivate(&pt);
	}
	sim_cpu_set(0);
	pt_destroy(&pt);
	machine_check();
	return 0;
}

static unsigned
flushes(void)
{
	return (unsigned)sim_tlb_stats().flushes;
}

static void
shoot_down(void)
{
	struct gather g;

	gather_begin(&g, &pt);
	gather_space(&g);
	gather_end(&g);
}

static void
shoot_down_and_wait(void *arg)
{
	(void)arg;
	shoot_down();
}

static void
each_cpu_has_its_own_number_and_interrupts(void **state)
{
	(void)state;
	assert_int_equal(platform_cpus(), NR_CPUS);
	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++) {
		sim_cpu_set(cpu);
		assert_int_equal(platform_cpu(), cpu);
		assert_true(arch_irq_enabled());
		assert_true(arch_irq_save());
	}
	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++) {
		sim_cpu_set(cpu);
		assert_false(arch_irq_enabled());
		arch_irq_restore(true);
	}
	sim_cpu_set(0);
}

static void
an_idle_cpu_takes_a_shootdown_at_once(void **state)
{
	unsigned before = flushes();

	(void)state;
	shoot_down();
	assert_int_equal(flushes(), before + 2);
	assert_int_equal(platform_cpu(), 0);
}

static void
a_shootdown_waits_for_interrupts(void **state)
{
	unsigned before = flushes();

	(void)state;
	sim_cpu_set(1);
	assert_true(arch_irq_save());
	sim_cpu_set(0);
	platform_shootdown(cpu_bit(1) | cpu_bit(2));
	assert_int_equal(flushes(), before);
	sim_cpu_set(1);
	arch_irq_restore(true);
	assert_true(arch_irq_enabled());
	sim_cpu_set(0);
	shoot_down();
	assert_int_equal(flushes(), before + 2);
}

static void
waiting_for_a_cpu_that_cannot_be_interrupted_is_a_deadlock(void **state)
{
	char text[400];

	(void)state;
	sim_cpu_set(1);
	arch_irq_save();
	sim_cpu_set(0);
	assert_true(sim_expect_stop(shoot_down_and_wait, NULL, text, sizeof(text)));
	assert_non_null(strstr(text, "deadlock"));
	assert_non_null(strstr(text, "CPU 1 has a shootdown pending and its interrupts off"));
}

static void
relax_for_ever(void *arg)
{
	(void)arg;
	for (;;)
		arch_relax();
}

static void
waiting_for_nobody_is_a_deadlock(void **state)
{
	char text[400];

	(void)state;
	assert_true(sim_expect_stop(relax_for_ever, NULL, text, sizeof(text)));
	assert_non_null(strstr(text, "no other CPU runs"));
}

static void
shoot_at(void *arg)
{
	platform_shootdown(*(cpu_mask_t *)arg);
}

static void
wrong_targets_stop_the_machine(void **state)
{
	cpu_mask_t self = cpu_bit(0), beyond = cpu_bit(NR_CPUS);
	char	   text[400];

	(void)state;
	assert_true(sim_expect_stop(shoot_at, &self, text, sizeof(text)));
	assert_non_null(strstr(text, "sent to CPU 0"));
	assert_true(sim_expect_stop(shoot_at, &beyond, text, sizeof(text)));
	assert_non_null(strstr(text, "sent to CPU 4 of 4"));
}

static void
time_never_goes_back(void **state)
{
	uint64_t last = 0;

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		uint64_t now = arch_time();

		assert_true(now > last);
		last = now;
	}
}

static void
say_and_stop(void *arg)
{
	(void)arg;
	arch_console_write("the end", 7);
	arch_stop();
}

static void
the_console_is_kept_for_tests(void **state)
{
	char text[100];

	(void)state;
	sim_console_text();
	arch_console_write("one ", 4);
	arch_console_write("two", 3);
	assert_string_equal(sim_console_text(), "one two");
	assert_string_equal(sim_console_text(), "");
	assert_true(sim_expect_stop(say_and_stop, NULL, text, sizeof(text)));
	assert_string_equal(text, "the end");
	for (unsigned i = 0; i < 40000; i++)
		arch_console_write("0123456789", 10);
	assert_in_range(strlen(sim_console_text()), 32768, 65536);
}

static void
do_nothing(void *arg)
{
	(void)arg;
}

static void
an_expected_stop_that_does_not_come_is_told(void **state)
{
	char text[100];

	(void)state;
	assert_false(sim_expect_stop(do_nothing, NULL, text, sizeof(text)));
	assert_string_equal(text, "");
}

#define STORY(name)	 cmocka_unit_test_setup_teardown(name, two_cpus_run_a_space, both_leave)
#define LAST_WORDS(name) cmocka_unit_test_setup(name, two_cpus_run_a_space)

TEST_SUITE(sim_cpu, STORY(each_cpu_has_its_own_number_and_interrupts),
	   STORY(an_idle_cpu_takes_a_shootdown_at_once), STORY(a_shootdown_waits_for_interrupts),
	   LAST_WORDS(waiting_for_a_cpu_that_cannot_be_interrupted_is_a_deadlock),
	   LAST_WORDS(waiting_for_nobody_is_a_deadlock), LAST_WORDS(wrong_targets_stop_the_machine),
	   STORY(time_never_goes_back), STORY(the_console_is_kept_for_tests),
	   STORY(an_expected_stop_that_does_not_come_is_told))
