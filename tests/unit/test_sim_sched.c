/*
 * test_sim_sched.c - the scheduler of simulated CPUs: what it decides, what it
 * reports, and that a schedule repeats itself.
 */
#include "harness.h"

#include <sim/sim.h>

#include <stdio.h>
#include <string.h>

#include <anymm/arch.h>
#include <anymm/platform.h>

#define EVENTS	3
#define LOG_MAX 64

static struct {
	char	 text[LOG_MAX + 1];
	unsigned length;
} events;

static void
start(unsigned nr_cpus)
{
	sim_stop();
	assert_true(sim_start(&(struct sim_config){ .nr_cpus = nr_cpus, .nr_frames = 1024 }));
	sim_forget_schedules();
}

static void
log_event(char event)
{
	if (events.length < LOG_MAX)
		events.text[events.length++] = event;
	events.text[events.length] = 0;
}

static void
run(unsigned n, void (*body)(void *), struct sim_schedule schedule)
{
	void (*bodies[CPU_MAX])(void *);

	for (unsigned i = 0; i < n; i++)
		bodies[i] = body;
	events.length = 0;
	events.text[0] = 0;
	sim_run(n, bodies, NULL, &schedule);
}

/* Each CPU logs its number a few times, with a point after each. */
static void
log_cpu(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < EVENTS; i++) {
		log_event((char)('0' + platform_cpu()));
		arch_point();
	}
}

static const struct sim_schedule portfolio[] = {
	{ .policy = SIM_RANDOM, .param = 1 },  { .policy = SIM_RANDOM, .param = 4 },
	{ .policy = SIM_RANDOM, .param = 16 }, { .policy = SIM_PCT, .param = 0 },
	{ .policy = SIM_PCT, .param = 1 },     { .policy = SIM_PCT, .param = 3 },
};

static void
the_same_seed_gives_the_same_run(void **state)
{
	char	 first[LOG_MAX + 1], last[LOG_MAX + 1] = "";
	unsigned different = 0;

	(void)state;
	start(3);
	for (unsigned i = 0; i < ARRAY_SIZE(portfolio); i++) {
		for (uint64_t seed = 0; seed < 50; seed++) {
			struct sim_schedule schedule = portfolio[i];

			schedule.seed = seed;
			run(3, log_cpu, schedule);
			assert_int_equal(events.length, 3 * EVENTS);
			strcpy(first, events.text);
			run(3, log_cpu, schedule);
			assert_string_equal(events.text, first);
			different += strcmp(first, last) != 0;
			strcpy(last, first);
		}
	}
	assert_true(different > 100);
}

/* preemptions_of - switches away from a CPU that had events left, in a run of two CPUs. */
static unsigned
preemptions_of(unsigned run_bits)
{
	unsigned left[2] = { EVENTS, EVENTS };
	unsigned preemptions = 0;

	for (unsigned i = 0; i < 2 * EVENTS; i++) {
		unsigned cpu = run_bits >> i & 1;

		left[cpu]--;
		if (i + 1 < 2 * EVENTS && (run_bits >> (i + 1) & 1) != cpu)
			preemptions += left[cpu] > 0;
	}
	return preemptions;
}

/* runs_within - interleavings of the events of two CPUs with at most that many preemptions. */
static unsigned
runs_within(unsigned preemptions)
{
	unsigned runs = 0;

	for (unsigned bits = 0; bits < 1u << 2 * EVENTS; bits++)
		if (__builtin_popcount(bits) == EVENTS)
			runs += preemptions_of(bits) <= preemptions;
	return runs;
}

static void
exhaustive_finds_every_run_within_the_bound(void **state)
{
	(void)state;
	for (unsigned bound = 0; bound <= 2 * EVENTS; bound++) {
		bool	 seen[1 << 2 * EVENTS] = { 0 };
		unsigned found = 0;

		start(2);
		do {
			unsigned bits = 0;

			run(2, log_cpu, (struct sim_schedule){ SIM_EXHAUSTIVE, bound, 0, 0 });
			for (unsigned i = 0; i < 2 * EVENTS; i++)
				bits |= (unsigned)(events.text[i] - '0') << i;
			found += !seen[bits];
			seen[bits] = true;
		} while (sim_next_schedule());
		assert_int_equal(found, runs_within(bound));
	}
}

/* A counter that loses updates when somebody else runs in between. */
static unsigned counter;

static void
increment_slowly(void *arg)
{
	unsigned before = counter;

	(void)arg;
	arch_point();
	counter = before + 1;
}

/* A run found by the search repeats from the choices that it prints. */
static void
a_run_repeats_from_its_printed_choices(void **state)
{
	char	 choices[256];
	unsigned lost = 0;

	(void)state;
	start(2);
	do {
		counter = 0;
		run(2, increment_slowly, (struct sim_schedule){ SIM_EXHAUSTIVE, 1, 0, 0 });
		if (counter == 1 && !lost++)
			strcpy(choices, sim_describe_schedule());
	} while (sim_next_schedule());
	assert_true(lost > 0);
	assert_int_equal(strncmp(choices, "exhaustive:1:", 13), 0);

	counter = 0;
	assert_true(sim_replay_choices(choices + 13));
	run(2, increment_slowly, (struct sim_schedule){ SIM_EXHAUSTIVE, 1, 0, 0 });
	assert_int_equal(counter, 1);
	sim_forget_schedules();
	assert_false(sim_replay_choices("nonsense"));
}

/* CPU 0 waits for CPU 1, whoever goes first. */
static unsigned flag;

static void
wait_or_signal(void *arg)
{
	(void)arg;
	if (platform_cpu() == 0) {
		while (!__atomic_load_n(&flag, __ATOMIC_ACQUIRE))
			arch_relax();
		log_event('w');
	} else {
		arch_point();
		log_event('s');
		__atomic_store_n(&flag, 1, __ATOMIC_RELEASE);
	}
}

static void
a_spinning_cpu_lets_the_others_go_on(void **state)
{
	(void)state;
	start(2);
	for (unsigned i = 0; i < ARRAY_SIZE(portfolio); i++) {
		for (uint64_t seed = 0; seed < 50; seed++) {
			struct sim_schedule schedule = portfolio[i];

			schedule.seed = seed;
			schedule.step_limit = 100;
			flag = 0;
			run(2, wait_or_signal, schedule);
			assert_string_equal(events.text, "sw");
		}
	}
}

/* Two locks taken in opposite orders. */
static bool held[2];

static void
take(unsigned lock)
{
	while (held[lock])
		arch_relax();
	held[lock] = true;
	arch_point();
}

static void
take_both(void *arg)
{
	unsigned first = platform_cpu();

	(void)arg;
	take(first);
	take(!first);
	held[first] = held[!first] = false;
	arch_point();
}

static void
run_take_both(void *arg)
{
	held[0] = held[1] = false;
	run(2, take_both, *(const struct sim_schedule *)arg);
}

static void
a_deadlock_is_reported_with_its_schedule(void **state)
{
	unsigned deadlocks = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 40; seed++) {
		struct sim_schedule schedule = { SIM_RANDOM, 2, seed, 0 };
		char		    text[1024], again[1024], name[64];

		start(2);
		if (!sim_expect_stop(run_take_both, &schedule, text, sizeof(text)))
			continue;
		deadlocks++;
		snprintf(name, sizeof(name), "schedule random:2:%u\n", (unsigned)seed);
		assert_non_null(strstr(text, "deadlock: no CPU can go on"));
		assert_non_null(strstr(text, "CPU 1 waits with interrupts on"));
		assert_non_null(strstr(text, name));

		start(2);
		assert_true(sim_expect_stop(run_take_both, &schedule, again, sizeof(again)));
		assert_string_equal(again, text);
	}
	assert_true(deadlocks > 5 && deadlocks < 35);
}

/* CPU 1 waits with interrupts off for what CPU 0 does only after CPU 1 took an interrupt. */
static void
wait_with_interrupts_off(void *arg)
{
	(void)arg;
	if (platform_cpu() == 0) {
		platform_shootdown(cpu_bit(1));
		while (!flag)
			arch_relax();
		return;
	}
	arch_irq_save();
	for (;;)
		arch_relax();
}

static void
run_with_interrupts_off(void *arg)
{
	(void)arg;
	flag = 0;
	run(2, wait_with_interrupts_off, (struct sim_schedule){ SIM_RANDOM, 2, 1, 0 });
}

static void
waiting_for_a_cpu_with_interrupts_off_is_a_deadlock(void **state)
{
	char text[1024];

	(void)state;
	start(2);
	assert_true(sim_expect_stop(run_with_interrupts_off, NULL, text, sizeof(text)));
	assert_non_null(strstr(text, "CPU 1 waits with interrupts off and a shootdown pending"));
}

static void
walk_for_ever(void *arg)
{
	(void)arg;
	for (;;)
		arch_point();
}

static void
run_for_ever(void *arg)
{
	run(2, walk_for_ever, (struct sim_schedule){ SIM_PCT, 2, *(uint64_t *)arg, 1000 });
}

static void
a_livelock_is_reported_at_the_step_limit(void **state)
{
	char	 text[1024];
	uint64_t seed = 7;

	(void)state;
	start(2);
	assert_true(sim_expect_stop(run_for_ever, &seed, text, sizeof(text)));
	assert_non_null(strstr(text, "livelock: 1000 steps and 2 of 2 CPUs not done"));
	assert_non_null(strstr(text, "schedule pct:2:7\n"));
}

/* The bound of the method: a bug that needs one CPU to finish first shows in every second run. */
static void
pct_runs_either_cpu_to_its_end_first(void **state)
{
	unsigned first = 0;

	(void)state;
	start(2);
	for (uint64_t seed = 0; seed < 1000; seed++) {
		run(2, log_cpu, (struct sim_schedule){ SIM_PCT, 0, seed, 0 });
		first += strcmp(events.text, "000111") == 0;
		assert_true(strcmp(events.text, "000111") == 0 ||
			    strcmp(events.text, "111000") == 0);
	}
	assert_in_range(first, 400, 600);
}

static int
power_off(void **state)
{
	(void)state;
	sim_stop();
	return 0;
}

TEST_SUITE(sim_sched, cmocka_unit_test_teardown(the_same_seed_gives_the_same_run, power_off),
	   cmocka_unit_test_teardown(exhaustive_finds_every_run_within_the_bound, power_off),
	   cmocka_unit_test_teardown(a_run_repeats_from_its_printed_choices, power_off),
	   cmocka_unit_test_teardown(a_spinning_cpu_lets_the_others_go_on, power_off),
	   cmocka_unit_test_teardown(a_deadlock_is_reported_with_its_schedule, power_off),
	   cmocka_unit_test_teardown(waiting_for_a_cpu_with_interrupts_off_is_a_deadlock,
				     power_off),
	   cmocka_unit_test_teardown(a_livelock_is_reported_at_the_step_limit, power_off),
	   cmocka_unit_test_teardown(pct_runs_either_cpu_to_its_end_first, power_off))
