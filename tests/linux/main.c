/*
 * main.c - random sequences of operations on Linux and on the library, side by side.
 *
 *	linux AGENT [--seed N] [--ops N[K|M]] [--theme NAME] [--only] [--tell] [--trace] [--progress]
 *
 * Each theme runs its share of the operations, in sequences that begin with seed, seed + 1, ...
 * (--only: one sequence). A difference that is not known is cut down and printed as
 * a scenario, with the command that finds it again. --tell: every sequence is. --known: only
 * prints the list of differences that are known.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../harness.h"
#include "known.h"
#include "pair.h"
#include "pick.h"
#include "shrink.h"
#include "tell.h"

#define USUAL_OPS 100000
#define FEW_OPS	  10 /* that a cut-down sequence may have */

struct options {
	const char *agent;
	const char *theme;
	uint64_t    seed, ops;
	bool	    only, trace, tell, progress, known;
};

struct totals {
	uint64_t ops, sequences, failed, known;
	uint64_t by_kind[OP_KINDS], errors[OP_KINDS];
};

static struct op sequence[MAX_OPS];

static uint64_t
number(const char *text)
{
	char	*end;
	uint64_t value = strtoull(text, &end, 0);

	return value * (*end == 'K' ? 1000 : *end == 'M' ? 1000000 : 1);
}

static struct options
parse(int argc, char **argv)
{
	struct options options = { .ops = USUAL_OPS };

	for (int i = 1; i < argc; i++) {
		const char *next = i + 1 < argc ? argv[i + 1] : "";

		if (strcmp(argv[i], "--seed") == 0)
			options.seed = number(next), i++;
		else if (strcmp(argv[i], "--ops") == 0)
			options.ops = number(next), i++;
		else if (strcmp(argv[i], "--theme") == 0)
			options.theme = next, i++;
		else if (strcmp(argv[i], "--only") == 0)
			options.only = true;
		else if (strcmp(argv[i], "--trace") == 0)
			options.trace = true;
		else if (strcmp(argv[i], "--known") == 0)
			options.known = true;
		else if (strcmp(argv[i], "--tell") == 0)
			options.tell = true;
		else if (strcmp(argv[i], "--progress") == 0)
			options.progress = true;
		else
			options.agent = argv[i];
	}
	return options;
}

static void
count(struct totals *totals, const struct op *op, const struct verdict *verdict)
{
	totals->ops++;
	totals->by_kind[op->kind]++;
	totals->errors[op->kind] += verdict->linux_says.value < 0 || verdict->linux_says.signal;
}

/* run - one sequence as it is made up; gives its length. false: it differs. */
static bool
run(const struct theme *theme, uint64_t seed, const struct options *options, struct setup *setup,
    unsigned *nr, struct verdict *verdict, struct totals *totals)
{
	struct picker picker;
	struct op     last[3 * MAX_PROCESSES];
	unsigned      length, nr_last;
	bool	      same = true;

	pick_begin(&picker, theme, seed, setup, &length);
	pair_begin(setup);
	*verdict = (struct verdict){ 0 };
	for (*nr = 0; same && *nr < length; (*nr)++) {
		sequence[*nr] = pick_op(&picker);
		same = pair_step(*nr, &sequence[*nr], verdict);
		if (options->trace)
			tell_op(stdout, &sequence[*nr], &verdict->linux_says);
		count(totals, &sequence[*nr], verdict);
	}
	nr_last = same ? pick_last(&picker, last) : 0;
	for (unsigned i = 0; same && i < nr_last; i++, (*nr)++) {
		sequence[*nr] = last[i];
		same = pair_step(*nr, &sequence[*nr], verdict);
		count(totals, &sequence[*nr], verdict);
	}
	return pair_end(*nr, verdict) && same;
}

static void
report(const struct theme *theme, uint64_t seed, struct setup *setup, unsigned nr,
       const struct verdict *verdict)
{
	struct verdict last = *verdict;

	printf("# %s, seed %" PRIu64 ", operation %u of %u: %s\n", theme->name, seed, verdict->step,
	       nr, verdict->text);
	fflush(stdout);
	nr = shrink(setup, sequence, nr, &last);
	printf("# cut down to %u operations: %s\n", nr, last.text);
	tell_scenario(stdout, setup, sequence, nr, &last);
	printf("# to repeat: ./dev linux --theme %s --seed %" PRIu64 " --only\n", theme->name,
	       seed);
	fflush(stdout);
}

static void
run_theme(const struct theme *theme, uint64_t ops, const struct options *options,
	  struct totals *totals)
{
	uint64_t began = totals->ops;
	time_t	 told = time(NULL);
	uint64_t seed = options->seed;

	do {
		struct setup   setup = { 0 };
		struct verdict verdict;
		unsigned       nr;

		if (!run(theme, seed, options, &setup, &nr, &verdict, totals)) {
			totals->known += verdict.known != NULL;
			totals->failed += verdict.known == NULL;
			if (!verdict.known)
				report(theme, seed, &setup, nr, &verdict);
		}
		if (options->tell)
			tell_scenario(stdout, &setup, sequence, nr, &verdict);
		totals->sequences++;
		seed++;
		if (options->progress && time(NULL) >= told + 10) {
			told = time(NULL);
			printf("# %s: %" PRIu64 " operations, seed %" PRIu64 ", %" PRIu64
			       " known differences, %" PRIu64 " others\n",
			       theme->name, totals->ops, seed, totals->known, totals->failed);
			fflush(stdout);
		}
	} while (!options->only && totals->ops - began < ops && totals->failed < 5);
}

/* notices - a mistake is found, and what is left of the sequence shows little else. */
static bool
notices(const struct options *options)
{
	struct totals totals = { 0 };

	for (uint64_t seed = options->seed; seed < options->seed + 20; seed++) {
		struct setup   setup = { .is_wrong = true };
		struct verdict verdict;
		unsigned       nr;

		if (run(&themes[0], seed, options, &setup, &nr, &verdict, &totals) || verdict.known)
			continue;
		nr = shrink(&setup, sequence, nr, &verdict);
		printf("# cut down to %u operations: %s\n", nr, verdict.text);
		return nr <= FEW_OPS;
	}
	return false;
}

static void
print_totals(const struct totals *totals)
{
	printf("# %" PRIu64 " operations in %" PRIu64 " sequences, %" PRIu64
	       " of them ended by a known difference\n",
	       totals->ops, totals->sequences, totals->known);
	for (unsigned i = 0; i < OP_KINDS; i++)
		printf("#   %-9s %8" PRIu64 ", refused %" PRIu64 "\n", op_traits[i].name,
		       totals->by_kind[i], totals->errors[i]);
}

int
main(int argc, char **argv)
{
	struct options options = parse(argc, argv);
	struct totals  totals = { 0 };
	unsigned       nr = 0, failed = 0;

	if (options.known) {
		known_table(stdout);
		return 0;
	}
	if (!options.agent) {
		fprintf(stderr, "usage: linux AGENT [--seed N] [--ops N] [--theme NAME] [--only] "
				"[--tell] [--trace] [--progress]\n");
		return 2;
	}
	if (!options.seed)
		options.seed = test_seed(1);
	linux_open(options.agent);
	library_open();
	for (unsigned i = 0; i < nr_themes; i++) {
		uint64_t before = totals.failed;

		if (options.theme && strcmp(options.theme, themes[i].name) != 0)
			continue;
		run_theme(&themes[i], options.theme ? options.ops : options.ops / nr_themes + 1,
			  &options, &totals);
		printf("%sok %u - %s\n", totals.failed == before ? "" : "not ", ++nr,
		       themes[i].name);
		failed += totals.failed != before;
	}
	if (!options.theme) {
		bool good = notices(&options);

		printf("%sok %u - a mistake is noticed\n", good ? "" : "not ", ++nr);
		failed += !good;
	}
	print_totals(&totals);
	known_print(stdout);
	printf("1..%u\n", nr);
	return failed || !nr;
}
