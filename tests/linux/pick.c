/*
 * pick.c - makes up operations that are likely to meet something.
 *
 * Most addresses are near the borders of what is mapped; most lengths are a few pages; now and
 * then one is absurd. Operations that would hit the agent's own memory are drawn again.
 */
#include "pick.h"

#include <string.h>

#include <anymm/region.h>

#include "../harness.h"
#include "pair.h"

#define PAGE	   ARCH_PAGE_SIZE
#define LARGE	   ((uint64_t)2 << 20)
#define MOST_MADE  ((uint64_t)1 << 20)
#define MOST_STACK ((uint64_t)8 << 20)
#define ARENA	   ((vaddr_t)0x100000000)

/* The order of the weights is that of enum op_kind. */
const struct theme themes[] = {
#define CALLS(map, unmap, protect, advise, brk) \
	[OP_MMAP] = map, [OP_MUNMAP] = unmap, [OP_MPROTECT] = protect, [OP_MADVISE] = advise, \
	[OP_BRK] = brk
#define USES(load, store, visit, mark) \
	[OP_LOAD] = load, [OP_STORE] = store, [OP_VISIT] = visit, [OP_MARK] = mark
#define TREE(fork, exit) [OP_FORK] = fork, [OP_EXIT] = exit

	{ .name = "calls",
	  .weights = { CALLS(30, 14, 16, 10, 4), USES(10, 14, 2, 0), [OP_FETCH] = 6, [OP_MSEAL] = 1,
		       [OP_MSYNC] = 3, [OP_MINCORE] = 4 },
	  .most_processes = 1 },
	{ .name = "limits",
	  .weights = { CALLS(32, 12, 16, 4, 14), USES(6, 10, 1, 0),
		       TREE(2, 1), [OP_MREMAP] = 8, [OP_LIMIT] = 2 },
	  .most_processes = 2,
	  .has_limits = true },
	{ .name = "moves",
	  .weights = { CALLS(24, 8, 10, 6, 2), USES(10, 20, 3, 1), TREE(3, 2), [OP_MREMAP] = 40 },
	  .most_processes = 3 },
	{ .name = "files",
	  .weights = { CALLS(30, 6, 8, 5, 1), USES(14, 22, 5, 2),
		       TREE(3, 2), [OP_MREMAP] = 6, [OP_FETCH] = 2, [OP_TRUNCATE] = 8,
		       [OP_PUNCH] = 6, [OP_READ] = 6, [OP_WRITE] = 8, [OP_MSYNC] = 4,
		       [OP_MINCORE] = 4, [OP_VM_READ] = 3, [OP_VM_WRITE] = 3 },
	  .most_processes = 3,
	  .is_about_files = true },
	{ .name = "locks",
	  .weights = { CALLS(24, 10, 10, 6, 4), USES(6, 8, 2, 0), TREE(2, 1), [OP_MREMAP] = 10,
		       [OP_MLOCK] = 14, [OP_MUNLOCK] = 8, [OP_MLOCKALL] = 3, [OP_MUNLOCKALL] = 2,
		       [OP_MSYNC] = 3, [OP_MINCORE] = 4, [OP_LIMIT] = 3 },
	  .most_processes = 2,
	  .has_limits = true,
	  .is_small = true },
	{ .name = "forks",
	  .weights = { CALLS(12, 5, 8, 10, 2), USES(16, 28, 5, 2), TREE(7, 4), [OP_MREMAP] = 3,
		       [OP_VM_READ] = 4, [OP_VM_WRITE] = 4, [OP_MINCORE] = 1 },
	  .most_processes = 4 },
};
const unsigned nr_themes = sizeof(themes) / sizeof(themes[0]);

static uint64_t
draw(struct picker *picker)
{
	return test_random(&picker->random);
}

static uint64_t
below(struct picker *picker, uint64_t n)
{
	return draw(picker) % n;
}

static bool
one_in(struct picker *picker, uint64_t n)
{
	return below(picker, n) == 0;
}

void
pick_begin(struct picker *picker, const struct theme *theme, uint64_t seed, struct setup *setup,
	   unsigned *length)
{
	static const unsigned lengths[] = { 60, 150, 150, 300, 300, 600, 1500 };

	*picker = (struct picker){ .theme = theme, .random = seed };
	*setup = (struct setup){ .seed = seed,
				 .limit_as = UINT64_MAX,
				 .limit_data = UINT64_MAX,
				 .limit_stack = MOST_STACK,
				 .limit_memlock = UINT64_MAX,
				 .is_wrong = setup->is_wrong };
	*length = lengths[below(picker, sizeof(lengths) / sizeof(lengths[0]))];
	if (!theme->has_limits)
		return;
	if (one_in(picker, 2))
		setup->limit_as = below(picker, 64 << 20);
	if (one_in(picker, 2))
		setup->limit_data = below(picker, 8 << 20);
	if (one_in(picker, 2))
		setup->limit_stack = below(picker, 1 << 20);
	if (one_in(picker, 2))
		setup->limit_memlock = one_in(picker, 4) ? 0 : below(picker, 1 << 20);
}

/* 1. Addresses and lengths. */

static struct region *
any_region(struct picker *picker, struct space *sp)
{
	struct region *r = space_first(sp);

	for (uint64_t n = below(picker, sp->nr_regions); n > 0; n--)
		r = region_next(r);
	return r;
}

static vaddr_t
near(struct picker *picker, vaddr_t va)
{
	return va + (below(picker, 9) - 4) * PAGE;
}

static vaddr_t
absurd_address(struct picker *picker, struct space *sp)
{
	switch (below(picker, 6)) {
	case 0:
		return below(picker, 20) * PAGE;
	case 1:
		return sp->layout.end - below(picker, 4) * PAGE;
	case 2:
		return sp->layout.end + below(picker, 4) * PAGE;
	case 3:
		return draw(picker);
	case 4:
		return -(below(picker, 8) * PAGE);
	default:
		return near(picker, sp->layout.mmap_base);
	}
}

static vaddr_t
pick_page(struct picker *picker, struct space *sp)
{
	const struct region *r = any_region(picker, sp);

	switch (below(picker, 10)) {
	case 0:
	case 1:
		return near(picker, r->range.start);
	case 2:
	case 3:
		return near(picker, r->range.end);
	case 4:
	case 5:
		return r->range.start + below(picker, min_u64(region_pages(r), 64)) * PAGE;
	case 6:
		return near(picker, sp->brk & ~ARCH_PAGE_MASK);
	case 7:
		if (picker->nr_regions)
			return near(picker, picker->regions[below(picker, picker->nr_regions)]);
		break;
	default:
		break;
	}
	return ARENA + below(picker, 256) * PAGE;
}

static vaddr_t
pick_address(struct picker *picker, struct space *sp)
{
	vaddr_t va;

	if (one_in(picker, 60))
		return absurd_address(picker, sp);
	va = pick_page(picker, sp);
	return one_in(picker, 40) ? va + below(picker, PAGE) : va;
}

static uint64_t
pick_few_pages(struct picker *picker)
{
	uint64_t most = one_in(picker, 3) ? 40 : 8;

	return (1 + below(picker, most)) * PAGE - (one_in(picker, 6) ? below(picker, PAGE) : 0);
}

static uint64_t
pick_length(struct picker *picker)
{
	if (picker->theme->is_small)
		return pick_few_pages(picker);
	if (one_in(picker, 10))
		return below(picker, 6 << 20);
	if (one_in(picker, 10))
		return LARGE * (1 + below(picker, 3));
	switch (below(picker, 200)) {
	case 0:
		return 0;
	case 1:
		return draw(picker);
	case 2:
		return -below(picker, 10000);
	case 3:
		return (uint64_t)1 << (28 + below(picker, 20));
	default:
		return pick_few_pages(picker);
	}
}

static uint64_t
pick_prot(struct picker *picker)
{
	uint64_t prot = one_in(picker, 3) ? below(picker, 4) : PROT_RW;

	if (one_in(picker, 6))
		prot = below(picker, 8);
	return prot;
}

/* any_bit - of 64: flags are as wide as registers. */
static uint64_t
any_bit(struct picker *picker)
{
	return (uint64_t)1 << below(picker, 64);
}

/* 2. Operations. */

static unsigned
pick_placing(struct picker *picker)
{
	switch (below(picker, 4)) {
	case 0:
		return MAPF_FIXED;
	case 1:
		return MAPF_FIXED_NOREPLACE;
	default:
		return 0;
	}
}

/* Reserved large pages and droppable memory are not asked for (known.c). */
#define NOT_ASKED_FOR (MAPF_HUGETLB | 0x3000000)

static unsigned
pick_map_flags(struct picker *picker)
{
	unsigned flags = one_in(picker, 3) ? MAPF_SHARED : MAPF_PRIVATE;

	if (one_in(picker, 40))
		flags = MAPF_SHARED_VALIDATE;
	if (one_in(picker, 60))
		flags = (unsigned)below(picker, 8);
	if (one_in(picker, 3) == picker->theme->is_about_files)
		flags |= MAPF_ANONYMOUS;
	if (one_in(picker, 4))
		flags |= MAPF_NORESERVE;
	if (one_in(picker, 12))
		flags |= MAPF_GROWSDOWN;
	if (one_in(picker, 20))
		flags |= MAPF_POPULATE;
	if (one_in(picker, 20) && picker->theme->is_small)
		flags |= MAPF_LOCKED;
	if (one_in(picker, 12))
		flags |= one_in(picker, 3) ? MAPF_ABOVE4G : MAPF_32BIT;
	if (one_in(picker, 50))
		flags |= (unsigned)draw(picker) & 0x7c17f900u;
	return (flags & ~NOT_ASKED_FOR) | pick_placing(picker);
}

/* makes_pages - memory or tables for every page of the range: not for terabytes. */
static bool
makes_pages(const struct op *op)
{
	return op->kind == OP_MLOCK ||
	       (op->kind == OP_MMAP && (op->arg[3] & (MAPF_LOCKED | MAPF_POPULATE))) ||
	       (op->kind == OP_MADVISE &&
		(op->arg[2] == ADVICE_GUARD_INSTALL || op->arg[2] == ADVICE_POPULATE_READ ||
		 op->arg[2] == ADVICE_POPULATE_WRITE));
}

static void
pick_mmap(struct picker *picker, struct space *sp, struct op *op)
{
	unsigned flags = pick_map_flags(picker);

	op->arg[0] = one_in(picker, 3) && !(flags & (MAPF_FIXED | MAPF_FIXED_NOREPLACE))
			     ? 0
			     : pick_address(picker, sp);
	op->arg[1] = pick_length(picker);
	op->arg[2] = pick_prot(picker);
	op->arg[3] = flags;
	if (one_in(picker, 100))
		op->arg[3] |= any_bit(picker) & ~(uint64_t)UINT32_MAX;
	if (makes_pages(op) && op->arg[1] > MOST_MADE && op->arg[1] < UINT64_MAX - MOST_MADE)
		op->arg[1] = pick_few_pages(picker);
	if (flags & MAPF_ANONYMOUS)
		return;
	op->file = (enum file)below(picker, FILES);
	if (one_in(picker, 30))
		op->file = FILE_NONE;
	op->arg[4] = below(picker, one_in(picker, 4) ? 1000 : 80) * PAGE;
	if (one_in(picker, 3) && !picker->theme->is_about_files)
		op->arg[4] = 0;
	if (one_in(picker, 40))
		op->arg[4] += below(picker, PAGE);
}

/*
 * Not asked for: MADV_COLLAPSE makes large pages, MADV_PAGEOUT reclaims at once what the kernel likes,
 * 100 and 101 break memory for the whole host.
 */
static uint64_t
pick_advice(struct picker *picker)
{
	static const unsigned all[] = {
		ADVICE_NORMAL,	      ADVICE_DONTNEED,	     ADVICE_DONTNEED,
		ADVICE_DONTFORK,      ADVICE_DOFORK,	     ADVICE_WIPEONFORK,
		ADVICE_KEEPONFORK,    ADVICE_FREE,	     ADVICE_GUARD_INSTALL,
		ADVICE_GUARD_REMOVE,  ADVICE_WILLNEED,	     ADVICE_RANDOM,
		ADVICE_SEQUENTIAL,    ADVICE_HUGEPAGE,	     ADVICE_NOHUGEPAGE,
		ADVICE_DONTDUMP,      ADVICE_DODUMP,	     ADVICE_COLD,
		ADVICE_POPULATE_READ, ADVICE_POPULATE_WRITE, ADVICE_DONTNEED_LOCKED,
		ADVICE_REMOVE,	      ADVICE_MERGEABLE,	     ADVICE_UNMERGEABLE,
	};
	uint64_t advice = all[below(picker, sizeof(all) / sizeof(all[0]))];

	if (one_in(picker, 60))
		return below(picker, 30) + 200;
	if (!linux_has(LINUX_HAS_GUARDS) &&
	    (advice == ADVICE_GUARD_INSTALL || advice == ADVICE_GUARD_REMOVE))
		return ADVICE_DONTNEED;
	if (!linux_has(LINUX_HAS_MERGING) &&
	    (advice == ADVICE_MERGEABLE || advice == ADVICE_UNMERGEABLE))
		return ADVICE_FREE;
	return advice;
}

static void
pick_brk(struct picker *picker, struct space *sp, struct op *op)
{
	uint64_t by = below(picker, 200000) - 60000;

	op->arg[0] = sp->brk + by;
	if (one_in(picker, 10))
		op->arg[0] = sp->layout.brk_start + below(picker, 40 * PAGE);
	if (one_in(picker, 10))
		op->arg[0] = sp->brk + (draw(picker) >> below(picker, 60));
	if (one_in(picker, 20))
		op->arg[0] = pick_address(picker, sp);
	/* All of it may become locked. */
	if (picker->theme->is_small && op->arg[0] < ARCH_USER_END &&
	    op->arg[0] > sp->brk + MOST_MADE)
		op->arg[0] = sp->brk + below(picker, MOST_MADE);
}

static void
pick_access(struct picker *picker, struct space *sp, struct op *op)
{
	vaddr_t va = pick_page(picker, sp);

	if (one_in(picker, 2)) {
		const struct region *r = any_region(picker, sp);

		va = r->range.start + below(picker, min_u64(region_pages(r), 64)) * PAGE;
	}
	op->arg[1] = op->kind == OP_FETCH || one_in(picker, 2) ? 1 : 8;
	op->arg[0] = va + below(picker, PAGE / 8) * 8;
	op->arg[2] =
		op->kind == OP_STORE ? (op->arg[1] == 1 ? below(picker, 256) : draw(picker)) : 0;
}

static unsigned
alive(void)
{
	unsigned nr = 0;

	for (unsigned i = 0; i < MAX_PROCESSES; i++)
		nr += library_space(i) != NULL;
	return nr;
}

static bool
pick_fork(const struct picker *picker, struct op *op)
{
	if (alive() >= picker->theme->most_processes)
		return false;
	while (library_space((unsigned)op->arg[0]))
		op->arg[0]++;
	return true;
}

/*
 * Mostly a whole region, from its start: anything else is refused early. false: over maps that look
 * like one, where sequences end (known.c), so only seldom.
 */
static bool
pick_mremap(struct picker *picker, struct space *sp, struct op *op)
{
	const struct region *r = any_region(picker, sp);

	op->arg[0] = r->range.start;
	op->arg[1] = min_u64(r->range.end - r->range.start, 64 << 20);
	if (one_in(picker, 2)) {
		op->arg[0] = pick_address(picker, sp);
		op->arg[1] = pick_length(picker);
	}
	if (one_in(picker, 12))
		op->arg[1] = 0;
	op->arg[2] = one_in(picker, 3) ? op->arg[1] : pick_length(picker);
	op->arg[3] = one_in(picker, 30) ? below(picker, 16) : below(picker, 8);
	if (!one_in(picker, 5))
		op->arg[3] |= REMAP_MAYMOVE;
	if (one_in(picker, 3))
		op->arg[3] &= REMAP_MAYMOVE;
	if (one_in(picker, 60))
		op->arg[3] |= any_bit(picker);
	op->arg[4] = pick_address(picker, sp);
	r = space_find(sp, op->arg[0]);
	if (r && (r->flags & REGION_LOCKED) && op->arg[2] > MOST_MADE &&
	    op->arg[2] < UINT64_MAX - MOST_MADE)
		op->arg[2] = pick_few_pages(picker);
	return !pair_splits(op->process, op->arg[0], op->arg[0] + op->arg[1] - 1) ||
	       one_in(picker, 32);
}

/* keeps_tail - such files always end with a page (known.c). */
static bool
keeps_tail(enum file file)
{
	return file != FILE_DISK || !linux_has(LINUX_ZEROES_TAIL_OF_DISK);
}

/* stay_inside - nor does ext4 clear it when a write makes such a file longer. */
static void
stay_inside(struct picker *picker, struct op *op)
{
	uint64_t size = library_file_bytes(op->file);

	if (!(size & ARCH_PAGE_MASK) || op->arg[0] + op->arg[1] <= size)
		return;
	op->arg[0] = below(picker, size);
	op->arg[1] = min_u64(op->arg[1], size - op->arg[0]);
}

static void
pick_file(struct picker *picker, struct op *op)
{
	op->file = one_in(picker, 2) ? FILE_BOTH : FILE_DISK;
	op->arg[0] = below(picker, 90 * PAGE);
	if (one_in(picker, 2))
		op->arg[0] &= ~ARCH_PAGE_MASK;
	if (op->kind == OP_TRUNCATE && keeps_tail(op->file))
		op->arg[0] &= ~ARCH_PAGE_MASK;
	if (op->kind == OP_TRUNCATE)
		return;
	if (op->kind == OP_PUNCH) {
		op->arg[0] &= ~ARCH_PAGE_MASK;
		op->arg[1] = (1 + below(picker, 12)) * PAGE;
		return;
	}
	op->arg[1] = 1 + below(picker, one_in(picker, 2) ? 16 : MOST_FILE_BYTES);
	op->arg[2] = op->kind == OP_WRITE ? draw(picker) : 0;
	if (op->kind == OP_WRITE)
		stay_inside(picker, op);
	if (op->kind == OP_WRITE && keeps_tail(op->file)) {
		op->arg[0] &= ~ARCH_PAGE_MASK;
		op->arg[1] = PAGE;
	}
}

/* pick_lock_limit - also none at all, less than a page, and less than is locked. */
static uint64_t
pick_lock_limit(struct picker *picker, struct space *sp)
{
	if (one_in(picker, 4))
		return one_in(picker, 2) ? 0 : 1 + below(picker, PAGE);
	return sp->locked_pages * PAGE + below(picker, 64) * PAGE -
	       min_u64(sp->locked_pages, below(picker, 16)) * PAGE;
}

/* A little more than there is, or nearly none. */
static uint64_t
pick_limit(struct picker *picker, struct space *sp, enum limit limit)
{
	uint64_t now = limit == LIMIT_AS     ? sp->total_pages
		       : limit == LIMIT_DATA ? sp->data_pages
					     : 64;

	if (one_in(picker, 3))
		return (uint64_t)1 << 44;
	return now * PAGE + below(picker, 4 << 20) -
	       (one_in(picker, 6) ? below(picker, 64) * PAGE : 0);
}

/* share_pages - one file or shared memory lies behind both ranges, which may be the same bytes of it. */
static bool
share_pages(struct space *a, struct va_range in_a, struct space *b, struct va_range in_b)
{
	for (struct region *r = space_first(a); r; r = region_next(r))
		for (struct region *q = space_first(b); q; q = region_next(q))
			if (r->object && r->object == q->object && range_overlaps(r->range, in_a) &&
			    range_overlaps(q->range, in_b))
				return true;
	return false;
}

/* pick_inside - mostly a byte of what is mapped. */
static vaddr_t
pick_inside(struct picker *picker, struct space *sp)
{
	const struct region *r = any_region(picker, sp);

	if (one_in(picker, 4))
		return pick_page(picker, sp) + below(picker, PAGE);
	return r->range.start + below(picker, min_u64(region_pages(r), 64) * PAGE);
}

/* pick_transfer - false: the two ranges may overlap, and what a copy leaves there is anybody's guess. */
static bool
pick_transfer(struct picker *picker, struct space *sp, struct op *op)
{
	struct va_range local, remote;
	struct space   *other;

	do
		op->arg[3] = below(picker, MAX_PROCESSES);
	while (!library_space((unsigned)op->arg[3]));
	other = library_space((unsigned)op->arg[3]);
	op->arg[0] = pick_inside(picker, sp);
	op->arg[1] = below(picker, one_in(picker, 3) ? 3 * PAGE : 100);
	op->arg[2] = pick_inside(picker, other);
	op->arg[4] = one_in(picker, 4) ? below(picker, 5 * PAGE) : op->arg[1];
	op->arg[5] = one_in(picker, 2) ? draw(picker) : 0;
	local = va_range(op->arg[0], op->arg[0] + op->arg[1]);
	remote = va_range(op->arg[2], op->arg[2] + op->arg[4]);
	return !(sp == other && range_overlaps(local, remote)) &&
	       !share_pages(sp, local, other, remote);
}

/* pick_ranged - a call on a range whose third operand, if any, is drawn first. */
static bool
pick_ranged(struct picker *picker, struct space *sp, struct op *op)
{
	if (op->kind == OP_MPROTECT) {
		op->arg[2] = pick_prot(picker);
		if (one_in(picker, 30))
			op->arg[2] |= any_bit(picker);
		if (one_in(picker, 20))
			op->arg[2] |= PROTECT_GROWSDOWN;
	} else if (op->kind == OP_MADVISE) {
		op->arg[2] = pick_advice(picker);
	} else if (op->kind == OP_MLOCK) {
		op->arg[2] = one_in(picker, 10) ? below(picker, 4) : below(picker, 2);
	} else if (op->kind == OP_MSEAL) {
		op->arg[2] = one_in(picker, 20) ? any_bit(picker) : 0;
	} else if (op->kind == OP_MSYNC) {
		op->arg[2] =
			one_in(picker, 8) ? below(picker, 16) : (uint64_t)1 << below(picker, 3);
	}
	op->arg[0] = pick_address(picker, sp);
	op->arg[1] = op->kind == OP_MINCORE ? pick_few_pages(picker) : pick_length(picker);
	if (makes_pages(op) && op->arg[1] > MOST_MADE && op->arg[1] < UINT64_MAX - MOST_MADE)
		op->arg[1] = pick_few_pages(picker);
	return op->kind != OP_MSEAL || linux_has(LINUX_HAS_SEALS);
}

static bool
pick_limits(struct picker *picker, struct space *sp, struct op *op)
{
	bool holds_locks = sp->layout.limit_memlock != UINT64_MAX;

	op->arg[0] = below(picker, LIMITS);
	op->arg[1] = op->arg[0] == LIMIT_MEMLOCK ? pick_lock_limit(picker, sp)
						 : pick_limit(picker, sp, (enum limit)op->arg[0]);
	/* All of a stack may become locked, and the library's machine is small. */
	if (op->arg[0] == LIMIT_STACK && picker->theme->is_small)
		op->arg[1] = min_u64(op->arg[1], MOST_STACK);
	/* Who may lock without a limit goes on doing so. */
	return picker->theme->has_limits && (op->arg[0] != LIMIT_MEMLOCK || holds_locks);
}

/* fill_in - the operands of op->kind; false: it cannot be done now. */
static bool
fill_in(struct picker *picker, struct op *op)
{
	struct space *sp = library_space(op->process);

	switch ((int)op->kind) {
	case OP_MMAP:
		pick_mmap(picker, sp, op);
		return true;
	case OP_MREMAP:
		return pick_mremap(picker, sp, op);
	case OP_MLOCKALL:
		op->arg[0] = one_in(picker, 10) ? below(picker, 16) : 1 + below(picker, 7);
		return true;
	case OP_MUNLOCKALL:
		return true;
	case OP_BRK:
		pick_brk(picker, sp, op);
		return true;
	case OP_LOAD:
	case OP_STORE:
	case OP_FETCH:
		pick_access(picker, sp, op);
		return true;
	case OP_VM_READ:
	case OP_VM_WRITE:
		return pick_transfer(picker, sp, op);
	case OP_TRUNCATE:
	case OP_PUNCH:
	case OP_READ:
	case OP_WRITE:
		pick_file(picker, op);
		return true;
	case OP_LIMIT:
		return pick_limits(picker, sp, op);
	case OP_FORK:
		return pick_fork(picker, op);
	case OP_EXIT:
		return alive() > 1;
	case OP_VISIT:
	case OP_MARK:
		op->arg[0] = draw(picker) >> 16;
		return true;
	default:
		return pick_ranged(picker, sp, op);
	}
}

/* round_up - whole pages that `bytes` from `va` touch; at least one, also if the sum wraps around. */
static uint64_t
round_up(uint64_t bytes, uint64_t va)
{
	uint64_t end = (bytes + ARCH_PAGE_SIZE - 1 + (va & ARCH_PAGE_MASK)) & ~ARCH_PAGE_MASK;

	return end ? end : ARCH_PAGE_SIZE;
}

/* hits_agent - the operation would change, or take apart, what the agent runs in. */
static bool
hits_agent(const struct op *op)
{
	uint64_t start = op->arg[0] & ~ARCH_PAGE_MASK;
	uint64_t bytes = round_up(op->arg[1], op->arg[0]);

	if (op->kind == OP_MMAP && !(op->arg[3] & MAPF_FIXED))
		return false;
	if (op->kind == OP_MREMAP && (op->arg[3] & REMAP_FIXED) &&
	    is_out_of_bounds(op->arg[4], round_up(op->arg[2], op->arg[4])))
		return true;
	if ((op->kind == OP_VM_READ || op->kind == OP_VM_WRITE) &&
	    is_out_of_bounds(op->arg[2] & ~ARCH_PAGE_MASK, round_up(op->arg[4], op->arg[2])))
		return true;
	return op_traits[op->kind].has_range && is_out_of_bounds(start, bytes);
}

/* Only addresses that a page table can be asked for: others give another signal code. */
static bool
is_access_outside(const struct op *op)
{
	return (op->kind == OP_LOAD || op->kind == OP_STORE || op->kind == OP_FETCH) &&
	       op->arg[0] >= ARCH_USER_END;
}

static enum op_kind
pick_kind(struct picker *picker)
{
	unsigned sum = 0, at;

	for (unsigned i = 0; i < OP_KINDS; i++)
		sum += picker->theme->weights[i];
	at = (unsigned)below(picker, sum);
	for (unsigned i = 0; i < OP_KINDS; i++) {
		if (at < picker->theme->weights[i])
			return (enum op_kind)i;
		at -= picker->theme->weights[i];
	}
	return OP_VISIT;
}

static void
note_region(struct picker *picker, const struct op *op)
{
	if (op->kind != OP_MMAP || !op->arg[0])
		return;
	if (picker->nr_regions < 64)
		picker->regions[picker->nr_regions++] = op->arg[0] & ~ARCH_PAGE_MASK;
	else
		picker->regions[below(picker, 64)] = op->arg[0] & ~ARCH_PAGE_MASK;
}

struct op
pick_op(struct picker *picker)
{
	for (;;) {
		struct op op = { .kind = pick_kind(picker), .file = FILE_NONE };

		do
			op.process = (unsigned)below(picker, MAX_PROCESSES);
		while (!library_space(op.process));
		if (!fill_in(picker, &op) || hits_agent(&op) || is_access_outside(&op))
			continue;
		note_region(picker, &op);
		return op;
	}
}

unsigned
pick_last(struct picker *picker, struct op *ops)
{
	static const enum op_kind kinds[] = { OP_VISIT, OP_MARK, OP_VISIT };
	unsigned		  nr = 0;

	for (unsigned k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
		for (unsigned i = 0; i < MAX_PROCESSES; i++)
			if (library_space(i))
				ops[nr++] = (struct op){ .kind = kinds[k],
							 .process = i,
							 .file = FILE_NONE,
							 .arg = { draw(picker) >> 16 } };
	return nr;
}
