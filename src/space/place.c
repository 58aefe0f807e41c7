/*
 * place.c - where a new mapping goes: Linux's choice, address for address.
 *
 *	0    min_addr                              mmap_base        end
 *	|.......|  <----- searched top-down ----------|  stack ...   |
 *	        |       |---- else bottom-up from end / 3 ---------->|
 *
 * The plain rule takes a hint if the place is free, else the highest gap below
 * mmap_base, else the lowest above a third of the space (a space that is laid
 * out bottom-up: the lowest above mmap_base). A region that grows down keeps a
 * guard gap free below itself, from hints and searches alike.
 *
 * Mappings that can use large pages look for a place that is one large page
 * longer and move up inside it, until address and offset agree in the bits
 * below the large page. Linux moves one step too far when top-down luck has
 * aligned the place already; so does this.
 *
 * The space's lock is held, for reading at least.
 */
#include "space/place.h"

#include "space/bounds.h"
#include "space/tree.h"

/* The window of MAPF_32BIT. */
#define LOW_START ((vaddr_t)0x40000000)
#define LOW_END	  ((vaddr_t)0x80000000)

/* Where MAPF_ABOVE4G ends a search from above. */
#define ABOVE_START ((vaddr_t)1 << 32)

vaddr_t
place_round_hint(const struct space *sp, vaddr_t addr)
{
	addr = page_floor(addr);
	return addr && addr < sp->layout.min_addr ? sp->layout.min_addr : addr;
}

/* hint_fits - the place at the hint is free, guard gaps included, and ends below `end`. */
static bool
hint_fits(const struct space *sp, vaddr_t hint, uint64_t bytes, vaddr_t end)
{
	const struct region *next;

	if (!hint || !lies_below(hint, bytes, end))
		return false;
	next = tree_find_end(sp, hint);
	return !next || hint + bytes <= guarded_start(next);
}

/* search - the plain rule without a hint, down to `lowest`. */
static bool
search(const struct space *sp, vaddr_t lowest, uint64_t bytes, vaddr_t *out)
{
	const struct space_layout *layout = &sp->layout;
	vaddr_t			   third;

	if (layout->bottom_up)
		return tree_gap_lowest(sp, bytes, va_range(layout->mmap_base, layout->end), out);
	if (lowest < layout->mmap_base &&
	    tree_gap_highest(sp, bytes, va_range(lowest, layout->mmap_base), out))
		return true;
	return page_ceil(layout->end / 3, &third) &&
	       tree_gap_lowest(sp, bytes, va_range(third, layout->end), out);
}

static bool
place_plain(const struct space *sp, const struct place_request *request, uint64_t bytes,
	    vaddr_t *out)
{
	vaddr_t lowest = sp->layout.min_addr;

	if (hint_fits(sp, request->hint, bytes, sp->layout.end)) {
		*out = request->hint;
		return true;
	}
	if (request->above_4gib)
		lowest = max_u64(lowest, ABOVE_START);
	return search(sp, lowest, bytes, out);
}

/*
 * place_low - where addresses are random, Linux draws a start inside the window for each call;
 * this takes the lowest, as Linux does without.
 */
static bool
place_low(const struct space *sp, vaddr_t hint, uint64_t bytes, vaddr_t *out)
{
	vaddr_t end = min_u64(LOW_END, sp->layout.end);

	if (hint_fits(sp, hint, bytes, end)) {
		*out = hint;
		return true;
	}
	return tree_gap_lowest(sp, bytes, va_range(LOW_START, end), out);
}

/* holds_large_page - the bytes [offset, offset + bytes) hold an aligned large page. */
static bool
holds_large_page(uint64_t offset, uint64_t bytes, uint64_t large)
{
	uint64_t first = offset + (-offset & (large - 1));

	return first >= offset && first - offset <= bytes && bytes - (first - offset) >= large;
}

/* place_unaligned - where the request goes if large pages do not matter. */
static bool
place_unaligned(const struct space *sp, const struct place_request *request, uint64_t bytes,
		vaddr_t *out)
{
	return request->low_2gib ? place_low(sp, request->hint, bytes, out)
				 : place_plain(sp, request, bytes, out);
}

/* place_aligned - false: large pages do not matter, or there is no room for it. */
static bool
place_aligned(const struct space *sp, const struct place_request *request, uint64_t offset,
	      vaddr_t *out)
{
	uint64_t large = sp->layout.huge_size;
	uint64_t up;
	vaddr_t	 va;

	if (!large || !holds_large_page(offset, request->bytes, large))
		return false;
	if (offset + request->bytes + large < offset)
		return false;
	if (!place_unaligned(sp, request, request->bytes + large, &va))
		return false;
	up = (offset - va) & (large - 1);
	if (request->hint && va == request->hint)
		up = 0;
	else if (up == 0 && !sp->layout.bottom_up)
		up = large;
	*out = va + up;
	return true;
}

static bool
place(const struct space *sp, const struct place_request *request, vaddr_t *out)
{
	uint64_t large = sp->layout.huge_size;

	if (request->align_by_offset && place_aligned(sp, request, request->offset, out))
		return true;
	if (request->align_anonymous && large && !request->hint && request->bytes % large == 0 &&
	    place_aligned(sp, request, 0, out))
		return true;
	return place_unaligned(sp, request, request->bytes, out);
}

err_t
place_find(const struct space *sp, const struct place_request *request, vaddr_t *out)
{
	return place(sp, request, out) ? OK : ERR_NOMEM;
}
