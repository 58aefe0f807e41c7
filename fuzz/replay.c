/*
 * replay.c - runs a fuzz target on given files, without a fuzzing engine.
 *
 * Arguments are files, or folders whose files are all taken, in order of name. Each
 * file is one test case (TAP); a target reports an error by ending the process, so the
 * last line "# file" names the culprit.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static unsigned nr_run;

static void
die(const char *what, const char *path)
{
	printf("Bail out! %s: %s\n", path, what);
	exit(1);
}

static void
replay_file(const char *path)
{
	FILE	*file = fopen(path, "rb");
	uint8_t *data = NULL;
	size_t	 bytes = 0;
	size_t	 room = 0;

	if (!file)
		die("cannot be opened", path);
	do {
		if (bytes == room) {
			room = room ? 2 * room : 4096;
			data = realloc(data, room);
			if (!data)
				die("too large", path);
		}
		bytes += fread(data + bytes, 1, room - bytes, file);
	} while (!feof(file) && !ferror(file));
	if (ferror(file))
		die("cannot be read", path);
	fclose(file);

	printf("# %s\n", path);
	fflush(stdout);
	LLVMFuzzerTestOneInput(data, bytes);
	printf("ok %u\n", ++nr_run);
	free(data);
}

static int
is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void
replay(const char *path)
{
	struct dirent **entries;
	struct stat	status;
	int		nr;

	if (stat(path, &status) != 0)
		die("does not exist", path);
	if (!S_ISDIR(status.st_mode)) {
		replay_file(path);
		return;
	}
	nr = scandir(path, &entries, is_visible, alphasort);
	if (nr < 0)
		die("cannot be listed", path);
	for (int i = 0; i < nr; i++) {
		char name[4096];

		snprintf(name, sizeof(name), "%s/%s", path, entries[i]->d_name);
		replay(name);
		free(entries[i]);
	}
	free(entries);
}

int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		replay(argv[i]);
	if (nr_run == 0)
		die("no input to replay", argc > 1 ? argv[1] : "(no argument)");
	printf("1..%u\n", nr_run);
	return 0;
}
