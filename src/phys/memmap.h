/*
 * memmap.h - the boot map in normal form: sorted, disjoint, checked.
 *
 * Frames exist where the boot map has RAM. What a reserved range covers of
 * them exists but is never allocated; a reserved range beside RAM says nothing.
 */
#pragma once

#include <anymm/platform.h>

/* One run of existing frames, all of one node, all usable or all reserved. */
struct mem_range {
	uint32_t start; /* frame numbers, half open */
	uint32_t end;
	uint8_t	 node;
	bool	 usable;
};

/* Every reserved range can cut two more pieces, and so can memory taken at boot. */
#define MEM_RANGES_MAX (3 * BOOT_RANGES_MAX)

struct memmap {
	struct mem_range ranges[MEM_RANGES_MAX];
	unsigned	 nr;
};

/*
 * memmap_build - check the boot map and bring it into normal form.
 *   fails  ERR_INVAL: malformed; a message names the range and the reason
 */
err_t memmap_build(const struct boot_map *map, struct memmap *out);

/* memmap_reserve - what lies in [start, end) is not usable from now on. Needs room: memmap_has_room. */
void memmap_reserve(struct memmap *mm, uint32_t start, uint32_t end);
bool memmap_has_room(const struct memmap *mm);
