/* touchlog.c - reads touch.log and finds the scans of a line. */
#include <stdlib.h>
#include <string.h>

#include "import/pages.h"
#include "import/touchlog.h"
#include "import/trace.h"

#define TOUCH_FILE "touch.log"

static bool
read_scan(struct touchlog *log, struct slice rest, unsigned number, struct import_error *error)
{
	struct scan  scan = { .first = log->nr_touches, .order = log->nr_scans };
	struct slice word;
	uint64_t     value[3];

	for (unsigned i = 0; i < 3; i++) {
		if (!slice_word(&rest, &word) || !slice_number(&word, 10, &value[i]) ||
		    word.bytes > 0 || value[i] > INT32_MAX)
			return import_fail(error, TOUCH_FILE, number, 1,
					   "expected @ LINE TID TGID MOMENT present=N");
	}
	if (!slice_word(&rest, &scan.moment))
		return import_fail(error, TOUCH_FILE, number, 1, "expected a MOMENT in the @ line");
	scan.line = (unsigned)value[0];
	scan.tid = (uint32_t)value[1];
	if (log->nr_scans == log->scans_room) {
		log->scans_room = 2 * log->scans_room + 1024;
		log->scans = memory_grow(log->scans, log->scans_room * sizeof(*log->scans));
	}
	log->scans[log->nr_scans++] = scan;
	return true;
}

static bool
read_touch(struct touchlog *log, char kind, struct slice rest, unsigned number,
	   struct import_error *error)
{
	struct slice word;
	uint64_t     addr;
	uint64_t     n;

	if (!memchr("afrzwcHs-", kind, 9))
		return import_fail(error, TOUCH_FILE, number, 1,
				   "expected one of @ a f r z w c H s - at the start of the line");
	if (!slice_word(&rest, &word) || !slice_number(&word, 16, &addr) || word.bytes > 0 ||
	    (addr & 4095) != 0)
		return import_fail(error, TOUCH_FILE, number, 3,
				   "expected the hexadecimal address of a page");
	if (!slice_word(&rest, &word) || !slice_number(&word, 10, &n) || word.bytes > 0 || n == 0 ||
	    n > PAGE_NUMBER_END - (addr >> 12))
		return import_fail(error, TOUCH_FILE, number, 3, "expected how many pages");
	if (log->nr_scans == 0)
		return import_fail(error, TOUCH_FILE, number, 1,
				   "expected an @ line before this one");
	if (log->nr_touches == log->touches_room) {
		log->touches_room = 2 * log->touches_room + 1024;
		log->touches = memory_grow(log->touches, log->touches_room * sizeof(*log->touches));
	}
	log->touches[log->nr_touches++] =
		(struct touch){ .start = addr >> 12, .end = (addr >> 12) + n, .kind = kind };
	log->scans[log->nr_scans - 1].nr++;
	return true;
}

static int
by_place(const void *a, const void *b)
{
	const struct scan *x = a;
	const struct scan *y = b;

	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	if (x->tid != y->tid)
		return x->tid < y->tid ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

bool
touchlog_read(struct slice text, struct touchlog *log, struct import_error *error)
{
	unsigned     number = 0;
	struct slice rest = text;
	struct slice line;
	struct slice word;

	while (slice_line(&rest, &line)) {
		number++;
		if (!slice_word(&line, &word))
			continue;
		if (word.bytes != 1)
			return import_fail(error, TOUCH_FILE, number, 1,
					   "expected @ or the kind of a page");
		if (word.at[0] == '@' ? !read_scan(log, line, number, error)
				      : !read_touch(log, word.at[0], line, number, error))
			return false;
	}
	if (log->nr_scans > 0)
		qsort(log->scans, log->nr_scans, sizeof(*log->scans), by_place);
	return true;
}

void
touchlog_free(struct touchlog *log)
{
	free(log->scans);
	free(log->touches);
	*log = (struct touchlog){ 0 };
}

struct scan *
touchlog_find(struct touchlog *log, unsigned line, uint32_t tid)
{
	size_t low = 0;
	size_t high = log->nr_scans;

	while (low < high) {
		size_t	     mid = (low + high) / 2;
		struct scan *scan = &log->scans[mid];

		if (scan->line < line || (scan->line == line && scan->tid < tid))
			low = mid + 1;
		else
			high = mid;
	}
	while (low < log->nr_scans && log->scans[low].line == line && log->scans[low].tid == tid) {
		if (!log->scans[low].taken)
			return &log->scans[low];
		low++;
	}
	return NULL;
}
