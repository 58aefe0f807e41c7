/*
 * seen.h - a digest of the maps of a process: of what is to be seen, with neighbours that agree in it
 * joined.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct seen_map {
	uint64_t start, end;
	uint64_t
		what; /* protection, shared or private, which backing: any number that tells them apart */
	bool	 has_offset;
	uint64_t offset; /* bytes in the backing */
};

struct seen {
	struct seen_map last; /* not in the digest yet: the next may continue it */
	uint64_t	digest;
};

static inline void
seen_fold(struct seen *seen, uint64_t word)
{
	seen->digest = (seen->digest ^ word) * 0x9e3779b97f4a7c15u + (seen->digest >> 29);
}

/* seen_add - the next map, in order of address. */
static inline void
seen_add(struct seen *seen, struct seen_map map)
{
	struct seen_map *last = &seen->last;

	if (last->end == map.start && last->what == map.what &&
	    last->has_offset == map.has_offset &&
	    (!map.has_offset || last->offset + (last->end - last->start) == map.offset)) {
		last->end = map.end;
		return;
	}
	seen_fold(seen, last->start);
	seen_fold(seen, last->end);
	seen_fold(seen, last->what);
	seen_fold(seen, last->has_offset ? last->offset : 1);
	*last = map;
}

/* seen_end - the last map was added; gives the digest. */
static inline uint64_t
seen_end(struct seen *seen)
{
	seen_add(seen, (struct seen_map){ 0 });
	return seen->digest;
}
