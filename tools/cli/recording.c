/*
 * recording.c - finds the files of a recording by name.
 *
 * Members of archives (the packed recording itself, and maps-more.tar.gz in a
 * raw one) are read into memory through xz or gzip; files of a folder when they
 * are asked for. What has been read stays until the recording is closed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/recording.h"

struct member {
	struct member *next;
	char	      *name; /* within the recording */
	struct text    text;
};

struct recording {
	char	       folder[4096]; /* "": everything is in members */
	char	       name[256];
	struct member *members;
};

bool
file_read(const char *path, struct text *text)
{
	struct stat status;
	char	    buf[1 << 16];
	FILE	   *file;
	size_t	    n;
	bool	    good;

	if (stat(path, &status) != 0 || !S_ISREG(status.st_mode))
		return false;
	file = fopen(path, "rb");
	if (!file)
		return false;
	while ((n = fread(buf, 1, sizeof(buf), file)) > 0)
		text_add_bytes(text, buf, n);
	good = !ferror(file);
	fclose(file);
	return good;
}

/* Run `program -dc path` and take what it prints. */
static bool
unpack(const char *program, const char *path, struct text *out)
{
	char	buf[1 << 16];
	int	pipe_ends[2];
	int	status;
	ssize_t n;
	pid_t	pid;

	if (pipe(pipe_ends) != 0)
		return false;
	pid = fork();
	if (pid == 0) {
		dup2(pipe_ends[1], STDOUT_FILENO);
		close(pipe_ends[0]);
		close(pipe_ends[1]);
		execlp(program, program, "-dc", "--", path, (char *)NULL);
		_exit(127);
	}
	close(pipe_ends[1]);
	while (pid > 0 &&
	       ((n = read(pipe_ends[0], buf, sizeof(buf))) > 0 || (n < 0 && errno == EINTR)))
		text_add_bytes(out, buf, n > 0 ? (size_t)n : 0);
	close(pipe_ends[0]);
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	       WEXITSTATUS(status) == 0;
}

static struct text *
add_member(struct recording *recording, const char *name)
{
	struct member *member = memory_grow(NULL, sizeof(*member));

	*member = (struct member){ .next = recording->members };
	member->name = memory_grow(NULL, strlen(name) + 1);
	strcpy(member->name, name);
	recording->members = member;
	return &member->text;
}

#define TAR_BLOCK 512

/* The fields of a tar header that matter here. */
struct tar_header {
	char name[100];
	char skipped[24];
	char size[12];
	char more[20];
	char type;
	char rest[355];
};
_Static_assert(sizeof(struct tar_header) == TAR_BLOCK, "one header is one block");

static size_t
octal(const char *digits, size_t n)
{
	size_t value = 0;

	for (size_t i = 0; i < n && digits[i] >= '0' && digits[i] <= '7'; i++)
		value = value * 8 + (size_t)(digits[i] - '0');
	return value;
}

/* A member's name within the recording: what follows the folder that was packed, if any. */
static const char *
inner_name(const char *name, const char *folder)
{
	size_t n = strlen(folder);

	if (strncmp(name, "./", 2) == 0)
		name += 2;
	return strncmp(name, folder, n) == 0 && name[n] == '/' ? name + n + 1 : name;
}

static bool
read_tar(struct recording *recording, const struct text *tar)
{
	size_t at = 0;

	while (at + TAR_BLOCK <= tar->bytes && tar->at[at] != 0) {
		const struct tar_header *head = (const void *)(tar->at + at);
		size_t			 size = octal(head->size, sizeof(head->size));
		char			 name[sizeof(head->name) + 1] = { 0 };

		memcpy(name, head->name, sizeof(head->name));
		at += TAR_BLOCK;
		if (size > tar->bytes - at)
			return false;
		if (head->type == '0' || head->type == 0)
			text_add_bytes(add_member(recording, inner_name(name, recording->name)),
				       tar->at + at, size);
		at += (size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
	}
	return at > 0;
}

static bool
read_archive(struct recording *recording, const char *program, const char *path)
{
	struct text tar = { 0 };
	bool	    good = unpack(program, path, &tar) && read_tar(recording, &tar);

	text_free(&tar);
	if (!good)
		fprintf(stderr, "anymm: %s: cannot be unpacked with %s\n", path, program);
	return good;
}

static bool
has_ending(const char *path, const char *ending)
{
	size_t n = strlen(path);
	size_t m = strlen(ending);

	return n >= m && strcmp(path + n - m, ending) == 0;
}

static bool
is_folder(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static bool
is_trace(const char *path)
{
	return strcmp(path, "trace.strace") == 0 || has_ending(path, "/trace.strace");
}

bool
path_is_recording(const char *path)
{
	return is_folder(path) || is_trace(path) || has_ending(path, ".tar.xz");
}

/* The last part of a path, without blanks of any kind and without `ending`. */
static void
name_after(struct recording *recording, const char *path, const char *ending)
{
	const char *start;
	size_t	    n = strlen(path);

	while (n > 1 && path[n - 1] == '/')
		n--;
	start = path + n;
	while (start > path && start[-1] != '/')
		start--;
	n = (size_t)(path + n - start);
	if (n > strlen(ending) && has_ending(path, ending))
		n -= strlen(ending);
	snprintf(recording->name, sizeof(recording->name), "%.*s", (int)(n < 200 ? n : 200), start);
}

static bool
open_folder(struct recording *recording, const char *path)
{
	char more[sizeof(recording->folder) + 32];

	snprintf(recording->folder, sizeof(recording->folder), "%s", path);
	if (is_trace(path)) {
		size_t n = strlen(path) - strlen("trace.strace");

		snprintf(recording->folder, sizeof(recording->folder), "%.*s",
			 n > 0 ? (int)(n < 4000 ? n : 4000) : 1, n > 0 ? path : ".");
	}
	name_after(recording, recording->folder, "");
	snprintf(more, sizeof(more), "%s/maps-more.tar.gz", recording->folder);
	return access(more, R_OK) != 0 || read_archive(recording, "gzip", more);
}

struct recording *
recording_open(const char *path)
{
	struct recording *recording = memory_grow(NULL, sizeof(*recording));
	bool		  good;

	*recording = (struct recording){ 0 };
	if (has_ending(path, ".tar.xz")) {
		name_after(recording, path, ".tar.xz");
		good = read_archive(recording, "xz", path);
	} else {
		good = open_folder(recording, path);
	}
	if (good)
		return recording;
	recording_close(recording);
	return NULL;
}

void
recording_close(struct recording *recording)
{
	while (recording->members) {
		struct member *member = recording->members;

		recording->members = member->next;
		text_free(&member->text);
		free(member->name);
		free(member);
	}
	free(recording);
}

static bool
read_member(void *ctx, const char *name, struct slice *text)
{
	struct recording *recording = ctx;
	struct member	 *member = recording->members;
	struct text	  fresh = { 0 };
	char		  path[sizeof(recording->folder) + 128];

	while (member && strcmp(member->name, name) != 0)
		member = member->next;
	if (!member && recording->folder[0]) {
		snprintf(path, sizeof(path), "%s/%s", recording->folder, name);
		if (!file_read(path, &fresh)) {
			text_free(&fresh);
			return false;
		}
		*add_member(recording, name) = fresh;
		member = recording->members;
	}
	if (!member)
		return false;
	*text = (struct slice){ member->text.at ? member->text.at : "", member->text.bytes };
	return true;
}

struct import_source
recording_source(struct recording *recording)
{
	return (struct import_source){ .ctx = recording, .read = read_member };
}

const char *
recording_name(const struct recording *recording)
{
	return recording->name;
}
