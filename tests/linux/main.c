/*
 * main.c - random sequences of operations on Linux and on the library, side by side.
 *
 *	linux AGENT [--seed N] [--ops N[K|M]] [--theme NAME] [--jobs N] [--only] [--tell] [--trace]
 *	      [--progress] [--known]
 *
 * Each theme runs its share of the operations, in sequences that begin with seed, seed + 1, ...
 * (--only: one sequence). Workers, as many as jobs, take one sequence after the other. A difference
 * that is not known is cut down and printed as a scenario, with the command that finds it
 * again; the run goes on, and tells them all at its end. --tell: every sequence is told. --known:
 * only prints the list of differences that are known.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../harness.h"
#include "native.h"
#include "work.h"

#define USUAL_OPS	 100000
#define PROGRESS_SECONDS 10

static uint64_t
number(const char *text)
{
	char	*end;
	uint64_t value = strtoull(text, &end, 0);

	return value * (*end == 'K' ? 1000 : *end == 'M' ? 1000000 : 1);
}

/* parse_value - an option with a value; false: it is none. */
static bool
parse_value(struct options *options, const char *name, const char *value)
{
	if (strcmp(name, "--seed") == 0)
		options->seed = number(value);
	else if (strcmp(name, "--ops") == 0)
		options->ops = number(value);
	else if (strcmp(name, "--theme") == 0)
		options->theme = value;
	else if (strcmp(name, "--jobs") == 0)
		options->jobs = (unsigned)number(value);
	else
		return false;
	return true;
}

static void
parse_word(struct options *options, const char *word)
{
	if (strcmp(word, "--only") == 0)
		options->only = true;
	else if (strcmp(word, "--trace") == 0)
		options->trace = true;
	else if (strcmp(word, "--known") == 0)
		options->known = true;
	else if (strcmp(word, "--tell") == 0)
		options->tell = true;
	else if (strcmp(word, "--progress") == 0)
		options->progress = true;
	else
		options->agent = word;
}

static struct options
parse(int argc, char **argv)
{
	struct options options = { .ops = USUAL_OPS, .jobs = 1 };

	for (int i = 1; i < argc; i++) {
		if (i + 1 < argc && parse_value(&options, argv[i], argv[i + 1]))
			i++;
		else
			parse_word(&options, argv[i]);
	}
	if (options.jobs < 1 || options.only || options.tell || options.trace)
		options.jobs = 1;
	if (options.jobs > MAX_WORKERS)
		options.jobs = MAX_WORKERS;
	return options;
}

static pid_t
start_worker(struct tally *t, const struct options *options, unsigned self)
{
	pid_t pid = fork();

	if (pid < 0)
		native_fail("no process for a worker");
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	work(t, options, self);
	exit(0);
}

/* is_lost - a worker has ended before its time: what it was doing is a finding. */
static bool
is_lost(struct tally *t, unsigned self, int status)
{
	char text[64];

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return false;
	if (WIFEXITED(status) && WEXITSTATUS(status) == NATIVE_UNFIT)
		exit(NATIVE_UNFIT);
	snprintf(text, sizeof(text), "a worker is gone, with status 0x%x", (unsigned)status);
	tally_finding(t, t->at[self], text);
	return true;
}

static unsigned
worker_of(const pid_t *workers, unsigned nr, pid_t pid)
{
	unsigned i = 0;

	while (i < nr && workers[i] != pid)
		i++;
	return i;
}

/* reap - who is gone; those that were lost are replaced. Gives how many have finished. */
static unsigned
reap(struct tally *t, const struct options *options, pid_t *workers)
{
	unsigned finished = 0;
	int	 status;
	pid_t	 pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		unsigned self = worker_of(workers, options->jobs, pid);

		if (self == options->jobs)
			continue;
		if (is_lost(t, self, status) && !options->only && t->nr_findings < MOST_FINDINGS)
			workers[self] = start_worker(t, options, self);
		else
			finished++;
	}
	return finished;
}

static uint64_t
seconds_since(time_t began)
{
	return (uint64_t)(time(NULL) - began);
}

/* run_all - until the last worker has finished. */
static void
run_all(struct tally *t, const struct options *options, time_t began)
{
	const struct timespec patience = { .tv_sec = 1 };
	pid_t		      workers[MAX_WORKERS];
	unsigned	      finished = 0;
	uint64_t	      told = 0;
	sigset_t	      child;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	for (unsigned i = 0; i < options->jobs; i++)
		workers[i] = start_worker(t, options, i);
	while (finished < options->jobs) {
		uint64_t now = seconds_since(began);

		sigtimedwait(&child, NULL, &patience);
		finished += reap(t, options, workers);
		if (!options->progress || now < told + PROGRESS_SECONDS)
			continue;
		told = now;
		tally_progress(t, options->ops, now);
	}
}

/* tell_results - a line for each theme; gives how many failed. */
static unsigned
tell_results(const struct tally *t, const struct options *options)
{
	unsigned nr = 0, failed = 0;

	for (unsigned i = 0; i < nr_themes; i++) {
		bool good = t->themes[i].found == 0;

		if (!is_asked_for(options, i))
			continue;
		printf("%sok %u - %s\n", good ? "" : "not ", ++nr, themes[i].name);
		failed += !good;
	}
	if (!options->theme) {
		printf("%sok %u - a mistake is noticed\n", t->is_blind ? "not " : "", ++nr);
		failed += t->is_blind;
	}
	printf("1..%u\n", nr);
	return nr == 0 ? 1 : failed;
}

int
main(int argc, char **argv)
{
	struct options options = parse(argc, argv);
	time_t	       began = time(NULL);
	struct tally  *t;

	if (options.known) {
		known_table(stdout);
		return 0;
	}
	if (!options.agent) {
		fprintf(stderr, "usage: linux AGENT [--seed N] [--ops N] [--theme NAME] [--jobs N] "
				"[--only] [--tell] [--trace] [--progress] [--known]\n");
		return 2;
	}
	if (!options.seed)
		options.seed = test_seed(1);
	fflush(stdout);
	t = tally_make(options.seed);
	t->is_blind = true;
	run_all(t, &options, began);
	tally_print(t, seconds_since(began));
	return tell_results(t, &options) != 0;
}
