/*
 * snapshot.h - what /proc showed of a process at one moment: maps, smaps, info.
 */
#pragma once

#include "import/import.h"

/* One line of maps (or smaps, which begins with it). */
struct map_entry {
	uint64_t     start, end;
	char	     perm[5];
	uint64_t     offset;
	struct slice name; /* "" for anonymous memory; without " (deleted)" */
	struct slice inode;
	struct slice flags;		/* of smaps: what follows "VmFlags:" */
	uint64_t     rss_kib, anon_kib; /* of smaps */
};

/* What of .info matters to memory. */
struct image_info {
	uint64_t start_brk;
	uint64_t personality;
	uint64_t limit_stack, limit_data, limit_as; /* UINT64_MAX: unlimited */
};

/*
 * snapshot_next - the next line of *rest. *number counts lines.
 * false: *rest is over, or the line is malformed (*error has a text then).
 */
bool snapshot_next(const char *file, struct slice *rest, unsigned *number, struct map_entry *entry,
		   struct import_error *error);

/* snapshot_info - lines that say nothing about memory are skipped. */
bool snapshot_info(const char *file, struct slice text, struct image_info *info,
		   struct import_error *error);

/* How a mapped file behaves, by its name. */
enum file_kind {
	FILE_REGULAR,	/* large mappings follow its alignment */
	FILE_PLAIN,	/* shared memory, devices, the kernel's own pages */
	FILE_ZERO,	/* /dev/zero */
	FILE_ANONYMOUS, /* no file at all: "", [heap], [stack] */
	FILE_SPECIAL,	/* [vdso], [vvar]: pages that no neighbour joins */
};

enum file_kind file_kind_of(struct slice name);
