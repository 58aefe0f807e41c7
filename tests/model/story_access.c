/*
 * story_access.c - loads, stores, fetches and the kernel's copies.
 */
#include "model/story_ops.h"

#include <inttypes.h>
#include <string.h>

/* Up to two cells: the last of a page and the first of the next one. */
struct piece {
	vaddr_t va;
	size_t	bytes;
	uint8_t model[2 * FLAT_CELL_BYTES];
	uint8_t real[2 * FLAT_CELL_BYTES];
};

static const char *const access_names[] = {
	[ACCESS_LOAD] = "load",
	[ACCESS_STORE] = "store",
	[ACCESS_FETCH] = "fetch",
};

/*
 * is_all_or_nothing - an access that runs out of memory changes nothing, unless it has done
 * a page of two, or has grown a stack, which stays grown.
 */
static bool
is_all_or_nothing(struct story_op *op, const struct piece *p)
{
	return p->bytes <= FLAT_CELL_BYTES && flat_find(op->fs, p->va);
}

struct story_piece
story_piece(struct story_op *op)
{
	unsigned cell = op->rec->how & (FLAT_CELLS - 1);
	unsigned byte = op->rec->how >> 2 & 7;
	bool	 crosses = (op->rec->how & 0xe0) == 0xe0;
	vaddr_t	 page = op->va & ~ARCH_PAGE_MASK;
	size_t	 bytes = FLAT_CELL_BYTES - byte + (crosses ? FLAT_CELL_BYTES : 0);

	op->st->last_accessed = page + byte + flat_cell_offset(crosses ? FLAT_CELLS - 1 : cell);
	return (struct story_piece){ op->st->last_accessed, bytes };
}

/* choose_piece - with bytes to store. */
static struct piece
choose_piece(struct story_op *op)
{
	struct story_piece where = story_piece(op);
	struct piece	   p = { .va = where.va, .bytes = where.bytes };

	for (size_t i = 0; i < p.bytes; i++)
		p.model[i] = p.real[i] = (uint8_t)(op->rec->data + i * 17 + op->st->step);
	op->is_repeatable = true;
	return p;
}

static void
say_bytes(struct story_op *op, const uint8_t *bytes, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		story_say(op, " %02x", bytes[i]);
}

/* say_access - a load that faults is told as one of the byte that it stops at. */
static void
say_access(struct story_op *op, enum access access, const struct piece *p, size_t stops_at)
{
	story_say(op, "%s p%u 0x%" PRIx64, access_names[access], op->who,
		  p->va + (access == ACCESS_STORE ? 0 : stops_at));
	if (access == ACCESS_STORE)
		say_bytes(op, p->real, p->bytes);
}

/* tell_result - what the access came to, behind its line. */
static void
tell_result(struct story_op *op, enum access access, enum fault_result result,
	    const struct piece *p)
{
	op->line[0] = 0;
	if (result != FAULT_DONE)
		story_say(op, " = %s", fault_result_name(result));
	else if (access != ACCESS_STORE) {
		story_say(op, " =");
		say_bytes(op, p->model, p->bytes);
	}
	story_tell(op->st, "%s\n", op->line);
}

static bool
same_bytes(struct story_op *op, const struct piece *p, size_t nr, const char *what)
{
	for (size_t i = 0; i < nr; i++) {
		if (p->model[i] != p->real[i])
			return story_differ(op->st,
					    "%s by p%u on CPU %u at 0x%" PRIx64
					    ": expected byte %02x, got %02x",
					    what, op->who, op->cpu, p->va + i, p->model[i],
					    p->real[i]);
	}
	return true;
}

/* is_device_error - the swap device could read all that was wanted, or the result says that it could not. */
static bool
is_device_error(const struct story_op *op, enum fault_result got)
{
	return !op->is_failing || !op->st->swap.nr_failed || got == FAULT_BUS_ADRERR;
}

static bool
do_access(struct story_op *op, enum access access)
{
	struct piece	  p = choose_piece(op);
	bool		  is_whole = is_all_or_nothing(op, &p);
	size_t		  done;
	enum fault_result want = flat_access(op->fs, access, p.va, p.model, p.bytes, &done);
	enum fault_result got;

	say_access(op, access, &p, want == FAULT_DONE ? 0 : done);
	story_fail_begin(op, "NOMEM");
	got = machine_user(op->sp, access, p.va, p.real, p.bytes);
	if (!is_device_error(op, got))
		return story_differ(op->st, "a page that cannot be read gives %s",
				    fault_result_name(got));
	if (story_fail_end(op, got == FAULT_NOMEM, "NOMEM"))
		got = machine_user(op->sp, access, p.va, p.real, p.bytes);
	tell_result(op, access, want, &p);
	if (want != got)
		return story_differ(op->st,
				    "%s by p%u on CPU %u at 0x%" PRIx64
				    " of %zu bytes: expected %s, got %s",
				    access_names[access], op->who, op->cpu, p.va, p.bytes,
				    fault_result_name(want), fault_result_name(got));
	if (want == FAULT_DONE && is_whole && !story_fail_check(op))
		return false;
	return access == ACCESS_STORE || want != FAULT_DONE ||
	       same_bytes(op, &p, p.bytes, access_names[access]);
}

bool
op_store(struct story_op *op)
{
	return do_access(op, ACCESS_STORE);
}

bool
op_load(struct story_op *op)
{
	return do_access(op, ACCESS_LOAD);
}

bool
op_fetch(struct story_op *op)
{
	return do_access(op, ACCESS_FETCH);
}

/* The four copies of the kernel; the first two need the space active on this CPU. */
enum copy_way { COPY_FROM_USER, COPY_TO_USER, COPY_FROM_SPACE, COPY_TO_SPACE };

static size_t
copy(struct story_op *op, enum copy_way way, struct piece *p)
{
	switch (way) {
	case COPY_FROM_USER:
		pt_activate(&op->sp->pt);
		return copy_from_user(op->sp, p->real, p->va, p->bytes);
	case COPY_TO_USER:
		pt_activate(&op->sp->pt);
		return copy_to_user(op->sp, p->va, p->real, p->bytes);
	case COPY_FROM_SPACE:
		return copy_from_space(op->sp, p->real, p->va, p->bytes);
	case COPY_TO_SPACE:
		break;
	}
	return copy_to_space(op->sp, p->va, p->real, p->bytes);
}

bool
op_copy(struct story_op *op)
{
	struct piece	  p = choose_piece(op);
	enum copy_way	  way = (enum copy_way)(op->rec->length & 3);
	bool		  reads = way == COPY_FROM_USER || way == COPY_FROM_SPACE;
	enum access	  access = reads ? ACCESS_LOAD : ACCESS_STORE;
	bool		  is_whole = is_all_or_nothing(op, &p);
	size_t		  done, got;
	enum fault_result want = flat_access(op->fs, access, p.va, p.model, p.bytes, &done);

	say_access(op, access, &p, want == FAULT_DONE ? 0 : done);
	story_fail_begin(op, NULL);
	got = copy(op, way, &p);
	if (story_fail_end(op, got != 0, NULL))
		got = copy(op, way, &p);
	tell_result(op, access, want, &p);
	if (got != p.bytes - done)
		return story_differ(op->st,
				    "kernel copy %d at 0x%" PRIx64
				    " of p%u, %zu bytes: expected %zu "
				    "not copied, got %zu",
				    way, p.va, op->who, p.bytes, p.bytes - done, got);
	if (!got && is_whole && !story_fail_check(op))
		return false;
	return access == ACCESS_STORE || same_bytes(op, &p, done, "kernel copy");
}

/* expect_populate - the first page that faults decides. */
static enum fault_result
expect_populate(struct story_op *op, struct va_range range, enum access access)
{
	for (vaddr_t va = range.start; va < range.end; va += ARCH_PAGE_SIZE) {
		struct flat_region *r;
		enum fault_result   result = flat_judge(op->fs, access, va, &r);

		if (result != FAULT_DONE)
			return result;
		story_tell(op->st, "touch p%u %s 0x%" PRIx64 " 1\n", op->who,
			   access == ACCESS_STORE ? "a" : "r", va);
		if (access == ACCESS_STORE)
			flat_touch(op->fs, r, va);
	}
	return FAULT_DONE;
}

bool
op_populate(struct story_op *op)
{
	enum access	  access = op->rec->how & 1 ? ACCESS_STORE : ACCESS_LOAD;
	vaddr_t		  start = op->va & ~ARCH_PAGE_MASK;
	uint64_t	  pages = 1 + op->rec->length % 6;
	struct va_range	  range = va_range(start, start + pages * ARCH_PAGE_SIZE);
	enum fault_result want, got;

	story_tell(op->st, "# populate p%u 0x%" PRIx64 " %" PRIu64 " pages\n", op->who, range.start,
		   pages);
	op->is_repeatable = true;
	story_fail_begin(op, NULL);
	got = fault_populate(op->sp, range, access);
	if (story_fail_end(op, got == FAULT_NOMEM, NULL))
		got = fault_populate(op->sp, range, access);
	want = expect_populate(op, range, access);
	if (want != got)
		return story_differ(op->st,
				    "populate [0x%" PRIx64 ", 0x%" PRIx64
				    ") of p%u: expected %s, got %s",
				    range.start, range.end, op->who, fault_result_name(want),
				    fault_result_name(got));
	return true;
}
