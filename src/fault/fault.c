/*
 * fault.c - page faults: the picture, and the loop.
 *
 *   region of va?
 *   ├─ none ──────────── a stack just above?  grow it, again   else SEGV_MAPERR
 *   └─ found
 *      ├─ protection forbids the access ────────────────────── SEGV_ACCERR
 *      └─ allowed: make the path exclusive; what is the entry?
 *         ├─ empty
 *         │  ├─ private anonymous   read: the zero frame, special, not writable
 *         │  │                      write: a fresh zeroed frame
 *         │  ├─ device              its frame, special, with its memory type
 *         │  ├─ shared object       the object's frame        (no page: BUS_ADRERR)
 *         │  └─ private object      read: the object's frame, not writable
 *         │                         write: a copy of it
 *         │     page not there yet  drop every lock, wait for the pager, start again
 *         │     page is out         drop every lock, read it, start again
 *         │                                           (unreadable: BUS_ADRERR)
 *         │     truncated meanwhile start again
 *         ├─ guard mark ────────────────────────────────────── SEGV_MAPERR
 *         ├─ swap mark           page in memory: takes the mark's place, then as any leaf
 *         │                      else drop every lock, read it, start again
 *         │                                           (unreadable: BUS_ADRERR)
 *         └─ leaf
 *            ├─ allows the access ── spurious, or the path was the obstacle
 *            ├─ private, allows nothing ── to this node, if ours alone (ADVICE_NEXT_TOUCH)
 *            ├─ private, for a write
 *            │  ├─ zero frame        a fresh zeroed frame takes its place
 *            │  ├─ count 1           ours alone: allow writing (reuse)
 *            │  └─ count > 1         a copy takes its place
 *            └─ shared ───────────── allow what the region allows
 *
 * What a CPU's node has a replica of (pt/replica.c) is then copied there, under the same locks as one
 * look at the entry; so a miss in a replica alone is one of the spurious faults above.
 *
 * "Takes its place" is in three steps: the new frame read-only, flush every CPU,
 * then writable, so that two threads never see a write go back in time.
 *
 * The access is the caller's and never weakens, however often it starts again. Locks: the space
 * for reading (for writing to grow a stack), then tables; resolve.c does the entries.
 */
#include <anymm/fault.h>
#include <anymm/reclaim.h>
#include <anymm/stats.h>

#include "fault/resolve.h"
#include "pt/replica.h"

/* Linux's rule on x86-64: any accessible region may be read. */
static bool
region_allows(const struct region *r, enum access access)
{
	return prot_usable(r->prot) & access_prot(access);
}

static enum fault_result
count_result(enum fault_result result)
{
	switch (result) {
	case FAULT_SEGV_MAPERR:
		stat_inc(STAT_FAULT_MAPERR);
		break;
	case FAULT_SEGV_ACCERR:
		stat_inc(STAT_FAULT_ACCERR);
		break;
	case FAULT_BUS_ADRERR:
		stat_inc(STAT_FAULT_BUSERR);
		break;
	case FAULT_NOMEM:
		stat_inc(STAT_FAULT_NOMEM);
		break;
	case FAULT_DONE:
		break;
	}
	return result;
}

/*
 * No region holds va: FAULT_DONE if a stack was grown down to it. A limit that
 * forbids growing is the program's to feel, as in Linux: not lack of memory.
 */
static enum fault_result
grow_stack(struct space *sp, vaddr_t va)
{
	err_t err = OK;

	write_lock(&sp->lock);
	if (!space_find(sp, va)) { /* else another CPU has grown it meanwhile */
		err = space_grow_stack(sp, va);
		if (err == OK)
			stat_inc(STAT_FAULT_STACK);
	}
	write_unlock(&sp->lock);
	return err == OK ? FAULT_DONE : FAULT_SEGV_MAPERR;
}

/* The region of va with the space read-locked, growing a stack if that gives one. */
static enum fault_result
lock_region(struct space *sp, vaddr_t va, struct region **out)
{
	for (;;) {
		enum fault_result result;

		read_lock(&sp->lock);
		*out = space_find(sp, va);
		if (*out)
			return FAULT_DONE;
		read_unlock(&sp->lock);
		result = grow_stack(sp, va);
		if (result != FAULT_DONE)
			return result;
	}
}

/* One try, with all locks dropped again. With fault_must_wait it has decided nothing. */
typedef enum fault_result fault_try(struct space *sp, vaddr_t va, enum access access,
				    struct fault_wait *wait);

/* resolve - in the tables, and then in the replica that this CPU walks, if it walks one. */
static enum fault_result
resolve(struct space *sp, struct region *r, vaddr_t va, enum access access, struct fault_wait *wait)
{
	enum fault_result result;

	if (!region_allows(r, access))
		return FAULT_SEGV_ACCERR;
	result = fault_resolve(sp, r, va, access, wait);
	if (pt_has_replicas(&sp->pt) && result == FAULT_DONE && !fault_must_wait(wait))
		replica_fill(&sp->pt, va, access);
	return result;
}

static enum fault_result
try_access(struct space *sp, vaddr_t va, enum access access, struct fault_wait *wait)
{
	struct region	 *r;
	enum fault_result result = lock_region(sp, va, &r);

	if (result == FAULT_DONE) {
		result = resolve(sp, r, va, access, wait);
		read_unlock(&sp->lock);
	}
	return result;
}

static enum fault_result
try_own(struct space *sp, vaddr_t va, enum access access, struct fault_wait *wait)
{
	enum fault_result result = FAULT_SEGV_MAPERR;
	struct region	 *r;

	read_lock(&sp->lock);
	r = space_find(sp, va);
	if (r)
		result = fault_resolve(sp, r, va, access, wait);
	read_unlock(&sp->lock);
	return result;
}

/* Without memory the fault starts again as long as page-out, or the policy, finds some. */
static enum fault_result
handle(struct space *sp, vaddr_t va, enum access access, fault_try *try_once)
{
	enum fault_result result;
	struct fault_wait wait;
	unsigned	  tries = 0;
	bool		  again;

	fault_wait_begin(&wait);
	do {
		reclaim_before();
		result = try_once(sp, va, access, &wait);
		again = fault_must_wait(&wait);
		if (again)
			result = fault_wait_here(&wait);
		if (result == FAULT_NOMEM)
			again = reclaim_retry(&tries) || reclaim_relieve(sp);
	} while (again && (result == FAULT_DONE || result == FAULT_NOMEM));
	fault_wait_end(&wait);
	return count_result(result);
}

enum fault_result
fault_handle(struct space *sp, vaddr_t va, enum access access)
{
	return handle(sp, va, access, try_access);
}

enum fault_result
fault_own(struct space *sp, vaddr_t va)
{
	return handle(sp, va, ACCESS_STORE, try_own);
}

enum fault_result
fault_populate(struct space *sp, struct va_range range, enum access access)
{
	for (vaddr_t va = range.start & ~ARCH_PAGE_MASK; va < range.end; va += ARCH_PAGE_SIZE) {
		enum fault_result result = fault_handle(sp, va, access);

		if (result != FAULT_DONE)
			return result;
	}
	return FAULT_DONE;
}

const char *
fault_result_name(enum fault_result result)
{
	switch (result) {
	case FAULT_DONE:
		return "DONE";
	case FAULT_SEGV_MAPERR:
		return "SEGV_MAPERR";
	case FAULT_SEGV_ACCERR:
		return "SEGV_ACCERR";
	case FAULT_BUS_ADRERR:
		return "BUS_ADRERR";
	case FAULT_NOMEM:
		return "NOMEM";
	}
	return "?";
}
