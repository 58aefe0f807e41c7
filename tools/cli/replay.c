/*
 * replay.c - many recordings, one after the other, and a table of what was equal.
 *
 * A recording that ends with a difference is told below its row. The time is that of
 * this program on its processor, import and checks included.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/run.h"

/* What a run printed last: the line that tells how it ended. */
struct last_line {
	char   text[1024];
	size_t bytes;
	bool   ended;
};

static void
keep_last(void *ctx, const char *text, size_t bytes)
{
	struct last_line *last = ctx;

	for (size_t i = 0; i < bytes; i++) {
		if (last->ended)
			last->bytes = 0;
		last->ended = text[i] == '\n';
		if (!last->ended && last->bytes + 1 < sizeof(last->text))
			last->text[last->bytes++] = text[i];
	}
	last->text[last->bytes] = 0;
}

static double
seconds_used(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* How the replays went, all together. */
struct totals {
	uint64_t good, all;
	uint64_t calls_equal, calls, maps_equal, maps, sizes_equal, sizes, spaces_equal, spaces;
	uint64_t touches, pages;
	double	 seconds;
};

static void
add_result(struct totals *totals, const struct scenario_result *result)
{
	totals->calls += result->calls;
	totals->calls_equal += result->calls_equal;
	totals->maps += result->maps;
	totals->maps_equal += result->maps_equal;
	totals->sizes += result->rss;
	totals->sizes_equal += result->rss_equal;
	totals->spaces += result->spaces_resident;
	totals->spaces_equal += result->spaces_equal;
	totals->touches += result->touches;
	totals->pages += result->present;
}

static void
print_row(const char *name, const struct totals *t, const char *ending)
{
	printf("%-20s %6llu/%-6llu %4llu/%-4llu %6llu/%-6llu %4llu/%-4llu %8llu %8llu %8.2f  %s\n",
	       name, (unsigned long long)t->calls_equal, (unsigned long long)t->calls,
	       (unsigned long long)t->maps_equal, (unsigned long long)t->maps,
	       (unsigned long long)t->sizes_equal, (unsigned long long)t->sizes,
	       (unsigned long long)t->spaces_equal, (unsigned long long)t->spaces,
	       (unsigned long long)t->touches, (unsigned long long)t->pages, t->seconds, ending);
	fflush(stdout);
}

static int
replay_one(const char *path, enum scenario_check check, struct totals *sum)
{
	struct last_line       last = { .ended = true };
	struct scenario_config config = { .check = check, .write = keep_last, .write_ctx = &last };
	struct scenario_result result = { 0 };
	struct totals	       row = { 0 };
	struct text	       text = { 0 };
	char		       name[256];
	double		       began = seconds_used();
	int		       code;

	sum->all++;
	if (!scenario_load(path, &text, name, sizeof(name)))
		return SCENARIO_EXIT_WRONG;
	config.name = name;
	config.text = text.at;
	config.bytes = text.bytes;
	code = scenario_on_sim(&config, &result);
	text_free(&text);
	row.seconds = seconds_used() - began;
	add_result(&row, &result);
	print_row(name, &row, scenario_outcome_name(result.outcome));
	add_result(sum, &result);
	sum->seconds += row.seconds;
	sum->good += result.outcome == SCENARIO_OK;
	if (result.outcome != SCENARIO_OK || result.cut[0])
		printf("    %s\n", last.text);
	return code;
}

int
replay_all(int argc, char **argv)
{
	enum scenario_check check = SCENARIO_CHECK_END;
	struct totals	    sum = { 0 };
	char		    ending[64];
	int		    worst = SCENARIO_EXIT_GOOD;

	printf("%-20s %13s %9s %13s %9s %8s %8s %8s  %s\n", "recording", "results equal", "maps",
	       "region sizes", "all pages", "touched", "compared", "seconds", "ends");
	for (int i = 0; i < argc; i++) {
		int code;

		if (strncmp(argv[i], "--check=", 8) == 0) {
			if (!scenario_check_of(argv[i] + 8, &check))
				return SCENARIO_EXIT_WRONG;
			continue;
		}
		code = replay_one(argv[i], check, &sum);
		if (worst == SCENARIO_EXIT_GOOD)
			worst = code;
	}
	snprintf(ending, sizeof(ending), "%llu of %llu ok", (unsigned long long)sum.good,
		 (unsigned long long)sum.all);
	print_row("all", &sum, ending);
	return worst;
}
