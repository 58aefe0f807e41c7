/*
 * run.c - a scenario or a recording, from its file to its end on a simulated machine made for it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sim/sim.h>

#include "cli/run.h"
#include "scenario/swap.h"

#define ARENA_BYTES  ((size_t)16 << 20)
#define FRAMES_LEAST 65536

bool
scenario_import(const char *path, struct text *out, char *name, size_t bytes)
{
	struct recording    *recording = recording_open(path);
	struct import_source source;
	struct import_error  error;
	bool		     good;

	if (!recording)
		return false;
	source = recording_source(recording);
	snprintf(name, bytes, "%s", recording_name(recording));
	good = import_recording(&source, name, out, &error);
	if (!good && error.line > 0)
		fprintf(stderr, "FAILED %s/%s:%u:%u: %s\n", path, error.file, error.line,
			error.column, error.text);
	else if (!good)
		fprintf(stderr, "FAILED %s/%s: %s\n", path, error.file, error.text);
	recording_close(recording);
	return good;
}

bool
scenario_load(const char *path, struct text *text, char *name, size_t bytes)
{
	if (path_is_recording(path))
		return scenario_import(path, text, name, bytes);
	snprintf(name, bytes, "%s", path);
	if (file_read(path, text))
		return true;
	fprintf(stderr, "anymm: %s: there is no such file, or it cannot be read\n", path);
	return false;
}

/* A machine has as much memory as most scenarios could want, or just as much as this one says. */
static uint64_t
frames_for(const struct scenario_machine *machine)
{
	if (machine->memory)
		return machine->memory;
	return machine->frames > FRAMES_LEAST ? machine->frames : FRAMES_LEAST;
}

static bool
start_machine(const struct scenario_machine *machine, void *swap)
{
	struct sim_config config = {
		.nr_cpus = machine->cpus ? machine->cpus : 1,
		.nr_nodes = machine->nodes,
		.nr_frames = frames_for(machine),
		.seed = machine->seed,
	};

	return sim_start(&config) && anymm_init(sim_boot_map()) == OK &&
	       (!swap || scenario_swap(swap, machine->swap) == OK);
}

/* The memory of the machine's swap device; NULL: it has none, or there is no memory. */
static void *
swap_memory(const struct scenario_machine *machine)
{
	return machine->swap ? malloc(machine->swap << ARCH_PAGE_SHIFT) : NULL;
}

/* gives how the program ends */
static int
run_on_machine(struct scenario_config *config, const struct scenario_machine *machine,
	       struct scenario_result *result)
{
	void *swap = swap_memory(machine);
	int   code = SCENARIO_EXIT_WRONG;

	if (start_machine(machine, swap)) {
		scenario_run(config, result);
		code = scenario_conclude(config, result);
		sim_stop();
	}
	free(swap);
	return code;
}

int
scenario_on_sim(struct scenario_config *config, struct scenario_result *result)
{
	struct scenario_machine machine;
	int			code;

	if (!config->text)
		config->text = "";
	config->arena = malloc(ARENA_BYTES);
	config->arena_bytes = ARENA_BYTES;
	if (!config->arena) {
		fputs("anymm: out of memory\n", stderr);
		return SCENARIO_EXIT_WRONG;
	}
	if (scenario_read_machine(config, &machine, result))
		code = run_on_machine(config, &machine, result);
	else
		code = scenario_conclude(config, result);
	free(config->arena);
	return code;
}

bool
scenario_check_of(const char *word, enum scenario_check *check)
{
	if (strcmp(word, "step") == 0)
		*check = SCENARIO_CHECK_ALL;
	else if (strcmp(word, "end") == 0)
		*check = SCENARIO_CHECK_END;
	else if (strcmp(word, "none") == 0)
		*check = SCENARIO_CHECK_NONE;
	else
		return false;
	return true;
}
