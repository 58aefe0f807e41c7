/*
 * touchlog.h - touch.log: which pages appeared or went between two calls.
 *
 *	@ LINE TID TGID MOMENT present=N    a scan, at LINE of trace.strace
 *	K ADDR N                            N pages from ADDR have become of kind K
 */
#pragma once

#include "import/import.h"

struct touch {
	uint64_t start, end; /* page numbers */
	char	 kind;
};

struct scan {
	unsigned     line;
	uint32_t     tid;
	struct slice moment;
	size_t	     first, nr; /* of its touches */
	bool	     taken;
	size_t	     order; /* in the file */
};

struct touchlog {
	struct scan  *scans; /* by line, thread, and place in the file */
	size_t	      nr_scans, scans_room;
	struct touch *touches;
	size_t	      nr_touches, touches_room;
};

bool touchlog_read(struct slice text, struct touchlog *log, struct import_error *error);
void touchlog_free(struct touchlog *log);

/* touchlog_find - the first scan at (line, tid) not yet taken, or NULL. Those after it follow in the array. */
struct scan *touchlog_find(struct touchlog *log, unsigned line, uint32_t tid);
