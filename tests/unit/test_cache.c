/*
 * test_cache.c - frames on their way to the swap device and back.
 */
#include "unit/swap_store.h"

#include <anymm/stats.h>

#include "swap/cache.h"

/* A frame of the test's own with a word in it. */
static pfn_t
page_with(uint64_t word)
{
	pfn_t pfn;

	EXPECT_OK(frame_alloc((struct frame_request){ .kind = FRAME_ANON, .zeroed = true }, &pfn));
	*(uint64_t *)arch_frame_ptr(pfn) = word;
	return pfn;
}

static uint64_t
word_of(pfn_t pfn)
{
	return *(uint64_t *)arch_frame_ptr(pfn);
}

/* frame count 1          choose   2   release   1    store   0
 * slot  count -                   2             2            1   written, frame given back */
static void
a_page_goes_out_and_comes_back(void **state)
{
	struct swap_store store;
	pfn_t		  page;
	swap_t		  slot;

	(void)state;
	machine_fresh();
	swap_store_make(&store, 4);
	page = page_with(77);
	EXPECT_OK(swap_choose(page, &slot));
	assert_int_equal(frame_count(page), 2);
	assert_int_equal(swap_slot_of(slot)->count, 2);
	frame_release(page);
	assert_true(swap_store(slot));
	assert_int_equal(store.writes, 1);
	assert_int_equal(swap_store_word(&store, slot.n), 77);
	assert_int_equal(swap_slot_of(slot)->count, 1);

	EXPECT_OK(swap_load(slot, &page));
	assert_int_equal(store.reads, 1);
	assert_int_equal(word_of(page), 77);
	assert_int_equal(frame_count(page), 2);
	swap_put(slot);
	assert_int_equal(frame_count(page),
			 1); /* nobody else names the slot: the page is ours alone */
	assert_int_equal(swap_usage().nr_used, 0);
	frame_release(page);
	swap_store_drop(&store);
	machine_check();
}

/* Two mappings of one frame go to one slot, and the first that comes back finds it for the other. */
static void
sharers_meet_in_one_slot(void **state)
{
	struct swap_store store;
	pfn_t		  page, back, other;
	swap_t		  first, second;

	(void)state;
	machine_fresh();
	swap_store_make(&store, 4);
	page = page_with(5);
	EXPECT_OK(frame_get(page)); /* the second mapping */
	EXPECT_OK(swap_choose(page, &first));
	frame_release(page);
	assert_false(swap_store(first)); /* still mapped: nothing to gain, so nothing is written */
	assert_int_equal(store.writes, 0);
	EXPECT_OK(swap_choose(page, &second));
	assert_int_equal(first.n, second.n);
	frame_release(page);
	assert_true(swap_store(first));

	EXPECT_OK(swap_load(first, &back));
	swap_put(first);
	EXPECT_OK(swap_load(second, &other));
	assert_true(pfn_eq(back, other));
	assert_int_equal(store.reads, 1);
	assert_int_equal(frame_count(back), 3); /* two mappings and the cache */
	swap_put(second);
	assert_int_equal(frame_count(back), 2);
	frame_release(back);
	frame_release(other);
	swap_store_drop(&store);
	machine_check();
}

/* A page that was read back and not changed needs no second writing. */
static void
an_unchanged_page_is_not_written_again(void **state)
{
	struct swap_store store;
	pfn_t		  page, back;
	swap_t		  slot;

	(void)state;
	machine_fresh();
	swap_store_make(&store, 4);
	page = page_with(6);
	EXPECT_OK(swap_choose(page, &slot));
	frame_release(page);
	assert_true(swap_store(slot));
	EXPECT_OK(swap_load(slot, &back));
	frame_release(back); /* whoever wanted it has gone */
	assert_false(swap_store((swap_t){ slot.n + 1 }));
	assert_int_equal(swap_trim(4), 1);
	assert_int_equal(store.writes, 1);
	assert_int_equal(frame_totals().by_kind[FRAME_ANON], 0);
	swap_put(slot);
	swap_store_drop(&store);
	machine_check();
}

/* write fails: the page stays in the cache, and the next attempt may succeed */
static void
a_page_that_cannot_be_written_stays(void **state)
{
	struct swap_store store;
	pfn_t		  page, back;
	swap_t		  slot;

	(void)state;
	machine_fresh();
	swap_store_make(&store, 4);
	page = page_with(8);
	EXPECT_OK(swap_choose(page, &slot));
	frame_release(page);
	store.fails_writes = true;
	assert_false(swap_store(slot));
	assert_int_equal(frame_count(page), 1);
	EXPECT_OK(swap_cached(slot, &back));
	assert_true(pfn_eq(back, page));
	frame_release(back);
	store.fails_writes = false;
	assert_int_equal(swap_trim(100), 1);
	assert_int_equal(swap_store_word(&store, slot.n), 8);
	swap_put(slot);
	swap_store_drop(&store);
	machine_check();
}

static void
a_page_that_cannot_be_read_is_an_error(void **state)
{
	struct swap_store store;
	pfn_t		  page;
	swap_t		  slot;

	(void)state;
	machine_fresh();
	swap_store_make(&store, 4);
	page = page_with(9);
	EXPECT_OK(swap_choose(page, &slot));
	frame_release(page);
	assert_true(swap_store(slot));
	store.fails_reads = true;
	EXPECT_ERR(swap_load(slot, &page), ERR_IO);
	store.fails_reads = false;
	machine_fail_allocation(1, false);
	EXPECT_ERR(swap_load(slot, &page), ERR_NOMEM);
	EXPECT_OK(swap_load(slot, &page));
	assert_int_equal(word_of(page), 9);
	swap_put(slot);
	frame_release(page);
	swap_store_drop(&store);
	machine_check();
}

struct meanwhile {
	struct swap_store store;
	swap_t		  slot;
	pfn_t		  page;
};

/* While the device writes, the page is wanted again, and the last mark goes. */
static void
take_back(void *arg)
{
	struct meanwhile *m = arg;

	m->store.during = NULL;
	EXPECT_OK(swap_load(m->slot, &m->page));
	swap_put(m->slot);
}

/* A page that is wanted while it is written stays in memory, and its slot is free in the end. */
static void
a_page_taken_back_while_it_is_written_stays(void **state)
{
	struct meanwhile m = { .page = pfn_none() };
	pfn_t		 page;

	(void)state;
	machine_fresh();
	swap_store_make(&m.store, 4);
	page = page_with(10);
	EXPECT_OK(swap_choose(page, &m.slot));
	frame_release(page);
	m.store.during = take_back;
	m.store.arg = &m;
	assert_false(swap_store(m.slot));
	assert_true(pfn_eq(m.page, page));
	assert_int_equal(m.store.reads, 0);
	assert_int_equal(frame_count(page), 1);
	assert_int_equal(swap_usage().nr_used, 0);
	frame_release(page);
	swap_store_drop(&m.store);
	machine_check();
}

/* While the device reads, another reader is faster: both get the same frame. */
static void
load_too(void *arg)
{
	struct meanwhile *m = arg;

	m->store.during = NULL;
	EXPECT_OK(swap_load(m->slot, &m->page));
}

/* What one has taken back while it was written the others find too, and not on the device. */
static void
a_page_taken_back_by_one_is_there_for_all(void **state)
{
	struct meanwhile m = { .page = pfn_none() };
	pfn_t		 page, again;

	(void)state;
	machine_fresh();
	swap_store_make(&m.store, 4);
	page = page_with(10);
	EXPECT_OK(swap_choose(page, &m.slot));
	frame_release(page);
	m.store.during = load_too;
	m.store.arg = &m;
	assert_false(swap_store(m.slot));
	EXPECT_OK(swap_load(m.slot, &again));
	assert_true(pfn_eq(again, page));
	assert_int_equal(m.store.reads, 0);
	frame_release(again);
	frame_release(m.page);
	assert_true(swap_store(m.slot));
	assert_int_equal(m.store.writes, 1);
	swap_put(m.slot);
	swap_store_drop(&m.store);
	machine_check();
}

static void
two_readers_get_one_frame(void **state)
{
	struct meanwhile m = { .page = pfn_none() };
	pfn_t		 page;

	(void)state;
	machine_fresh();
	swap_store_make(&m.store, 4);
	page = page_with(11);
	EXPECT_OK(swap_choose(page, &m.slot));
	frame_release(page);
	assert_true(swap_store(m.slot));
	m.store.during = load_too;
	m.store.arg = &m;
	EXPECT_OK(swap_load(m.slot, &page));
	assert_true(pfn_eq(m.page, page));
	assert_int_equal(m.store.reads, 2);
	assert_int_equal(frame_totals().by_kind[FRAME_ANON], 1);
	swap_put(m.slot);
	frame_release(page);
	frame_release(page);
	swap_store_drop(&m.store);
	machine_check();
}

/* No slot, or no count left: the page stays as it was. */
static void
choosing_may_fail(void **state)
{
	struct swap_store store;
	pfn_t		  page;
	swap_t		  slot, other;

	(void)state;
	machine_fresh();
	swap_store_make(&store, 1);
	page = page_with(12);
	EXPECT_OK(swap_alloc(&slot));
	EXPECT_ERR(swap_choose(page, &other), ERR_NOMEM);
	assert_int_equal(frame_count(page), 1);
	swap_put(slot);
	atomic_store(&frame_of(page)->count, FRAME_COUNT_MAX);
	EXPECT_ERR(swap_choose(page, &other), ERR_OVERFLOW);
	atomic_store(&frame_of(page)->count, 1);
	EXPECT_OK(swap_choose(page, &slot));
	swap_slot_of(slot)->count = SWAP_COUNT_MAX;
	EXPECT_ERR(swap_choose(page, &other), ERR_OVERFLOW);
	swap_slot_of(slot)->count = 2;
	frame_release(page);
	swap_put(slot);
	swap_store_drop(&store);
	machine_check();
}

/* A slot whose count is full cannot be held while the device writes: its page stays in memory. */
static void
a_slot_with_a_full_count_is_not_written(void **state)
{
	struct swap_store store;
	pfn_t		  page;
	swap_t		  slot;

	(void)state;
	machine_fresh();
	swap_store_make(&store, 4);
	page = page_with(77);
	EXPECT_OK(swap_choose(page, &slot));
	frame_release(page);
	swap_slot_of(slot)->count = SWAP_COUNT_MAX;
	assert_false(swap_store(slot));
	assert_int_equal(swap_slot_of(slot)->count, SWAP_COUNT_MAX);
	assert_int_equal(frame_count(page), 1);
	assert_int_equal(store.writes, 0);
	swap_slot_of(slot)->count = 2;
	assert_true(swap_store(slot));
	swap_put(slot);
	swap_store_drop(&store);
	machine_check();
}

static struct {
	pfn_t  page;
	swap_t slot[2];
	err_t  err[2];
} both;

static void
choose(void *arg)
{
	unsigned cpu = platform_cpu();

	(void)arg;
	both.err[cpu] = swap_choose(both.page, &both.slot[cpu]);
}

/* Two CPUs unhook the page at once: they find one slot, and whoever came second has given its own back. */
static void
two_choose_one_slot(void **state)
{
	void (*const bodies[])(void *) = { choose, choose };
	struct swap_store store;

	(void)state;
	for (uint64_t seed = 0; seed < test_rounds(60); seed++) {
		machine_fresh_with(&(struct machine_config){ .nr_cpus = 2, .seed = seed });
		swap_store_make(&store, 4);
		both.page = page_with(12);
		machine_race(2, bodies, NULL,
			     &(struct machine_schedule){ RACE_RANDOM, 2, seed, 10000 });
		EXPECT_OK(both.err[0]);
		EXPECT_OK(both.err[1]);
		assert_int_equal(both.slot[0].n, both.slot[1].n);
		assert_int_equal(swap_slot_of(both.slot[0])->count, 3);
		assert_int_equal(swap_usage().nr_used, 1);
		assert_int_equal(frame_count(both.page), 2);
		swap_put(both.slot[0]);
		swap_put(both.slot[1]);
		frame_release(both.page);
		swap_store_drop(&store);
		machine_check();
	}
}

TEST_SUITE(cache, cmocka_unit_test(two_choose_one_slot),
	   cmocka_unit_test(a_page_taken_back_by_one_is_there_for_all),
	   cmocka_unit_test(a_slot_with_a_full_count_is_not_written),
	   cmocka_unit_test(a_page_goes_out_and_comes_back),
	   cmocka_unit_test(sharers_meet_in_one_slot),
	   cmocka_unit_test(an_unchanged_page_is_not_written_again),
	   cmocka_unit_test(a_page_that_cannot_be_written_stays),
	   cmocka_unit_test(a_page_that_cannot_be_read_is_an_error),
	   cmocka_unit_test(a_page_taken_back_while_it_is_written_stays),
	   cmocka_unit_test(two_readers_get_one_frame), cmocka_unit_test(choosing_may_fail))
