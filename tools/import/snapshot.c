/* snapshot.c - reads the lines of maps, smaps and info. */
#define _GNU_SOURCE /* memmem, memrchr */
#include <string.h>

#include "import/snapshot.h"
#include "import/trace.h"

enum file_kind
file_kind_of(struct slice name)
{
	static const char *const plain[] = { "/dev/", "/memfd:", "/SYSV",      "/run/",
					     "/proc", "/sys",	 "anon_inode", "socket:" };

	if (slice_starts(name, "[vdso]") || slice_starts(name, "[vvar"))
		return FILE_SPECIAL;
	if (name.bytes == 0 || name.at[0] == '[')
		return FILE_ANONYMOUS;
	if (slice_is(name, "/dev/zero"))
		return FILE_ZERO;
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		if (slice_starts(name, plain[i]))
			return FILE_PLAIN;
	}
	return FILE_REGULAR;
}

static bool
line_fail(struct import_error *error, const char *file, unsigned number, const struct slice *line,
	  const struct slice *rest, const char *what)
{
	return import_fail(error, file, number, (unsigned)(rest->at - line->at) + 1, "expected %s",
			   what);
}

/* KEY=NUMBER in a line of smaps; 0 if it is not there, as smaps leaves zeros out. */
static uint64_t
figure(struct slice text, const char *key)
{
	const char  *at = memmem(text.at, text.bytes, key, strlen(key));
	struct slice number;
	uint64_t     value = 0;

	if (!at)
		return 0;
	number.at = at + strlen(key);
	number.bytes = text.bytes - (size_t)(number.at - text.at);
	(void)slice_number(&number, 10, &value);
	return value;
}

/* The name of a line: to its end, or to " | " of smaps; blanks around it do not count. */
static void
take_name(struct slice rest, struct map_entry *entry)
{
	static const char deleted[] = " (deleted)";
	size_t		  n = sizeof(deleted) - 1;
	const char	 *bar;
	const char	 *flags;

	while (slice_take(&rest, " ") || slice_take(&rest, "\t"))
		;
	entry->name = rest;
	bar = rest.bytes >= 2 ? memmem(rest.at, rest.bytes, "| ", 2) : NULL;
	flags = rest.bytes > 8 ? memmem(rest.at, rest.bytes, "VmFlags:", 8) : NULL;
	if (bar)
		entry->name.bytes = (size_t)(bar - rest.at);
	if (flags)
		entry->flags =
			(struct slice){ flags + 8, rest.bytes - (size_t)(flags + 8 - rest.at) };
	if (bar) {
		struct slice figures = { bar, rest.bytes - (size_t)(bar - rest.at) };

		entry->rss_kib = figure(figures, " Rss=");
		entry->anon_kib = figure(figures, " Anonymous=");
	}
	while (entry->name.bytes > 0 && entry->name.at[entry->name.bytes - 1] == ' ')
		entry->name.bytes--;
	if (entry->name.bytes > n &&
	    memcmp(entry->name.at + entry->name.bytes - n, deleted, n) == 0)
		entry->name.bytes -= n;
}

static bool
read_entry(const char *file, unsigned number, struct slice line, struct map_entry *entry,
	   struct import_error *error)
{
	struct slice rest = line;
	struct slice word;

	*entry = (struct map_entry){ .name = { line.at, 0 } };
	if (!slice_number(&rest, 16, &entry->start) || !slice_take(&rest, "-") ||
	    !slice_number(&rest, 16, &entry->end) || entry->start >= entry->end ||
	    ((entry->start | entry->end) & 4095) != 0)
		return line_fail(error, file, number, &line, &rest,
				 "a range of pages START-END in hexadecimal");
	if (!slice_word(&rest, &word) || word.bytes != 4)
		return line_fail(error, file, number, &line, &rest, "permissions like rw-p");
	for (unsigned i = 0; i < 4; i++) {
		static const char *const letters[4] = { "r-", "w-", "x-", "ps" };

		if (!strchr(letters[i], word.at[i]) || word.at[i] == 0)
			return line_fail(error, file, number, &line, &word,
					 "permissions like rw-p");
		entry->perm[i] = word.at[i];
	}
	if (!slice_word(&rest, &word) || !slice_number(&word, 16, &entry->offset) ||
	    word.bytes > 0 || (entry->offset & 4095) != 0)
		return line_fail(error, file, number, &line, &rest, "the offset in hexadecimal");
	if (!slice_word(&rest, &word) || !slice_word(&rest, &entry->inode))
		return line_fail(error, file, number, &line, &rest, "device and inode");
	take_name(rest, entry);
	return true;
}

bool
snapshot_next(const char *file, struct slice *rest, unsigned *number, struct map_entry *entry,
	      struct import_error *error)
{
	struct slice line;

	while (slice_line(rest, &line)) {
		(*number)++;
		if (line.bytes > 0)
			return read_entry(file, *number, line, entry, error);
	}
	return false;
}

/* Field `index` of /proc/PID/stat, counted from 1; the name in parentheses may hold blanks. */
static bool
stat_field(struct slice line, unsigned index, uint64_t *value)
{
	const char  *end = line.bytes ? memrchr(line.at, ')', line.bytes) : NULL;
	struct slice rest;
	struct slice word = { 0 };

	if (!end)
		return false;
	rest = (struct slice){ end + 1, line.bytes - (size_t)(end + 1 - line.at) };
	for (unsigned i = 3; i <= index; i++) {
		if (!slice_word(&rest, &word))
			return false;
	}
	return slice_number(&word, 10, value) && word.bytes == 0;
}

static bool
read_limit(struct slice *line, const char *name, uint64_t *limit)
{
	struct slice rest = *line;
	struct slice word;

	if (!slice_take(&rest, name) || !slice_word(&rest, &word))
		return false;
	*limit = UINT64_MAX;
	if (!slice_is(word, "unlimited"))
		(void)slice_number(&word, 10, limit);
	return true;
}

bool
snapshot_info(const char *file, struct slice text, struct image_info *info,
	      struct import_error *error)
{
	struct slice rest = text;
	unsigned     number = 0;
	struct slice line;

	*info = (struct image_info){ .limit_stack = UINT64_MAX,
				     .limit_data = UINT64_MAX,
				     .limit_as = UINT64_MAX };
	while (slice_line(&rest, &line)) {
		number++;
		if (slice_take(&line, "stat: ")) {
			if (!stat_field(line, 47, &info->start_brk))
				return import_fail(error, file, number, 1,
						   "expected 47 fields of /proc/PID/stat");
		} else if (slice_take(&line, "personality: ")) {
			if (!slice_number(&line, 16, &info->personality))
				return import_fail(error, file, number, 14,
						   "expected the personality in hexadecimal");
		} else if (!read_limit(&line, "Max stack size", &info->limit_stack) &&
			   !read_limit(&line, "Max data size", &info->limit_data)) {
			(void)read_limit(&line, "Max address space", &info->limit_as);
		}
	}
	return true;
}
