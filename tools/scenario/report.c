/*
 * report.c - the table at the end of a run. No time, no address, no frame number:
 * the same text on every machine of the same geometry.
 */
#include "scenario/run.h"

void
report_start(struct run *r)
{
	for (unsigned i = 0; i < STAT_NR; i++) {
		r->stats_start[i] = stat_get((enum stat)i);
		r->stats_count[i] = r->stats_start[i];
	}
	r->frames_start = frame_totals();
}

static void
row(struct run *r, const char *text, uint64_t value)
{
	run_print(r, "  %-42s %10llu\n", text, (unsigned long long)value);
}

static void
pair_row(struct run *r, const char *text, uint64_t equal, uint64_t all)
{
	run_print(r, "  %-42s %10llu of %llu\n", text, (unsigned long long)equal,
		  (unsigned long long)all);
}

static void
print_processes(struct run *r)
{
	run_print(r, "processes\n");
	row(r, "spawned", r->nr_spawned);
	row(r, "forked", r->nr_forks);
	row(r, "vforked", r->nr_vforks);
	row(r, "threads", r->nr_threads);
	row(r, "images executed", r->nr_execs);
	row(r, "exited", r->nr_exits);
	row(r, "alive at once, at most", r->most_alive);
}

/* A line of the table that is a counter. */
struct counted {
	enum stat   stat;
	const char *text;
};

static void
print_counted(struct run *r, const char *title, const struct counted *rows, unsigned nr)
{
	run_print(r, "%s\n", title);
	for (unsigned i = 0; i < nr; i++)
		row(r, rows[i].text, stat_get(rows[i].stat) - r->stats_start[rows[i].stat]);
}

static const struct counted fault_rows[] = {
	{ STAT_FAULT_ZERO_READ, "zero page mapped on a read" },
	{ STAT_FAULT_ZERO_FILL, "fresh page on a write" },
	{ STAT_FAULT_OBJECT, "page of a file or shared memory mapped" },
	{ STAT_FAULT_COPY, "page copied on a write" },
	{ STAT_FAULT_REUSE, "page reused by its last owner" },
	{ STAT_FAULT_UPGRADE, "write allowed without touching the page" },
	{ STAT_FAULT_SPURIOUS, "nothing to do" },
	{ STAT_FAULT_STACK, "stack grown" },
	{ STAT_FAULT_MAPERR, "signal: no region, or a guard" },
	{ STAT_FAULT_ACCERR, "signal: protection" },
	{ STAT_FAULT_BUSERR, "signal: beyond the file" },
	{ STAT_FAULT_NOMEM, "out of memory" },
};

static const struct counted sharing_rows[] = {
	{ STAT_PAGE_COPIES, "pages copied" },
	{ STAT_FAULT_REUSE, "pages reused" },
	{ STAT_TABLE_SHARES, "tables shared by fork" },
	{ STAT_TABLE_SPLITS, "tables split for a writer" },
	{ STAT_TABLE_RECLAIMS, "tables taken over by their last owner" },
	{ STAT_SHOOTDOWNS, "shootdowns" },
	{ STAT_SHOOTDOWN_IPIS, "CPUs interrupted by them" },
};

/* With page-out at work they depend on what each machine has cached, and when. */
static void
print_costs(struct run *r)
{
	print_counted(r, "faults", fault_rows, ARRAY_SIZE(fault_rows));
	print_counted(r, "sharing", sharing_rows, ARRAY_SIZE(sharing_rows));
	row(r, "frames in use at once, at most", r->peak_frames);
}

void
report_print(struct run *r)
{
	const struct scenario_result *result = r->result;

	print_processes(r);
	if (!r->swaps)
		print_costs(r);
	run_print(r, "compared\n");
	row(r, "statements", result->statements);
	pair_row(r, "results equal", result->calls_equal, result->calls);
	pair_row(r, "maps equal", result->maps_equal, result->maps);
	if (result->rss)
		pair_row(r, "resident sizes equal", result->rss_equal, result->rss);
	row(r, "pages touched", result->touches);
	pair_row(r, "pages present as expected", result->present_equal, result->present);
	if (result->spaces_resident == 0)
		return;
	pair_row(r, "spaces with no page besides these", result->spaces_equal,
		 result->spaces_resident);
	row(r, "pages there by rule, not in the recording", result->resident_also);
	row(r, "pages in the way of a call in flight", result->resident_open);
}
