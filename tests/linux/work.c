/*
 * work.c - sequences on Linux and on the library, side by side, and reports of those that differ.
 *
 * A report is made in memory and written as one piece, since other workers write to the same place.
 */
#define _GNU_SOURCE
#include "work.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pair.h"
#include "shrink.h"
#include "tell.h"

#define FEW_OPS	   10 /* that a cut-down sequence may have */
#define MOST_TOLD  20 /* differences that are cut down: it takes long */
#define MANY_SEEDS 20 /* until a mistake must have been noticed */

static struct op sequence[MAX_OPS];

bool
is_asked_for(const struct options *options, unsigned theme)
{
	return !options->theme || strcmp(options->theme, themes[theme].name) == 0;
}

/* begin - draws what the sequence begins with; gives the most operations of it. */
static unsigned
begin(struct picker *picker, struct sequence_id id, struct setup *setup)
{
	unsigned length;

	pick_begin(picker, &themes[id.theme], id.seed, setup, &length);
	pair_begin(setup);
	return length;
}

static bool
step(struct tally *t, struct sequence_id id, const struct options *options, unsigned nr,
     struct verdict *verdict)
{
	bool same = pair_step(nr, &sequence[nr], verdict);

	if (options->trace)
		tell_op(stdout, &sequence[nr], &verdict->linux_says);
	tally_op(t, id.theme, sequence[nr].kind,
		 verdict->linux_says.value < 0 || verdict->linux_says.signal);
	if (verdict->passed_over)
		t->met[verdict->passed_over - known]++;
	return same;
}

/* run - one sequence as it is made up; gives its length. false: it differs. */
static bool
run(struct tally *t, struct sequence_id id, const struct options *options, struct setup *setup,
    unsigned *nr, struct verdict *verdict)
{
	struct picker picker;
	struct op     last[3 * MAX_PROCESSES];
	unsigned      length = begin(&picker, id, setup), nr_last;
	bool	      same = true;

	*verdict = (struct verdict){ 0 };
	for (*nr = 0; same && *nr < length; (*nr)++) {
		sequence[*nr] = pick_op(&picker);
		same = step(t, id, options, *nr, verdict);
	}
	nr_last = same ? pick_last(&picker, last) : 0;
	for (unsigned i = 0; same && i < nr_last; i++, (*nr)++) {
		sequence[*nr] = last[i];
		same = step(t, id, options, *nr, verdict);
	}
	return pair_end(*nr, verdict) && same;
}

static void
cut_down(FILE *out, struct setup *setup, unsigned nr, const struct verdict *verdict)
{
	struct verdict last = *verdict;

	nr = shrink(setup, sequence, nr, &last);
	fprintf(out, "# cut down to %u operations: %s\n", nr, last.text);
	tell_scenario(out, setup, sequence, nr, &last);
}

static void
report(struct tally *t, struct sequence_id id, struct setup *setup, unsigned nr,
       const struct verdict *verdict)
{
	const char *theme = themes[id.theme].name;
	char	   *text;
	size_t	    bytes;
	FILE	   *out = open_memstream(&text, &bytes);

	fprintf(out, "# %s, seed %" PRIu64 ", operation %u of %u: %s\n", theme, id.seed,
		verdict->step, nr, verdict->text);
	if (t->nr_findings < MOST_TOLD)
		cut_down(out, setup, nr, verdict);
	fprintf(out, "# to repeat: ./dev linux --theme %s --seed %" PRIu64 " --only\n", theme,
		id.seed);
	fclose(out);
	fwrite(text, 1, bytes, stdout);
	fflush(stdout);
	free(text);
	tally_finding(t, id, verdict->text);
}

static void
do_sequence(struct tally *t, struct sequence_id id, const struct options *options)
{
	struct setup   setup = { 0 };
	struct verdict verdict;
	unsigned       nr;
	bool	       same = run(t, id, options, &setup, &nr, &verdict);

	if (options->tell)
		tell_scenario(stdout, &setup, sequence, nr, &verdict);
	if (!same && verdict.known) {
		t->themes[id.theme].known++;
		t->met[verdict.known - known]++;
	} else if (!same) {
		report(t, id, &setup, nr, &verdict);
	}
	t->themes[id.theme].sequences++;
}

static void
do_theme(struct tally *t, unsigned theme, const struct options *options, unsigned self)
{
	uint64_t share = options->theme ? options->ops : options->ops / nr_themes + 1;

	do {
		struct sequence_id id = { theme, t->themes[theme].next_seed++ };

		t->at[self] = id;
		do_sequence(t, id, options);
	} while (!options->only && t->themes[theme].ops < share && t->nr_findings < MOST_FINDINGS);
}

/* notices - a mistake is found, and what is left of the sequence shows little else. */
static bool
notices(struct tally *t, const struct options *options)
{
	for (unsigned i = 0; i < MANY_SEEDS; i++) {
		struct sequence_id id = { 0, options->seed + i };
		struct setup	   setup = { .is_wrong = true };
		struct verdict	   verdict;
		unsigned	   nr;

		if (run(t, id, options, &setup, &nr, &verdict) || verdict.known)
			continue;
		nr = shrink(&setup, sequence, nr, &verdict);
		printf("# a mistake, cut down to %u operations: %s\n", nr, verdict.text);
		fflush(stdout);
		return nr <= FEW_OPS;
	}
	return false;
}

void
work(struct tally *t, const struct options *options, unsigned self)
{
	linux_open(options->agent);
	library_open();
	for (unsigned theme = 0; theme < nr_themes; theme++)
		if (is_asked_for(options, theme))
			do_theme(t, theme, options, self);
	if (self == 0 && !options->theme)
		t->is_blind = !notices(t, options);
}
