/*
 * import.h - turns an strace recording of real programs into a scenario.
 *
 * A recording is a folder: trace.strace (the calls), touch.log (which pages
 * appeared between them), maps/ (what /proc showed at many moments) and
 * files.txt (sizes of the mapped files). docs/scenarios.md gives their format.
 *
 * The scenario starts each image from the snapshot taken at its exec, repeats
 * every call and touch in the recorded order with the recorded result, and
 * expects the recorded maps. A call that the library does not have yet ends it
 * with a stop statement naming call, file and line.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "import/text.h"

/* Where the files of a recording come from: a folder, or a fuzzer's input. */
struct import_source {
	void *ctx;
	/*
	 * read - the text of a file, by its name within the recording ("trace.strace",
	 * "maps/1-00002-exec.maps"); it stays valid. false: there is none.
	 */
	bool (*read)(void *ctx, const char *name, struct slice *text);
};

struct import_error {
	char	 file[96];
	unsigned line, column; /* 0: the file as a whole */
	char	 text[240];    /* what was expected */
};

/*
 * import_recording - append the scenario to *out. `name` names the recording in it.
 * false: a file is malformed; *error says where and what was expected.
 */
bool import_recording(const struct import_source *source, const char *name, struct text *out,
		      struct import_error *error);
