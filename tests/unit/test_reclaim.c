/*
 * test_reclaim.c - a machine whose programs want ten times the memory it has.
 *
 * Each page is zeros and one word, so the device keeps the word only, and checks the zeros:
 * ten thousand pages of swap take little of the memory that is being tested.
 */
#include "harness.h"

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
	   cmocka_unit_test(a_daemon_keeps_frames_available),
	   cmocka_unit_test(wired_memory_stays_until_memory_is_out),
	   cmocka_unit_test(vain_tries_become_rare),
	   cmocka_unit_test(a_policy_decides_without_memory))
