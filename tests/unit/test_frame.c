/* test_frame.c - the life of a frame: kinds, counts, the ledger, the reserve, and every way to go wrong. */
#include <anymm/stats.h>

#include "phys_machine.h"

static const enum frame_kind used_kinds[] = { FRAME_TABLE, FRAME_ANON, FRAME_OBJECT, FRAME_KERNEL };

static pfn_t
alloc_kind(enum frame_kind kind)
{
	pfn_t pfn;

	EXPECT_OK(frame_alloc((struct frame_request){ .kind = kind }, &pfn));
	return pfn;
}

/* drop - the last count goes and the frame is freed, whatever it is. */
static void
drop(pfn_t pfn)
{
	assert_true(frame_put(pfn));
	frame_free(pfn);
}

/* DRG-12. */
static void
a_frame_is_what_was_asked_for(void **state)
{
	(void)state;
	phys_fresh(512);
	for (unsigned i = 0; i < ARRAY_SIZE(used_kinds); i++) {
		struct frame_totals before = frame_totals();
		pfn_t		    pfn = alloc_kind(used_kinds[i]);
		struct frame_totals after = frame_totals();

		assert_int_equal(frame_of(pfn)->kind, used_kinds[i]);
		assert_int_equal(frame_count(pfn), 1);
		assert_int_equal(frame_of(pfn)->word, 0);
		assert_int_equal(atomic_load(&frame_of(pfn)->lock), 0);
		assert_int_equal(after.by_kind[used_kinds[i]], before.by_kind[used_kinds[i]] + 1);
		assert_int_equal(after.by_kind[FRAME_FREE], before.by_kind[FRAME_FREE] - 1);
		phys_check_machine();
		drop(pfn);
		after = frame_totals();
		assert_memory_equal(before.by_kind, after.by_kind, sizeof(before.by_kind));
		phys_check_machine();
	}
}

/* Rows: from; columns: to. F only by frame_free. */
static const bool may_become[FRAME_KINDS][FRAME_KINDS] = {
	[FRAME_ANON] = { [FRAME_OBJECT] = true },
	[FRAME_OBJECT] = { [FRAME_ANON] = true },
	[FRAME_KERNEL] = { [FRAME_ANON] = true, [FRAME_OBJECT] = true },
};

struct kind_move {
	pfn_t		pfn;
	enum frame_kind to;
};

static void
make_move(void *arg)
{
	struct kind_move *m = arg;

	frame_set_kind(m->pfn, m->to);
}

static void
only_legal_moves_between_kinds_are_made(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(used_kinds); i++) {
		for (unsigned to = 0; to < FRAME_KINDS; to++) {
			struct kind_move m = { .to = (enum frame_kind)to };

			phys_fresh(512);
			m.pfn = alloc_kind(used_kinds[i]);
			if (may_become[used_kinds[i]][to]) {
				make_move(&m);
				assert_int_equal(frame_of(m.pfn)->kind, to);
				phys_check_machine();
				drop(m.pfn);
				phys_check_machine();
				continue;
			}
			expect_stop(make_move, &m,
				    to == FRAME_FREE ? "only the allocator does that"
						     : "cannot become");
			assert_int_equal(frame_of(m.pfn)->kind, used_kinds[i]);
		}
	}
}

/* LUN-22. */
static void
free_and_reserved_frames_stay_what_they_are(void **state)
{
	struct kind_move m;

	(void)state;
	for (unsigned to = 0; to < FRAME_KINDS; to++) {
		phys_fresh(512);
		m = (struct kind_move){ .pfn = { 511 }, .to = (enum frame_kind)to };
		assert_int_equal(frame_of(m.pfn)->kind, FRAME_RESERVED);
		expect_stop(make_move, &m,
			    to == FRAME_FREE ? "only the allocator" : "it is reserved");
		m.pfn = frame_first();
		assert_int_equal(frame_of(m.pfn)->kind, FRAME_FREE);
		expect_stop(make_move, &m, "only the allocator does that");
	}
}

static void
alloc_as(void *arg)
{
	pfn_t pfn;

	EXPECT_OK(frame_alloc((struct frame_request){ .kind = *(enum frame_kind *)arg }, &pfn));
}

static void
alloc_of_order(void *arg)
{
	alloc_order(*(unsigned *)arg);
}

static void
senseless_requests_stop(void **state)
{
	enum frame_kind kinds[] = { FRAME_RESERVED, FRAME_FREE };
	unsigned	order = FRAME_ORDER_MAX + 1;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		phys_fresh(512);
		expect_stop(alloc_as, &kinds[i], "cannot become");
	}
	phys_fresh(512);
	expect_stop(alloc_of_order, &order, "order 19 is above 18");
}

static void
free_frame(void *arg)
{
	frame_free(*(pfn_t *)arg);
}

static void
put_frame(void *arg)
{
	frame_put(*(pfn_t *)arg);
}

static void
get_frame(void *arg)
{
	EXPECT_OK(frame_get(*(pfn_t *)arg));
}

static void
release_frame(void *arg)
{
	frame_release(*(pfn_t *)arg);
}

/*
 * DRG-B13:
 * A frame is freed twice: from a magazine, from a free list, and after it was merged away.
 */
static void
a_double_free_stops(void **state)
{
	pfn_t pfn;
	pfn_t buddy;

	(void)state;
	phys_fresh(4096);
	pfn = alloc_kind(FRAME_ANON);
	drop(pfn);
	expect_stop(free_frame, &pfn, "cannot become free: it is free");
	phys_fresh(4096);
	pfn = alloc_order(3);
	frame_release(pfn);
	pfn = (pfn_t){ pfn.n | 8 };
	expect_stop(free_frame, &pfn, "cannot become free: it is");
	phys_fresh(4096);
	pfn = alloc_kind(FRAME_ANON);
	buddy = (pfn_t){ pfn.n | 1 };
	drop(pfn);
	frame_drain_magazines();
	expect_stop(free_frame, &buddy, "cannot become free: it is reserved");
	phys_fresh(4096);
	pfn = alloc_kind(FRAME_ANON);
	drop(pfn);
	expect_stop(put_frame, &pfn, "below zero");
}

static void
what_is_no_block_cannot_be_freed(void **state)
{
	pfn_t pfn;

	(void)state;
	phys_fresh(512);
	pfn = (pfn_t){ 511 };
	expect_stop(free_frame, &pfn, "cannot become free: it is reserved");
	pfn = (pfn_t){ 512 };
	expect_stop(free_frame, &pfn, "does not exist");
	pfn = pfn_none();
	expect_stop(free_frame, &pfn, "does not exist");
	pfn = pfn_add(alloc_order(2), 1);
	expect_stop(free_frame, &pfn, "cannot become free: it is reserved");
	expect_stop(put_frame, &pfn, "below zero");
}

/* LUN-22, LUN-25, DRG-B13. */
static void
a_frame_in_use_cannot_be_freed(void **state)
{
	pfn_t pfn;

	(void)state;
	phys_fresh(512);
	pfn = alloc_kind(FRAME_ANON);
	expect_stop(free_frame, &pfn, "is freed with count 1");
	assert_true(frame_put(pfn));
	atomic_store(&frame_of(pfn)->page.pins, 2);
	expect_stop(free_frame, &pfn, "is freed with 2 pins");
	atomic_store(&frame_of(pfn)->page.pins, 0);
	atomic_store(&frame_of(pfn)->lock, 1);
	expect_stop(free_frame, &pfn, "with its lock held");
	atomic_store(&frame_of(pfn)->lock, 0);
	frame_free(pfn);
	/* Only pages have pins: a table's word may hold anything. */
	pfn = alloc_kind(FRAME_TABLE);
	frame_of(pfn)->word = UINT64_MAX;
	drop(pfn);
	phys_check_machine();
}

/* LUN-22. */
static void
counts_go_up_and_down(void **state)
{
	uint64_t before;
	pfn_t	 pfn;

	(void)state;
	phys_fresh(512);
	pfn = alloc_kind(FRAME_ANON);
	before = stat_get(STAT_COUNT_CHANGES);
	for (unsigned i = 0; i < 10; i++)
		EXPECT_OK(frame_get(pfn));
	assert_int_equal(frame_count(pfn), 11);
	for (unsigned i = 0; i < 10; i++)
		assert_false(frame_put(pfn));
	assert_int_equal(stat_get(STAT_COUNT_CHANGES), before + 20);
	EXPECT_OK(frame_get(pfn));
	frame_release(pfn);
	assert_int_equal(frame_of(pfn)->kind, FRAME_ANON);
	frame_release(pfn);
	assert_int_equal(frame_of(pfn)->kind, FRAME_FREE);
	phys_check_machine();
}

static void
a_dead_frame_cannot_be_named_again(void **state)
{
	pfn_t pfn;

	(void)state;
	phys_fresh(512);
	pfn = alloc_kind(FRAME_OBJECT);
	assert_true(frame_put(pfn));
	expect_stop(get_frame, &pfn, "(object) is named again after its last count");
	frame_free(pfn);
	expect_stop(get_frame, &pfn, "(free) is named again");
}

static void
a_full_count_is_an_error_and_not_a_wrap(void **state)
{
	pfn_t pfn;

	(void)state;
	phys_fresh(512);
	pfn = alloc_kind(FRAME_ANON);
	atomic_store(&frame_of(pfn)->count, FRAME_COUNT_MAX - 1);
	EXPECT_OK(frame_get(pfn));
	EXPECT_ERR(frame_get(pfn), ERR_OVERFLOW);
	assert_int_equal(frame_count(pfn), FRAME_COUNT_MAX);
	assert_false(frame_put(pfn));
	EXPECT_OK(frame_get(pfn));
	atomic_store(&frame_of(pfn)->count, 1);
	frame_release(pfn);
	phys_check_machine();
}

static void
tables_are_not_released_like_pages(void **state)
{
	pfn_t pfn;

	(void)state;
	phys_fresh(512);
	pfn = alloc_kind(FRAME_TABLE);
	expect_stop(release_frame, &pfn, "is a table (count 1)");
	assert_int_equal(frame_count(pfn), 1);
	drop(pfn);
	phys_check_machine();
}

/* LUN-25: a block of frames has one count, on its first frame; the last holder gives back all of it. */
static void
a_block_has_one_count(void **state)
{
	(void)state;
	phys_fresh(512);
	for (unsigned order = 0; order <= 4; order++) {
		uint64_t free = nr_free_frames();
		pfn_t	 pfn = alloc_order(order);

		EXPECT_OK(frame_get(pfn));
		assert_int_equal(frame_count(pfn), 2);
		frame_release(pfn);
		assert_int_equal(nr_free_frames(), free - ((uint64_t)1 << order));
		assert_int_equal(frame_of(pfn)->order, order);
		frame_release(pfn);
		assert_int_equal(nr_free_frames(), free);
		phys_check_machine();
	}
}

/* LUN-25. */
static void
zeroed_frames_are_zero(void **state)
{
	(void)state;
	for (unsigned order = 0; order <= 3; order++) {
		phys_fresh(64);
		for (unsigned round = 0; round < 40; round++) {
			pfn_t		pfn;
			const uint64_t *words;

			EXPECT_OK(frame_alloc((struct frame_request){ .kind = FRAME_ANON,
								      .order = order,
								      .zeroed = true },
					      &pfn));
			words = arch_frame_ptr(pfn);
			for (size_t i = 0; i < (ARCH_PAGE_SIZE << order) / 8; i++)
				assert_int_equal(words[i], 0);
			memset(arch_frame_ptr(pfn), 0x77, ARCH_PAGE_SIZE << order);
			frame_release(pfn);
		}
		phys_check_machine();
	}
}

/* write_unseen - a stray write that the sanitizer does not see, as from a device. */
__attribute__((no_sanitize_address)) static void
write_unseen(volatile char *at)
{
	*at = 1;
}

static void
alloc_all(void *arg)
{
	(void)arg;
	while (!pfn_is_none(alloc_order(0)))
		;
}

/* DRG-B06, WNX-17. */
static void
a_write_to_a_free_frame_stops_at_its_next_allocation(void **state)
{
	pfn_t pfn;

	(void)state;
	for (unsigned drain = 0; drain < 2; drain++) {
		phys_fresh(512);
		pfn = alloc_kind(FRAME_ANON);
		drop(pfn);
		if (drain)
			frame_drain_magazines();
		write_unseen((char *)arch_frame_ptr(pfn) + 1234);
		expect_stop(alloc_all, NULL, "was written to while it was free");
	}
}

/* ALM-28: Without the right to the reserve, allocation ends exactly at it, magazines or not. */
static void
the_reserve_is_kept_to_the_frame(void **state)
{
	(void)state;
	for (uint64_t reserve = 1; reserve < 200; reserve += 33) {
		for (unsigned order = 0; order < 3; order++) {
			struct boot_range all = RAM(0, 5000, 0);
			uint64_t	  left;
			pfn_t		  pfn;

			phys_fresh_with(&(struct machine_config){ .ranges = &all,
								  .nr_ranges = 1,
								  .reserve_frames = reserve,
								  .nr_cpus = 3 });
			for (unsigned i = 0;; i++) {
				struct frame_request request = { .kind = FRAME_ANON,
								 .order = order };

				machine_cpu_set(i % 3);
				if (frame_alloc(request, &pfn))
					break;
			}
			left = nr_free_frames();
			assert_true(left >= reserve && left < reserve + ((uint64_t)1 << order));
			phys_check_machine();
			for (uint64_t i = 0; i < left; i++)
				assert_false(pfn_is_none(alloc_order(0)));
			assert_true(pfn_is_none(alloc_order(0)));
			assert_int_equal(nr_free_frames(), 0);
			phys_check_machine();
		}
	}
}

/* A CPU that has used the reserve gives one frame back: still nothing for others. */
static void
a_used_reserve_fills_up_first(void **state)
{
	pfn_t held[16];
	pfn_t pfn;

	(void)state;
	phys_fresh_with(&(struct machine_config){ .nr_frames = 2048, .reserve_frames = 10 });
	while (!frame_alloc((struct frame_request){ .kind = FRAME_ANON }, &pfn))
		;
	for (unsigned i = 0; i < 10; i++)
		held[i] = alloc_order(0);
	for (unsigned i = 0; i < 10; i++) {
		frame_release(held[i]);
		EXPECT_ERR(frame_alloc((struct frame_request){ .kind = FRAME_ANON }, &pfn),
			   ERR_NOMEM);
		phys_check_machine();
	}
	frame_release(pfn);
	EXPECT_OK(frame_alloc((struct frame_request){ .kind = FRAME_ANON }, &pfn));
	phys_check_machine();
}

static void
an_injected_failure_changes_nothing(void **state)
{
	struct frame_totals before;
	struct frame_totals after;
	pfn_t		    pfn = { 12345 };

	(void)state;
	phys_fresh(512);
	drop(alloc_kind(FRAME_ANON));
	before = frame_totals();
	machine_fail_allocation(1, false);
	EXPECT_ERR(frame_alloc((struct frame_request){ .kind = FRAME_ANON }, &pfn), ERR_NOMEM);
	assert_int_equal(pfn.n, 12345);
	after = frame_totals();
	assert_memory_equal(&before, &after, sizeof(before));
	drop(alloc_kind(FRAME_ANON));
	phys_check_machine();
}

static void
one_allocation_asks_once_for_a_failure(void **state)
{
	uint64_t before;

	(void)state;
	phys_fresh(512);
	before = machine_allocations();
	drop(alloc_kind(FRAME_ANON));
	frame_release(alloc_order(4));
	assert_int_equal(machine_allocations(), before + 2);
}

static void
the_peak_is_remembered(void **state)
{
	pfn_t pfns[100];

	(void)state;
	phys_fresh(1024);
	for (unsigned i = 0; i < 100; i++)
		pfns[i] = alloc_kind(FRAME_ANON);
	for (unsigned i = 0; i < 100; i++)
		drop(pfns[i]);
	for (unsigned i = 0; i < 50; i++)
		pfns[i] = alloc_kind(FRAME_TABLE);
	assert_int_equal(frame_totals().peak_used, 100);
	for (unsigned i = 0; i < 50; i++)
		drop(pfns[i]);
	frame_release(alloc_order(7));
	assert_int_equal(frame_totals().peak_used, 128);
	phys_check_machine();
}

TEST_SUITE(frame, cmocka_unit_test(a_frame_is_what_was_asked_for),
	   cmocka_unit_test(only_legal_moves_between_kinds_are_made),
	   cmocka_unit_test(free_and_reserved_frames_stay_what_they_are),
	   cmocka_unit_test(senseless_requests_stop), cmocka_unit_test(a_double_free_stops),
	   cmocka_unit_test(what_is_no_block_cannot_be_freed),
	   cmocka_unit_test(a_frame_in_use_cannot_be_freed),
	   cmocka_unit_test(counts_go_up_and_down),
	   cmocka_unit_test(a_dead_frame_cannot_be_named_again),
	   cmocka_unit_test(a_full_count_is_an_error_and_not_a_wrap),
	   cmocka_unit_test(tables_are_not_released_like_pages),
	   cmocka_unit_test(zeroed_frames_are_zero),
	   cmocka_unit_test(a_write_to_a_free_frame_stops_at_its_next_allocation),
	   cmocka_unit_test(the_reserve_is_kept_to_the_frame),
	   cmocka_unit_test(a_used_reserve_fills_up_first),
	   cmocka_unit_test(an_injected_failure_changes_nothing),
	   cmocka_unit_test(one_allocation_asks_once_for_a_failure),
	   cmocka_unit_test(the_peak_is_remembered), cmocka_unit_test(a_block_has_one_count))
