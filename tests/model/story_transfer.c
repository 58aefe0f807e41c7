/*
 * story_transfer.c - process_vm_readv and writev: a piece of one process's memory to the same
 * place of a page of another's.
 *
 * The vectors lie between the cells of a page of the caller's, where the model knows no byte.
 */
#include "model/story_ops.h"

#include <inttypes.h>
#include <string.h>

#define PAGE	   ARCH_PAGE_SIZE
#define VECTORS_AT 16

struct transfer {
	struct story_piece local;
	vaddr_t		   remote;
	unsigned	   other; /* process */
	bool		   writes;
	vaddr_t		   vectors;
};

/* nth_other - any process that lives, the caller too. */
static unsigned
nth_other(const struct story *st, unsigned n)
{
	while (!st->procs[n % STORY_PROCS].real || !st->procs[n % STORY_PROCS].fs)
		n++;
	return n % STORY_PROCS;
}

static struct transfer
choose_transfer(struct story_op *op)
{
	const struct story_record aim = { .addr = { op->rec->addr[1], op->rec->addr[0] } };
	struct transfer		  t = { .local = story_piece(op),
					.other = nth_other(op->st, op->rec->data),
					.writes = op->rec->length & 1 };
	vaddr_t			  page = story_aim(op->st, op->st->procs[t.other].fs, &aim);

	t.remote = (page & -PAGE) + (t.local.va & ARCH_PAGE_MASK);
	t.vectors = (op->st->last_mapped & -PAGE) + VECTORS_AT;
	return t;
}

/* store_vectors - both, by the caller's program. */
static enum fault_result
store_vectors(struct story_op *op, const struct transfer *t)
{
	struct user_iovec vectors[] = { { t->local.va, t->local.bytes },
					{ t->remote, t->local.bytes } };

	return machine_user(op->sp, ACCESS_STORE, t->vectors, vectors, sizeof(vectors));
}

/* permits - the remote region does, as such; a stack does not grow for it. */
static bool
permits(struct flat_space *fs, vaddr_t va, bool writes)
{
	struct flat_region *r = va < fs->layout.end ? flat_find(fs, va) : NULL;

	return r && (r->prot & (writes ? PROT_W : PROT_R)) &&
	       flat_judge(fs, writes ? ACCESS_STORE : ACCESS_LOAD, va, &r) == FAULT_DONE;
}

/* bring_in - the remote pages, before a byte is copied. gives how many bytes can be had. */
static size_t
bring_in(struct story_op *op, const struct transfer *t)
{
	struct flat_space  *far = op->st->procs[t->other].fs;
	struct flat_region *r;
	size_t		    ready = 0;

	while (ready < t->local.bytes && permits(far, t->remote + ready, t->writes)) {
		if (t->writes && flat_judge(far, ACCESS_STORE, t->remote + ready, &r) == FAULT_DONE)
			flat_touch(far, r, t->remote + ready);
		ready += PAGE - ((t->remote + ready) & ARCH_PAGE_MASK);
	}
	return min_u64(ready, t->local.bytes);
}

/* copy_part - bytes [from, to) of the piece, within one remote page. gives the bytes copied. */
static size_t
copy_part(struct story_op *op, const struct transfer *t, size_t from, size_t to)
{
	struct flat_space *far = op->st->procs[t->other].fs;
	uint8_t		   bytes[2 * FLAT_CELL_BYTES];
	size_t		   done;

	if (t->writes) {
		(void)flat_access(op->fs, ACCESS_LOAD, t->local.va + from, bytes, to - from, &done);
		(void)flat_access(far, ACCESS_STORE, t->remote + from, bytes, done, &done);
		return done;
	}
	(void)flat_access(far, ACCESS_LOAD, t->remote + from, bytes, to - from, &done);
	(void)flat_access(op->fs, ACCESS_STORE, t->local.va + from, bytes, done, &done);
	return done;
}

static err_t
expect_transfer(struct story_op *op, const struct transfer *t, uint64_t *done)
{
	size_t bytes = t->local.bytes;
	size_t ready, first;

	if (t->local.va > ARCH_USER_END || bytes > ARCH_USER_END - t->local.va)
		return ERR_FAULT;
	ready = bring_in(op, t);
	first = min_u64(ready, PAGE - (t->remote & ARCH_PAGE_MASK));
	*done = copy_part(op, t, 0, first);
	if (*done == first && first < ready)
		*done += copy_part(op, t, first, ready);
	return *done ? OK : ERR_FAULT;
}

static err_t
transfer(struct story_op *op, const struct transfer *t, uint64_t *done)
{
	struct process_vm_request q = { .local = op->sp,
					.remote = op->st->procs[t->other].real->space,
					.local_vec = t->vectors,
					.nr_local = 1,
					.remote_vec = t->vectors + sizeof(struct user_iovec),
					.nr_remote = 1 };

	return t->writes ? call_process_vm_writev(&q, done) : call_process_vm_readv(&q, done);
}

static bool
same_transfer(struct story_op *op, const struct transfer *t, err_t got, uint64_t got_bytes)
{
	uint64_t want_bytes = 0;
	err_t	 want = expect_transfer(op, t, &want_bytes);

	if (got == OK)
		story_tell(op->st, " = %" PRIu64 "\n", got_bytes);
	else
		story_tell(op->st, " = %s\n", err_name(got));
	return (want == got && (want != OK || want_bytes == got_bytes)) ||
	       story_differ(op->st,
			    "process_vm_%s by p%u at 0x%" PRIx64 ", p%u at 0x%" PRIx64
			    ", %zu bytes: expected %s, %" PRIu64 ", got %s, %" PRIu64,
			    t->writes ? "writev" : "readv", op->who, t->local.va, t->other,
			    t->remote, t->local.bytes, err_name(want), want_bytes, err_name(got),
			    got_bytes);
}

bool
op_transfer(struct story_op *op)
{
	struct transfer	    t = choose_transfer(op);
	struct flat_region *r;
	uint64_t	    done = 0;
	err_t		    got;

	if (t.vectors >= op->fs->layout.end || !flat_find(op->fs, t.vectors) ||
	    flat_judge(op->fs, ACCESS_STORE, t.vectors, &r) != FAULT_DONE)
		return true;
	flat_touch(op->fs, r, t.vectors);
	op->is_repeatable = true;
	story_say(op, "process_vm_%s p%u 0x%" PRIx64 " p%u 0x%" PRIx64 " %zu by 0x%" PRIx64,
		  t.writes ? "writev" : "readv", op->who, t.local.va, t.other, t.remote,
		  t.local.bytes, t.vectors);
	story_fail_begin(op, NULL);
	if (store_vectors(op, &t) != FAULT_DONE)
		got = ERR_NOMEM;
	else
		got = transfer(op, &t, &done);
	if (story_fail_end(op, got != OK || done < t.local.bytes, NULL)) {
		if (store_vectors(op, &t) != FAULT_DONE)
			return story_differ(op->st, "p%u cannot store its vectors at 0x%" PRIx64,
					    op->who, t.vectors);
		got = transfer(op, &t, &done);
	}
	return same_transfer(op, &t, got, done);
}
