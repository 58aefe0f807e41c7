/*
 * main.c - the command line: run a scenario or a recording on the simulated
 * machine, or turn a recording into a scenario.
 *
 * Exit codes: 0 as it should be (also skipped), 1 something differs or is
 * broken, 2 the command or an input is wrong, 3 the scenario stopped itself.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sim/sim.h>

#include "cli/recording.h"
#include "scenario/scenario.h"

#define ARENA_BYTES  ((size_t)16 << 20)
#define FRAMES_LEAST 65536

/* What ./dev run replays when it is given nothing. */
static const char default_recording[] = "scenarios/recorded/redis-bgsave.tar.xz";

static int
usage(void)
{
	fputs("usage: anymm run [--check=step|end|none] [--keep-going] [FILE]\n"
	      "       anymm import RECORDING [-o FILE]\n"
	      "\n"
	      "FILE is a scenario (*.vm) or a recording; without it, the recorded redis snapshot.\n"
	      "A recording is a folder with trace.strace, such a file, or NAME.tar.xz.\n",
	      stderr);
	return SCENARIO_EXIT_WRONG;
}

static bool
import_path(const char *path, struct text *out, char *name, size_t bytes)
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

/* The scenario's text: read, or imported. */
static bool
load(const char *path, struct text *text, char *name, size_t bytes)
{
	if (path_is_recording(path))
		return import_path(path, text, name, bytes);
	snprintf(name, bytes, "%s", path);
	if (file_read(path, text))
		return true;
	fprintf(stderr, "anymm: %s: there is no such file, or it cannot be read\n", path);
	return false;
}

static void
write_stdout(void *ctx, const char *text, size_t bytes)
{
	(void)ctx;
	fwrite(text, 1, bytes, stdout);
}

static bool
start_machine(const struct scenario_machine *machine)
{
	struct sim_config config = {
		.nr_cpus = machine->cpus ? machine->cpus : 1,
		.nr_frames = machine->frames > FRAMES_LEAST ? machine->frames : FRAMES_LEAST,
		.seed = machine->seed,
	};

	return sim_start(&config) && anymm_init(sim_boot_map()) == OK;
}

static int
run_text(const struct text *text, struct scenario_config *config)
{
	struct scenario_machine machine;
	struct scenario_result	result;
	int			code;

	config->text = text->at ? text->at : "";
	config->bytes = text->bytes;
	config->arena = malloc(ARENA_BYTES);
	config->arena_bytes = ARENA_BYTES;
	config->write = write_stdout;
	if (!config->arena) {
		fputs("anymm: out of memory\n", stderr);
		return SCENARIO_EXIT_WRONG;
	}
	if (!scenario_read_machine(config, &machine, &result)) {
		code = scenario_conclude(config, &result);
	} else if (!start_machine(&machine)) {
		code = SCENARIO_EXIT_WRONG;
	} else {
		scenario_run(config, &result);
		code = scenario_conclude(config, &result);
		sim_stop();
	}
	free(config->arena);
	return code;
}

static bool
check_mode(const char *word, enum scenario_check *check)
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

static int
command_run(int argc, char **argv)
{
	struct scenario_config config = { .check = SCENARIO_CHECK_ALL };
	struct text	       text = { 0 };
	const char	      *path = NULL;
	char		       name[256];
	int		       code;

	for (int i = 0; i < argc; i++) {
		if (strncmp(argv[i], "--check=", 8) == 0) {
			if (!check_mode(argv[i] + 8, &config.check))
				return usage();
		} else if (strcmp(argv[i], "--keep-going") == 0) {
			config.keep_going = true;
		} else if (argv[i][0] == '-' || path) {
			return usage();
		} else {
			path = argv[i];
		}
	}
	if (!load(path ? path : default_recording, &text, name, sizeof(name)))
		return SCENARIO_EXIT_WRONG;
	config.name = name;
	code = run_text(&text, &config);
	text_free(&text);
	return code;
}

static bool
write_file_text(const char *path, const struct text *text)
{
	FILE *file = path ? fopen(path, "wb") : stdout;
	bool  good = file && fwrite(text->at, 1, text->bytes, file) == text->bytes;

	if (file && (path ? fclose(file) : fflush(file)) != 0)
		good = false;
	if (!good)
		fprintf(stderr, "anymm: %s: cannot be written\n", path ? path : "standard output");
	return good;
}

static int
command_import(int argc, char **argv)
{
	struct text text = { 0 };
	const char *path = NULL;
	const char *out = NULL;
	char	    name[256];
	bool	    good;

	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "-o") == 0 && i + 1 < argc)
			out = argv[++i];
		else if (argv[i][0] == '-' || path)
			return usage();
		else
			path = argv[i];
	}
	if (!path)
		return usage();
	good = import_path(path, &text, name, sizeof(name)) && write_file_text(out, &text);
	text_free(&text);
	return good ? 0 : SCENARIO_EXIT_WRONG;
}

int
main(int argc, char **argv)
{
	if (argc >= 2 && strcmp(argv[1], "run") == 0)
		return command_run(argc - 2, argv + 2);
	if (argc >= 2 && strcmp(argv[1], "import") == 0)
		return command_import(argc - 2, argv + 2);
	return usage();
}
