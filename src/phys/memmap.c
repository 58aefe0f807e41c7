/*
 * memmap.c - from what firmware says to what the allocator can trust.
 *
 * RAM goes in first, kept sorted, joined with what it touches or overlaps on
 * the same node. Then each reserved range cuts its part out, so reserved wins
 * whatever the order of the map. Anything that makes no sense is refused with
 * a message rather than repaired: a wrong map is a bug of the boot code, and
 * guessing would hand out memory that somebody else owns.
 *
 * Frame numbers fit in 32 bits (16 TiB of 4 KiB pages), the top two values
 * being marks of the free lists.
 */
#include "phys/memmap.h"

#include <anymm/arch.h>

#include "base/format.h"

/* The first frame number that the machine or the descriptors cannot express. */
static uint64_t
frame_limit(void)
{
	return min_u64((uint64_t)1 << (ARCH_PADDR_BITS - ARCH_PAGE_SHIFT), UINT32_MAX - 1);
}

static err_t
refuse(unsigned index, const struct boot_range *r, const char *reason)
{
	console_printf("boot map: range %u (start %llx, %llx frames, node %u): %s\n", index,
		       (unsigned long long)r->start.n, (unsigned long long)r->nr_frames, r->node,
		       reason);
	return ERR_INVAL;
}

static err_t
check_range(unsigned index, const struct boot_range *r)
{
	if (r->kind != BOOT_RAM && r->kind != BOOT_RESERVED)
		return refuse(index, r, "neither RAM nor reserved");
	if (r->nr_frames == 0)
		return refuse(index, r, "empty");
	if (r->nr_frames > UINT64_MAX - r->start.n)
		return refuse(index, r, "its end overflows");
	if (r->kind == BOOT_RAM && r->start.n + r->nr_frames > frame_limit())
		return refuse(index, r, "beyond the machine's last frame");
	if (r->kind == BOOT_RAM && r->node >= NODE_MAX)
		return refuse(index, r, "no such node");
	return OK;
}

static void
insert_at(struct memmap *mm, unsigned at, struct mem_range r)
{
	for (unsigned i = mm->nr; i > at; i--)
		mm->ranges[i] = mm->ranges[i - 1];
	mm->ranges[at] = r;
	mm->nr++;
}

static void
remove_at(struct memmap *mm, unsigned at)
{
	mm->nr--;
	for (unsigned i = at; i < mm->nr; i++)
		mm->ranges[i] = mm->ranges[i + 1];
}

static bool
is_joinable(const struct mem_range *a, const struct mem_range *b)
{
	return b->start <= a->end && a->node == b->node && a->usable == b->usable;
}

/* join_all - ranges that touch or overlap and agree become one. */
static void
join_all(struct memmap *mm)
{
	for (unsigned at = 0; at < mm->nr; at++) {
		while (at + 1 < mm->nr && is_joinable(&mm->ranges[at], &mm->ranges[at + 1])) {
			if (mm->ranges[at].end < mm->ranges[at + 1].end)
				mm->ranges[at].end = mm->ranges[at + 1].end;
			remove_at(mm, at + 1);
		}
	}
}

/* insert_ram - false if r overlaps RAM of another node. */
static bool
insert_ram(struct memmap *mm, struct mem_range r)
{
	unsigned at = 0;

	while (at < mm->nr && mm->ranges[at].start < r.start)
		at++;
	insert_at(mm, at, r);
	for (unsigned i = 0; i < mm->nr; i++) {
		const struct mem_range *other = &mm->ranges[i];

		if (other->node != r.node && other->start < r.end && r.start < other->end)
			return false;
	}
	join_all(mm);
	return true;
}

/* cut_at - make `cut` a boundary; returns the index of the first range that starts at or above it. */
static unsigned
cut_at(struct memmap *mm, uint32_t cut)
{
	unsigned	 i = 0;
	struct mem_range upper;

	while (i < mm->nr && mm->ranges[i].end <= cut)
		i++;
	if (i == mm->nr || mm->ranges[i].start >= cut)
		return i;
	upper = mm->ranges[i];
	upper.start = cut;
	mm->ranges[i].end = cut;
	insert_at(mm, i + 1, upper);
	return i + 1;
}

void
memmap_reserve(struct memmap *mm, uint32_t start, uint32_t end)
{
	unsigned first = cut_at(mm, start);
	unsigned last = cut_at(mm, end);

	for (unsigned i = first; i < last; i++)
		mm->ranges[i].usable = false;
	join_all(mm);
}

bool
memmap_has_room(const struct memmap *mm)
{
	return mm->nr + 2 <= MEM_RANGES_MAX;
}

static err_t
add_ram(const struct boot_map *map, struct memmap *mm)
{
	for (unsigned i = 0; i < map->nr_ranges; i++) {
		const struct boot_range *r = &map->ranges[i];
		err_t			 err = check_range(i, r);

		if (err)
			return err;
		if (r->kind != BOOT_RAM)
			continue;
		if (!insert_ram(mm,
				(struct mem_range){ .start = (uint32_t)r->start.n,
						    .end = (uint32_t)(r->start.n + r->nr_frames),
						    .node = (uint8_t)r->node,
						    .usable = true }))
			return refuse(i, r, "overlaps memory of another node");
	}
	return OK;
}

err_t
memmap_build(const struct boot_map *map, struct memmap *out)
{
	err_t err;

	out->nr = 0;
	if (map->nr_ranges > BOOT_RANGES_MAX) {
		console_printf("boot map: %u ranges: more than %u\n", map->nr_ranges,
			       BOOT_RANGES_MAX);
		return ERR_INVAL;
	}
	err = add_ram(map, out);
	if (err)
		return err;
	for (unsigned i = 0; i < map->nr_ranges; i++) {
		const struct boot_range *r = &map->ranges[i];

		if (r->kind == BOOT_RESERVED && r->start.n < frame_limit())
			memmap_reserve(out, (uint32_t)r->start.n,
				       (uint32_t)min_u64(r->start.n + r->nr_frames, frame_limit()));
	}
	if (out->nr == 0) {
		console_printf("boot map: %u ranges: no memory\n", map->nr_ranges);
		return ERR_INVAL;
	}
	return OK;
}
