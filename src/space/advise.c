/*
 * advise.c - what a program says about its memory.
 *
 *	DONTNEED, DONTNEED_LOCKED   pages go, guards stay; the next access finds zeros, or the
 *	                            object's page
 *	GUARD_INSTALL, REMOVE       marks in the tables, which a fault reads
 *	NEXT_TOUCH                  leaves without access, which a fault takes to its node
 *	DONTFORK .. MERGEABLE       flags of the regions, which fork reads, or nobody
 *	REMOVE                      a hole in the object (remove.c)
 *	WILLNEED, COLD, PAGEOUT     hints that change nothing; so is FREE, until there is
 *	                            somebody who takes pages away
 *
 * One table says what each advice does and which regions it does not fit. As in
 * Linux, holes are passed over and reported at the end, and a region that does not
 * fit ends the call after the part before it. Lack of memory is ERR_AGAIN here,
 * because ERR_NOMEM means a hole.
 */
#include "space/advise.h"

#include "space/bounds.h"
#include "space/edit.h"
#include "space/tree.h"

/* What keeps an advice from a region, in Linux's order of errors. */
enum obstacle {
	NO_SEALED = 1 << 0,  /* contents of sealed read-only anonymous memory: ERR_PERM */
	NO_LOCKED = 1 << 1,  /* the rest is ERR_INVAL */
	NO_BACKING = 1 << 2, /* memory with an object */
	NO_DEVICE = 1 << 3,
	NO_REGION = 1 << 4, /* any */
};

struct rule {
	bool	 is_known;
	unsigned obstacles;
	unsigned flags_mask; /* bits of the region that the advice decides */
	unsigned flags;
	unsigned spared; /* regions with such a flag are passed over, without an error */
	err_t (*tables)(struct space *sp, struct va_range range);
};

#define SET_FLAG(set)		 .flags_mask = (set), .flags = (set)
#define SET_FLAG_NOT(set, other) .flags_mask = (set) | (other), .flags = (set)
#define CLEAR_FLAG(clear)	 .flags_mask = (clear)

static const struct rule rules[] = {
	[ADVICE_NORMAL] = { .is_known = true, CLEAR_FLAG(REGION_RANDOM | REGION_SEQUENTIAL) },
	[ADVICE_RANDOM] = { .is_known = true, SET_FLAG_NOT(REGION_RANDOM, REGION_SEQUENTIAL) },
	[ADVICE_SEQUENTIAL] = { .is_known = true, SET_FLAG_NOT(REGION_SEQUENTIAL, REGION_RANDOM) },
	[ADVICE_WILLNEED] = { .is_known = true },
	[ADVICE_DONTNEED] = { .is_known = true,
			      .obstacles = NO_SEALED | NO_LOCKED | NO_DEVICE,
			      .tables = advise_drop_pages },
	[ADVICE_FREE] = { .is_known = true, .obstacles = NO_SEALED | NO_LOCKED | NO_BACKING },
	[ADVICE_REMOVE] = { .is_known = true },
	[ADVICE_DONTFORK] = { .is_known = true, .obstacles = NO_SEALED, SET_FLAG(REGION_DONTFORK) },
	[ADVICE_DOFORK] = { .is_known = true, .obstacles = NO_DEVICE, CLEAR_FLAG(REGION_DONTFORK) },
	[ADVICE_MERGEABLE] = { .is_known = true,
			       SET_FLAG(REGION_MERGEABLE),
			       .spared = REGION_SHARED },
	[ADVICE_UNMERGEABLE] = { .is_known = true, CLEAR_FLAG(REGION_MERGEABLE) },
	[ADVICE_HUGEPAGE] = { .is_known = true, SET_FLAG_NOT(REGION_HUGEPAGE, REGION_NOHUGEPAGE) },
	[ADVICE_NOHUGEPAGE] = { .is_known = true,
				SET_FLAG_NOT(REGION_NOHUGEPAGE, REGION_HUGEPAGE) },
	[ADVICE_DONTDUMP] = { .is_known = true, SET_FLAG(REGION_DONTDUMP) },
	[ADVICE_DODUMP] = { .is_known = true, .obstacles = NO_DEVICE, CLEAR_FLAG(REGION_DONTDUMP) },
	[ADVICE_WIPEONFORK] = { .is_known = true,
				.obstacles = NO_SEALED | NO_BACKING,
				SET_FLAG(REGION_WIPEONFORK) },
	[ADVICE_KEEPONFORK] = { .is_known = true, CLEAR_FLAG(REGION_WIPEONFORK) },
	[ADVICE_COLD] = { .is_known = true, .obstacles = NO_LOCKED | NO_DEVICE },
	[ADVICE_PAGEOUT] = { .is_known = true, .obstacles = NO_LOCKED | NO_DEVICE },
	[ADVICE_DONTNEED_LOCKED] = { .is_known = true,
				     .obstacles = NO_SEALED | NO_DEVICE,
				     .tables = advise_drop_pages },
	[ADVICE_COLLAPSE] = { .is_known = true, .obstacles = NO_REGION },
	[ADVICE_GUARD_INSTALL] = { .is_known = true,
				   .obstacles = NO_SEALED | NO_LOCKED | NO_DEVICE,
				   .tables = advise_install_guards },
	[ADVICE_GUARD_REMOVE] = { .is_known = true,
				  .obstacles = NO_DEVICE,
				  .tables = advise_remove_guards },
	[ADVICE_NEXT_TOUCH] = { .is_known = true,
				.obstacles = NO_LOCKED | NO_DEVICE,
				.tables = advise_next_touch },
};

struct request {
	struct va_range	   range; /* survey clips it to the part to be done */
	const struct rule *rule;
	bool		   has_hole;
};

/* can_lose - throwing contents away needs the right to write them, where they are sealed. */
static bool
can_lose(const struct region *r)
{
	return !(r->flags & REGION_SEALED) || r->object || (r->prot & PROT_W);
}

static err_t
fits(const struct rule *rule, const struct region *r)
{
	if ((rule->obstacles & NO_SEALED) && !can_lose(r))
		return ERR_PERM;
	if ((rule->obstacles & NO_LOCKED) && (r->flags & REGION_LOCKED))
		return ERR_INVAL;
	if ((rule->obstacles & NO_BACKING) && r->object)
		return ERR_INVAL;
	if ((rule->obstacles & NO_DEVICE) && (r->flags & REGION_DEVICE))
		return ERR_INVAL;
	return rule->obstacles & NO_REGION ? ERR_INVAL : OK;
}

/*
 * survey - clip the range to what is mapped and comes before the first region that the
 * advice does not fit, and note holes.
 *   gives  what is to be said of that region; OK: there is none
 */
static err_t
survey(struct space *sp, struct request *request)
{
	struct va_range whole = request->range;
	vaddr_t		at = whole.start;

	request->range = va_range(UINT64_MAX, 0);
	for (struct region *r = tree_find_end(sp, whole.start); r && r->range.start < whole.end;
	     r = tree_next(r)) {
		struct va_range part = range_clip(r->range, whole);
		err_t		err = fits(request->rule, r);

		if (err)
			return err;
		request->has_hole |= part.start > at;
		request->range.start = min_u64(request->range.start, part.start);
		request->range.end = part.end;
		at = part.end;
	}
	request->has_hole |= at < whole.end;
	return OK;
}

static err_t
set_flags(struct space *sp, const struct request *request)
{
	struct region_edit edit = { .range = request->range,
				    .flags_mask = request->rule->flags_mask,
				    .flags = request->rule->flags,
				    .spare = request->rule->spared };
	err_t		   err = edit_plan(sp, &edit);

	if (err == OK)
		edit_commit(sp, &edit);
	return err;
}

static err_t
follow(struct space *sp, const struct request *request)
{
	err_t err = OK;

	if (range_is_empty(request->range))
		return OK;
	if (request->rule->tables)
		err = request->rule->tables(sp, request->range);
	else if (request->rule->flags_mask)
		err = set_flags(sp, request);
	return err == OK ? OK : ERR_AGAIN;
}

err_t
space_advise(struct space *sp, vaddr_t addr, uint64_t length, enum advice advice)
{
	struct request request = { .rule = &rules[0] };
	uint64_t       bytes;
	err_t	       misfit, err;

	if ((unsigned)advice >= ARRAY_SIZE(rules) || !rules[advice].is_known)
		return ERR_INVAL;
	if (!is_page_aligned(addr) || !page_ceil(length, &bytes) || addr + bytes < addr)
		return ERR_INVAL;
	if (bytes == 0)
		return OK;
	if (advice == ADVICE_REMOVE)
		return advise_remove(sp, va_range(addr, addr + bytes));
	request.rule = &rules[advice];
	request.range = va_range(addr, addr + bytes);
	write_lock(&sp->lock);
	misfit = survey(sp, &request);
	err = follow(sp, &request);
	write_unlock(&sp->lock);
	if (err == OK)
		err = misfit;
	return err == OK && request.has_hole ? ERR_NOMEM : err;
}
