/*
 * native_proc.c - what /proc tells of a process: its maps, their flags, its numbers.
 */
#define _GNU_SOURCE
#include "native.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <anymm/region.h>

static char text[1 << 20];

void
native_fail(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	printf("Bail out! ");
	vprintf(fmt, args);
	printf("\n");
	va_end(args);
	exit(NATIVE_UNFIT);
}

static int
open_proc(pid_t pid, const char *name)
{
	char path[64];
	int  fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		native_fail("%s cannot be read", path);
	return fd;
}

void
native_open_proc(struct native_process *p)
{
	p->maps = open_proc(p->pid, "maps");
	p->smaps = open_proc(p->pid, "smaps");
}

void
native_close_proc(struct native_process *p)
{
	close(p->maps);
	close(p->smaps);
}

/* read_all - the file from its beginning, into `text`. */
static void
read_all(int fd)
{
	size_t	at = 0;
	ssize_t n;

	if (lseek(fd, 0, SEEK_SET) != 0)
		native_fail("/proc cannot be read again");
	while ((n = read(fd, text + at, sizeof(text) - 1 - at)) > 0)
		at += (size_t)n;
	text[at] = 0;
}

static uint64_t
hex(const char **at)
{
	uint64_t value = 0;

	for (;; (*at)++) {
		char c = **at;

		if (c >= '0' && c <= '9')
			value = value << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			value = value << 4 | (uint64_t)(c - 'a' + 10);
		else
			return value;
	}
}

/* parse_line - "START-END rwxp OFFSET MAJOR:MINOR INODE NAME"; gives the name. */
static const char *
parse_line(const char *at, struct map_line *line)
{
	uint64_t device;

	*line = (struct map_line){ .start = hex(&at) };
	at++;
	line->end = hex(&at);
	at++;
	for (unsigned i = 0; i < 3; i++)
		line->prot |= at[i] != '-' ? 1u << i : 0;
	line->flags = at[3] == 's' ? REGION_SHARED : 0;
	at += 5;
	line->offset = hex(&at);
	at++;
	device = hex(&at) << 8;
	at++;
	device |= hex(&at);
	line->backing = strtoull(at, (char **)&at, 10);
	if (line->backing)
		line->backing |= device << 40;
	else
		line->offset = 0;
	at += strspn(at, " ");
	line->is_stack = strncmp(at, "[stack]", 7) == 0;
	return at;
}

/* The page of old system calls lies above all user memory. */
static bool
is_kernels(const struct map_line *line)
{
	return line->start >> 63;
}

unsigned
linux_maps(unsigned process, struct map_line *lines)
{
	unsigned nr = 0;

	read_all(native_processes[process].maps);
	for (const char *at = text; *at; at = strchr(at, '\n') + 1) {
		if (nr == MAX_LINES)
			native_fail("more than %d maps", MAX_LINES);
		parse_line(at, &lines[nr]);
		if (!is_kernels(&lines[nr]))
			nr++;
	}
	return nr;
}

/* The flags that both sides have, by the letters of VmFlags. */
static unsigned
parse_flags(const char *at)
{
	static const struct {
		char	 letters[3];
		unsigned flag;
	} all[] = {
		{ "gd", REGION_GROWSDOWN },  { "nr", REGION_NORESERVE },
		{ "dc", REGION_DONTFORK },   { "wf", REGION_WIPEONFORK },
		{ "lo", REGION_LOCKED },     { "lf", REGION_LOCKONFAULT },
		{ "sl", REGION_SEALED },     { "sr", REGION_SEQUENTIAL },
		{ "rr", REGION_RANDOM },     { "hg", REGION_HUGEPAGE },
		{ "nh", REGION_NOHUGEPAGE }, { "dd", REGION_DONTDUMP },
		{ "mg", REGION_MERGEABLE },
	};
	unsigned flags = REGION_MAYNOTWRITE;

	for (at += strlen("VmFlags:"); *at == ' ' && at[1] != '\n'; at += 3) {
		for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++)
			if (memcmp(at + 1, all[i].letters, 2) == 0)
				flags |= all[i].flag;
		if (memcmp(at + 1, "mw", 2) == 0)
			flags &= ~(unsigned)REGION_MAYNOTWRITE;
	}
	return flags;
}

unsigned
linux_maps_and_flags(unsigned process, struct map_line *lines)
{
	struct map_line line = { 0 };
	unsigned	nr = 0;

	read_all(native_processes[process].smaps);
	for (const char *at = text; *at; at = strchr(at, '\n') + 1) {
		if ((*at >= '0' && *at <= '9') || (*at >= 'a' && *at <= 'f')) {
			parse_line(at, &line);
		} else if (strncmp(at, "VmFlags:", 8) == 0 && !is_kernels(&line)) {
			if (nr == MAX_LINES)
				native_fail("more than %d maps", MAX_LINES);
			line.flags |= parse_flags(at);
			lines[nr++] = line;
		}
	}
	return nr;
}

void
native_image(struct native_process *p, struct native_image *image)
{
	image->nr = 0;
	read_all(p->maps);
	for (const char *at = text; *at; at = strchr(at, '\n') + 1) {
		const char *name = parse_line(at, &image->lines[image->nr]);
		size_t	    bytes = strcspn(name, "\n");

		if (is_kernels(&image->lines[image->nr]))
			continue;
		if (bytes >= sizeof(image->names[0]))
			bytes = sizeof(image->names[0]) - 1;
		memcpy(image->names[image->nr], name, bytes);
		image->names[image->nr][bytes] = 0;
		if (++image->nr == 16)
			native_fail("the agent has more maps than expected");
	}
}

uint64_t
native_stat(pid_t pid, unsigned n)
{
	int   fd = open_proc(pid, "stat");
	char *at;

	read_all(fd);
	close(fd);
	/* The second field is a name in brackets, which may hold blanks. */
	at = strrchr(text, ')');
	if (!at)
		native_fail("/proc/PID/stat is not as expected");
	for (at += 2; n > 3; n--)
		at = strchr(at, ' ') + 1;
	return strtoull(at, NULL, 10);
}
