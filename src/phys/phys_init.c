/*
 * phys_init.c - from the boot map to a working allocator.
 *
 *   1. bring the map into normal form (memmap.c)
 *   2. take boot memory for the state, for each section's descriptors and for
 *      the final map, always from the end of the largest usable range
 *   3. open the sections that are not inside one range
 *   4. cut every range into the largest aligned blocks; usable ones go to
 *      their node, reserved ones only get a head
 *
 * Boot memory is never given back. Nothing here touches a frame that stays
 * free, nor the descriptors inside large blocks.
 */
#include "base/format.h"
#include "base/mem.h"
#include "phys/buddy.h"
#include "phys/magazine.h"

#define MAGAZINE_FRAMES_MAX 62 /* a magazine is four cache lines */

/* At most one frame in so many is kept in magazines, over all CPUs. */
#define MAGAZINE_SHARE 64

/* The default reserve: one frame in so many, but no more than 16 MiB of small pages. */
#define RESERVE_SHARE 64
#define RESERVE_MAX   4096

/* largest_range - of the node, or of any (node NODE_MAX); mm->nr if there is none that large. */
static unsigned
largest_range(const struct memmap *mm, unsigned node, uint64_t frames)
{
	unsigned best = mm->nr;
	uint64_t best_frames = frames - 1;

	for (unsigned i = 0; i < mm->nr; i++) {
		const struct mem_range *r = &mm->ranges[i];

		if (r->usable && (node == NODE_MAX || r->node == node) &&
		    r->end - r->start > best_frames) {
			best = i;
			best_frames = r->end - r->start;
		}
	}
	return best;
}

/* boot_alloc - memory for ever, contents undefined, near `node` if possible; NULL: none. */
static void *
boot_alloc(struct memmap *mm, unsigned node, uint64_t bytes)
{
	uint64_t frames = (bytes + ARCH_PAGE_SIZE - 1) >> ARCH_PAGE_SHIFT;
	unsigned i = largest_range(mm, node, frames);
	uint32_t end;

	if (i == mm->nr)
		i = largest_range(mm, NODE_MAX, frames);
	if (i == mm->nr || !memmap_has_room(mm)) {
		console_printf("phys_init: no room for %llu bytes of its own\n",
			       (unsigned long long)bytes);
		return NULL;
	}
	end = mm->ranges[i].end;
	memmap_reserve(mm, end - (uint32_t)frames, end);
	return arch_frame_ptr((pfn_t){ end - frames });
}

static uint64_t
usable_frames(const struct mem_range *ranges, unsigned nr)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < nr; i++)
		sum += ranges[i].usable ? ranges[i].end - ranges[i].start : 0;
	return sum;
}

static unsigned
magazine_capacity(const struct memmap *mm, unsigned nr_magazines)
{
	uint64_t share = usable_frames(mm->ranges, mm->nr) / MAGAZINE_SHARE / nr_magazines;

	return (unsigned)min_u64(share, MAGAZINE_FRAMES_MAX);
}

/* carve - the next `bytes` of the state, on a cache line of its own; NULL while there is no base. */
static void *
carve(char *base, size_t *used, size_t bytes)
{
	void *piece = base ? base + *used : NULL;

	*used += (bytes + CACHE_LINE - 1) & ~(size_t)(CACHE_LINE - 1);
	return piece;
}

/* lay_out_state - set p's pointers for a state at `base` (NULL: none yet); returns its size. */
static size_t
lay_out_state(struct phys *p, char *base)
{
	size_t nr_magazines = p->magazine_frames ? (size_t)p->nr_cpus * p->nr_nodes : 0;
	size_t used = 0;

	carve(base, &used, sizeof(*p));
	p->nodes = carve(base, &used, p->nr_nodes * sizeof(*p->nodes));
	p->ledgers = carve(base, &used, p->nr_cpus * sizeof(*p->ledgers));
	p->magazines = carve(base, &used, nr_magazines * magazine_bytes(p->magazine_frames));
	p->sections = carve(base, &used, p->nr_sections * sizeof(*p->sections));
	return used;
}

/* create_state - the zeroed state with all pointers, locks and empty lists; NULL: no memory. */
static struct phys *
create_state(struct memmap *mm)
{
	struct phys  shape = { .nr_cpus = platform_cpus() };
	unsigned     nr_magazines;
	struct phys *p;
	size_t	     bytes;

	for (unsigned i = 0; i < mm->nr; i++)
		if (mm->ranges[i].node >= shape.nr_nodes)
			shape.nr_nodes = mm->ranges[i].node + 1u;
	nr_magazines = shape.nr_cpus * shape.nr_nodes;
	shape.magazine_frames = magazine_capacity(mm, nr_magazines);
	shape.first_section = mm->ranges[0].start >> SECTION_ORDER;
	shape.nr_sections =
		((mm->ranges[mm->nr - 1].end - 1) >> SECTION_ORDER) + 1 - shape.first_section;
	bytes = lay_out_state(&shape, NULL);
	p = boot_alloc(mm, NODE_MAX, bytes);
	if (!p)
		return NULL;
	memset(p, 0, bytes);
	lay_out_state(&shape, (char *)p);
	memcpy(p, &shape, sizeof(*p));
	for (unsigned i = 0; i < p->nr_nodes; i++)
		buddy_init(&p->nodes[i], i);
	for (unsigned i = 0; p->magazine_frames && i < nr_magazines; i++)
		magazine_init((struct magazine *)(void *)(p->magazines +
							  i * magazine_bytes(p->magazine_frames)));
	return p;
}

/* measure_sections - which part of each section exists; nr_open counts the ranges for now. */
static void
measure_sections(struct phys *p, const struct memmap *mm)
{
	for (unsigned i = 0; i < mm->nr; i++) {
		uint32_t n = mm->ranges[i].start;

		while (n < mm->ranges[i].end) {
			struct section *s = &p->sections[(n >> SECTION_ORDER) - p->first_section];
			uint64_t	stop = min_u64(mm->ranges[i].end,
						       ((uint64_t)n | (SECTION_FRAMES - 1)) + 1);

			if (atomic_fetch_add_explicit(&s->nr_open, 1, memory_order_relaxed) == 0)
				s->first = n & (SECTION_FRAMES - 1);
			s->last = (stop - 1) & (SECTION_FRAMES - 1);
			n = (uint32_t)stop;
		}
	}
}

/* node_of - of frame n, which exists. */
static unsigned
node_of(const struct memmap *mm, uint64_t n)
{
	unsigned i = 0;

	while (mm->ranges[i].end <= n)
		i++;
	return mm->ranges[i].node;
}

/* Each section's descriptors lie on the node of its first frame, if there is room. */
static err_t
create_descriptors(struct phys *p, struct memmap *mm)
{
	measure_sections(p, mm);
	for (uint64_t i = 0; i < p->nr_sections; i++) {
		struct section *s = &p->sections[i];
		uint64_t	first;

		if (atomic_exchange_explicit(&s->nr_open, 0, memory_order_relaxed) == 0)
			continue;
		first = ((p->first_section + i) << SECTION_ORDER) + s->first;
		s->frames =
			boot_alloc(mm, node_of(mm, first), section_nr(s) * sizeof(struct frame));
		if (!s->frames)
			return ERR_NOMEM;
	}
	return OK;
}

/* create_ranges - the final map: the last boot memory may split one more range. */
static err_t
create_ranges(struct phys *p, struct memmap *mm)
{
	p->ranges = boot_alloc(mm, NODE_MAX, (mm->nr + 1) * sizeof(*p->ranges));
	if (!p->ranges)
		return ERR_NOMEM;
	p->nr_ranges = mm->nr;
	memcpy(p->ranges, mm->ranges, mm->nr * sizeof(*p->ranges));
	for (unsigned i = 0; i < p->nr_ranges; i++)
		p->total += p->ranges[i].end - p->ranges[i].start;
	p->usable = usable_frames(p->ranges, p->nr_ranges);
	return OK;
}

/* open_section - all descriptors of one that is not inside a single range: holes are marked. */
static void
open_section(struct phys *p, struct section *s, uint64_t first_frame)
{
	uint64_t end = first_frame + section_nr(s);

	memset(s->frames, 0, section_nr(s) * sizeof(struct frame));
	for (uint32_t i = 0; i < section_nr(s); i++)
		atomic_store_explicit(&s->frames[i].node, NODE_HOLE, memory_order_relaxed);
	for (unsigned i = range_of(first_frame); i < p->nr_ranges && p->ranges[i].start < end;
	     i++) {
		uint64_t n = max_u64(p->ranges[i].start, first_frame);

		for (; n < min_u64(p->ranges[i].end, end); n++)
			atomic_store_explicit(&s->frames[n - first_frame].node, p->ranges[i].node,
					      memory_order_relaxed);
	}
	atomic_store_explicit(&s->nr_open, section_nr(s), memory_order_relaxed);
}

static void
open_partial_sections(struct phys *p)
{
	for (uint64_t i = 0; i < p->nr_sections; i++) {
		struct section	       *s = &p->sections[i];
		uint64_t		n = ((p->first_section + i) << SECTION_ORDER) + s->first;
		const struct mem_range *r;

		if (!s->frames)
			continue;
		r = &p->ranges[range_of(n)];
		if (section_nr(s) < SECTION_FRAMES || r->start > n || r->end < n + SECTION_FRAMES)
			open_section(p, s, n);
	}
}

/* reserve_block - a head that nobody can allocate. */
static void
reserve_block(const struct mem_range *r, uint32_t n, unsigned order)
{
	struct frame *f = section_reveal(n, order);

	f->kind = FRAME_RESERVED;
	f->order = (uint8_t)order;
	atomic_store_explicit(&f->node, r->node, memory_order_relaxed);
}

/* fill_nodes - cut ranges into the largest aligned blocks. */
static void
fill_nodes(struct phys *p)
{
	for (unsigned i = 0; i < p->nr_ranges; i++) {
		const struct mem_range *r = &p->ranges[i];

		for (uint64_t n = r->start; n < r->end;) {
			unsigned order = n ? (unsigned)__builtin_ctzll(n) : FRAME_ORDER_MAX;

			order = order < FRAME_ORDER_MAX ? order : FRAME_ORDER_MAX;
			while (n + ((uint64_t)1 << order) > r->end)
				order--;
			if (r->usable) {
				arch_frame_retire((pfn_t){ n }, order);
				buddy_give(&p->nodes[r->node], (uint32_t)n, order);
			} else {
				reserve_block(r, (uint32_t)n, order);
			}
			n += (uint64_t)1 << order;
		}
	}
}

static err_t
set_reserve(struct phys *p, uint64_t asked)
{
	p->reserve = asked ? asked : min_u64(p->usable / RESERVE_SHARE, RESERVE_MAX);
	if (p->reserve < p->usable)
		return OK;
	if (p->usable == 0) {
		console_printf("phys_init: no room for anything but its own state\n");
		return ERR_NOMEM;
	}
	console_printf("boot map: a reserve of %llu frames leaves nothing of %llu usable ones\n",
		       (unsigned long long)p->reserve, (unsigned long long)p->usable);
	return ERR_INVAL;
}

static uint64_t
square_root(uint64_t n)
{
	uint64_t root = 0;

	for (uint64_t bit = (uint64_t)1 << 31; bit; bit >>= 1)
		if ((root | bit) * (root | bit) <= n)
			root |= bit;
	return root;
}

/*
 * Linux's rule: min is four times the square root of the memory in KiB, in KiB, between 128 KiB and
 * 256 MiB; low and high lie a quarter of min, or a thousandth of memory, above each other.
 * Never below the reserve, from where allocations fail.
 */
static void
set_watermarks(struct phys *p)
{
	uint64_t kib_per_frame = ARCH_PAGE_SIZE >> 10;
	uint64_t min = 4 * square_root(p->usable * kib_per_frame) / kib_per_frame;
	uint64_t step;

	min = max_u64(min, min_u64(128 / kib_per_frame, p->usable / 16));
	min = max_u64(min_u64(min, (256 << 10) / kib_per_frame), p->reserve);
	step = max_u64(max_u64(min / 4, p->usable / 1000), 1);
	p->marks = (struct frame_watermarks){ min, min + step, min + 2 * step };
}

err_t
phys_init(const struct boot_map *map)
{
	struct memmap mm;
	struct phys  *p;
	err_t	      err = memmap_build(map, &mm);

	if (err)
		return err;
	p = create_state(&mm);
	if (!p)
		return ERR_NOMEM;
	err = create_descriptors(p, &mm);
	if (!err)
		err = create_ranges(p, &mm);
	if (!err)
		err = set_reserve(p, map->reserve_frames);
	if (err)
		return err;
	set_watermarks(p);
	root()->part[ROOT_PHYS] = p;
	open_partial_sections(p);
	fill_nodes(p);
	free_lists_add(p->usable);
	return OK;
}
