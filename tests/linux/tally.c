/*
 * tally.c - counting a run, and telling of it.
 */
#define _GNU_SOURCE
#include "tally.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "native.h"

struct tally *
tally_make(uint64_t first_seed)
{
	struct tally *t =
		mmap(NULL, sizeof(*t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (t == MAP_FAILED)
		native_fail("no shared memory");
	for (unsigned i = 0; i < MAX_THEMES; i++)
		t->themes[i].next_seed = first_seed;
	return t;
}

void
tally_op(struct tally *t, unsigned theme, enum op_kind kind, bool refused)
{
	t->themes[theme].ops++;
	t->by_kind[kind]++;
	t->refused[kind] += refused;
}

void
tally_finding(struct tally *t, struct sequence_id id, const char *text)
{
	unsigned i = t->nr_findings++;

	t->themes[id.theme].found++;
	if (i >= MOST_FINDINGS)
		return;
	t->findings[i].id = id;
	snprintf(t->findings[i].text, sizeof(t->findings[i].text), "%s", text);
}

uint64_t
tally_ops(const struct tally *t)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < nr_themes; i++)
		sum += t->themes[i].ops;
	return sum;
}

void
tally_progress(const struct tally *t, uint64_t wanted, uint64_t seconds)
{
	uint64_t ops = tally_ops(t), ended = 0;

	for (unsigned i = 0; i < nr_themes; i++)
		ended += t->themes[i].known;
	printf("# %" PRIu64 " of %" PRIu64 " operations in %" PRIu64 " s, %" PRIu64
	       " sequences ended by known differences, %u by others; next seeds:",
	       ops, wanted, seconds, ended, t->nr_findings);
	for (unsigned i = 0; i < nr_themes; i++)
		if (t->themes[i].ops)
			printf(" %s %" PRIu64, themes[i].name, t->themes[i].next_seed);
	printf("\n");
	fflush(stdout);
}

static void
print_themes(const struct tally *t)
{
	struct theme_tally sum = { 0 };

	printf("# theme      operations  sequences  known  unexplained\n");
	for (unsigned i = 0; i < nr_themes; i++) {
		const struct theme_tally *theme = &t->themes[i];

		printf("# %-9s %11" PRIu64 " %10" PRIu64 " %6" PRIu64 " %12" PRIu64 "\n",
		       themes[i].name, theme->ops, theme->sequences, theme->known, theme->found);
		sum.ops += theme->ops;
		sum.sequences += theme->sequences;
		sum.known += theme->known;
		sum.found += theme->found;
	}
	printf("# %-9s %11" PRIu64 " %10" PRIu64 " %6" PRIu64 " %12" PRIu64 "\n", "all", sum.ops,
	       sum.sequences, sum.known, sum.found);
}

static void
print_findings(const struct tally *t)
{
	for (unsigned i = 0; i < t->nr_findings && i < MOST_FINDINGS; i++) {
		const struct finding *f = &t->findings[i];

		printf("# unexplained: %s\n#   ./dev linux --theme %s --seed %" PRIu64 " --only\n",
		       f->text, themes[f->id.theme].name, f->id.seed);
	}
}

void
tally_print(const struct tally *t, uint64_t seconds)
{
	print_themes(t);
	for (unsigned i = 0; i < OP_KINDS; i++)
		printf("#   %-10s %9" PRIu64 ", refused %" PRIu64 "\n", op_traits[i].name,
		       t->by_kind[i], t->refused[i]);
	known_print(stdout, t->met);
	print_findings(t);
	printf("# %" PRIu64 " seconds\n", seconds);
}
