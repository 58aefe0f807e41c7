/*
 * console.c - what the machine prints, and how it dies.
 *
 * The console keeps its last text for tests. A machine that stops, by its own
 * will (arch_stop) or for a violation, prints that text and aborts the
 * process, or returns to sim_expect_stop if one is waiting.
 */
#include "machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sched.h"

#define KEPT 65536

static struct {
	char	 text[KEPT + 1];
	size_t	 length;
	size_t	 shown;	   /* by sim_console_text so far */
	bool	 echoes;   /* on stdout too */
	jmp_buf *expected; /* NULL: a stop aborts the process */
	unsigned expecting_cpu;
} console;

void
console_start(void)
{
	console.length = 0;
	console.shown = 0;
	console.text[0] = 0;
}

/* Make room by forgetting the older half. */
static void
forget_half(void)
{
	size_t half = KEPT / 2;

	memmove(console.text, console.text + half, console.length - half);
	console.length -= half;
	console.shown = console.shown > half ? console.shown - half : 0;
}

static void
keep(const char *text, size_t bytes)
{
	while (bytes) {
		size_t part = min_u64(bytes, KEPT / 2);

		if (console.length + part > KEPT)
			forget_half();
		memcpy(console.text + console.length, text, part);
		console.length += part;
		text += part;
		bytes -= part;
	}
	console.text[console.length] = 0;
}

void
sim_console_write(const char *text, size_t bytes)
{
	keep(text, bytes);
	if (console.echoes)
		fwrite(text, 1, bytes, stdout);
}

void
sim_console_echo(bool on)
{
	console.echoes = on;
}

const char *
sim_console_text(void)
{
	const char *text = console.text + console.shown;

	console.shown = console.length;
	return text;
}

/* On the stack of sim_expect_stop, whichever fiber has stopped. */
static void
jump_back(void)
{
	jmp_buf *back = console.expected;

	console.expected = NULL;
	sim_cpu_now = console.expecting_cpu;
	longjmp(*back, 1);
}

void
sim_stopped(void)
{
	const char *schedule = sched_describe();

	keep(schedule, strlen(schedule));
	if (console.expected)
		sched_abandon(jump_back);
	fflush(stdout);
	fprintf(stderr, "%s%sthe machine stopped on CPU %u\n",
		console.echoes ? schedule : console.text + console.shown,
		console.length && console.text[console.length - 1] != '\n' ? "\n" : "",
		sim_cpu_now);
	abort();
}

void
sim_violation(const char *fmt, ...)
{
	char	line[1024];
	va_list args;
	int	n;

	n = snprintf(line, sizeof(line), "violation on CPU %u: ", sim_cpu_now);
	va_start(args, fmt);
	vsnprintf(line + n, sizeof(line) - (size_t)n - 1, fmt, args);
	va_end(args);
	strcat(line, "\n");
	keep(line, strlen(line));
	if (console.echoes)
		fputs(line, stderr);
	sim_stopped();
}

bool
sim_expect_stop(void (*fn)(void *), void *arg, char *text, size_t bytes)
{
	/* Volatile: read again after the jump. */
	jmp_buf *volatile outer = console.expected;
	jmp_buf here;
	bool	stopped;

	console.shown = console.length;
	console.expecting_cpu = sim_cpu_now;
	stopped = setjmp(here) != 0;
	if (!stopped) {
		console.expected = &here;
		fn(arg);
	}
	console.expected = outer;
	if (text && bytes)
		snprintf(text, bytes, "%s", sim_console_text());
	return stopped;
}
