/*
 * fuzz_import.c - any text as a recording.
 *
 * A line "@@@ NAME" begins the file of that name; what stands before the first such
 * line is trace.strace. Whatever the files hold, the importer either names the place of
 * the mistake or gives a scenario, and the scenario's grammar must be right.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import/import.h"
#include "scenario/scenario.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

#define TEXT_MAX 20000

static _Alignas(64) char arena[1 << 16];

static void
discard(void *ctx, const char *text, size_t bytes)
{
	(void)ctx;
	(void)text;
	(void)bytes;
}

/* The lines between this file's "@@@ NAME" and the next one. */
static bool
read_part(void *ctx, const char *name, struct slice *text)
{
	struct slice rest = *(const struct slice *)ctx;
	struct slice line;
	bool	     inside = strcmp(name, "trace.strace") == 0;

	*text = (struct slice){ rest.at, 0 };
	while (slice_line(&rest, &line)) {
		bool begins = slice_take(&line, "@@@ ");

		if (begins && inside)
			return true;
		if (begins && slice_is(line, name)) {
			inside = true;
			*text = (struct slice){ rest.at, 0 };
		} else if (inside) {
			text->bytes = (size_t)(rest.at - text->at);
		}
	}
	return inside;
}

/* The grammar of what was imported; the machine is not asked. */
static void
check_grammar(const struct text *text)
{
	struct scenario_config config = {
		.name = "imported",
		.text = text->at,
		.bytes = text->bytes,
		.arena = arena,
		.arena_bytes = sizeof(arena),
		.parse_only = true,
		.write = discard,
	};
	struct scenario_result result;

	if (scenario_run(&config, &result) == SCENARIO_OK)
		return;
	fwrite(text->at, 1, text->bytes, stderr);
	fprintf(stderr, "FAILED imported:%u:%u: %s\n", result.line, result.column, result.text);
	abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct slice	     whole = { (const char *)data, bytes };
	struct import_source source = { .ctx = &whole, .read = read_part };
	struct import_error  error;
	struct text	     out = { 0 };

	if (bytes > TEXT_MAX)
		return 0;
	if (import_recording(&source, "input", &out, &error)) {
		check_grammar(&out);
	} else if (error.file[0] == 0 || error.text[0] == 0) {
		fprintf(stderr, "FAILED: an error without a place or a text\n");
		abort();
	}
	text_free(&out);
	return 0;
}
