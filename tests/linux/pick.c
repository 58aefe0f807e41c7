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

#define PAGE  ARCH_PAGE_SIZE
#define LARGE ((uint64_t)2 << 20)
#define ARENA ((vaddr_t)0x100000000)

/* The order of the weights is that of enum op_kind. */
const struct theme themes[] = {
	{ "calls", { 30, 14, 16, 10, 4, 10, 14, 0, 0, 2, 0 }, 1, false },
	{ "limits", { 32, 12, 16, 4, 14, 6, 10, 2, 1, 1, 0 }, 2, true },
	{ "forks", { 12, 5, 8, 10, 2, 16, 28, 7, 4, 5, 2 }, 4, false },
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
				 .limit_stack = 8 << 20,
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
pick_length(struct picker *picker)
{
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
		return (1 + below(picker, one_in(picker, 3) ? 40 : 8)) * PAGE -
		       (one_in(picker, 6) ? below(picker, PAGE) : 0);
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

/* Places drawn at random, reserved large pages and droppable memory are not asked for (known.c). */
#define NOT_ASKED_FOR (MAPF_32BIT | MAPF_HUGETLB | MAPF_LOCKED | MAPF_POPULATE | 0x80 | 0x3000000)

static unsigned
pick_map_flags(struct picker *picker)
{
	unsigned flags = one_in(picker, 3) ? MAPF_SHARED : MAPF_PRIVATE;

	if (one_in(picker, 40))
		flags = MAPF_SHARED_VALIDATE;
	if (one_in(picker, 60))
		flags = (unsigned)below(picker, 8);
	if (!one_in(picker, 3))
		flags |= MAPF_ANONYMOUS;
	if (one_in(picker, 4))
		flags |= MAPF_NORESERVE;
	if (one_in(picker, 12))
		flags |= MAPF_GROWSDOWN;
	if (one_in(picker, 50))
		flags |= (unsigned)draw(picker) & 0x7c17f900u;
	return (flags & ~NOT_ASKED_FOR) | pick_placing(picker);
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
	if (flags & MAPF_ANONYMOUS)
		return;
	op->file = (enum file)below(picker, FILES);
	if (one_in(picker, 30))
		op->file = FILE_NONE;
	op->arg[4] = below(picker, one_in(picker, 4) ? 1000 : 80) * PAGE;
	if (one_in(picker, 3))
		op->arg[4] = 0;
	if (one_in(picker, 40))
		op->arg[4] += below(picker, PAGE);
}

static uint64_t
pick_advice(struct picker *picker)
{
	static const unsigned all[] = {
		ADVICE_NORMAL,	   ADVICE_DONTNEED,	 ADVICE_DONTNEED,
		ADVICE_DONTFORK,   ADVICE_DOFORK,	 ADVICE_WIPEONFORK,
		ADVICE_KEEPONFORK, ADVICE_GUARD_INSTALL, ADVICE_GUARD_REMOVE,
	};

	return one_in(picker, 60) ? below(picker, 30) + 200
				  : all[below(picker, sizeof(all) / sizeof(all[0]))];
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
}

static void
pick_access(struct picker *picker, struct space *sp, struct op *op)
{
	vaddr_t va = pick_page(picker, sp);

	if (one_in(picker, 2)) {
		const struct region *r = any_region(picker, sp);

		va = r->range.start + below(picker, min_u64(region_pages(r), 64)) * PAGE;
	}
	op->arg[1] = one_in(picker, 2) ? 1 : 8;
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

/* fill_in - the operands of op->kind; false: it cannot be done now. */
static bool
fill_in(struct picker *picker, struct op *op)
{
	struct space *sp = library_space(op->process);

	switch (op->kind) {
	case OP_MMAP:
		pick_mmap(picker, sp, op);
		return true;
	case OP_MPROTECT:
		op->arg[2] = pick_prot(picker);
		if (one_in(picker, 30))
			op->arg[2] |= (uint64_t)1 << below(picker, 32);
		break;
	case OP_MADVISE:
		op->arg[2] = pick_advice(picker);
		break;
	case OP_MUNMAP:
		break;
	case OP_BRK:
		pick_brk(picker, sp, op);
		return true;
	case OP_LOAD:
	case OP_STORE:
		pick_access(picker, sp, op);
		return true;
	case OP_FORK:
		return pick_fork(picker, op);
	case OP_EXIT:
		return alive() > 1;
	case OP_VISIT:
	case OP_MARK:
		op->arg[0] = draw(picker) >> 16;
		return true;
	case OP_KINDS:
		return false;
	}
	op->arg[0] = pick_address(picker, sp);
	op->arg[1] = pick_length(picker);
	return true;
}

/* hits_agent - the operation would change, or take apart, what the agent runs in. */
static bool
hits_agent(const struct op *op)
{
	uint64_t start = op->arg[0] & ~ARCH_PAGE_MASK;
	uint64_t bytes = (op->arg[1] + ARCH_PAGE_SIZE - 1 + (op->arg[0] - start)) & ~ARCH_PAGE_MASK;

	if (op->kind == OP_MMAP && !(op->arg[3] & MAPF_FIXED))
		return false;
	return op_traits[op->kind].has_range && is_out_of_bounds(start, bytes);
}

/* Only addresses that a page table can be asked for: others give another signal code. */
static bool
is_access_outside(const struct op *op)
{
	return (op->kind == OP_LOAD || op->kind == OP_STORE) && op->arg[0] >= ARCH_USER_END;
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
