/*
 * story_map.c - the calls that make and take away regions, with the results that Linux gives.
 */
#include "model/story_ops.h"

#include <inttypes.h>
#include <string.h>

#define PAGE ARCH_PAGE_SIZE

/* in_words - a protection in the scenario language. */
static const char *
in_words(prot_t prot)
{
	static const char *const words[] = {
		"---", "r--", "-w-", "rw-", "--x", "r-x", "-wx", "rwx"
	};

	return words[prot & PROT_RWX];
}

bool
story_same_result(struct story_op *op, const char *call, err_t want, err_t got)
{
	story_tell(op->st, got == OK ? "\n" : " = %s\n", err_name(got));
	if (want != got)
		return story_differ(
			op->st, "%s(0x%" PRIx64 ", 0x%" PRIx64 ") of p%u: expected %s, got %s",
			call, op->va, op->length, op->who, err_name(want), err_name(got));
	return want != OK || story_fail_check(op);
}

/* page_ceil - false: no 64 bits hold it. */
static bool
round_up(uint64_t bytes, uint64_t *out)
{
	*out = (bytes + ARCH_PAGE_MASK) & ~ARCH_PAGE_MASK;
	return *out >= bytes;
}

/* What a map operation asks for, in the model's words. */
struct wish {
	struct map_request  request;
	struct flat_object *file;
	uint64_t	    length; /* rounded */
	unsigned	    flags;  /* of the region */
	bool		    is_shared_anonymous;
};

/* expect_place - the address of a map, or the error. */
static err_t
expect_place(struct story_op *op, const struct wish *w, vaddr_t *out)
{
	vaddr_t addr = w->request.addr;
	vaddr_t end = op->fs->layout.end;
	bool	is_fixed = w->request.flags & (MAPF_FIXED | MAPF_FIXED_NOREPLACE);
	bool	is_anonymous = !w->file && !w->is_shared_anonymous;

	if (w->length > end)
		return ERR_NOMEM;
	if (!is_fixed)
		return flat_place(op->fs, addr, w->length, is_anonymous, out) ? OK : ERR_NOMEM;
	if (addr > end - w->length)
		return ERR_NOMEM;
	if (addr & ARCH_PAGE_MASK)
		return ERR_INVAL;
	if ((w->request.flags & MAPF_FIXED_NOREPLACE) &&
	    !flat_is_free(op->fs, va_range(addr, addr + w->length)))
		return ERR_EXIST;
	*out = addr;
	return OK;
}

static err_t
expect_map(struct story_op *op, struct wish *w, vaddr_t *out)
{
	err_t err;

	if (!w->request.length)
		return ERR_INVAL;
	if (!round_up(w->request.length, &w->length))
		return ERR_NOMEM;
	err = expect_place(op, w, out);
	if (err)
		return err;
	if ((w->flags & REGION_LOCKED) && !flat_may_lock(op->fs, w->length))
		return ERR_AGAIN;
	return flat_is_sealed(op->fs, va_range(*out, *out + w->length)) ? ERR_PERM : OK;
}

static void
model_map(struct story_op *op, const struct wish *w, vaddr_t at)
{
	struct flat_object *object = w->file;

	if (w->is_shared_anonymous) {
		object = flat_object_new(&op->st->flat, false, 0, w->length / PAGE);
		object->real = space_find(op->sp, at)->object;
	}
	flat_map(op->fs, (struct flat_region){ .start = at,
					       .end = at + w->length,
					       .prot = w->request.prot,
					       .flags = w->flags,
					       .object = object,
					       .offset = object ? w->request.offset / PAGE : 0 });
	op->st->last_mapped = at;
	(void)story_fill(op, va_range(at, at + w->length),
			 w->request.flags & MAPF_POPULATE ? FLAT_MAPPED : FLAT_LOCKED, true);
}

static void
tell_map(struct story_op *op, const struct wish *w)
{
	const struct map_request *q = &w->request;

	story_say(op, "mmap p%u 0x%" PRIx64 " 0x%" PRIx64 " %s %s%s%s%s%s%s%s%s", op->who, q->addr,
		  q->length, in_words(q->prot), q->flags & MAPF_SHARED ? "shared" : "private",
		  q->flags & MAPF_ANONYMOUS ? ",anon" : "", q->flags & MAPF_FIXED ? ",fixed" : "",
		  q->flags & MAPF_FIXED_NOREPLACE ? ",noreplace" : "",
		  q->flags & MAPF_NORESERVE ? ",noreserve" : "",
		  q->flags & MAPF_GROWSDOWN ? ",growsdown" : "",
		  q->flags & MAPF_LOCKED ? ",locked" : "",
		  q->flags & MAPF_POPULATE ? ",populate" : "");
	if (w->file)
		story_say(op, " f%" PRIu64 " 0x%" PRIx64, w->file->id, q->offset);
}

static bool
do_map(struct story_op *op, struct wish *w)
{
	const char *error;
	vaddr_t	    want_at = 0;
	vaddr_t	    at = 0;
	err_t	    want, got;

	w->flags |= op->fs->new_flags;
	if (w->request.flags & MAPF_LOCKED)
		w->flags |= REGION_LOCKED;
	/* A call that may do without some pages cannot be told: which ones would not be the same. */
	error = (w->flags & REGION_LOCKED) || (w->request.flags & MAPF_POPULATE) ? NULL : "ENOMEM";
	want = expect_map(op, w, &want_at);
	tell_map(op, w);
	story_fail_begin(op, error);
	got = call_mmap(op->sp, &w->request, &at);
	if (story_fail_end(op, got == ERR_NOMEM, error))
		got = call_mmap(op->sp, &w->request, &at);
	op->va = w->request.addr;
	op->length = w->request.length;
	if (got != OK || want != OK)
		return story_same_result(op, "mmap", want, got);
	story_tell(op->st, " = 0x%" PRIx64 "\n", at);
	if (at != want_at)
		return story_differ(op->st,
				    "mmap of p%u with hint 0x%" PRIx64 " length 0x%" PRIx64
				    " gave 0x%" PRIx64 ", expected 0x%" PRIx64,
				    op->who, w->request.addr, w->request.length, at, want_at);
	if (!story_fail_check(op))
		return false;
	model_map(op, w, at);
	return true;
}

/* Which memory is mapped: bits 3 to 5 of `how`; how the place is chosen: bits 6 and 7. */
enum wish_kind {
	WISH_PRIVATE,
	WISH_PRIVATE2,
	WISH_SHARED,
	WISH_FILE_PRIVATE,
	WISH_FILE_SHARED,
	WISH_NORESERVE,
	WISH_PRIVATE3,
	WISH_SHARED2
};

static void
wish_kind(struct story_op *op, struct wish *w)
{
	unsigned file = op->rec->data % STORY_FILES;

	w->request.flags = MAPF_PRIVATE | MAPF_ANONYMOUS;
	switch ((enum wish_kind)(op->rec->how >> 3 & 7)) {
	case WISH_SHARED:
	case WISH_SHARED2:
		w->request.flags = MAPF_SHARED | MAPF_ANONYMOUS;
		w->is_shared_anonymous = true;
		w->flags = REGION_SHARED;
		break;
	case WISH_FILE_PRIVATE:
	case WISH_FILE_SHARED:
		w->file = op->st->files[file];
		w->request.object = w->file->real;
		w->request.offset = (op->rec->data >> 4 & 3) * PAGE;
		w->request.flags = MAPF_PRIVATE;
		if ((op->rec->how >> 3 & 7) == WISH_FILE_SHARED) {
			w->request.flags = MAPF_SHARED;
			w->flags = REGION_SHARED;
		}
		break;
	case WISH_NORESERVE:
		w->request.flags |= MAPF_NORESERVE;
		w->flags = REGION_NORESERVE;
		break;
	case WISH_PRIVATE:
	case WISH_PRIVATE2:
	case WISH_PRIVATE3:
		break;
	}
}

/* do_wish - what the record asks for, and these flags. */
static bool
do_wish(struct story_op *op, unsigned more_flags)
{
	static const prot_t prots[] = { PROT_RW, PROT_RW, PROT_RW,  PROT_R,
					PROT_RW, 0,	  PROT_RWX, PROT_X };
	struct wish	    w = { .request = { .addr = story_place(op->st, op->fs, op->rec),
					       .length = op->length,
					       .prot = prots[op->rec->how & 7] } };

	wish_kind(op, &w);
	w.request.flags |= more_flags;
	switch (op->rec->how >> 6) {
	case 0:
		w.request.addr = 0;
		break;
	case 1:
		w.request.flags |= MAPF_FIXED;
		break;
	case 2:
		w.request.flags |= MAPF_FIXED_NOREPLACE;
		break;
	default:
		break;
	}
	return do_map(op, &w);
}

bool
op_map(struct story_op *op)
{
	return do_wish(op, 0);
}

/* op_map_now - with its pages: populated, locked, or both; short enough for the model. */
bool
op_map_now(struct story_op *op)
{
	static const unsigned flags[] = { MAPF_POPULATE, MAPF_LOCKED, MAPF_POPULATE | MAPF_LOCKED };
	unsigned	      which = op->rec->data >> 6;

	if (which == 3 || op->length > 40 * PAGE)
		op->length = (1 + op->rec->length % 8) * PAGE;
	return do_wish(op, flags[which % 3]);
}

/* op_stack - a short region that grows down, at a fixed place. */
bool
op_stack(struct story_op *op)
{
	struct wish w = { .request = { .addr = story_place(op->st, op->fs, op->rec),
				       .length = (1 + op->rec->length % 3) * PAGE,
				       .prot = op->rec->how & 8 ? PROT_R : PROT_RW,
				       .flags = MAPF_PRIVATE | MAPF_ANONYMOUS | MAPF_GROWSDOWN |
						MAPF_FIXED_NOREPLACE },
			  .flags = REGION_GROWSDOWN };

	return do_map(op, &w);
}

bool
op_unmap(struct story_op *op)
{
	vaddr_t	 end = op->fs->layout.end;
	uint64_t length = 0;
	err_t	 want = OK;
	err_t	 got;

	if ((op->va & ARCH_PAGE_MASK) || op->va > end || op->length > end - op->va ||
	    !round_up(op->length, &length) || !length)
		want = ERR_INVAL;
	else if (flat_is_sealed(op->fs, va_range(op->va, op->va + length)))
		want = ERR_PERM;
	story_say(op, "munmap p%u 0x%" PRIx64 " 0x%" PRIx64, op->who, op->va, op->length);
	story_fail_begin(op, "ENOMEM");
	got = call_munmap(op->sp, op->va, op->length);
	if (story_fail_end(op, got == ERR_NOMEM, "ENOMEM"))
		got = call_munmap(op->sp, op->va, op->length);
	if (!story_same_result(op, "munmap", want, got))
		return false;
	if (want == OK)
		flat_unmap(op->fs, va_range(op->va, op->va + length));
	return true;
}

/* expect_protect - *stop: where the call ends, at a hole or a sealed region at the latest. */
static err_t
expect_protect(struct story_op *op, uint64_t length, vaddr_t *stop)
{
	vaddr_t end = op->va + length;

	while (*stop < end) {
		struct flat_region *r = flat_find(op->fs, *stop);

		if (!r)
			return ERR_NOMEM;
		if (r->flags & REGION_SEALED)
			return ERR_PERM;
		*stop = min_u64(r->end, end);
	}
	return OK;
}

/*
 * model_protect - region by region: private memory that is locked gets its own pages when it
 * becomes writable.
 */
static void
model_protect(struct story_op *op, vaddr_t end, prot_t prot)
{
	vaddr_t next;

	for (vaddr_t at = op->va; at < end; at = next) {
		struct flat_region *r = flat_find(op->fs, at);
		bool is_locked = (r->flags & (REGION_LOCKED | REGION_SHARED)) == REGION_LOCKED;
		bool fills = is_locked && !(r->prot & PROT_W) && (prot & PROT_W);

		next = min_u64(r->end, end);
		flat_protect(op->fs, va_range(at, next), prot);
		if (fills)
			(void)story_fill(op, va_range(at, next), FLAT_LOCKED, true);
	}
}

bool
op_protect(struct story_op *op)
{
	prot_t	    prot = op->rec->how & 8 ? PROT_RW : op->rec->how & PROT_RWX;
	const char *error;
	uint64_t    length = 0;
	vaddr_t	    end = op->va;
	err_t	    want = OK;
	err_t	    got;

	if (op->va & ARCH_PAGE_MASK)
		want = ERR_INVAL;
	else if (op->length && (!round_up(op->length, &length) || op->va + length <= op->va))
		want = ERR_NOMEM;
	else if (length)
		want = expect_protect(op, length, &end);
	story_say(op, "mprotect p%u 0x%" PRIx64 " 0x%" PRIx64 " %s", op->who, op->va, op->length,
		  in_words(prot));
	/* Locked pages that the call does without would not be the same. */
	error = flat_may_lock(op->fs, op->fs->layout.limit_memlock) ? "ENOMEM" : NULL;
	story_fail_begin(op, error);
	got = call_mprotect(op->sp, op->va, op->length, prot);
	if (story_fail_end(op, got == ERR_NOMEM, error))
		got = call_mprotect(op->sp, op->va, op->length, prot);
	model_protect(op, end, prot);
	return story_same_result(op, "mprotect", want, got);
}

/* expect_brk - the end of the heap after the call, and the change of the map. */
static vaddr_t
expect_brk(struct story_op *op, vaddr_t wanted)
{
	struct flat_space *fs = op->fs;
	vaddr_t		   old_end = (fs->brk + ARCH_PAGE_MASK) & ~ARCH_PAGE_MASK;
	vaddr_t		   new_end;
	bool		   any_left = false;

	if (!fs->layout.brk_start || wanted < fs->layout.brk_start || !round_up(wanted, &new_end) ||
	    new_end > fs->layout.end)
		return fs->brk;
	for (unsigned i = 0; i < fs->nr_regions; i++)
		any_left |= fs->regions[i].end > new_end && fs->regions[i].start < old_end;
	if (new_end < old_end && (!any_left || flat_is_sealed(fs, va_range(new_end, old_end))))
		return fs->brk;
	if (new_end > old_end && (fs->new_flags & REGION_LOCKED) &&
	    !flat_may_lock(fs, new_end - old_end))
		return fs->brk;
	if (new_end > old_end) {
		struct flat_region *next = NULL;

		for (unsigned i = 0; i < fs->nr_regions && !next; i++) {
			if (fs->regions[i].end > old_end)
				next = &fs->regions[i];
		}
		if (next) {
			uint64_t guard =
				next->flags & REGION_GROWSDOWN ? fs->layout.stack_guard : 0;
			vaddr_t low = next->start > guard ? next->start - guard : 0;

			if (new_end + PAGE > low)
				return fs->brk;
		}
	}
	return wanted;
}

bool
op_brk(struct story_op *op)
{
	struct flat_space *fs = op->fs;
	vaddr_t		   old_end = (fs->brk + ARCH_PAGE_MASK) & ~ARCH_PAGE_MASK;
	vaddr_t		   wanted = op->rec->how & 1 ? op->va : fs->layout.brk_start + op->length;
	vaddr_t		   want = expect_brk(op, wanted);
	vaddr_t		   new_end = (want + ARCH_PAGE_MASK) & ~ARCH_PAGE_MASK;
	vaddr_t		   got;
	char		   before[24];
	const char	  *error = fs->new_flags & REGION_LOCKED ? NULL : before;

	story_say(op, "brk p%u 0x%" PRIx64, op->who, wanted);
	snprintf(before, sizeof(before), "0x%" PRIx64, fs->brk);
	story_fail_begin(op, error);
	got = call_brk(op->sp, wanted);
	if (story_fail_end(op, got != want, error))
		got = call_brk(op->sp, wanted);
	story_tell(op->st, " = 0x%" PRIx64 "\n", got);
	if (got != want)
		return story_differ(op->st,
				    "brk(0x%" PRIx64 ") of p%u from 0x%" PRIx64
				    ": expected 0x%" PRIx64 ", got 0x%" PRIx64,
				    wanted, op->who, fs->brk, want, got);
	if (!story_fail_check(op))
		return false;
	fs->brk = want;
	if (new_end > old_end) {
		flat_map(fs, (struct flat_region){ .start = old_end,
						   .end = new_end,
						   .prot = PROT_RW,
						   .flags = fs->new_flags });
		(void)story_fill(op, va_range(old_end, new_end), FLAT_LOCKED, true);
	} else if (new_end < old_end)
		flat_unmap(fs, va_range(new_end, old_end));
	return true;
}
