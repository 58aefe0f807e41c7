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
	run_print(r, "  %-46s %12llu\n", text, (unsigned long long)value);
}

static void
stat_row(struct run *r, const char *text, enum stat stat)
{
	row(r, text, stat_get(stat) - r->stats_start[stat]);
}

static void
pair_row(struct run *r, const char *text, uint64_t equal, uint64_t all)
{
	run_print(r, "  %-46s %12llu of %llu\n", text, (unsigned long long)equal,
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

static void
print_faults(struct run *r)
{
	static const enum stat faults[] = {
		STAT_FAULT_ZERO_READ, STAT_FAULT_ZERO_FILL, STAT_FAULT_OBJECT,	 STAT_FAULT_COPY,
		STAT_FAULT_REUSE,     STAT_FAULT_UPGRADE,   STAT_FAULT_SPURIOUS, STAT_FAULT_STACK,
		STAT_FAULT_MAPERR,    STAT_FAULT_ACCERR,    STAT_FAULT_BUSERR,	 STAT_FAULT_NOMEM,
	};

	run_print(r, "faults\n");
	for (unsigned i = 0; i < ARRAY_SIZE(faults); i++)
		stat_row(r, stat_text(faults[i]), faults[i]);
}

static void
print_sharing(struct run *r)
{
	run_print(r, "sharing\n");
	stat_row(r, "pages copied", STAT_PAGE_COPIES);
	stat_row(r, "pages reused", STAT_FAULT_REUSE);
	stat_row(r, stat_text(STAT_TABLE_SHARES), STAT_TABLE_SHARES);
	stat_row(r, stat_text(STAT_TABLE_SPLITS), STAT_TABLE_SPLITS);
	stat_row(r, stat_text(STAT_TABLE_RECLAIMS), STAT_TABLE_RECLAIMS);
	stat_row(r, stat_text(STAT_SHOOTDOWNS), STAT_SHOOTDOWNS);
	stat_row(r, stat_text(STAT_SHOOTDOWN_IPIS), STAT_SHOOTDOWN_IPIS);
	row(r, "frames in use at once, at most", r->peak_frames);
}

void
report_print(struct run *r)
{
	const struct scenario_result *result = r->result;

	print_processes(r);
	print_faults(r);
	print_sharing(r);
	run_print(r, "compared\n");
	row(r, "statements", result->statements);
	pair_row(r, "results equal", result->calls_equal, result->calls);
	pair_row(r, "maps equal", result->maps_equal, result->maps);
	row(r, "pages touched", result->touches);
	pair_row(r, "pages present as expected", result->present_equal, result->present);
}
