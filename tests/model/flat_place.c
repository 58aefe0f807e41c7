/*
 * flat_place.c - where Linux puts a mapping for which nobody has said where; see flat.h.
 */
#include "model/flat.h"

static vaddr_t
guarded_low(const struct flat_space *fs, const struct flat_region *r)
{
	uint64_t guard = r->flags & REGION_GROWSDOWN ? fs->layout.stack_guard : 0;

	return r->start > guard ? r->start - guard : 0;
}

/* gap_before - the unmapped range before region i, or after the last. */
static struct va_range
gap_before(const struct flat_space *fs, unsigned i)
{
	vaddr_t start = i ? fs->regions[i - 1].end : 0;

	return va_range(start, i < fs->nr_regions ? fs->regions[i].start : fs->layout.end);
}

static bool
has_room(struct va_range gap, uint64_t length)
{
	return !range_is_empty(gap) && gap.end - gap.start >= length;
}

/* guard_of - where a mapping in front of region i must end. */
static vaddr_t
guard_of(const struct flat_space *fs, unsigned i)
{
	return i < fs->nr_regions ? guarded_low(fs, &fs->regions[i]) : UINT64_MAX;
}

/*
 * As Linux does it: guard gaps do not count when the gap is chosen. One that turns out to
 * be in the way ends the search above it, and the search starts again.
 */
static bool
search_down(const struct flat_space *fs, uint64_t length, vaddr_t *out)
{
	struct va_range limits = va_range(fs->layout.min_addr, fs->layout.mmap_base);

	for (unsigned i = fs->nr_regions + 1; i-- > 0;) {
		struct va_range gap = range_clip(gap_before(fs, i), limits);

		if (!has_room(gap, length))
			continue;
		if (guard_of(fs, i) >= gap.end) {
			*out = gap.end - length;
			return true;
		}
		limits.end = guard_of(fs, i);
		i = fs->nr_regions + 1;
	}
	return false;
}

static bool
search_up(const struct flat_space *fs, vaddr_t from, uint64_t length, vaddr_t *out)
{
	for (unsigned i = 0; i <= fs->nr_regions; i++) {
		struct va_range gap = range_clip(gap_before(fs, i), va_range(from, fs->layout.end));

		if (has_room(gap, length) && guard_of(fs, i) >= gap.start + length) {
			*out = gap.start;
			return true;
		}
	}
	return false;
}

/* search - top-down with the bottom-up rest, or bottom-up only. */
static bool
search(const struct flat_space *fs, uint64_t length, vaddr_t *out)
{
	if (fs->layout.bottom_up)
		return search_up(fs, fs->layout.mmap_base, length, out);
	return search_down(fs, length, out) ||
	       search_up(fs, (fs->layout.end / 3 + ARCH_PAGE_MASK) & ~ARCH_PAGE_MASK, length, out);
}

/* try_hint - a hint is taken if the place is free and keeps away from a stack above it. */
static bool
try_hint(const struct flat_space *fs, vaddr_t hint, uint64_t length, vaddr_t *out)
{
	unsigned at = 0;

	if (hint > fs->layout.end || fs->layout.end - hint < length)
		return false;
	while (at < fs->nr_regions && fs->regions[at].end <= hint)
		at++;
	if (at < fs->nr_regions &&
	    (fs->regions[at].start <= hint || guarded_low(fs, &fs->regions[at]) < hint + length))
		return false;
	*out = hint;
	return true;
}

bool
flat_place(const struct flat_space *fs, vaddr_t hint, uint64_t length, bool is_anonymous,
	   vaddr_t *out)
{
	uint64_t huge = fs->layout.huge_size;
	vaddr_t	 at;

	hint &= ~ARCH_PAGE_MASK;
	if (hint)
		hint = max_u64(hint, fs->layout.min_addr);
	if (hint && try_hint(fs, hint, length, out))
		return true;
	if (is_anonymous && !hint && huge && length % huge == 0 && search(fs, length + huge, &at)) {
		uint64_t off = -at & (huge - 1);

		*out = !off && !fs->layout.bottom_up ? at + huge : at + off;
		return true;
	}
	return search(fs, length, out);
}
