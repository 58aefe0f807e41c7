/*
 * test_gather.c - unhook, flush, free: in this order, whatever happens in between.
 */
#include "unit/pt_fixture.h"

#include "pt/state.h"

/* An active tree has one address for its whole life. */
static struct pt *
fresh_tree(void)
{
	static struct pt pt;

	machine_fresh();
	pt = tree_make();
	pt_activate(&pt);
	return &pt;
}

static void
end_tree(struct pt *pt)
{
	TREE_CHECK(pt);
	tree_drop(pt);
	machine_check();
}

static uint64_t
frames_of_kind(enum frame_kind kind)
{
	return frame_totals().by_kind[kind];
}

static void
an_empty_gather_flushes_nothing(void **state)
{
	struct pt    *pt = fresh_tree();
	struct gather g;

	(void)state;
	tree_put(pt, leaf_va(0, 0), PROT_RW);
	stats_note();
	gather_begin(&g, pt);
	gather_flush(&g);
	gather_end(&g);
	EXPECT_STAT(FLUSH_PAGES, 0);
	EXPECT_STAT(FLUSH_SPACES, 0);
	EXPECT_STAT(SHOOTDOWNS, 0);
	end_tree(pt);
}

/* The same page twice in a row is one flush; an address inside a page means the page. */
static void
a_page_is_noted_once(void **state)
{
	struct pt    *pt = fresh_tree();
	struct gather g;

	(void)state;
	stats_note();
	gather_begin(&g, pt);
	gather_page(&g, leaf_va(0, 1) + 5);
	gather_page(&g, leaf_va(0, 1));
	gather_page(&g, leaf_va(0, 2));
	assert_int_equal(g.nr_pages, 2);
	assert_true(g.pages[0] == leaf_va(0, 1));
	gather_end(&g);
	EXPECT_STAT(FLUSH_PAGES, 2);
	end_tree(pt);
}

/* Any flush drops partial walks, so a table needs one of its own only if nothing else is flushed. */
static void
a_table_is_flushed_with_any_page(void **state)
{
	struct pt    *pt = fresh_tree();
	struct gather g;

	(void)state;
	gather_begin(&g, pt);
	gather_table(&g, leaf_va(0, 3));
	assert_int_equal(g.nr_pages, 1);
	gather_table(&g, leaf_va(1, 0));
	assert_int_equal(g.nr_pages, 1);
	gather_page(&g, leaf_va(1, 1));
	assert_int_equal(g.nr_pages, 2);
	/* What was flushed before the table was unhooked does not count. */
	gather_flush(&g);
	gather_table(&g, leaf_va(1, 0));
	assert_int_equal(g.nr_pages, 1);
	gather_flush(&g);
	gather_space(&g);
	gather_table(&g, leaf_va(1, 0));
	assert_int_equal(g.nr_pages, 0);
	gather_end(&g);
	end_tree(pt);
}

/* WNX-19. */
static void
too_many_pages_become_the_whole_space(void **state)
{
	struct pt    *pt = fresh_tree();
	struct gather g;

	(void)state;
	stats_note();
	gather_begin(&g, pt);
	for (unsigned i = 0; i < GATHER_PAGES; i++)
		gather_page(&g, (vaddr_t)i << ARCH_PAGE_SHIFT);
	assert_false(g.whole_space);
	gather_flush(&g);
	EXPECT_STAT(FLUSH_PAGES, GATHER_PAGES);
	EXPECT_STAT(FLUSH_SPACES, 0);
	for (unsigned i = 0; i <= GATHER_PAGES; i++)
		gather_page(&g, (vaddr_t)i << ARCH_PAGE_SHIFT);
	assert_true(g.whole_space);
	gather_end(&g);
	EXPECT_STAT(FLUSH_PAGES, GATHER_PAGES);
	EXPECT_STAT(FLUSH_SPACES, 1);
	end_tree(pt);
}

static void
a_space_that_nobody_caches_is_not_flushed(void **state)
{
	struct gather g;
	struct pt     pt;

	(void)state;
	machine_fresh();
	pt = tree_make();
	stats_note();
	gather_begin(&g, &pt);
	gather_space(&g);
	gather_end(&g);
	EXPECT_STAT(FLUSH_SPACES, 0);
	EXPECT_STAT(SHOOTDOWNS, 0);
	tree_drop(&pt);
	machine_check();
}

/* Pages and whole subtrees keep the count that their slot had until the flush. */
static void
what_is_held_lives_until_the_flush(void **state)
{
	struct pt    *pt = fresh_tree();
	pfn_t	      page = tree_put(pt, leaf_va(0, 0), PROT_RW);
	struct gather g;
	pfn_t	      table;

	(void)state;
	gather_begin(&g, pt);
	table = entry_pfn(table_set(pt->root, 0, arch_pte_empty()), ROOT_LEVEL);
	gather_space(&g);
	gather_hold(&g, table);
	assert_int_equal(frame_count(table), 1);
	assert_int_equal(frame_count(page), 1);
	assert_int_equal(frame_of(page)->kind, FRAME_ANON);
	gather_flush(&g);
	assert_true(frames_of_kind(FRAME_ANON) == 0);
	assert_true(frames_of_kind(FRAME_TABLE) == 1);
	assert_int_equal(g.held.nr, 0);
	gather_end(&g);
	end_tree(pt);
}

/* Far more frames than a gather has room for: two frames of the kernel hold the rest, for the time being. */
#define MANY (HELD_FRAMES + 600u)

static void
what_does_not_fit_is_held_in_frames(void **state)
{
	struct pt    *pt = fresh_tree();
	uint64_t      kernel = frames_of_kind(FRAME_KERNEL);
	struct gather g;

	(void)state;
	gather_begin(&g, pt);
	for (unsigned i = 0; i < MANY; i++) {
		gather_hold(&g, page_make(FRAME_ANON));
		assert_true(frames_of_kind(FRAME_ANON) == i + 1);
	}
	assert_int_equal(g.held.nr, HELD_FRAMES);
	assert_true(frames_of_kind(FRAME_KERNEL) == kernel + 2);
	gather_flush(&g);
	assert_true(frames_of_kind(FRAME_ANON) == 0);
	assert_true(frames_of_kind(FRAME_KERNEL) == kernel);
	gather_hold(&g, page_make(FRAME_ANON));
	gather_end(&g);
	end_tree(pt);
}

/* No memory to note one more: flush and free what is held, then go on. */
static void
without_memory_the_gather_flushes_early(void **state)
{
	struct pt    *pt = fresh_tree();
	uint64_t      kernel = frames_of_kind(FRAME_KERNEL);
	struct gather g;
	pfn_t	      late;

	(void)state;
	tree_put(pt, leaf_va(0, 0), PROT_RW);
	gather_begin(&g, pt);
	for (unsigned i = 0; i < HELD_FRAMES; i++)
		gather_hold(&g, page_make(FRAME_ANON));
	gather_page(&g, leaf_va(0, 1));
	late = page_make(FRAME_ANON);
	stats_note();
	machine_fail_allocation(1, false);
	gather_hold(&g, late);
	EXPECT_STAT(FLUSH_PAGES, 1);
	assert_true(frames_of_kind(FRAME_KERNEL) == kernel);
	assert_true(frames_of_kind(FRAME_ANON) == 2);
	assert_int_equal(frame_count(late), 1); /* its own flush is still to come */
	gather_page(&g, leaf_va(0, 2));
	gather_end(&g);
	EXPECT_STAT(FLUSH_PAGES, 2);
	assert_true(frames_of_kind(FRAME_ANON) == 1);
	end_tree(pt);
}

/* The reserve is for work that frees memory: holding goes on where users get nothing. */
static void
holding_may_use_the_reserve(void **state)
{
	static pfn_t	 taken[4096];
	static struct pt pt;
	struct gather	 g;
	unsigned	 nr = 0;

	(void)state;
	machine_fresh_with(&(struct machine_config){ .nr_frames = 2048, .reserve_frames = 16 });
	pt = tree_make();
	pt_activate(&pt);
	gather_begin(&g, &pt);
	for (unsigned i = 0; i < HELD_FRAMES + 1; i++)
		taken[nr++] = page_make(FRAME_ANON);
	while (frame_alloc((struct frame_request){ .kind = FRAME_ANON }, &taken[nr]) == OK)
		nr++;
	stats_note();
	gather_page(&g, leaf_va(0, 0));
	for (unsigned i = 0; i < HELD_FRAMES + 1; i++)
		gather_hold(&g, taken[i]);
	EXPECT_STAT(FLUSH_PAGES, 0);
	assert_false(pfn_is_none(g.held.chain));
	gather_end(&g);
	for (unsigned i = HELD_FRAMES + 1; i < nr; i++)
		frame_release(taken[i]);
	end_tree(&pt);
}

/*
 * CPU 1 keeps its interrupts off and goes on reading the page that CPU 0 unmaps; as
 * long as it has not answered, page and table are what they were.
 */
static struct {
	struct pt    pt;
	pfn_t	     page, table;
	_Atomic bool ready;
	unsigned     wrong;
	unsigned     reads;
} race;

static void
unmap_the_page(void *arg)
{
	(void)arg;
	pt_activate(&race.pt);
	while (!atomic_load(&race.ready))
		arch_relax();
	tree_unmap(&race.pt, pages(leaf_va(0, 0), 1));
}

static void
read_with_interrupts_off(void *arg)
{
	struct arch_fault fault;
	uint64_t	  word;
	bool		  irq;

	(void)arg;
	pt_activate(&race.pt);
	(void)arch_user_read(&word, leaf_va(0, 0), sizeof(word), &fault);
	irq = arch_irq_save();
	atomic_store(&race.ready, true);
	for (unsigned i = 0; i < 40; i++) {
		/* Either the old translation or a fault, never another page. */
		if (arch_user_read(&word, leaf_va(0, 0), sizeof(word), &fault) == sizeof(word)) {
			race.reads++;
			race.wrong += word != race.page.n;
		}
		race.wrong += frame_of(race.page)->kind != FRAME_ANON;
		race.wrong += frame_count(race.page) != 1;
		race.wrong += frame_of(race.table)->kind != FRAME_TABLE;
		arch_point();
	}
	arch_irq_restore(irq);
}

/* LUN-B02, WNX-B06. */
static void
nothing_is_freed_before_every_cpu_has_flushed(void **state)
{
	void (*const bodies[])(void *) = { unmap_the_page, read_with_interrupts_off };
	unsigned reads = 0;
	uint64_t seed = test_seed(3);

	(void)state;
	for (unsigned n = 0; n < 40; n++) {
		machine_fresh_with(&(struct machine_config){ .nr_cpus = 2, .nr_frames = 4096 });
		race.pt = tree_make();
		race.page = tree_put(&race.pt, leaf_va(0, 0), PROT_RW);
		race.table = table_at(&race.pt, leaf_va(0, 0), 0);
		race.ready = false;
		race.wrong = 0;
		race.reads = 0;
		machine_race(2, bodies, NULL,
			     &(struct machine_schedule){ .param = 4, .seed = seed + n });
		assert_int_equal(race.wrong, 0);
		reads += race.reads;
		assert_true(frames_of_kind(FRAME_ANON) == 0);
		assert_true(frames_of_kind(FRAME_TABLE) == 1);
		machine_cpu_set(1);
		pt_deactivate(&race.pt);
		machine_cpu_set(0);
		end_tree(&race.pt);
	}
	assert_true(reads > 0);
}

TEST_SUITE(gather, cmocka_unit_test(an_empty_gather_flushes_nothing),
	   cmocka_unit_test(a_page_is_noted_once),
	   cmocka_unit_test(a_table_is_flushed_with_any_page),
	   cmocka_unit_test(too_many_pages_become_the_whole_space),
	   cmocka_unit_test(a_space_that_nobody_caches_is_not_flushed),
	   cmocka_unit_test(what_is_held_lives_until_the_flush),
	   cmocka_unit_test(what_does_not_fit_is_held_in_frames),
	   cmocka_unit_test(without_memory_the_gather_flushes_early),
	   cmocka_unit_test(holding_may_use_the_reserve),
	   cmocka_unit_test(nothing_is_freed_before_every_cpu_has_flushed))
