/*
 * harness.c - machines, expectations and seeds for tests; see harness.h.
 *
 * The only part of the tests that knows how a machine is started, so tests stay
 * the same on another machine.
 */
#include "harness.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <anymm/check.h>
#include <anymm/frame.h>
#include <anymm/process.h>

static bool		   machine_runs;
static struct frame_totals totals_fresh;

static const char *const kind_names[FRAME_KINDS] = {
	[FRAME_RESERVED] = "reserved", [FRAME_FREE] = "free",	  [FRAME_TABLE] = "table",
	[FRAME_ANON] = "anonymous",    [FRAME_OBJECT] = "object", [FRAME_KERNEL] = "kernel",
};

void
machine_fresh_with(const struct machine_config *config)
{
	if (machine_runs)
		machine_stop();
	machine_runs = machine_start(config);
	if (!machine_runs)
		fail_msg("machine_start failed");
	EXPECT_OK(anymm_init(machine_boot_map()));
	machine_rebase();
}

void
machine_fresh(void)
{
	machine_fresh_with(&(struct machine_config){ .nr_frames = 8192 });
}

void
machine_rebase(void)
{
	anymm_drain();
	totals_fresh = frame_totals();
}

void
machine_check_invariants(void)
{
	struct check_report report;

	if (!check_all(&report))
		fail_msg("%s: %s", invariant_name(report.broken), report.text);
}

void
machine_check(void)
{
	struct frame_totals now;

	machine_check_invariants();
	anymm_drain();
	now = frame_totals();
	for (unsigned kind = 0; kind < FRAME_KINDS; kind++) {
		if (now.by_kind[kind] != totals_fresh.by_kind[kind])
			fail_msg("%s frames: %" PRIu64 " at the start, %" PRIu64 " at the end",
				 kind_names[kind], totals_fresh.by_kind[kind], now.by_kind[kind]);
	}
}
