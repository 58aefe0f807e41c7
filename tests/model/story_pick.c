/*
 * story_pick.c - addresses and lengths of a story's operations.
 *
 * Bugs live on edges: of tables at every level, of regions, of user space. New
 * mappings are placed a few pages around such an edge. Everything else is aimed
 * at the first and last pages of regions, or at where the last access was.
 */
#include "model/story.h"

#define PAGE ARCH_PAGE_SIZE

static void
add_base(struct story *st, vaddr_t va)
{
	va &= ~ARCH_PAGE_MASK;
	if (st->nr_bases < STORY_BASES && va <= ARCH_USER_END)
		st->bases[st->nr_bases++] = va;
}

void
story_find_bases(struct story *st, const struct space_layout *layout)
{
	st->nr_bases = 0;
	add_base(st, layout->min_addr);
	add_base(st, layout->mmap_base - 4 * PAGE);
	add_base(st, layout->brk_start);
	add_base(st, layout->end);
	for (unsigned level = 1; level < ARCH_PT_LEVELS; level++) {
		uint64_t span = PAGE << level * ARCH_PT_INDEX_BITS;

		add_base(st, span);
		add_base(st, 2 * span);
		add_base(st, 3 * span);
		add_base(st, ARCH_USER_END / 2 & -span);
		add_base(st, (ARCH_USER_END - 1) & -span);
	}
	add_base(st, 0);
	add_base(st, ARCH_USER_END - 2 * PAGE);
}

/* moved - `pages` pages away from base, but not below 0. */
static vaddr_t
moved(vaddr_t base, int64_t pages)
{
	if (pages < 0 && base < (uint64_t)-pages * PAGE)
		return base;
	return base + (uint64_t)(pages * (int64_t)PAGE);
}

/* inside - one of the first or last pages of a region. */
static vaddr_t
inside(const struct flat_region *r, unsigned which)
{
	uint64_t pages = (r->end - r->start) / PAGE;
	uint64_t page = (which >> 1) % min_u64(pages, 12);

	return which & 1 ? r->end - PAGE - page * PAGE : r->start + page * PAGE;
}

vaddr_t
story_place(struct story *st, struct flat_space *fs, const struct story_record *rec)
{
	unsigned selector = rec->addr[0] | (unsigned)rec->addr[1] << 8;
	unsigned which = selector >> 2 & 0x3f;
	int64_t	 pages = (int64_t)(selector >> 8 & 0xf) - 4;
	unsigned region = fs->nr_regions ? which % fs->nr_regions : 0;

	switch (selector & 3) {
	case 1:
		if (fs->nr_regions)
			return moved(fs->regions[region].end, pages);
		break;
	case 2:
		if (fs->nr_regions)
			return moved(fs->regions[region].start, pages);
		break;
	case 3:
		return moved(which & 1 ? st->last_mapped : fs->brk & ~ARCH_PAGE_MASK, pages);
	default:
		break;
	}
	return moved(st->bases[which % st->nr_bases], pages);
}

vaddr_t
story_aim(struct story *st, struct flat_space *fs, const struct story_record *rec)
{
	unsigned selector = rec->addr[0] | (unsigned)rec->addr[1] << 8;
	unsigned which = selector >> 3 & 0x1f;
	unsigned more = selector >> 8;

	switch (selector & 7) {
	case 0:
		return story_place(st, fs, rec);
	case 1:
		return moved(st->last_accessed & ~ARCH_PAGE_MASK, (int64_t)(which & 3) - 1);
	case 2:
		return moved(st->last_mapped, (int64_t)which - 2);
	default:
		break;
	}
	if (!fs->nr_regions)
		return story_place(st, fs, rec);
	return inside(&fs->regions[which % fs->nr_regions], more);
}

uint64_t
story_length(const struct story *st, const struct story_record *rec)
{
	static const uint8_t few[] = { 1, 1, 1, 2, 2, 3, 4, 5, 7, 8, 9, 12, 16 };
	unsigned	     which = rec->length & 0x3f;

	(void)st;
	if (which < 48)
		return few[which % ARRAY_SIZE(few)] * PAGE;
	switch (which) {
	case 48:
		return 0;
	case 49:
		return 1;
	case 50:
		return PAGE + 1;
	case 51:
		return UINT64_MAX;
	case 52:
		return UINT64_MAX - 2 * PAGE;
	case 53:
		return ARCH_USER_END;
	case 54:
		return (PAGE << ARCH_PT_INDEX_BITS) - PAGE;
	case 55:
		return (PAGE << ARCH_PT_INDEX_BITS) + PAGE;
	case 56:
	case 57:
		return PAGE << ARCH_PT_INDEX_BITS;
	case 58:
		return PAGE << (ARCH_PT_LEVELS - 1) * ARCH_PT_INDEX_BITS;
	case 59:
		return (PAGE << (ARCH_PT_LEVELS - 1) * ARCH_PT_INDEX_BITS) + 3 * PAGE;
	case 60:
		return 2 * PAGE << ARCH_PT_INDEX_BITS;
	default:
		return 40 * PAGE;
	}
}
