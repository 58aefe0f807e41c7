/*
 * story_calls.c - the calls about memory that is mapped already: mremap, madvise, the mlock
 * family, mseal, msync, mincore.
 */
#include "model/story_ops.h"

#include <inttypes.h>
#include <string.h>

#define PAGE ARCH_PAGE_SIZE

/* Ranges that are filled page by page stay this short, for the model's arrays. */
#define FILL_PAGES_MOST 24

/* Filling. */

static void
bring_in(void *arg, vaddr_t page, enum access access)
{
	struct story_op *op = arg;

	(void)fault_handle(op->sp, page, access);
}

enum flat_end
story_fill(struct story_op *op, struct va_range range, enum flat_why why, bool goes_on)
{
	struct flat_fill fill = { .range = range, .why = why, .goes_on = goes_on, .arg = op };

	if (op->was_failing) {
		story_feed(op->st);
		fill.brought = bring_in;
	}
	return flat_fill(op->fs, &fill);
}

/* mremap. */

static void
say_remap(struct story_op *op, const struct remap_request *q)
{
	story_say(op, "mremap p%u 0x%" PRIx64 " 0x%" PRIx64 " 0x%" PRIx64 " %s%s%s 0x%" PRIx64,
		  op->who, q->addr, q->old_length, q->new_length,
		  q->flags & REMAP_MAYMOVE ? "maymove" : "none",
		  q->flags & REMAP_FIXED ? ",fixed" : "",
		  q->flags & REMAP_DONTUNMAP ? ",dontunmap" : "", q->new_addr);
}

/* old_length - mostly what is mapped at the address or a part of it, sometimes nonsense. */
static uint64_t
old_length(struct story_op *op)
{
	struct flat_region *r = op->va < op->fs->layout.end ? flat_find(op->fs, op->va) : NULL;
	uint64_t	    rest = r ? r->end - op->va : 0;

	switch (op->rec->data & 7) {
	case 0:
		return 0;
	case 1:
	case 2:
	case 3:
		return rest ? rest : op->length;
	case 4:
		return rest > PAGE ? rest - PAGE : op->length;
	default:
		return op->length;
	}
}

/* choose_remap - `how`: bits 0-2 flags, bits 3-5 the new length, bits 6-7 the place. */
static struct remap_request
choose_remap(struct story_op *op)
{
	static const unsigned flags[] = {
		REMAP_MAYMOVE,
		REMAP_MAYMOVE | REMAP_FIXED,
		REMAP_MAYMOVE | REMAP_FIXED,
		REMAP_MAYMOVE | REMAP_DONTUNMAP,
		REMAP_MAYMOVE | REMAP_FIXED | REMAP_DONTUNMAP,
		0,
		REMAP_MAYMOVE,
		REMAP_FIXED,
	};
	unsigned	     how = op->rec->how;
	struct remap_request q = { .addr = op->va,
				   .old_length = old_length(op),
				   .flags = flags[how & 7] };
	struct story_record  place = { .addr = { (uint8_t)(op->rec->data * 5 + how),
						 (uint8_t)(op->rec->data + how * 3) } };

	switch (how >> 3 & 7) {
	case 0:
		q.new_length = op->length;
		break;
	case 1:
		q.new_length = q.old_length + op->length;
		break;
	case 2:
		q.new_length = q.old_length > PAGE ? q.old_length - PAGE : PAGE;
		break;
	case 3:
		q.new_length = q.old_length + PAGE;
		break;
	default:
		q.new_length = q.old_length ? q.old_length : op->length;
		break;
	}
	q.new_addr = story_place(op->st, op->fs, &place);
	/* A hint below the lowest address is refused by Linux in a way that needs privileges. */
	if (!(q.flags & REMAP_FIXED) && q.new_addr < op->fs->layout.min_addr)
		q.new_addr = 0;
	return q;
}

bool
op_remap(struct story_op *op)
{
	struct remap_request q = choose_remap(op);
	vaddr_t		     at = 0;
	vaddr_t		     want_at = 0;
	err_t		     want, got;

	/* A move of several regions keeps those that came before a failure. */
	op->must_not_fail = (q.flags & REMAP_FIXED) && q.new_length == q.old_length;
	say_remap(op, &q);
	story_fail_begin(op, NULL);
	got = call_mremap(op->sp, &q, &at);
	if (story_fail_end(op, got == ERR_NOMEM, NULL))
		got = call_mremap(op->sp, &q, &at);
	want = flat_remap(op->fs, &q, &want_at);
	op->length = q.old_length;
	if (want != OK || got != OK)
		return story_same_result(op, "mremap", want, got);
	story_tell(op->st, " = 0x%" PRIx64 "\n", at);
	if (at != want_at)
		return story_differ(op->st,
				    "mremap(0x%" PRIx64 ", 0x%" PRIx64 ", 0x%" PRIx64 ", %" PRIu64
				    ", 0x%" PRIx64 ") of p%u gave 0x%" PRIx64
				    ", expected 0x%" PRIx64,
				    q.addr, q.old_length, q.new_length, q.flags, q.new_addr,
				    op->who, at, want_at);
	op->st->last_mapped = at;
	if (q.new_length > q.old_length) {
		uint64_t old = (q.old_length + PAGE - 1) & -PAGE;
		uint64_t now = (q.new_length + PAGE - 1) & -PAGE;

		(void)story_fill(op, va_range(at + old, at + now), FLAT_LOCKED, true);
	}
	return story_fail_check(op);
}

/* The mlock family. */

/* locked_range - the pages that the bytes touch. */
static struct va_range
locked_range(const struct story_op *op)
{
	vaddr_t start = op->va & -PAGE;

	return va_range(start, start + ((op->length + (op->va - start) + PAGE - 1) & -PAGE));
}

static bool
is_lack(err_t err)
{
	return err == ERR_NOMEM || err == ERR_AGAIN;
}

bool
op_lock(struct story_op *op)
{
	bool	 on_fault = op->rec->how & 1;
	unsigned flags = on_fault ? LOCKF_ONFAULT : 0;
	unsigned set = REGION_LOCKED | (on_fault ? REGION_LOCKONFAULT : 0);
	err_t	 want, got;

	op->va += op->rec->how >> 1 & 1; /* need not be aligned */
	op->is_repeatable = true;
	story_say(op, "mlock2 p%u 0x%" PRIx64 " 0x%" PRIx64 " %s", op->who, op->va, op->length,
		  on_fault ? "onfault" : "0");
	story_fail_begin(op, NULL);
	got = call_mlock2(op->sp, op->va, op->length, flags);
	if (story_fail_end(op, is_lack(got), NULL))
		got = call_mlock2(op->sp, op->va, op->length, flags);
	want = flat_lock(op->fs, op->va, op->length, set);
	if (want == OK && story_fill(op, locked_range(op), FLAT_LOCKED, false) != FLAT_DONE)
		want = ERR_NOMEM;
	/* Without memory for the pages the range is locked all the same. */
	op->has_changed = false;
	return story_same_result(op, "mlock2", want, got);
}

bool
op_unlock(struct story_op *op)
{
	err_t want, got;

	story_say(op, "munlock p%u 0x%" PRIx64 " 0x%" PRIx64, op->who, op->va, op->length);
	story_fail_begin(op, NULL);
	got = call_munlock(op->sp, op->va, op->length);
	if (story_fail_end(op, got == ERR_NOMEM, NULL))
		got = call_munlock(op->sp, op->va, op->length);
	want = flat_lock(op->fs, op->va, op->length, 0);
	return story_same_result(op, "munlock", want, got);
}

static err_t
lock_all(struct story_op *op, unsigned flags)
{
	return flags ? call_mlockall(op->sp, flags) : call_munlockall(op->sp);
}

/* op_lock_all - and unlock all, which is more frequent: else nothing would be unlocked for long. */
bool
op_lock_all(struct story_op *op)
{
	unsigned flags = op->rec->how & 8 ? op->rec->how & 7 : 0;
	err_t	 want, got;

	op->is_repeatable = true;
	if (flags)
		story_say(op, "mlockall p%u %u", op->who, flags);
	else
		story_say(op, "munlockall p%u", op->who);
	story_fail_begin(op, NULL);
	got = lock_all(op, flags);
	if (story_fail_end(op, got == ERR_NOMEM, NULL))
		got = lock_all(op, flags);
	want = flat_lock_all(op->fs, flags);
	/* A page that could not be read is no error, and all is locked. */
	op->has_changed &= op->st->swap.nr_failed == 0;
	if (want == OK && (flags & LOCKALL_CURRENT))
		(void)story_fill(op, va_range(0, op->fs->layout.end), FLAT_LOCKED, true);
	return story_same_result(op, "mlockall", want, got);
}

/* mseal, msync. */

/* op_seal - short ranges, and not always: what is sealed stays until its process is gone. */
bool
op_seal(struct story_op *op)
{
	err_t want, got;

	if (op->rec->data % 4)
		return op_sync(op);
	if (op->length > 4 * PAGE && op->length < ARCH_USER_END)
		op->length = PAGE;
	story_say(op, "mseal p%u 0x%" PRIx64 " 0x%" PRIx64, op->who, op->va, op->length);
	story_fail_begin(op, NULL);
	got = call_mseal(op->sp, op->va, op->length, 0);
	if (story_fail_end(op, got == ERR_NOMEM, NULL))
		got = call_mseal(op->sp, op->va, op->length, 0);
	want = flat_seal(op->fs, op->va, op->length);
	return story_same_result(op, "mseal", want, got);
}

bool
op_sync(struct story_op *op)
{
	unsigned flags = op->rec->how & 7;
	err_t	 want = flat_sync(op->fs, op->va, op->length, flags);
	err_t	 got;

	story_say(op, "msync p%u 0x%" PRIx64 " 0x%" PRIx64 " %u", op->who, op->va, op->length,
		  flags);
	story_fail_begin(op, NULL);
	got = call_msync(op->sp, op->va, op->length, flags);
	if (story_fail_end(op, got == ERR_NOMEM, NULL))
		got = call_msync(op->sp, op->va, op->length, flags);
	return story_same_result(op, "msync", want, got);
}

/* madvise. */

struct advice_word {
	enum advice advice;
	const char *word;
};

static const struct advice_word few[] = {
	{ ADVICE_DONTNEED, "dontneed" },     { ADVICE_DONTNEED, "dontneed" },
	{ ADVICE_GUARD_INSTALL, "guard" },   { ADVICE_GUARD_REMOVE, "unguard" },
	{ ADVICE_DONTFORK, "dontfork" },     { ADVICE_DOFORK, "dofork" },
	{ ADVICE_WIPEONFORK, "wipeonfork" }, { ADVICE_KEEPONFORK, "keeponfork" },
};

static const struct advice_word all[] = {
	{ ADVICE_FREE, "free" },
	{ ADVICE_FREE, "free" },
	{ ADVICE_REMOVE, "remove" },
	{ ADVICE_REMOVE, "remove" },
	{ ADVICE_DONTNEED_LOCKED, "dontneed-locked" },
	{ ADVICE_DONTNEED_LOCKED, "dontneed-locked" },
	{ ADVICE_POPULATE_READ, "populate-read" },
	{ ADVICE_POPULATE_READ, "populate-read" },
	{ ADVICE_POPULATE_WRITE, "populate-write" },
	{ ADVICE_POPULATE_WRITE, "populate-write" },
	{ ADVICE_NORMAL, "normal" },
	{ ADVICE_RANDOM, "random" },
	{ ADVICE_SEQUENTIAL, "sequential" },
	{ ADVICE_WILLNEED, "willneed" },
	{ ADVICE_COLD, "cold" },
	{ ADVICE_PAGEOUT, "pageout" },
	{ ADVICE_MERGEABLE, "mergeable" },
	{ ADVICE_UNMERGEABLE, "unmergeable" },
	{ ADVICE_HUGEPAGE, "hugepage" },
	{ ADVICE_NOHUGEPAGE, "nohugepage" },
	{ ADVICE_DONTDUMP, "dontdump" },
	{ ADVICE_DODUMP, "dodump" },
	{ ADVICE_COLLAPSE, "collapse" },
};

/* expect_populate - the errors of MADV_POPULATE_READ and _WRITE. */
static err_t
expect_populate(struct story_op *op, enum flat_why why)
{
	uint64_t bytes = (op->length + PAGE - 1) & -PAGE;

	if ((op->va & ARCH_PAGE_MASK) || bytes < op->length || op->va + bytes < op->va)
		return ERR_INVAL;
	switch (story_fill(op, va_range(op->va, op->va + bytes), why, false)) {
	case FLAT_DONE:
		return OK;
	case FLAT_HOLE:
		return ERR_NOMEM;
	case FLAT_FORBIDDEN:
		return ERR_INVAL;
	case FLAT_NO_PAGE:
		break;
	}
	return ERR_FAULT;
}

/* limit_length - what fills the model's arrays page by page is short. */
static void
limit_length(struct story_op *op, enum advice advice)
{
	if (advice == ADVICE_GUARD_INSTALL && op->length > 64 * PAGE)
		op->length = 8 * PAGE;
	if ((advice == ADVICE_POPULATE_READ || advice == ADVICE_POPULATE_WRITE) &&
	    op->length > FILL_PAGES_MOST * PAGE && op->length < ARCH_USER_END)
		op->length = 8 * PAGE;
	if ((advice == ADVICE_POPULATE_READ || advice == ADVICE_POPULATE_WRITE) &&
	    op->length == ARCH_USER_END)
		op->length = 8 * PAGE;
}

static err_t
expect_advice(struct story_op *op, enum advice advice)
{
	if (advice == ADVICE_POPULATE_READ)
		return expect_populate(op, FLAT_READ);
	if (advice == ADVICE_POPULATE_WRITE)
		return expect_populate(op, FLAT_WRITE);
	op->st->has_freed |= advice == ADVICE_FREE;
	return flat_advise(op->fs, op->va, op->length, advice);
}

static bool
do_advise(struct story_op *op, const struct advice_word *which)
{
	enum advice advice = which->advice;
	bool	    populates = advice == ADVICE_POPULATE_READ || advice == ADVICE_POPULATE_WRITE;
	const char *error = populates ? NULL : "EAGAIN";
	err_t	    want, got;

	limit_length(op, advice);
	op->is_repeatable = populates;
	story_say(op, "madvise p%u 0x%" PRIx64 " 0x%" PRIx64 " %s", op->who, op->va, op->length,
		  which->word);
	story_fail_begin(op, error);
	got = call_madvise(op->sp, op->va, op->length, advice);
	if (story_fail_end(op, got == ERR_AGAIN || (populates && got == ERR_NOMEM), error))
		got = call_madvise(op->sp, op->va, op->length, advice);
	want = expect_advice(op, advice);
	if (advice == ADVICE_GUARD_INSTALL) /* what comes next is often about the guard */
		op->st->last_accessed = op->va;
	/* Pages that were brought in before memory ran out stay. */
	op->has_changed &= !populates;
	return story_same_result(op, "madvise", want, got);
}

bool
op_advise(struct story_op *op)
{
	return do_advise(op, &few[op->rec->how % ARRAY_SIZE(few)]);
}

bool
op_advise_any(struct story_op *op)
{
	return do_advise(op, &all[op->rec->how % ARRAY_SIZE(all)]);
}

/* mincore. */

/* A call for up to a cell's bytes of pages, whose answer goes to a cell of the same process. */
struct residency {
	vaddr_t	 vec;
	unsigned nr_pages;
	uint8_t	 got[FLAT_CELL_BYTES];
};

/*
 * is_plausible - what the model can know of one page: what was written is there; behind a guard only
 * an object can have one.
 */
static bool
is_plausible(const struct story_op *op, const struct flat_region *r, vaddr_t va, uint8_t byte)
{
	struct flat_page *page = flat_page_of(op->fs->pages, op->fs->nr_pages, va / PAGE);

	if (byte > 1)
		return false;
	if (page && page->is_guard)
		return !byte || r->object;
	if (page && !(r->flags & REGION_SHARED) && !op->st->swap_slots && !page->is_freed)
		return byte;
	return true;
}

/*
 * expect_residency - region by region: the bytes of one are stored before the next is looked
 * at. What they are is the library's word, as far as it is plausible.
 */
static err_t
expect_residency(struct story_op *op, const struct residency *q, bool *plausible)
{
	vaddr_t at = op->va;
	vaddr_t end = op->va + q->nr_pages * PAGE;

	*plausible = true;
	/* What a processor calls user memory, not what the space has of it. */
	if (end > ARCH_USER_END)
		return ERR_NOMEM;
	if (q->vec >= ARCH_USER_END || q->nr_pages > ARCH_USER_END - q->vec)
		return ERR_FAULT;
	while (at < end) {
		struct flat_region *r = flat_find(op->fs, at);
		unsigned	    first = (unsigned)((at - op->va) / PAGE);
		vaddr_t		    stop = r ? min_u64(r->end, end) : at;
		size_t		    nr = (stop - at) / PAGE;
		uint8_t		    bytes[FLAT_CELL_BYTES];
		size_t		    done;

		if (!r)
			return ERR_NOMEM;
		for (size_t i = 0; i < nr; i++)
			*plausible &= is_plausible(op, r, at + i * PAGE, q->got[first + i]);
		memcpy(bytes, q->got + first, nr);
		if (flat_access(op->fs, ACCESS_STORE, q->vec + first, bytes, nr, &done) !=
		    FAULT_DONE)
			return ERR_FAULT;
		at = stop;
	}
	return OK;
}

/* tell_residency - the scenario's mincore has a vector of its own; here the bytes are stored. */
static void
tell_residency(struct story_op *op, const struct residency *q, err_t got)
{
	if (got == ERR_FAULT) {
		story_tell(op->st, "# mincore p%u has no vector\n", op->who);
		return;
	}
	story_tell(op->st, "mincore p%u 0x%" PRIx64 " 0x%" PRIx64, op->who, op->va,
		   q->nr_pages * PAGE);
	story_tell(op->st, got == OK ? "\n" : " = %s\n", err_name(got));
	if (got != OK)
		return;
	story_tell(op->st, "store p%u 0x%" PRIx64, op->who, q->vec);
	for (unsigned i = 0; i < q->nr_pages; i++)
		story_tell(op->st, " %02x", q->got[i]);
	story_tell(op->st, "\n");
}

bool
op_resident(struct story_op *op)
{
	struct residency q = { .nr_pages = 1 + op->rec->length % FLAT_CELL_BYTES };
	bool		 plausible;
	err_t		 want, got;

	op->va &= -PAGE;
	if (op->va >= op->fs->layout.end)
		op->va = 0;
	q.vec = (op->st->last_accessed & -PAGE) + flat_cell_offset(op->rec->how % FLAT_CELLS);
	op->is_repeatable = true;
	story_fail_begin(op, NULL);
	got = call_mincore(op->sp, op->va, q.nr_pages * PAGE, q.vec);
	if (story_fail_end(op, got == ERR_FAULT, NULL))
		got = call_mincore(op->sp, op->va, q.nr_pages * PAGE, q.vec);
	if (space_find(op->sp, q.vec)) /* else the look would grow a stack */
		(void)copy_from_space(op->sp, q.got, q.vec, q.nr_pages);
	want = expect_residency(op, &q, &plausible);
	tell_residency(op, &q, got);
	if (want != got || (want == OK && !plausible))
		return story_differ(op->st,
				    "mincore(0x%" PRIx64 ", %u pages, 0x%" PRIx64
				    ") of p%u: expected %s, got %s%s",
				    op->va, q.nr_pages, q.vec, op->who, err_name(want),
				    err_name(got), plausible ? "" : ", bytes that cannot be");
	return true;
}
