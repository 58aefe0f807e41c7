/*
 * main.c - the command line: run a scenario or a recording on the simulated
 * machine, replay many recordings, or turn one into a scenario.
 *
 * Exit codes: 0 as it should be (also skipped), 1 something differs or is
 * broken, 2 the command or an input is wrong, 3 the scenario stopped itself.
 */
#include <stdio.h>
#include <string.h>

#include "cli/run.h"

/* What ./dev run replays when it is given nothing. */
static const char default_recording[] = "scenarios/recorded/redis-bgsave.tar.xz";

static int
usage(void)
{
	fputs("usage: anymm run [--check=step|end|none] [--keep-going] [FILE]\n"
	      "       anymm replay [--check=end|step|none] RECORDING...\n"
	      "       anymm import RECORDING [-o FILE]\n"
	      "\n"
	      "FILE is a scenario (*.vm) or a recording; without it, the recorded redis snapshot.\n"
	      "A recording is a folder with trace.strace, such a file, or NAME.tar.xz.\n",
	      stderr);
	return SCENARIO_EXIT_WRONG;
}

static void
write_stdout(void *ctx, const char *text, size_t bytes)
{
	(void)ctx;
	fwrite(text, 1, bytes, stdout);
}

static int
command_run(int argc, char **argv)
{
	struct scenario_config config = { .check = SCENARIO_CHECK_ALL, .write = write_stdout };
	struct scenario_result result;
	struct text	       text = { 0 };
	const char	      *path = NULL;
	char		       name[256];
	int		       code;

	for (int i = 0; i < argc; i++) {
		if (strncmp(argv[i], "--check=", 8) == 0) {
			if (!scenario_check_of(argv[i] + 8, &config.check))
				return usage();
		} else if (strcmp(argv[i], "--keep-going") == 0) {
			config.keep_going = true;
		} else if (argv[i][0] == '-' || path) {
			return usage();
		} else {
			path = argv[i];
		}
	}
	if (!scenario_load(path ? path : default_recording, &text, name, sizeof(name)))
		return SCENARIO_EXIT_WRONG;
	config.name = name;
	config.text = text.at;
	config.bytes = text.bytes;
	code = scenario_on_sim(&config, &result);
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
	good = scenario_import(path, &text, name, sizeof(name)) && write_file_text(out, &text);
	text_free(&text);
	return good ? 0 : SCENARIO_EXIT_WRONG;
}

int
main(int argc, char **argv)
{
	if (argc >= 2 && strcmp(argv[1], "run") == 0)
		return command_run(argc - 2, argv + 2);
	if (argc >= 3 && strcmp(argv[1], "replay") == 0)
		return replay_all(argc - 2, argv + 2);
	if (argc >= 2 && strcmp(argv[1], "import") == 0)
		return command_import(argc - 2, argv + 2);
	return usage();
}
