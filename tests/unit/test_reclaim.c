/*
 * test_reclaim.c - a machine whose programs want ten times the memory it has.
 *
 * Each page is zeros and one word, so the device keeps the word only, and checks the zeros:
 * ten thousand pages of swap take little of the memory that is being tested.
 */
#include "harness.h"

#include <anymm/call.h>
#include <anymm/check.h>
#include <anymm/process.h>
#include <anymm/reclaim.h>
#include <anymm/stats.h>

#define NR_FRAMES 1000
#define NR_PAGES  10000

struct words {
	struct swap_device device;
	uint64_t	   word[NR_PAGES + 1000];
	uint64_t	   bad; /* pages written that were not zeros and a word */
};
static struct words words;

static err_t
words_write(struct swap_device *device, uint32_t slot, pfn_t from)
{
	const uint64_t *page = arch_frame_ptr(from);

	(void)device;
	words.word[slot] = page[0];
	for (unsigned i = 1; i < ARCH_PAGE_SIZE / sizeof(*page); i++)
		words.bad += page[i] != 0;
	return OK;
}

static err_t
words_read(struct swap_device *device, uint32_t slot, pfn_t into)
{
	(void)device;
	arch_frame_zero(into);
	*(uint64_t *)arch_frame_ptr(into) = words.word[slot];
	return OK;
}

static struct space *
small_machine(void)
{
	struct space_layout layout = space_default_layout();
	struct space	   *sp;

	machine_fresh_with(&(struct machine_config){ .nr_frames = NR_FRAMES });
	words = (struct words){ .device = { .name = "words",
					    .nr_slots = ARRAY_SIZE(words.word),
					    .read = words_read,
					    .write = words_write } };
	EXPECT_OK(swap_register(&words.device));
	EXPECT_OK(space_create(&layout, &sp));
	return sp;
}

static vaddr_t
map_pages(struct space *sp, uint64_t nr)
{
	struct map_request request = { .length = nr * ARCH_PAGE_SIZE,
				       .prot = PROT_RW,
				       .flags = MAPF_PRIVATE | MAPF_ANONYMOUS };
	vaddr_t		   va;

	EXPECT_OK(space_map(sp, &request, &va));
	return va;
}

static void
store(struct space *sp, vaddr_t va, uint64_t page, uint64_t word)
{
	assert_int_equal(
		machine_user(sp, ACCESS_STORE, va + page * ARCH_PAGE_SIZE, &word, sizeof(word)),
		FAULT_DONE);
}

static uint64_t
load(struct space *sp, vaddr_t va, uint64_t page)
{
	uint64_t word = 0;

	assert_int_equal(
		machine_user(sp, ACCESS_LOAD, va + page * ARCH_PAGE_SIZE, &word, sizeof(word)),
		FAULT_DONE);
	return word;
}

static void
drop(struct space *sp)
{
	pt_deactivate(&sp->pt);
	space_put(sp);
}

static void
end_machine(void)
{
	assert_int_equal(words.bad, 0);
	assert_int_equal(swap_usage().nr_used, 0);
	EXPECT_OK(swap_unregister());
	machine_check();
}

/* 1,000 frames, 10,000 pages: written in order, changed at random, and all there in the end. */
static void
ten_times_the_memory(void **state)
{
	struct space   *sp = small_machine();
	vaddr_t		va = map_pages(sp, NR_PAGES);
	uint64_t	random = test_seed(1);
	static uint64_t wanted[NR_PAGES];

	(void)state;
	for (uint64_t page = 0; page < NR_PAGES; page++) {
		wanted[page] = page + 1;
		store(sp, va, page, wanted[page]);
	}
	machine_check_invariants();
	for (unsigned i = 0; i < NR_PAGES; i++) {
		uint64_t page = test_random(&random) % NR_PAGES;

		assert_int_equal(load(sp, va, page), wanted[page]);
		wanted[page] = test_random(&random);
		store(sp, va, page, wanted[page]);
	}
	machine_check_invariants();
	for (uint64_t page = 0; page < NR_PAGES; page++)
		assert_int_equal(load(sp, va, page), wanted[page]);
	assert_true(swap_usage().nr_used >= NR_PAGES - NR_FRAMES);
	assert_true(stat_get(STAT_SWAP_WRITES) >= NR_PAGES - NR_FRAMES);
	drop(sp);
	end_machine();
}

/* A parent and two children share 3,000 pages, each changes its own third; nobody sees another's change. */
static void
sharers_need_more_than_there_is(void **state)
{
	enum { PAGES = 3000, CHILDREN = 2 };
	struct space *sp[1 + CHILDREN] = { small_machine() };
	vaddr_t	      va = map_pages(sp[0], PAGES);

	(void)state;
	for (uint64_t page = 0; page < PAGES; page++)
		store(sp[0], va, page, page);
	for (unsigned i = 1; i <= CHILDREN; i++)
		EXPECT_OK(space_fork(sp[0], &sp[i]));
	for (unsigned i = 0; i <= CHILDREN; i++)
		for (uint64_t page = i; page < PAGES; page += 3)
			store(sp[i], va, page, (i + 1) * 1000000 + page);
	machine_check_invariants();
	for (unsigned i = 0; i <= CHILDREN; i++)
		for (uint64_t page = 0; page < PAGES; page++)
			assert_int_equal(load(sp[i], va, page),
					 page % 3 == i ? (i + 1) * 1000000 + page : page);
	for (unsigned i = 0; i <= CHILDREN; i++)
		drop(sp[i]);
	end_machine();
}

/* Shared memory of 5,000 pages that two programs map, each writes its half of, and both read in the end. */
static void
shared_memory_of_five_times_the_memory(void **state)
{
	enum { PAGES = 5000 };
	struct space	  *sp[2] = { small_machine() };
	struct map_request request = { .length = PAGES * ARCH_PAGE_SIZE,
				       .prot = PROT_RW,
				       .flags = MAPF_SHARED | MAPF_ANONYMOUS };
	vaddr_t		   va;

	(void)state;
	EXPECT_OK(space_map(sp[0], &request, &va));
	EXPECT_OK(space_fork(sp[0], &sp[1]));
	for (uint64_t page = 0; page < PAGES; page++)
		store(sp[page % 2], va, page, page + 1);
	machine_check_invariants();
	for (uint64_t page = 0; page < PAGES; page++)
		assert_int_equal(load(sp[1 - page % 2], va, page), page + 1);
	assert_true(swap_usage().nr_used >= PAGES - NR_FRAMES);
	assert_true(stat_get(STAT_OBJECT_OUTS) >= PAGES - NR_FRAMES);
	assert_int_equal(stat_get(STAT_FAULT_NOMEM), 0);
	machine_check_invariants();
	drop(sp[0]);
	assert_int_equal(load(sp[1], va, 7), 8);
	drop(sp[1]);
	end_machine();
}

/* Private and shared memory that nobody uses, as much of one as of the other: both give, none gives all. */
static void
private_and_shared_memory_give_alike(void **state)
{
	enum { PAGES = 300 };
	struct space *sp = small_machine();
	vaddr_t private = map_pages(sp, PAGES);
	struct map_request request = { .length = PAGES * ARCH_PAGE_SIZE,
				       .prot = PROT_RW,
				       .flags = MAPF_SHARED | MAPF_ANONYMOUS };
	vaddr_t		   shared;

	(void)state;
	EXPECT_OK(space_map(sp, &request, &shared));
	for (uint64_t page = 0; page < PAGES; page++) {
		store(sp, private, page, page);
		store(sp, shared, page, page + PAGES);
	}
	assert_true(reclaim_run(200) >= 200);
	assert_in_range(stat_get(STAT_OBJECT_OUTS), 70, 180);
	assert_in_range(stat_get(STAT_PAGE_OUTS), 70, 180);
	for (uint64_t page = 0; page < PAGES; page++) {
		assert_int_equal(load(sp, private, page), page);
		assert_int_equal(load(sp, shared, page), page + PAGES);
	}
	drop(sp);
	end_machine();
}

/* WNX-16: what a daemon does: from below the low watermark to the high one, and no further. */
static void
a_daemon_keeps_frames_available(void **state)
{
	struct space	       *sp = small_machine();
	vaddr_t			va = map_pages(sp, NR_FRAMES);
	struct frame_watermarks marks = frame_watermarks();
	uint64_t		page = 0;
	uint64_t		now;

	(void)state;
	assert_true(marks.min < marks.low && marks.low < marks.high && marks.high < NR_FRAMES / 4);
	assert_true(frame_totals().reserve <= marks.min);
	assert_false(reclaim_is_wanted());
	while (!reclaim_is_wanted()) {
		store(sp, va, page, page);
		page++;
	}
	assert_int_equal(swap_usage().nr_used, 0);
	assert_true(reclaim_balance());
	assert_true(frames_available() >= marks.high);
	assert_true(frames_available() < marks.high + NR_FRAMES / 8);
	assert_false(reclaim_is_wanted());
	/* between the marks there is nothing to do */
	now = frames_available();
	assert_true(reclaim_balance());
	assert_int_equal(frames_available(), now);
	while (frames_available() > (marks.low + marks.high) / 2) {
		store(sp, va, page, page);
		page++;
	}
	assert_false(reclaim_is_wanted());
	machine_check_invariants();
	drop(sp);
	end_machine();
}

/* Wired memory stays; when nothing else is left, memory is out, and that is said as before. */
static void
wired_memory_stays_until_memory_is_out(void **state)
{
	struct space	  *sp = small_machine();
	struct map_request request = { .length = NR_FRAMES * ARCH_PAGE_SIZE,
				       .prot = PROT_RW,
				       .flags = MAPF_PRIVATE | MAPF_ANONYMOUS | MAPF_LOCKED };
	uint64_t	   word = 1;
	uint64_t	   page = 0;
	vaddr_t		   va;

	(void)state;
	EXPECT_OK(space_map(sp, &request, &va));
	while (machine_user(sp, ACCESS_STORE, va + page * ARCH_PAGE_SIZE, &word, sizeof(word)) ==
	       FAULT_DONE)
		page++;
	assert_true(page > NR_FRAMES / 2 && page < NR_FRAMES);
	assert_int_equal(
		machine_user(sp, ACCESS_STORE, va + page * ARCH_PAGE_SIZE, &word, sizeof(word)),
		FAULT_NOMEM);
	assert_int_equal(stat_get(STAT_PAGE_OUTS), 0);
	assert_false(reclaim_balance());
	machine_check_invariants();
	drop(sp);
	end_machine();
}

/* A try in vain makes the next ones rarer, a success makes them usual again. */
static void
vain_tries_become_rare(void **state)
{
	struct space *sp = small_machine();
	vaddr_t	      va = map_pages(sp, NR_FRAMES);
	pfn_t	      taken[NR_FRAMES];
	unsigned      nr = 0;
	unsigned      tries = 0;

	(void)state;
	store(sp, va, 0, 7);
	assert_int_equal(reclaim_run(1), 1);
	while (!reclaim_is_wanted())
		EXPECT_OK(
			frame_alloc((struct frame_request){ .kind = FRAME_KERNEL }, &taken[nr++]));
	assert_false(reclaim_retry(&tries));
	assert_int_equal(load(sp, va, 0), 7); /* a fault does not try at once */
	assert_int_equal(swap_usage().nr_used, 0);
	for (unsigned i = 0; i < 8; i++)
		reclaim_before();
	assert_int_equal(swap_usage().nr_used, 1);
	tries = RECLAIM_RETRIES;
	assert_false(reclaim_retry(&tries));
	while (nr)
		frame_release(taken[--nr]);
	drop(sp);
	end_machine();
}

/* ---- calls, which allocate too ---- */

/* One call on a space that shares its tables with another: it needs tables, or more. */
struct needy {
	const char *name;
	err_t (*call)(struct space *sp, vaddr_t va);
	err_t without; /* how lack of memory is said */
	bool  splits;  /* all it needs are copies of tables that a fork has left shared */
};

static err_t
unmap_one(struct space *sp, vaddr_t va)
{
	return call_munmap(sp, va, ARCH_PAGE_SIZE);
}

static err_t
protect_one(struct space *sp, vaddr_t va)
{
	return call_mprotect(sp, va, ARCH_PAGE_SIZE, PROT_R);
}

static err_t
move_one(struct space *sp, vaddr_t va)
{
	struct remap_request request = { .addr = va,
					 .old_length = ARCH_PAGE_SIZE,
					 .new_length = 2 * ARCH_PAGE_SIZE,
					 .flags = REMAP_MAYMOVE };
	vaddr_t		     at;

	return call_mremap(sp, &request, &at);
}

static err_t
map_over_one(struct space *sp, vaddr_t va)
{
	struct map_request request = { .addr = va,
				       .length = ARCH_PAGE_SIZE,
				       .prot = PROT_R,
				       .flags = MAPF_PRIVATE | MAPF_ANONYMOUS | MAPF_FIXED };

	return call_mmap(sp, &request, &va);
}

static err_t
discard_one(struct space *sp, vaddr_t va)
{
	return call_madvise(sp, va, ARCH_PAGE_SIZE, ADVICE_DONTNEED);
}

static err_t
lock_one(struct space *sp, vaddr_t va)
{
	return call_mlock2(sp, va, ARCH_PAGE_SIZE, LOCKF_ONFAULT);
}

static err_t
copy_one(struct space *sp, vaddr_t va)
{
	struct process_vm_request request = { .local = sp,
					      .remote = sp,
					      .local_vec = va,
					      .remote_vec = va,
					      .nr_local = 1,
					      .nr_remote = 1 };
	uint64_t		  done;

	return call_process_vm_readv(&request, &done);
}

static err_t
fork_it(struct space *sp, vaddr_t va)
{
	struct process *parent = proc_first();
	struct process *child;
	err_t		err = proc_fork(parent, 0, 0, &child);
	int32_t		code;

	(void)sp;
	(void)va;
	if (err == OK) {
		proc_exit(child, 0);
		EXPECT_OK(proc_reap(parent, child, &code));
	}
	return err;
}

static const struct needy needy[] = {
	{ "munmap", unmap_one, ERR_NOMEM, true },
	{ "mprotect", protect_one, ERR_NOMEM, true },
	{ "mremap", move_one, ERR_NOMEM, true },
	{ "mmap", map_over_one, ERR_NOMEM, true },
	{ "madvise", discard_one, ERR_AGAIN, true },
	{ "mlock2", lock_one, ERR_NOMEM, true },
	{ "process_vm_readv", copy_one, ERR_NOMEM, false },
	{ "fork", fork_it, ERR_NOMEM, false },
};

/* Every frame but the reserve, as far as page-out has left any. */
struct taken {
	unsigned nr;
	pfn_t	 frames[NR_FRAMES];
};

static void
take_all(struct taken *taken)
{
	taken->nr = 0;
	while (frame_alloc((struct frame_request){ .kind = FRAME_KERNEL },
			   &taken->frames[taken->nr]) == OK)
		taken->nr++;
}

static void
give_back(struct taken *taken)
{
	while (taken->nr)
		frame_release(taken->frames[--taken->nr]);
}

static err_t
write_nothing(struct swap_device *device, uint32_t slot, pfn_t from)
{
	(void)device;
	(void)slot;
	(void)from;
	return ERR_IO;
}

static void
expect_result(const struct needy *call, struct space *sp, vaddr_t va, err_t wanted)
{
	err_t err = call->call(sp, va);

	if (err != wanted)
		fail_msg("%s: %s instead of %s", call->name, err_name(err), err_name(wanted));
}

/* Without memory a call changes nothing; when the device works again it makes room, and does its work. */
static void
a_call_makes_room(const struct needy *call)
{
	static struct taken taken;
	struct space	   *parent = small_machine();
	vaddr_t		    va = map_pages(parent, 40);
	struct process	   *proc;
	struct space	   *sp;
	struct digest	    before, after;
	int32_t		    code;

	for (uint64_t page = 0; page < 40; page++)
		store(parent, va, page, page);
	EXPECT_OK(space_fork(parent, &sp));
	EXPECT_OK(proc_create(1, sp, &proc));
	anymm_drain();
	take_all(&taken);
	words.device.write = write_nothing;
	before = digest_all();
	expect_result(call, sp, va + 9 * ARCH_PAGE_SIZE, call->without);
	after = digest_all();
	assert_true(before.lo == after.lo && before.hi == after.hi);
	machine_check_invariants();
	assert_int_equal(frames_available(), frame_totals().reserve);
	words.device.write = words_write;
	expect_result(call, sp, va + 9 * ARCH_PAGE_SIZE, OK);
	machine_check_invariants();
	assert_true(stat_get(STAT_SWAP_WRITES) > 0);
	give_back(&taken);
	for (uint64_t page = 0; page < 40; page++)
		assert_int_equal(load(parent, va, page), page);
	proc_exit(proc, 0);
	EXPECT_OK(proc_reap(NULL, proc, &code));
	drop(sp);
	drop(parent);
	end_machine();
}

static void
calls_make_room(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(needy); i++) {
		if (ARCH_HAS_UPPER_WRITE_DENIAL || !needy[i].splits)
			a_call_makes_room(&needy[i]);
	}
}

/* Frames that somebody keeps, and gives up when asked for the last time but one. */
struct keeper {
	struct oom_policy policy;
	struct space	 *asked_for;
	unsigned	  nr_asked;
	unsigned	  nr;
	pfn_t		  taken[NR_FRAMES];
};

static bool
give_up(struct oom_policy *policy, struct space *sp)
{
	struct keeper *keeper = CONTAINER_OF(policy, struct keeper, policy);

	keeper->asked_for = sp;
	if (++keeper->nr_asked < 2 || keeper->nr == 0)
		return false;
	while (keeper->nr)
		frame_release(keeper->taken[--keeper->nr]);
	return true;
}

/* Without memory the embedder decides: what it gives back, the fault gets. */
static void
a_policy_decides_without_memory(void **state)
{
	static struct keeper keeper;
	struct space	    *sp = small_machine();
	vaddr_t		     va = map_pages(sp, NR_FRAMES);

	(void)state;
	keeper = (struct keeper){ .policy = { .relieve = give_up } };
	while (frame_alloc((struct frame_request){ .kind = FRAME_KERNEL },
			   &keeper.taken[keeper.nr]) == OK)
		keeper.nr++;
	assert_int_equal(fault_handle(sp, va, ACCESS_STORE), FAULT_NOMEM);
	assert_false(reclaim_relieve(sp));
	reclaim_set_oom_policy(&keeper.policy);
	assert_int_equal(fault_handle(sp, va, ACCESS_STORE), FAULT_NOMEM);
	assert_ptr_equal(keeper.asked_for, sp);
	assert_int_equal(fault_handle(sp, va, ACCESS_STORE), FAULT_DONE);
	assert_int_equal(keeper.nr_asked, 2);
	reclaim_set_oom_policy(NULL);
	drop(sp);
	end_machine();
}

TEST_SUITE(reclaim, cmocka_unit_test(ten_times_the_memory),
	   cmocka_unit_test(sharers_need_more_than_there_is),
	   cmocka_unit_test(shared_memory_of_five_times_the_memory),
	   cmocka_unit_test(private_and_shared_memory_give_alike),
	   cmocka_unit_test(a_daemon_keeps_frames_available),
	   cmocka_unit_test(wired_memory_stays_until_memory_is_out),
	   cmocka_unit_test(calls_make_room), cmocka_unit_test(vain_tries_become_rare),
	   cmocka_unit_test(a_policy_decides_without_memory))
