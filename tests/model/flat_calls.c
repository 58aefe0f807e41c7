/*
 * flat_calls.c - the calls on the flat model; see flat_calls.h.
 *
 * Each call walks over the regions as the manual page tells it, one after the other, and
 * stops where the page says that it stops.
 */
#include "model/flat_calls.h"

#define PAGE	   ARCH_PAGE_SIZE
#define LOCK_FLAGS ((unsigned)(REGION_LOCKED | REGION_LOCKONFAULT))

static bool
is_aligned(vaddr_t va)
{
	return va % PAGE == 0;
}

/* rounded - up to whole pages; what does not fit 64 bits wraps around to 0. */
static uint64_t
rounded(uint64_t bytes)
{
	return (bytes + PAGE - 1) / PAGE * PAGE;
}

/* next_region - the first one in the range, and its part of it; NULL: there is none. */
static struct flat_region *
next_region(struct flat_space *fs, struct va_range range, struct va_range *part)
{
	for (unsigned i = 0; i < fs->nr_regions; i++) {
		struct flat_region *r = &fs->regions[i];

		*part = range_clip(va_range(r->start, r->end), range);
		if (!range_is_empty(*part))
			return r;
	}
	return NULL;
}

/* mapped_until - the end of what is mapped without a hole from the start of the range on. */
static vaddr_t
mapped_until(struct flat_space *fs, struct va_range range)
{
	struct flat_region *r;

	while (range.start < range.end && (r = flat_find(fs, range.start)))
		range.start = min_u64(r->end, range.end);
	return range.start;
}

/* mremap(2). */

struct remapping {
	struct flat_space *fs;
	vaddr_t		   addr;
	uint64_t	   old_bytes, new_bytes;
	unsigned	   flags;
	vaddr_t		   to;
};

/* names_place - the caller says where, or at least that the old place is not to be used. */
static bool
names_place(const struct remapping *m)
{
	return m->flags & (REMAP_FIXED | REMAP_DONTUNMAP);
}

static bool
grows(const struct remapping *m)
{
	return m->new_bytes > m->old_bytes;
}

static err_t
check_arguments(const struct remapping *m)
{
	vaddr_t end = m->fs->layout.end;

	if (m->flags > 7 || !is_aligned(m->addr) || !m->new_bytes || m->new_bytes > end)
		return ERR_INVAL;
	if (!names_place(m))
		return OK;
	if (!(m->flags & REMAP_MAYMOVE) || !is_aligned(m->to) || m->to > end - m->new_bytes)
		return ERR_INVAL;
	if ((m->flags & REMAP_DONTUNMAP) && m->old_bytes != m->new_bytes)
		return ERR_INVAL;
	if (m->addr + m->old_bytes > m->to && m->to + m->new_bytes > m->addr)
		return ERR_INVAL;
	return OK;
}

/* check_mapping - what the mapping at the old address does not allow. */
static err_t
check_mapping(const struct remapping *m, const struct flat_region *r)
{
	if (!r)
		return ERR_FAULT;
	if (r->flags & REGION_SEALED)
		return ERR_PERM;
	if (!names_place(m) && !grows(m))
		return OK;
	if (!m->old_bytes && !(r->flags & REGION_SHARED))
		return ERR_INVAL;
	if (min_u64(m->old_bytes, m->new_bytes) > r->end - m->addr)
		return ERR_FAULT;
	/* A second mapping over the start of the first one: that is gone when it is looked for. */
	if (!m->old_bytes && (m->flags & REMAP_FIXED) && m->to == m->addr)
		return ERR_FAULT;
	if (grows(m) && (r->flags & REGION_LOCKED) &&
	    !flat_may_lock(m->fs, m->new_bytes - m->old_bytes))
		return ERR_AGAIN;
	return OK;
}

/* check_tail - what is cut off behind the new length, by the rules of munmap. */
static err_t
check_tail(const struct remapping *m)
{
	vaddr_t from = m->addr + m->new_bytes;
	vaddr_t end = m->fs->layout.end;

	if (m->old_bytes <= m->new_bytes)
		return OK;
	if (from > end || m->old_bytes - m->new_bytes > end - from)
		return ERR_INVAL;
	return flat_is_sealed(m->fs, va_range(from, m->addr + m->old_bytes)) ? ERR_PERM : OK;
}

static void
cut_tail(const struct remapping *m)
{
	if (m->old_bytes > m->new_bytes)
		flat_unmap(m->fs, va_range(m->addr + m->new_bytes, m->addr + m->old_bytes));
}

/* can_stretch - the mapping ends with the old range, and behind it is room. */
static bool
can_stretch(const struct remapping *m, const struct flat_region *r)
{
	struct va_range more = va_range(r->end, m->addr + m->new_bytes);

	return m->addr + m->old_bytes == r->end && more.end <= m->fs->layout.end &&
	       more.end > more.start && flat_is_free(m->fs, more);
}

static void
stretch(const struct remapping *m, const struct flat_region *r)
{
	struct flat_region more = *r;

	more.start = r->end;
	more.end = m->addr + m->new_bytes;
	if (more.object)
		more.offset += (r->end - r->start) / PAGE;
	flat_map(m->fs, more);
}

/* choose_place - m->to; what is mapped there goes, if it was named. */
static err_t
choose_place(struct remapping *m, const struct flat_region *r)
{
	vaddr_t hint = m->flags & REMAP_DONTUNMAP ? m->to : 0;

	if (!(m->flags & REMAP_FIXED))
		return flat_place(m->fs, hint, m->new_bytes, !r->object, &m->to) ? OK : ERR_NOMEM;
	return flat_is_sealed(m->fs, va_range(m->to, m->to + m->new_bytes)) ? ERR_PERM : OK;
}

/* leave_empty - MREMAP_DONTUNMAP: the old mapping stays, without pages and without its lock. */
static void
leave_empty(const struct remapping *m)
{
	struct flat_region *r = flat_find(m->fs, m->addr);

	flat_set_flags(m->fs, va_range(r->start, r->end), 0, LOCK_FLAGS);
}

static err_t
move(struct remapping *m, struct flat_region fresh)
{
	uint64_t	bytes = min_u64(m->old_bytes, m->new_bytes);
	struct va_range old = va_range(m->addr, m->addr + bytes);
	err_t		err = choose_place(m, &fresh);

	if (err == OK)
		err = check_tail(m);
	if (err)
		return err;
	if (fresh.object)
		fresh.offset += (m->addr - fresh.start) / PAGE;
	fresh.start = m->to;
	fresh.end = m->to + m->new_bytes;
	if (m->flags & REMAP_FIXED)
		flat_unmap(m->fs, va_range(fresh.start, fresh.end));
	cut_tail(m);
	if (bytes)
		flat_move_pages(m->fs, old, m->to);
	if (m->flags & REMAP_DONTUNMAP)
		leave_empty(m);
	else if (bytes)
		flat_unmap(m->fs, old);
	flat_add_region(m->fs, fresh);
	return OK;
}

static err_t
remap_mapping(struct remapping *m)
{
	struct flat_region *r = flat_find(m->fs, m->addr);
	err_t		    err = check_mapping(m, r);

	if (err)
		return err;
	if (names_place(m))
		return move(m, *r);
	if (!grows(m)) {
		m->to = m->addr;
		err = check_tail(m);
		if (err == OK)
			cut_tail(m);
		return err;
	}
	if (can_stretch(m, r)) {
		m->to = m->addr;
		stretch(m, r);
		return OK;
	}
	return m->flags & REMAP_MAYMOVE ? move(m, *r) : ERR_NOMEM;
}

/* move_all - since Linux 6.17: a move of the same length covers any number of mappings. */
static err_t
move_all(const struct remapping *whole)
{
	struct va_range rest = va_range(whole->addr, whole->addr + whole->old_bytes);
	struct va_range part;

	if (!flat_find(whole->fs, whole->addr))
		return ERR_FAULT;
	for (; next_region(whole->fs, rest, &part); rest.start = part.end) {
		struct remapping m = *whole;
		err_t		 err;

		m.addr = part.start;
		m.old_bytes = m.new_bytes = part.end - part.start;
		m.to = whole->to + (part.start - whole->addr);
		err = remap_mapping(&m);
		if (err)
			return err;
	}
	return OK;
}

err_t
flat_remap(struct flat_space *fs, const struct remap_request *request, vaddr_t *out)
{
	struct remapping m = { .fs = fs,
			       .addr = request->addr,
			       .old_bytes = rounded(request->old_length),
			       .new_bytes = rounded(request->new_length),
			       .flags = request->flags,
			       .to = request->new_addr };
	err_t		 err = check_arguments(&m);

	if (err == OK)
		err = (m.flags & REMAP_FIXED) && m.old_bytes == m.new_bytes ? move_all(&m)
									    : remap_mapping(&m);
	*out = m.to;
	return err;
}

/* mlock(2) and its family. */

/* bytes_locked - of the range, already. */
static uint64_t
bytes_locked(struct flat_space *fs, struct va_range range)
{
	struct va_range part;
	uint64_t	bytes = 0;

	for (struct flat_region *r; (r = next_region(fs, range, &part)); range.start = part.end)
		bytes += r->flags & REGION_LOCKED ? part.end - part.start : 0;
	return bytes;
}

err_t
flat_lock(struct flat_space *fs, vaddr_t addr, uint64_t length, unsigned set)
{
	vaddr_t		start = addr - addr % PAGE;
	uint64_t	bytes = rounded(length + addr % PAGE);
	struct va_range range = va_range(start, start + bytes);
	vaddr_t		end;

	if (set && !fs->layout.limit_memlock)
		return ERR_PERM;
	if (set && !flat_may_lock(fs, bytes - bytes_locked(fs, range)))
		return ERR_NOMEM;
	if (range.end < range.start)
		return ERR_INVAL;
	end = mapped_until(fs, range);
	if (end > range.start)
		flat_set_flags(fs, va_range(range.start, end), set, LOCK_FLAGS);
	return end < range.end ? ERR_NOMEM : OK;
}

err_t
flat_lock_all(struct flat_space *fs, unsigned flags)
{
	struct va_range all = va_range(0, fs->layout.end);
	unsigned	set = REGION_LOCKED;
	uint64_t	bytes = 0;

	if (flags & LOCKALL_ONFAULT)
		set |= REGION_LOCKONFAULT;
	if (flags > 7 || flags == LOCKALL_ONFAULT)
		return ERR_INVAL;
	if (flags && !fs->layout.limit_memlock)
		return ERR_PERM;
	for (unsigned i = 0; i < fs->nr_regions; i++)
		bytes += fs->regions[i].end - fs->regions[i].start;
	if ((flags & LOCKALL_CURRENT) && bytes > fs->layout.limit_memlock)
		return ERR_NOMEM;
	if (!flags || (flags & LOCKALL_CURRENT))
		flat_set_flags(fs, all, flags ? set : 0, LOCK_FLAGS);
	fs->new_flags = flags & LOCKALL_FUTURE ? set : 0;
	return OK;
}

/* mseal(2). */

err_t
flat_seal(struct flat_space *fs, vaddr_t addr, uint64_t length)
{
	struct va_range range = va_range(addr, addr + rounded(length));

	if (!is_aligned(addr) || (length && !rounded(length)) || range.end < range.start)
		return ERR_INVAL;
	if (range.end > range.start && !flat_is_full(fs, range))
		return ERR_NOMEM;
	if (range.end > range.start)
		flat_set_flags(fs, range, REGION_SEALED, 0);
	return OK;
}

/* madvise(2). */

/* discards - contents of the memory, for this process or its children. */
static bool
discards(enum advice advice)
{
	switch ((unsigned)advice) {
	case ADVICE_FREE:
	case ADVICE_DONTNEED:
	case ADVICE_DONTNEED_LOCKED:
	case ADVICE_REMOVE:
	case ADVICE_DONTFORK:
	case ADVICE_WIPEONFORK:
	case ADVICE_GUARD_INSTALL:
		return true;
	default:
		return false;
	}
}

static err_t
misfit(enum advice advice, const struct flat_region *r)
{
	bool is_locked = r->flags & REGION_LOCKED;

	if ((r->flags & REGION_SEALED) && discards(advice) && !r->object && !(r->prot & PROT_W))
		return ERR_PERM;
	switch ((unsigned)advice) {
	case ADVICE_FREE:
		return is_locked || r->object ? ERR_INVAL : OK;
	case ADVICE_DONTNEED:
	case ADVICE_COLD:
	case ADVICE_PAGEOUT:
	case ADVICE_GUARD_INSTALL:
		return is_locked ? ERR_INVAL : OK;
	case ADVICE_REMOVE:
		if (is_locked || !r->object)
			return ERR_INVAL;
		return r->flags & REGION_SHARED ? OK : ERR_ACCES;
	case ADVICE_WIPEONFORK:
		return r->object ? ERR_INVAL : OK;
	case ADVICE_COLLAPSE:
		return ERR_INVAL;
	default:
		return OK;
	}
}

/* flags_of - what the advice sets in a region and what it clears. */
static unsigned
flags_of(enum advice advice, unsigned *clear)
{
	*clear = 0;
	switch ((unsigned)advice) {
	case ADVICE_NORMAL:
		*clear = REGION_RANDOM | REGION_SEQUENTIAL;
		return 0;
	case ADVICE_RANDOM:
		*clear = REGION_SEQUENTIAL;
		return REGION_RANDOM;
	case ADVICE_SEQUENTIAL:
		*clear = REGION_RANDOM;
		return REGION_SEQUENTIAL;
	case ADVICE_DONTFORK:
		return REGION_DONTFORK;
	case ADVICE_DOFORK:
		*clear = REGION_DONTFORK;
		return 0;
	case ADVICE_WIPEONFORK:
		return REGION_WIPEONFORK;
	case ADVICE_KEEPONFORK:
		*clear = REGION_WIPEONFORK;
		return 0;
	case ADVICE_HUGEPAGE:
		*clear = REGION_NOHUGEPAGE;
		return REGION_HUGEPAGE;
	case ADVICE_NOHUGEPAGE:
		*clear = REGION_HUGEPAGE;
		return REGION_NOHUGEPAGE;
	case ADVICE_DONTDUMP:
		return REGION_DONTDUMP;
	case ADVICE_DODUMP:
		*clear = REGION_DONTDUMP;
		return 0;
	case ADVICE_MERGEABLE:
		return REGION_MERGEABLE;
	case ADVICE_UNMERGEABLE:
		*clear = REGION_MERGEABLE;
		return 0;
	default:
		return 0;
	}
}

/* free_pages - from now on they may turn into zeros, apart from those that a device holds. */
static void
free_pages(struct flat_space *fs, struct va_range range)
{
	for (unsigned i = 0; i < fs->nr_pages; i++) {
		if (range_has(range, fs->pages[i].page * PAGE))
			fs->pages[i].is_freed = !fs->pages[i].pinned;
	}
}

/* advise_part - one part of one region, which the advice fits. */
static void
advise_part(struct flat_space *fs, enum advice advice, const struct flat_region *r,
	    struct va_range part)
{
	unsigned clear;
	unsigned set = flags_of(advice, &clear);

	switch ((unsigned)advice) {
	case ADVICE_DONTNEED:
	case ADVICE_DONTNEED_LOCKED:
		flat_drop_pages(fs, part, false);
		return;
	case ADVICE_FREE:
		free_pages(fs, part);
		return;
	case ADVICE_REMOVE:
		flat_object_punch(r->object, r->offset + (part.start - r->start) / PAGE,
				  (part.end - part.start) / PAGE);
		return;
	case ADVICE_GUARD_INSTALL:
		(void)flat_add_guards(fs, part);
		return;
	case ADVICE_GUARD_REMOVE:
		flat_drop_guards(fs, part);
		return;
	default:
		break;
	}
	if (advice == ADVICE_MERGEABLE && (r->flags & REGION_SHARED))
		return;
	if (set || clear)
		flat_set_flags(fs, part, set, clear);
}

/*
 * advise_all - a region that does not fit ends the call after the part before it; holes are
 * passed over and told at the end.
 */
static err_t
advise_all(struct flat_space *fs, enum advice advice, struct va_range range)
{
	struct flat_region *r;
	struct va_range	    part;
	vaddr_t		    at;
	err_t		    result = OK;

	for (at = range.start; (r = next_region(fs, va_range(at, range.end), &part));
	     at = part.end) {
		err_t err = misfit(advice, r);

		if (err)
			return err;
		if (part.start > at)
			result = ERR_NOMEM;
		advise_part(fs, advice, r, part);
	}
	return at < range.end ? ERR_NOMEM : result;
}

err_t
flat_advise(struct flat_space *fs, vaddr_t addr, uint64_t length, enum advice advice)
{
	uint64_t bytes = rounded(length);

	if (!is_aligned(addr) || (length && !bytes) || addr + bytes < addr)
		return ERR_INVAL;
	return advise_all(fs, advice, va_range(addr, addr + bytes));
}

/* msync(2). */

err_t
flat_sync(const struct flat_space *fs, vaddr_t addr, uint64_t length, unsigned flags)
{
	struct va_range range = va_range(addr, addr + rounded(length));
	vaddr_t		at = range.start;
	bool		has_hole = false;

	if (flags > 7 || !is_aligned(addr) || (flags & SYNC_ASYNC && flags & SYNC_SYNC))
		return ERR_INVAL;
	if (range.end < range.start)
		return ERR_NOMEM;
	for (unsigned i = 0; i < fs->nr_regions; i++) {
		const struct flat_region *r = &fs->regions[i];
		struct va_range		  part = range_clip(va_range(r->start, r->end), range);

		if (range_is_empty(part))
			continue;
		if ((flags & SYNC_INVALIDATE) && (r->flags & REGION_LOCKED))
			return ERR_BUSY;
		has_hole |= part.start > at;
		at = part.end;
	}
	return has_hole || at < range.end ? ERR_NOMEM : OK;
}

/* Populating. */

/* fill_region - its part of the range. */
static enum flat_end
fill_region(struct flat_space *fs, const struct flat_fill *fill, struct va_range part)
{
	struct flat_region *r = flat_find(fs, part.start);
	bool		    is_private = !(r->flags & REGION_SHARED);
	prot_t		    wanted = fill->why == FLAT_READ    ? PROT_R
				     : fill->why == FLAT_WRITE ? PROT_W
							       : PROT_RWX;
	bool		    writes = fill->why == FLAT_WRITE ||
		      (fill->why != FLAT_READ && is_private && (r->prot & PROT_W));
	enum access access = writes ? ACCESS_STORE : ACCESS_LOAD;

	if (!(r->prot & wanted))
		return FLAT_FORBIDDEN;
	for (vaddr_t va = part.start; va < part.end; va += PAGE) {
		if (flat_judge(fs, access, va, &r) != FAULT_DONE)
			return FLAT_NO_PAGE;
		if (writes)
			flat_touch(fs, r, va);
		if (fill->brought)
			fill->brought(fill->arg, va, access);
	}
	return FLAT_DONE;
}

/* is_wanted - locked memory that is to come when it is touched only comes when it is asked for by name. */
static bool
is_wanted(const struct flat_region *r, enum flat_why why)
{
	if (why == FLAT_READ || why == FLAT_WRITE)
		return true;
	if (r->flags & REGION_LOCKONFAULT)
		return false;
	return why == FLAT_MAPPED || (r->flags & REGION_LOCKED);
}

enum flat_end
flat_fill(struct flat_space *fs, const struct flat_fill *fill)
{
	bool		    minds_holes = fill->why == FLAT_READ || fill->why == FLAT_WRITE;
	struct va_range	    rest = fill->range;
	struct va_range	    part;
	struct flat_region *r;

	for (; (r = next_region(fs, rest, &part)); rest.start = part.end) {
		enum flat_end end = FLAT_DONE;

		if (minds_holes && part.start > rest.start)
			return FLAT_HOLE;
		if (is_wanted(r, fill->why))
			end = fill_region(fs, fill, part);
		if (end != FLAT_DONE && !fill->goes_on)
			return end;
	}
	return minds_holes && rest.start < rest.end ? FLAT_HOLE : FLAT_DONE;
}
