/* calls.c - see calls.h. An operation can be run again after it has given up half-way. */
#include "fail/calls.h"

#define PLACE(w) ((w)->edge + 128 * PAGE) /* free */

static enum outcome
touch(struct world *w, vaddr_t from, unsigned pages)
{
	for (unsigned i = 0; i < pages; i++) {
		uint8_t		  byte = 'x';
		enum fault_result fault =
			machine_user(w->proc->space, ACCESS_STORE, from + i * PAGE, &byte, 1);

		if (fault != FAULT_DONE)
			return fault == FAULT_NOMEM ? GAVE_UP : WRONG;
	}
	return DID;
}

static enum outcome
map_at_once(struct world *w, unsigned flags)
{
	struct map_request request = { .addr = PLACE(w),
				       .length = 4 * PAGE,
				       .prot = PROT_RW,
				       .flags =
					       MAPF_PRIVATE | MAPF_ANONYMOUS | MAPF_FIXED | flags };
	vaddr_t		   at;
	enum outcome	   outcome = of_err(call_mmap(w->proc->space, &request, &at));

	return outcome == DID ? touch(w, at, 4) : outcome;
}

enum outcome
map_and_populate(struct world *w)
{
	return map_at_once(w, MAPF_POPULATE);
}

enum outcome
map_locked(struct world *w)
{
	return map_at_once(w, MAPF_LOCKED);
}

void
prepare_locked_future(struct world *w)
{
	EXPECT_OK(space_lock(w->proc->space, w->edge - PAGE, (HALF + 1) * PAGE, 0));
	EXPECT_OK(call_mlockall(w->proc->space, LOCKALL_FUTURE));
}

enum outcome
brk_up_locked(struct world *w)
{
	vaddr_t start = w->proc->space->layout.brk_start;

	if (call_brk(w->proc->space, start + 3 * PAGE) != start + 3 * PAGE)
		return GAVE_UP;
	return touch(w, start, 3);
}

/* At its old place or, from an earlier try, at the new one. */
enum outcome
grow_locked(struct world *w)
{
	struct remap_request request = { .addr = w->edge - PAGE,
					 .old_length = (HALF + 1) * PAGE,
					 .new_length = (HALF + 4) * PAGE,
					 .flags = REMAP_MAYMOVE | REMAP_FIXED,
					 .new_addr = PLACE(w) };
	vaddr_t		     at;
	enum outcome	     outcome = DID;

	if (!space_find(w->proc->space, PLACE(w)))
		outcome = of_err(call_mremap(w->proc->space, &request, &at));
	return outcome == DID ? touch(w, PLACE(w), HALF + 4) : outcome;
}

void
prepare_locked_read_only(struct world *w)
{
	prepare_locked_future(w);
	EXPECT_OK(space_protect(w->proc->space, w->edge - PAGE, 3 * PAGE, PROT_R));
}

enum outcome
protect_locked_writable(struct world *w)
{
	enum outcome outcome =
		of_err(call_mprotect(w->proc->space, w->edge - PAGE, 3 * PAGE, PROT_RW));

	return outcome == DID ? touch(w, w->edge - PAGE, 3) : outcome;
}

enum outcome
unlock_everything(struct world *w)
{
	return of_err(call_munlockall(w->proc->space));
}

enum outcome
leave_locked_memory(struct world *w)
{
	struct remap_request request = { .addr = w->edge - PAGE,
					 .old_length = 2 * PAGE,
					 .new_length = 2 * PAGE,
					 .flags = REMAP_MAYMOVE | REMAP_FIXED | REMAP_DONTUNMAP,
					 .new_addr = w->image };
	vaddr_t		     at;

	return of_err(call_mremap(w->proc->space, &request, &at));
}

enum outcome
advise_dontneed_locked(struct world *w)
{
	return of_err(
		call_madvise(w->proc->space, w->edge - 2 * PAGE, 4 * PAGE, ADVICE_DONTNEED_LOCKED));
}

/* page of the heap   e-4 e-3 e-2 e-1 e e+1 e+2 e+3      G a guard, . a hole
 *                         G       G    .       G   */
void
prepare_pieces(struct world *w)
{
	struct space *sp = w->proc->space;

	EXPECT_OK(space_advise(sp, w->edge - 3 * PAGE, PAGE, ADVICE_GUARD_INSTALL));
	EXPECT_OK(space_advise(sp, w->edge - PAGE, PAGE, ADVICE_GUARD_INSTALL));
	EXPECT_OK(space_advise(sp, w->edge + 3 * PAGE, PAGE, ADVICE_GUARD_INSTALL));
	EXPECT_OK(space_unmap(sp, w->edge + PAGE, PAGE));
}

/* The hole is told at the end, when the rest is done: only a lack of memory is ERR_AGAIN. */
static enum outcome
advise_pieces(struct world *w, enum advice advice)
{
	err_t err = space_advise(w->proc->space, w->edge - 4 * PAGE, 8 * PAGE, advice);

	return err == ERR_NOMEM ? DID : err == ERR_AGAIN ? GAVE_UP : WRONG;
}

enum outcome
guard_pieces(struct world *w)
{
	return advise_pieces(w, ADVICE_GUARD_INSTALL);
}

enum outcome
unguard_pieces(struct world *w)
{
	return advise_pieces(w, ADVICE_GUARD_REMOVE);
}

enum outcome
drop_pieces(struct world *w)
{
	return advise_pieces(w, ADVICE_DONTNEED);
}

enum outcome
protect_pieces(struct world *w)
{
	return of_err(call_mprotect(w->proc->space, w->edge - 4 * PAGE, 5 * PAGE, PROT_R));
}

enum outcome
advise_to_next_touch(struct world *w)
{
	return of_err(call_madvise(w->proc->space, w->edge - PAGE, 2 * PAGE, ADVICE_NEXT_TOUCH));
}

enum outcome
advise_populate_read(struct world *w)
{
	return of_err(call_madvise(w->proc->space, w->image, 4 * PAGE, ADVICE_POPULATE_READ));
}

/* The vectors lie at the start of the stack's page; the heap goes into the image, or the child's. */
enum outcome
write_by_vectors(struct world *w)
{
	const struct user_iovec	  vec[2] = { { w->heap, 3 * PAGE }, { w->image, 3 * PAGE } };
	struct process_vm_request request = { .local = w->proc->space,
					      .remote = w->child ? w->child->space : w->proc->space,
					      .local_vec = w->stack,
					      .nr_local = 1,
					      .remote_vec = w->stack + sizeof(*vec),
					      .nr_remote = 1 };
	uint64_t		  done = 0;

	if (copy_to_space(w->proc->space, w->stack, vec, sizeof(vec)) ||
	    call_process_vm_writev(&request, &done) != OK)
		return GAVE_UP;
	return done == 3 * PAGE ? DID : GAVE_UP;
}

void
prepare_dirty_file(struct world *w)
{
	struct map_request request = { .addr = PLACE(w),
				       .length = 4 * PAGE,
				       .prot = PROT_RW,
				       .flags = MAPF_SHARED | MAPF_FIXED };

	EXPECT_OK(object_create_stored(9, 4 * PAGE, &request.object));
	world_map(w->proc, &request);
	object_put(request.object);
	for (unsigned i = 0; i < 3; i++)
		world_store(w->proc, PLACE(w) + i * PAGE);
}

enum outcome
sync_file(struct world *w)
{
	return of_err(call_msync(w->proc->space, PLACE(w), 4 * PAGE, SYNC_SYNC));
}

enum outcome
unmap_dirty_file(struct world *w)
{
	return of_err(call_munmap(w->proc->space, PLACE(w) + PAGE, PAGE));
}
