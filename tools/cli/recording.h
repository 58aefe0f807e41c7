/*
 * recording.h - the files of a recording, from a folder or a packed archive of one.
 */
#pragma once

#include "import/import.h"

struct recording;

/*
 * recording_open - a folder that holds trace.strace, such a file itself, or NAME.tar.xz.
 * NULL: a message is on stderr.
 */
struct recording *recording_open(const char *path);
void		  recording_close(struct recording *recording);

/* recording_source - for import_recording; valid until the recording is closed. */
struct import_source recording_source(struct recording *recording);

/* recording_name - the name of the folder or archive, without its ending. */
const char *recording_name(const struct recording *recording);

/* path_is_recording - by its look: a folder, trace.strace, or *.tar.xz. */
bool path_is_recording(const char *path);

/* file_read - the whole file; false: there is none, or it cannot be read. */
bool file_read(const char *path, struct text *text);
