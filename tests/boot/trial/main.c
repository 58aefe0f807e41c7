/*
 * main.c - pick the trial, keep its count, and watch that it does not hang.
 */
#include "trial.h"

#include <anymm/check.h>

#include "../../../arch/x86_64/boot/ring3.h"
#include "base/format.h"

#define TICKS_PER_SECOND 100

static const struct {
	const char *name;
	void (*run)(void);
} trials[] = {
	{ "stress", trial_stress },	{ "overflow", trial_overflow }, { "sysret", trial_sysret },
	{ "bootmap", trial_bootmap },	{ "kthreads", trial_kthreads }, { "guard", trial_guard },
	{ "contexts", trial_contexts }, { "nested", trial_nested },	{ "churn", trial_churn },
	{ "bomb", trial_bomb },
};

static unsigned nr_passed;

/* The watch: CPU 0's ticks since the last sign of life. */
static const char      *watched;
static unsigned		patience_ticks;
static _Atomic unsigned silent_ticks;

unsigned
platform_cpus(void)
{
	return boot_nr_cpus();
}

static void
print_case(const char *verdict, const char *fmt, va_list args)
{
	char text[240];

	format_va(text, sizeof(text), fmt, args);
	console_printf("%s %u - %s\n", verdict, nr_passed + 1, text);
}

void
trial_pass(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	print_case("ok", fmt, args);
	va_end(args);
	nr_passed++;
}

void
trial_fail(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	print_case("not ok", fmt, args);
	va_end(args);
	console_printf("1..%u\nFAILED\n", nr_passed + 1);
	boot_exit(EXIT_FAIL);
}

void
trial_end(void)
{
	console_printf("1..%u\nok\n", nr_passed);
	boot_exit(EXIT_PASS);
}

void
trial_start_library(void)
{
	struct boot_map map = { .ranges = boot_info.ranges, .nr_ranges = boot_info.nr_ranges };

	if (anymm_init(&map) != OK)
		trial_fail("the library does not start");
}

void
trial_must(err_t err, const char *what)
{
	if (err != OK)
		trial_fail("%s: %s", what, err_name(err));
}

void
trial_check_all(void)
{
	struct check_report report;

	if (!check_all(&report))
		trial_fail("%s: %s", invariant_name(report.broken), report.text);
}

void
trial_expect_frames(const struct frame_totals *before)
{
	struct frame_totals now;

	anymm_drain();
	now = frame_totals();
	for (unsigned kind = 0; kind < FRAME_KINDS; kind++) {
		if (now.by_kind[kind] != before->by_kind[kind])
			trial_fail("frames of kind %u: %lu at the start, %lu at the end", kind,
				   (unsigned long)before->by_kind[kind],
				   (unsigned long)now.by_kind[kind]);
	}
}

static void
call_with_number(void *arg)
{
	void (*const *fn)(unsigned cpu) = arg;

	(*fn)(platform_cpu());
}

void
trial_on_all(void (*fn)(unsigned cpu))
{
	for (unsigned cpu = 1; cpu < boot_nr_cpus(); cpu++)
		smp_call_begin(cpu, call_with_number, &fn);
	fn(0);
	for (unsigned cpu = 1; cpu < boot_nr_cpus(); cpu++)
		smp_call_end(cpu);
}

/* On the timer's interrupt of every CPU, so that one that waits for ever is noticed by another. */
static void
look_for_life(void)
{
	if (atomic_fetch_add(&silent_ticks, 1) == patience_ticks * boot_nr_cpus())
		trial_fail("nothing goes on: %s", watched);
}

void
trial_watch(unsigned seconds, const char *what)
{
	watched = what;
	patience_ticks = seconds * TICKS_PER_SECOND;
	trial_alive();
	timer_hook = look_for_life;
}

void
trial_alive(void)
{
	atomic_store(&silent_ticks, 0);
}

void
kernel_main(void)
{
	ring3_init();
	broken_init();
	for (size_t i = 0; i < ARRAY_SIZE(trials); i++) {
		if (bootinfo_option_is("mode", trials[i].name)) {
			trials[i].run();
			trial_end();
		}
	}
	trial_fail("the command line names no trial: '%s'", boot_info.command_line);
}
