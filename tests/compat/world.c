/* world.c - the memory that rows.h draws, and calls on it. */
#include "compat/world.h"

#include "harness.h"

#define HEAP_START  ((uint64_t)0x320000000000)
#define MOST_PINNED 64
#define ENOUGH	    ((uint64_t)1 << 36) /* what a host may have */

static void
map(struct world *w, unsigned page, unsigned pages, prot_t prot, unsigned flags, bool readonly)
{
	struct map_request request = { .addr = P(page),
				       .length = pages * PG,
				       .prot = prot,
				       .flags = flags | MAPF_FIXED,
				       .object = flags & MAPF_ANONYMOUS ? NULL : w->file,
				       .readonly_file = readonly };
	vaddr_t		   at;

	EXPECT_OK(call_mmap(w->sp, &request, &at));
	assert_int_equal(at, P(page));
}

struct world
world_make(void)
{
	const unsigned	    anon = MAPF_PRIVATE | MAPF_ANONYMOUS;
	struct space_layout layout;
	struct world	    w;
	uint8_t		    byte = 1;

	machine_fresh();
	layout = space_default_layout();
	layout.brk_start = HEAP_START;
	layout.limit_commit = ENOUGH;
	EXPECT_OK(space_create(&layout, &w.sp));
	EXPECT_OK(object_create_stored(7, 2 * PG, &w.file));
	map(&w, 0, 4, PROT_RW, anon, false);
	assert_int_equal(copy_to_space(w.sp, P(0), &byte, 1), 0);
	map(&w, 5, 2, PROT_R, anon, false);
	map(&w, 8, 2, PROT_RW, MAPF_SHARED | MAPF_ANONYMOUS, false);
	map(&w, 10, 3, PROT_RW, MAPF_PRIVATE, false);
	map(&w, 13, 2, PROT_R, MAPF_SHARED, true);
	map(&w, 16, 1, PROT_RW, anon, false);
	map(&w, 17, 1, PROT_R, anon, false);
	EXPECT_OK(call_mseal(w.sp, P(16), 2 * PG, 0));
	map(&w, 19, 1, PROT_RW, anon, false);
	EXPECT_OK(call_mlock(w.sp, P(19), PG));
	map(&w, 21, 1, 0, anon, false);
	map(&w, 23, 1, PROT_RW, anon, false);
	EXPECT_OK(call_madvise(w.sp, P(23), PG, ADVICE_GUARD_INSTALL));
	map(&w, 40, 2, PROT_RW, anon, false);
	assert_int_equal(copy_to_space(w.sp, VEC_AT(0), vectors, sizeof(vectors)), 0);
	map(&w, 50, 2, PROT_RW, anon | MAPF_GROWSDOWN, false);
	w.heap_end = layout.brk_start + 2 * PG;
	assert_int_equal(call_brk(w.sp, w.heap_end), w.heap_end);
	return w;
}

void
world_end(struct world *w)
{
	object_put(w->file);
	space_put(w->sp);
	machine_check();
}

static err_t
run_mmap(struct world *w, const uint64_t *a)
{
	struct map_request request = { .addr = a[0],
				       .length = a[1],
				       .prot = (unsigned)a[2],
				       .flags = a[3],
				       .object = a[4] == FILE_NONE ? NULL : w->file,
				       .offset = a[5],
				       .readonly_file = a[4] == FILE_RO,
				       .writeonly_file = a[4] == FILE_WO,
				       .noexec_file = a[4] == FILE_NOEXEC };
	vaddr_t		   at;

	return call_mmap(w->sp, &request, &at);
}

static err_t
run_mremap(struct world *w, const uint64_t *a)
{
	struct remap_request request = { .addr = a[0],
					 .old_length = a[1],
					 .new_length = a[2],
					 .flags = a[3],
					 .new_addr = a[4] };
	vaddr_t		     at;

	return call_mremap(w->sp, &request, &at);
}

static struct process_vm_request
vm_request(struct world *w, const uint64_t *a)
{
	return (struct process_vm_request){
		.local = w->sp,
		.remote = w->sp,
		.local_vec = a[0] < NR_VECS ? VEC_AT((enum vec)a[0]) : a[0],
		.nr_local = a[1],
		.remote_vec = a[2] < NR_VECS ? VEC_AT((enum vec)a[2]) : a[2],
		.nr_remote = a[3],
		.flags = a[4],
	};
}

static err_t
run_vectors(struct world *w, const uint64_t *a, enum call call)
{
	struct process_vm_request request = vm_request(w, a);
	uint64_t		  done;

	return call == CALL_READV ? call_process_vm_readv(&request, &done)
				  : call_process_vm_writev(&request, &done);
}

/* As the C library's brk: the end is the one asked for, or there was no memory. */
static err_t
run_brk(struct world *w, uint64_t arg)
{
	uint64_t wanted = heap_address(w->heap_end, arg);

	return call_brk(w->sp, wanted) == wanted ? OK : ERR_NOMEM;
}

/* Pins that stand are let go: what is looked at is the space. */
static err_t
run_pin(struct world *w, const uint64_t *a)
{
	static pfn_t frames[MOST_PINNED];
	err_t	     err = call_pin(w->sp, a[0], a[1], (unsigned)a[2], frames);

	if (err == OK)
		call_unpin(frames, a[1], false);
	return err;
}

static void
set_allowance(struct space *sp, enum allowance allowance)
{
	unsigned spare;

	if (spare_regions(allowance, &spare)) {
		sp->layout.max_regions = sp->nr_regions + spare;
		return;
	}
	switch ((int)allowance) {
	case ALLOW_ALL:
		break;
	case ALLOW_NO_SPACE:
		sp->layout.limit_as = PG;
		break;
	case ALLOW_NO_DATA:
		sp->layout.limit_data = PG;
		break;
	case ALLOW_ONE_LOCKED:
		sp->layout.limit_memlock = PG;
		break;
	case ALLOW_NO_LOCK:
		sp->layout.limit_memlock = 0;
		break;
	case ALLOW_NO_FUTURE:
		EXPECT_OK(call_mlockall(sp, LOCKALL_FUTURE));
		sp->layout.limit_memlock = PG;
		break;
	}
}

/* map_device - of frames that are no RAM. */
static void
map_device(struct world *w)
{
	const struct device_memory memory = { .first = { ((uint64_t)1 << 40) >> ARCH_PAGE_SHIFT } };
	struct map_request	   map = { .addr = P(DEVICE_PAGE),
					   .length = DEVICE_PAGES * PG,
					   .prot = PROT_RW,
					   .flags = MAPF_SHARED | MAPF_FIXED };
	vaddr_t			   at;

	EXPECT_OK(object_create_device(8, memory, DEVICE_PAGES, &map.object));
	EXPECT_OK(call_mmap(w->sp, &map, &at));
	object_put(map.object);
}

static void
map_noexec(struct world *w)
{
	struct map_request map = { .addr = P(NOEXEC_PAGE),
				   .length = PG,
				   .prot = PROT_RW,
				   .flags = MAPF_PRIVATE | MAPF_FIXED,
				   .object = w->file,
				   .noexec_file = true };
	vaddr_t		   at;

	EXPECT_OK(call_mmap(w->sp, &map, &at));
}

void
world_prepare(struct world *w, const struct request *request)
{
	if (wants_device(request))
		map_device(w);
	if (wants_noexec(request))
		map_noexec(w);
	assert_int_equal(copy_to_space(w->sp, VEC_AT(VEC_SPARE_HERE), request->spare,
				       sizeof(request->spare)),
			 0);
	set_allowance(w->sp, request->allowance);
}

err_t
world_run(struct world *w, const struct request *request)
{
	const uint64_t *a = request->arg;

	switch (request->call) {
	case CALL_MMAP:
		return run_mmap(w, a);
	case CALL_MUNMAP:
		return call_munmap(w->sp, a[0], a[1]);
	case CALL_MPROTECT:
		return call_mprotect(w->sp, a[0], a[1], a[2]);
	case CALL_MREMAP:
		return run_mremap(w, a);
	case CALL_MADVISE:
		return call_madvise(w->sp, a[0], a[1], (enum advice)a[2]);
	case CALL_MSYNC:
		return call_msync(w->sp, a[0], a[1], (unsigned)a[2]);
	case CALL_MINCORE:
		return call_mincore(w->sp, a[0], a[1], a[2]);
	case CALL_MLOCK:
		return call_mlock(w->sp, a[0], a[1]);
	case CALL_MLOCK2:
		return call_mlock2(w->sp, a[0], a[1], (unsigned)a[2]);
	case CALL_MUNLOCK:
		return call_munlock(w->sp, a[0], a[1]);
	case CALL_MLOCKALL:
		return call_mlockall(w->sp, (unsigned)a[0]);
	case CALL_MUNLOCKALL:
		return call_munlockall(w->sp);
	case CALL_MSEAL:
		return call_mseal(w->sp, a[0], a[1], a[2]);
	case CALL_READV:
	case CALL_WRITEV:
		return run_vectors(w, a, request->call);
	case CALL_BRK:
		return run_brk(w, a[0]);
	case CALL_PIN:
		return run_pin(w, a);
	}
	return OK;
}
