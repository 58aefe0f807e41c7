/*
 * test_allocations.c - every operation with every one of its allocations failing.
 *
 * The world is made and remembered once per operation. Then, for k = 1, 2, ...:
 * back to that moment, let the k-th allocation fail (once; and again with all
 * after it), and run the operation. If it gives up, nothing may have changed: the
 * digest, every invariant, every frame. With memory it must then succeed and lead
 * to exactly where a run without failures leads. The sweep ends when the
 * operation has run without reaching its k-th allocation. The file is long for one
 * reason: one table holds every operation there is.
 */
#include "fail/calls.h"
#include "fail/pins.h"

#include <stdio.h>

enum { MANY = 100 };

struct operation {
	const char *name;
	enum outcome (*run)(struct world *w);
	void (*prepare)(struct world *w); /* NULL: nothing */
	unsigned may_keep;   /* kinds of frames that a try may leave behind: see below */
	bool	 is_partial; /* goes page by page: what was done before memory ran out stays */
	bool	 cannot_fail;
};

/*
 * A fault that gives up may have made its path exclusive, or have filled a page of an object, or have
 * read one from the swap device. No user can tell, and the next fault need not do it again.
 */
enum {
	KEEPS_TABLES = 1 << FRAME_TABLE,
	KEEPS_PAGES = 1 << FRAME_TABLE | 1 << FRAME_OBJECT | 1 << FRAME_KERNEL,
	KEEPS_READ = 1 << FRAME_ANON | 1 << FRAME_OBJECT, /* what was out */
};

static enum outcome
of_fault(enum fault_result result)
{
	return result == FAULT_DONE ? DID : result == FAULT_NOMEM ? GAVE_UP : WRONG;
}

/* Mappings. */

static enum outcome
map(struct world *w, vaddr_t addr, uint64_t pages, unsigned flags, struct object *object)
{
	vaddr_t at;

	return of_err(space_map(w->proc->space,
				&(struct map_request){ .addr = addr,
						       .length = pages * PAGE,
						       .prot = PROT_RW,
						       .flags = flags,
						       .object = object },
				&at));
}

static enum outcome
map_anonymous(struct world *w)
{
	return map(w, 0, 5, MAPF_PRIVATE | MAPF_ANONYMOUS | MAPF_NORESERVE, NULL);
}

static enum outcome
map_shared(struct world *w)
{
	return map(w, 0, 5, MAPF_SHARED | MAPF_ANONYMOUS, NULL);
}

static enum outcome
map_file(struct world *w)
{
	return map(w, 0, 3, MAPF_SHARED, w->file);
}

static enum outcome
map_over_the_middle(struct world *w)
{
	return map(w, w->edge - PAGE, 2, MAPF_SHARED | MAPF_FIXED, w->file);
}

static enum outcome
map_over_everything(struct world *w)
{
	return map(w, w->heap - PAGE, HEAP_PAGES + 2, MAPF_PRIVATE | MAPF_ANONYMOUS | MAPF_FIXED,
		   NULL);
}

static enum outcome
unmap_the_middle(struct world *w)
{
	return of_err(space_unmap(w->proc->space, w->edge - PAGE, 2 * PAGE));
}

static enum outcome
unmap_everything(struct world *w)
{
	return of_err(space_unmap(w->proc->space, 0, w->proc->space->layout.end));
}

static void
prepare_many(struct world *w)
{
	vaddr_t at =
		world_map(w->proc, &(struct map_request){ .length = MANY * PAGE,
							  .prot = PROT_RW,
							  .flags = MAPF_PRIVATE | MAPF_ANONYMOUS });

	for (unsigned i = 0; i < MANY; i++)
		world_store(w->proc, at + i * PAGE);
	w->heap = at;
}

/* More pages than a gather holds without memory of its own. */
static enum outcome
unmap_many(struct world *w)
{
	return of_err(space_unmap(w->proc->space, w->heap + PAGE, (MANY - 2) * PAGE));
}

static enum outcome
protect_the_middle(struct world *w)
{
	return of_err(space_protect(w->proc->space, w->edge - PAGE, 2 * PAGE, PROT_R));
}

static enum outcome
protect_the_heap(struct world *w)
{
	return of_err(space_protect(w->proc->space, w->heap, HEAP_PAGES * PAGE, 0));
}

/* moved_brk - brk has no error: an end that has not moved is how it gives up. */
static enum outcome
moved_brk(struct world *w, vaddr_t to)
{
	return space_brk(w->proc->space, to) == to ? DID : GAVE_UP;
}

static enum outcome
brk_up(struct world *w)
{
	return moved_brk(w, w->proc->space->layout.brk_start + 3 * PAGE);
}

static enum outcome
brk_down(struct world *w)
{
	return moved_brk(w, w->proc->space->layout.brk_start + PAGE);
}

static void
prepare_brk(struct world *w)
{
	vaddr_t start = w->proc->space->layout.brk_start;

	assert_int_equal(space_brk(w->proc->space, start + 3 * PAGE), start + 3 * PAGE);
	world_store(w->proc, start + 2 * PAGE);
}

/* Advice. */

static enum outcome
advise(struct world *w, enum advice advice)
{
	return of_err(space_advise(w->proc->space, w->edge - PAGE, 2 * PAGE, advice));
}

static enum outcome
advise_dontneed(struct world *w)
{
	return advise(w, ADVICE_DONTNEED);
}

static enum outcome
advise_dontfork(struct world *w)
{
	return advise(w, ADVICE_DONTFORK);
}

static enum outcome
advise_wipeonfork(struct world *w)
{
	return advise(w, ADVICE_WIPEONFORK);
}

static enum outcome
advise_guard(struct world *w)
{
	return advise(w, ADVICE_GUARD_INSTALL);
}

static enum outcome
advise_unguard(struct world *w)
{
	return advise(w, ADVICE_GUARD_REMOVE);
}

static void
prepare_guard(struct world *w)
{
	EXPECT_OK(space_advise(w->proc->space, w->edge - PAGE, 2 * PAGE, ADVICE_GUARD_INSTALL));
	if (w->child)
		return;
	EXPECT_OK(proc_fork(w->proc, 0, 0, &w->child));
}

static void
prepare_dontfork(struct world *w)
{
	EXPECT_OK(space_advise(w->proc->space, w->edge - PAGE, 2 * PAGE, ADVICE_DONTFORK));
}

static void
prepare_wipeonfork(struct world *w)
{
	EXPECT_OK(space_advise(w->proc->space, w->edge - PAGE, 2 * PAGE, ADVICE_WIPEONFORK));
}

/* Moves, locks, seals. */

static enum outcome
remap(struct world *w, struct remap_request request)
{
	vaddr_t at;

	return of_err(call_mremap(w->proc->space, &request, &at));
}

/* The stretch over the border between tables moves to where other entries stand, and grows. */
static enum outcome
move_and_grow(struct world *w)
{
	return remap(w, (struct remap_request){ .addr = w->edge - 3 * PAGE,
						.old_length = 5 * PAGE,
						.new_length = 7 * PAGE,
						.flags = REMAP_MAYMOVE });
}

static enum outcome
move_onto_the_image(struct world *w)
{
	return remap(w, (struct remap_request){ .addr = w->edge - PAGE,
						.old_length = 2 * PAGE,
						.new_length = PAGE,
						.flags = REMAP_MAYMOVE | REMAP_FIXED,
						.new_addr = w->image + PAGE });
}

/* Three regions at once, by way of a table of its own. */
static void
prepare_three_regions(struct world *w)
{
	EXPECT_OK(space_protect(w->proc->space, w->edge - PAGE, 2 * PAGE, PROT_R));
}

/* Goes on behind the regions that an earlier try has moved. */
static enum outcome
move_three_regions(struct world *w)
{
	vaddr_t from = w->edge - 2 * PAGE;
	vaddr_t to = w->edge + (HEAP_PAGES + 64) * PAGE;
	vaddr_t at = from;

	while (!space_find(w->proc->space, at))
		at += PAGE;
	return remap(w, (struct remap_request){ .addr = at,
						.old_length = w->edge + 2 * PAGE - at,
						.new_length = w->edge + 2 * PAGE - at,
						.flags = REMAP_MAYMOVE | REMAP_FIXED,
						.new_addr = to + (at - from) });
}

static enum outcome
move_and_leave_the_range(struct world *w)
{
	return remap(w, (struct remap_request){ .addr = w->edge - PAGE,
						.old_length = 2 * PAGE,
						.new_length = 2 * PAGE,
						.flags = REMAP_MAYMOVE | REMAP_DONTUNMAP });
}

static enum outcome
map_shared_memory_twice(struct world *w)
{
	return remap(w, (struct remap_request){ .addr = w->shared + PAGE,
						.new_length = 2 * PAGE,
						.flags = REMAP_MAYMOVE });
}

static enum outcome
shrink_in_place(struct world *w)
{
	return remap(w, (struct remap_request){ .addr = w->heap,
						.old_length = HEAP_PAGES * PAGE,
						.new_length = (HALF - 2) * PAGE });
}

static enum outcome
seal_the_middle(struct world *w)
{
	return of_err(call_mseal(w->proc->space, w->edge - PAGE, 2 * PAGE, 0));
}

static enum outcome
lock_the_middle(struct world *w)
{
	return of_err(call_mlock(w->proc->space, w->edge - PAGE, HALF * PAGE));
}

static enum outcome
lock_everything(struct world *w)
{
	return of_err(call_mlockall(w->proc->space, LOCKALL_CURRENT | LOCKALL_ONFAULT));
}

static void
prepare_lock(struct world *w)
{
	EXPECT_OK(space_lock(w->proc->space, w->edge - PAGE, 2 * PAGE, 0));
}

static enum outcome
unlock_a_half(struct world *w)
{
	return of_err(call_munlock(w->proc->space, w->edge, PAGE));
}

static enum outcome
advise_populate(struct world *w)
{
	return of_err(
		call_madvise(w->proc->space, w->heap, HEAP_PAGES * PAGE, ADVICE_POPULATE_WRITE));
}

static enum outcome
advise_sequential(struct world *w)
{
	return of_err(call_madvise(w->proc->space, w->edge - PAGE, 2 * PAGE, ADVICE_SEQUENTIAL));
}

static enum outcome
advise_remove(struct world *w)
{
	return of_err(call_madvise(w->proc->space, w->shared, 2 * PAGE, ADVICE_REMOVE));
}

static enum outcome
sync_shared_memory(struct world *w)
{
	return of_err(call_msync(w->proc->space, w->shared, 4 * PAGE, SYNC_SYNC));
}

static enum outcome
ask_for_residency(struct world *w)
{
	return of_err(call_mincore(w->proc->space, w->heap, HEAP_PAGES * PAGE, w->stack)) == DID
		       ? DID
		       : GAVE_UP;
}

/* One vector at the start of the stack's page names it whole; the other side is the heap. */
static enum outcome
copy_by_vectors(struct world *w)
{
	const struct user_iovec	  vec[2] = { { w->heap, 3 * PAGE }, { w->image, 3 * PAGE } };
	struct process_vm_request request = { .local = w->proc->space,
					      .remote = w->proc->space,
					      .local_vec = w->stack,
					      .nr_local = 1,
					      .remote_vec = w->stack + sizeof(*vec),
					      .nr_remote = 1 };
	uint64_t		  done = 0;

	if (copy_to_space(w->proc->space, w->stack, vec, sizeof(vec)))
		return GAVE_UP;
	if (call_process_vm_readv(&request, &done) != OK)
		return GAVE_UP;
	return done == 3 * PAGE ? DID : GAVE_UP;
}

/* Faults. */

static enum outcome
access(struct world *w, enum access access, vaddr_t va)
{
	uint8_t byte = 'x';

	return of_fault(machine_user(w->proc->space, access, va, &byte, 1));
}

static enum outcome
read_untouched(struct world *w)
{
	return access(w, ACCESS_LOAD, w->heap + (HEAP_PAGES - 1) * PAGE);
}

static enum outcome
write_untouched(struct world *w)
{
	return access(w, ACCESS_STORE, w->heap + (HEAP_PAGES - 1) * PAGE);
}

static enum outcome
write_touched(struct world *w)
{
	return access(w, ACCESS_STORE, w->heap);
}

static enum outcome
write_other_touched(struct world *w)
{
	return access(w, ACCESS_STORE, w->heap + (HALF - 1) * PAGE);
}

static enum outcome
read_file(struct world *w)
{
	return access(w, ACCESS_LOAD, w->image + 2 * PAGE);
}

static enum outcome
write_file(struct world *w)
{
	return access(w, ACCESS_STORE, w->image + 2 * PAGE);
}

static enum outcome
write_read_file_page(struct world *w)
{
	return access(w, ACCESS_STORE, w->image);
}

static enum outcome
read_shared(struct world *w)
{
	return access(w, ACCESS_LOAD, w->shared);
}

static enum outcome
write_written_shared(struct world *w)
{
	return access(w, ACCESS_STORE, w->shared);
}

static enum outcome
write_shared(struct world *w)
{
	return access(w, ACCESS_STORE, w->shared + 3 * PAGE);
}

static enum outcome
grow_stack(struct world *w)
{
	return access(w, ACCESS_STORE, w->stack - 3 * PAGE);
}

static enum outcome
populate(struct world *w)
{
	return of_fault(fault_populate(
		w->proc->space, va_range(w->heap, w->heap + HEAP_PAGES * PAGE), ACCESS_STORE));
}

/* Copies of the kernel. */

static enum outcome
copy_in(struct world *w)
{
	uint8_t byte = 'k';

	pt_activate(&w->proc->space->pt);
	return copy_to_user(w->proc->space, w->heap, &byte, 1) ? GAVE_UP : DID;
}

static enum outcome
copy_out(struct world *w)
{
	uint8_t byte;

	pt_activate(&w->proc->space->pt);
	return copy_from_user(w->proc->space, &byte, w->heap + (HEAP_PAGES - 1) * PAGE, 1) ? GAVE_UP
											   : DID;
}

static enum outcome
copy_into_space(struct world *w)
{
	static const uint8_t bytes[2 * PAGE];

	return copy_to_space(w->proc->space, w->edge - PAGE, bytes, sizeof(bytes)) ? GAVE_UP : DID;
}

static enum outcome
copy_from_a_space(struct world *w)
{
	static uint8_t bytes[2 * PAGE];

	return copy_from_space(w->proc->space, bytes, w->edge - PAGE, sizeof(bytes)) ? GAVE_UP
										     : DID;
}

/* Processes. */

static enum outcome
fork_process(struct world *w)
{
	struct process *child;

	return of_err(proc_fork(w->proc, 0, 50, &child));
}

static enum outcome
fork_sharing(struct world *w)
{
	struct process *child;

	return of_err(proc_fork(w->proc, PROC_SHARE_SPACE, 50, &child));
}

static enum outcome
add_thread(struct world *w)
{
	return of_err(space_add_thread(w->proc->space));
}

static enum outcome
execute(struct world *w)
{
	struct space_layout layout = space_default_layout();
	struct space	   *fresh;
	err_t		    err = space_create(&layout, &fresh);

	if (err)
		return of_err(err);
	pt_deactivate(&w->proc->space->pt);
	proc_exec(w->proc, fresh);
	space_put(fresh);
	return DID;
}

static enum outcome
create_process(struct world *w)
{
	struct process *proc;

	return of_err(proc_create(50, w->proc->space, &proc));
}

static enum outcome
create_object(struct world *w)
{
	struct object *object;
	err_t	       err = object_create(&pager_zero, 9, 4, NULL, &object);

	(void)w;
	return of_err(err);
}

/* Nodes. */

static enum outcome
place_the_middle(struct world *w)
{
	return of_err(space_place(w->proc->space, w->heap + PAGE, 2 * PAGE,
				  (struct placement){ .policy = PLACE_INTERLEAVE }));
}

static enum outcome
migrate_the_heap(struct world *w)
{
	uint64_t moved;

	return of_err(space_migrate(w->proc->space, w->heap, HEAP_PAGES * PAGE, 1, &moved));
}

static void
prepare_next_touch(struct world *w)
{
	EXPECT_OK(space_advise(w->proc->space, w->heap, HEAP_PAGES * PAGE, ADVICE_NEXT_TOUCH));
	machine_cpu_set(1);
}

/* Without memory the page stays where it is. */
static enum outcome
touch_from_another_node(struct world *w)
{
	uint8_t	     byte = 5;
	enum outcome outcome;

	machine_cpu_set(1);
	outcome = of_fault(machine_user(w->proc->space, ACCESS_STORE, w->heap + PAGE, &byte, 1));
	machine_cpu_set(0);
	return outcome;
}

static enum outcome
replicate(struct world *w)
{
	return of_err(space_replicate(w->proc->space));
}

static enum outcome
quit(struct world *w)
{
	int32_t code;

	pt_deactivate(&w->proc->space->pt);
	proc_exit(w->proc, 3);
	return of_err(proc_reap(NULL, w->proc, &code));
}

#define OPERATION(fn, ...) \
	{ \
		.name = #fn, .run = fn, __VA_ARGS__ \
	}

static const struct operation operations[] = {
	OPERATION(map_anonymous),
	OPERATION(map_shared),
	OPERATION(map_file),
	OPERATION(map_over_the_middle),
	OPERATION(map_over_everything),
	OPERATION(unmap_the_middle),
	OPERATION(unmap_everything),
	OPERATION(unmap_many, .prepare = prepare_many),
	OPERATION(protect_the_middle),
	OPERATION(protect_the_heap),
	OPERATION(brk_up),
	OPERATION(brk_down, .prepare = prepare_brk),
	OPERATION(advise_dontneed),
	OPERATION(advise_dontfork),
	OPERATION(advise_wipeonfork),
	OPERATION(advise_guard),
	OPERATION(advise_unguard, .prepare = prepare_guard),
	OPERATION(move_and_grow),
	OPERATION(move_onto_the_image),
	OPERATION(move_three_regions, .prepare = prepare_three_regions, .is_partial = true),
	OPERATION(move_and_leave_the_range),
	OPERATION(map_shared_memory_twice),
	OPERATION(shrink_in_place),
	OPERATION(seal_the_middle),
	OPERATION(lock_the_middle, .is_partial = true),
	OPERATION(lock_everything),
	OPERATION(unlock_a_half, .prepare = prepare_lock),
	OPERATION(advise_populate, .is_partial = true),
	OPERATION(advise_sequential),
	OPERATION(advise_remove),
	OPERATION(sync_shared_memory),
	OPERATION(ask_for_residency, .is_partial = true),
	OPERATION(copy_by_vectors, .is_partial = true),
	OPERATION(read_untouched, .may_keep = KEEPS_TABLES),
	OPERATION(write_untouched, .may_keep = KEEPS_TABLES),
	OPERATION(write_touched, .may_keep = KEEPS_TABLES),
	OPERATION(write_other_touched, .may_keep = KEEPS_TABLES),
	OPERATION(read_file, .may_keep = KEEPS_PAGES),
	OPERATION(write_file, .may_keep = KEEPS_PAGES),
	OPERATION(write_read_file_page, .may_keep = KEEPS_PAGES),
	OPERATION(write_shared, .may_keep = KEEPS_PAGES),
	OPERATION(read_shared, .may_keep = KEEPS_PAGES),
	OPERATION(write_written_shared, .may_keep = KEEPS_PAGES),
	OPERATION(grow_stack, .is_partial = true),
	OPERATION(populate, .is_partial = true),
	OPERATION(copy_in, .may_keep = KEEPS_TABLES),
	OPERATION(copy_out, .may_keep = KEEPS_TABLES),
	OPERATION(copy_into_space, .is_partial = true),
	OPERATION(copy_from_a_space, .is_partial = true),
	OPERATION(fork_process),
	OPERATION(fork_process, .prepare = prepare_dontfork),
	OPERATION(fork_process, .prepare = prepare_wipeonfork),
	OPERATION(fork_process, .prepare = prepare_pins),
	OPERATION(fork_process, .prepare = prepare_lock),
	OPERATION(fork_sharing),
	OPERATION(add_thread),
	OPERATION(execute),
	OPERATION(create_process),
	OPERATION(create_object),
	OPERATION(create_stored),
	OPERATION(write_call, .may_keep = KEEPS_PAGES),
	OPERATION(write_call_beyond_the_end, .may_keep = KEEPS_PAGES),
	OPERATION(read_call, .may_keep = KEEPS_PAGES),
	OPERATION(truncate_file, .cannot_fail = true),
	OPERATION(punch_file, .cannot_fail = true),
	OPERATION(evict_file, .cannot_fail = true),
	OPERATION(pin_for_writing, .is_partial = true),
	OPERATION(pin_for_reading, .is_partial = true),
	OPERATION(pin_shared_memory, .is_partial = true),
	OPERATION(unpin, .prepare = prepare_pins, .cannot_fail = true),
	OPERATION(place_the_middle),
	OPERATION(migrate_the_heap, .is_partial = true),
	OPERATION(touch_from_another_node, .prepare = prepare_next_touch, .may_keep = KEEPS_TABLES),
	OPERATION(replicate),
	OPERATION(map_and_populate, .is_partial = true),
	OPERATION(map_locked, .is_partial = true),
	OPERATION(brk_up_locked, .prepare = prepare_locked_future, .is_partial = true),
	OPERATION(grow_locked, .prepare = prepare_locked_future, .is_partial = true),
	OPERATION(protect_locked_writable, .prepare = prepare_locked_read_only, .is_partial = true),
	OPERATION(unlock_everything, .prepare = prepare_locked_future),
	OPERATION(leave_locked_memory, .prepare = prepare_locked_future),
	OPERATION(advise_dontneed_locked, .prepare = prepare_locked_future),
	OPERATION(guard_pieces, .prepare = prepare_pieces),
	OPERATION(unguard_pieces, .prepare = prepare_pieces),
	OPERATION(drop_pieces, .prepare = prepare_pieces),
	OPERATION(protect_pieces, .prepare = prepare_pieces),
	OPERATION(fork_process, .prepare = prepare_pieces),
	OPERATION(advise_to_next_touch),
	OPERATION(advise_populate_read, .is_partial = true),
	OPERATION(write_by_vectors, .is_partial = true),
	OPERATION(sync_file, .prepare = prepare_dirty_file, .is_partial = true),
	OPERATION(unmap_dirty_file, .prepare = prepare_dirty_file),
	OPERATION(quit, .cannot_fail = true),
	OPERATION(quit, .prepare = prepare_pins, .cannot_fail = true),
};

/* One operation in one world, while it is swept. */
struct sweep {
	const struct operation *op;
	enum world_kind		kind;
	struct world		w;
	struct digest		before, after; /* of a run without failures */
	struct frame_totals	totals;
	uint64_t		nr_injected;
};

static struct frame_totals
drained(void)
{
	anymm_drain();
	return frame_totals();
}

static void
expect_digest(const struct sweep *s, uint64_t k, struct digest want, const char *when)
{
	struct digest got = digest_all();

	if (got.lo != want.lo || got.hi != want.hi)
		fail_msg("%s, world %d, allocation %llu: the digest %s is another one", s->op->name,
			 s->kind, (unsigned long long)k, when);
}

/* may_keep - kinds of frames that may be more than before. */
static unsigned
may_keep(const struct sweep *s)
{
	unsigned kinds = s->op->may_keep;

	if (s->kind == WORLD_REPLICATED)
		kinds |= KEEPS_TABLES; /* a node's own may come and go */
	if (kinds && s->kind == WORLD_OUT)
		kinds |= KEEPS_READ;
	return kinds ? kinds | 1 << FRAME_FREE : 0;
}

static void
expect_frames(const struct sweep *s, uint64_t k)
{
	struct frame_totals now = drained();

	for (unsigned kind = 0; kind < FRAME_KINDS; kind++) {
		if (may_keep(s) >> kind & 1)
			continue;
		if (now.by_kind[kind] != s->totals.by_kind[kind])
			fail_msg("%s, world %d, allocation %llu: %llu frames of kind %u, before "
				 "%llu",
				 s->op->name, s->kind, (unsigned long long)k,
				 (unsigned long long)now.by_kind[kind], kind,
				 (unsigned long long)s->totals.by_kind[kind]);
	}
}

/* try_with - the operation with its k-th allocation failing. false: it made fewer than k. */
static bool
try_with(struct sweep *s, uint64_t k, bool and_all_after)
{
	enum outcome outcome;
	uint64_t     made;

	machine_reset();
	made = machine_allocations();
	machine_fail_allocation(k, and_all_after);
	outcome = s->op->run(&s->w);
	made = machine_allocations() - made;
	machine_fail_allocation(0, false);
	if (outcome == WRONG || (outcome == GAVE_UP && (s->op->cannot_fail || made < k)))
		fail_msg("%s, world %d, allocation %llu: outcome %d", s->op->name, s->kind,
			 (unsigned long long)k, outcome);
	machine_check_invariants();
	if (outcome == GAVE_UP) {
		if (!s->op->is_partial) {
			expect_digest(s, k, s->before, "after giving up");
			expect_frames(s, k);
		}
		outcome = s->op->run(&s->w);
		if (outcome != DID)
			fail_msg("%s, world %d, allocation %llu: fails with memory too, %d",
				 s->op->name, s->kind, (unsigned long long)k, outcome);
		machine_check_invariants();
	}
	expect_digest(s, k, s->after, "at the end");
	s->nr_injected += made >= k;
	return made >= k;
}

/* sweep - gives the number of allocations that were made to fail. */
static uint64_t
sweep(const struct operation *op, enum world_kind kind)
{
	struct sweep s = { .op = op, .kind = kind };

	world_make(&s.w, kind);
	if (op->prepare)
		op->prepare(&s.w);
	s.totals = drained();
	s.before = digest_all();
	machine_snapshot();
	if (op->run(&s.w) != DID)
		fail_msg("%s, world %d: fails with memory", op->name, kind);
	s.after = digest_all();
	for (uint64_t k = 1; try_with(&s, k, false); k++)
		;
	for (uint64_t k = 1; try_with(&s, k, true); k++)
		;
	machine_stop();
	return s.nr_injected;
}

static void
sweep_all(enum world_kind kind)
{
	uint64_t nr = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(operations); i++)
		nr += sweep(&operations[i], kind);
	print_message("# %llu allocations failed, in %zu operations\n", (unsigned long long)nr,
		      ARRAY_SIZE(operations));
	assert_true(nr > ARRAY_SIZE(operations));
}

static void
each_allocation_fails_alone(void **state)
{
	(void)state;
	sweep_all(WORLD_ALONE);
}

static void
each_allocation_fails_beside_a_fresh_child(void **state)
{
	(void)state;
	sweep_all(WORLD_FORKED);
}

static void
each_allocation_fails_beside_a_child_that_wrote(void **state)
{
	(void)state;
	sweep_all(WORLD_WRITTEN);
}

static void
each_allocation_fails_with_pages_out(void **state)
{
	(void)state;
	sweep_all(WORLD_OUT);
}

/* Tables of nodes are no reason to fail: whoever has no memory for them does without. */
static void
each_allocation_fails_with_replicas(void **state)
{
	(void)state;
	sweep_all(WORLD_REPLICATED);
}

TEST_SUITE(allocations, cmocka_unit_test(each_allocation_fails_alone),
	   cmocka_unit_test(each_allocation_fails_beside_a_fresh_child),
	   cmocka_unit_test(each_allocation_fails_beside_a_child_that_wrote),
	   cmocka_unit_test(each_allocation_fails_with_pages_out),
	   cmocka_unit_test(each_allocation_fails_with_replicas))
