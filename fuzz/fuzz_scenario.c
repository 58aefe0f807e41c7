/*
 * fuzz_scenario.c - any text as a scenario.
 *
 * The text is run as it stands, line by line, so that what follows a mistake does not
 * hide what comes before it. Whatever it says, the interpreter must come to an end; the
 * library must keep every invariant and get all its memory back. An input that breaks
 * that is itself the scenario which shows it: `anymm run FILE`.
 */
#include <stdio.h>
#include <stdlib.h>

#include <sim/sim.h>

#include "scenario/scenario.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

#define TEXT_MAX   4096
#define WORK_LIMIT 2000

static _Alignas(64) char arena[1 << 18];

static void
discard(void *ctx, const char *text, size_t bytes)
{
	(void)ctx;
	(void)text;
	(void)bytes;
}

static void
start_machine(void)
{
	static const struct sim_config config = { .nr_cpus = 2, .nr_frames = 2048 };

	if (!sim_start(&config) || anymm_init(sim_boot_map()) != OK)
		abort();
	sim_snapshot();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct scenario_config config = {
		.name = "input",
		.text = (const char *)data,
		.bytes = bytes,
		.arena = arena,
		.arena_bytes = sizeof(arena),
		.check = SCENARIO_CHECK_END,
		.unparsed = true,
		.work_limit = WORK_LIMIT,
		.write = discard,
	};
	static bool	       started;
	struct scenario_result result;

	if (bytes > TEXT_MAX)
		return 0;
	if (!started)
		start_machine();
	else
		sim_reset();
	started = true;
	if (scenario_run(&config, &result) != SCENARIO_BROKEN)
		return 0;
	fprintf(stderr, "FAILED input:%u: %s\n", result.line, result.text);
	abort();
}
