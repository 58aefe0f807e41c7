/* test_space.c - spaces: layouts, references, the list of all, lookups, threads. */
#include "unit/sketch.h"

#include "space/tree.h"

/* The usual layout fits the machine it runs on, and has room for something of each kind. */
static void
the_default_layout_is_usable(void **state)
{
	struct space_layout layout = space_default_layout();
	struct space	   *sp = sketch_space_with(&layout);
	struct map_request  one = sketch_anonymous(1, MAPF_PRIVATE);
	vaddr_t		    va;

	(void)state;
	assert_true(layout.min_addr >= ARCH_PAGE_SIZE);
	assert_true(layout.stack_guard >= ARCH_PAGE_SIZE);
	assert_true(layout.mmap_base < layout.end);
	EXPECT_OK(space_map(sp, &one, &va));
	assert_int_equal(va, layout.mmap_base - ARCH_PAGE_SIZE);
	one.addr = layout.end - ARCH_PAGE_SIZE;
	one.flags |= MAPF_GROWSDOWN | MAPF_FIXED;
	EXPECT_OK(space_map(sp, &one, &va));
	EXPECT_OK(space_unmap(sp, layout.mmap_base - ARCH_PAGE_SIZE, ARCH_PAGE_SIZE));
	assert_int_equal(space_brk(sp, layout.brk_start + 1), layout.brk_start + 1);
	sketch_end(sp);
}

/* DRG-01, DRG-10, ALM-07. */
static void
linux_figures_on_a_large_machine(void **state)
{
	struct space_layout layout = space_default_layout();

	(void)state;
	if (ARCH_USER_END < 0x7ffffffff000) {
		assert_int_equal(layout.end, ARCH_USER_END);
		assert_int_equal(layout.max_regions, 65530);
		return;
	}
	assert_int_equal(layout.end, 0x7ffffffff000);
	assert_int_equal(layout.min_addr, 65536);
	assert_int_equal(layout.end - layout.mmap_base, 128 << 20);
	assert_int_equal(layout.stack_guard, 1 << 20);
	assert_int_equal(layout.huge_size, 2 << 20);
	assert_int_equal(layout.brk_start, 0x555555554000);
	assert_int_equal(layout.max_regions, 65530);
}

static void
layouts_that_do_not_fit_are_refused(void **state)
{
	const struct space_layout good = sketch_layout();
	struct space_layout	  bad[12];
	struct space		 *sp;

	(void)state;
	machine_fresh();
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		bad[i] = good;
	bad[0].end = ARCH_USER_END + ARCH_PAGE_SIZE;
	bad[1].end = 0;
	bad[1].mmap_base = bad[1].min_addr = 0;
	bad[2].end += 1;
	bad[3].min_addr += 1;
	bad[4].mmap_base += 1;
	bad[5].mmap_base = good.end + ARCH_PAGE_SIZE;
	bad[6].min_addr = good.mmap_base + ARCH_PAGE_SIZE;
	bad[7].brk_start = good.end + 1;
	bad[8].stack_guard = 100;
	bad[9].huge_size = 3 * ARCH_PAGE_SIZE;
	bad[10].max_regions = 0;
	bad[11].stack_guard = UINT64_MAX & ~ARCH_PAGE_MASK;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (space_create(&bad[i], &sp) != ERR_INVAL)
			fail_msg("layout %zu was taken", i);
	}
	assert_null(space_list_first());
	machine_check();
}

/* DRG-B08: a shared space is counted. */
static void
references_keep_a_space_alive(void **state)
{
	struct space *sp = sketch_space();

	(void)state;
	sketch_map(sp, 1, 4, PROT_RW, 0);
	sketch_store_all(sp, 1, 4);
	space_get(sp);
	space_put(sp);
	assert_ptr_equal(space_list_first(), sp);
	assert_int_equal(sketch_load(sp, 2), 2);
	sketch_end(sp);
	assert_null(space_list_first());
}

static void
the_list_holds_all_in_order(void **state)
{
	struct space	   *a = sketch_space();
	struct space_layout layout = sketch_layout();
	struct space	   *b, *c;

	(void)state;
	EXPECT_OK(space_create(&layout, &b));
	EXPECT_OK(space_fork(a, &c));
	assert_ptr_equal(space_list_first(), a);
	assert_ptr_equal(space_list_next(a), b);
	assert_ptr_equal(space_list_next(b), c);
	assert_null(space_list_next(c));
	space_put(b);
	assert_ptr_equal(space_list_next(a), c);
	assert_ptr_equal(c->prev, a);
	space_put(c);
	sketch_end(a);
}

/* LUN-04, DRG-03, WNX-03, ALM-B10
 * page      0 1 2 3 4 5 6
 *             A A   B B       lookups at every edge */
static void
lookups_see_half_open_ranges(void **state)
{
	struct space  *sp = sketch_space();
	struct region *a, *b;

	(void)state;
	assert_null(space_first(sp));
	sketch_map(sp, 1, 3, PROT_RW, 0);
	sketch_map(sp, 4, 6, PROT_R, 0);
	a = space_first(sp);
	b = region_next(a);
	assert_null(region_next(b));
	assert_null(space_find(sp, PAGE(1) - 1));
	assert_ptr_equal(space_find(sp, PAGE(1)), a);
	assert_ptr_equal(space_find(sp, PAGE(3) - 1), a);
	assert_null(space_find(sp, PAGE(3)));
	assert_ptr_equal(space_find(sp, PAGE(4)), b);
	assert_null(space_find(sp, PAGE(6)));
	assert_null(space_find(sp, UINT64_MAX));
	sketch_end(sp);
}

/* The reader lines come once, however many threads are added, and go with the space. */
static void
threads_give_the_lock_its_lines(void **state)
{
	struct space	   *sp = sketch_space();
	struct reader_line *lines;

	(void)state;
	assert_null(atomic_load(&sp->lock.lines));
	machine_fail_allocation(1, true);
	EXPECT_ERR(space_add_thread(sp), ERR_NOMEM);
	machine_fail_allocation(0, false);
	EXPECT_OK(space_add_thread(sp));
	lines = atomic_load(&sp->lock.lines);
	assert_non_null(lines);
	EXPECT_OK(space_add_thread(sp));
	assert_ptr_equal(atomic_load(&sp->lock.lines), lines);
	sketch_map(sp, 1, 2, PROT_RW, 0);
	sketch_store(sp, 1, 1);
	assert_int_equal(sketch_load(sp, 1), 1);
	sketch_end(sp);
}

static void
creation_fails_without_a_trace(void **state)
{
	struct space_layout layout = sketch_layout();
	struct space	   *sp;
	unsigned	    failures = 0;

	(void)state;
	machine_fresh();
	for (;; failures++) {
		err_t err;

		machine_fail_allocation(failures + 1, false);
		err = space_create(&layout, &sp);
		machine_fail_allocation(0, false);
		if (err == OK)
			break;
		assert_int_equal(err, ERR_NOMEM);
		machine_check();
	}
	assert_int_equal(failures, 2);
	sketch_end(sp);
}

/* LUN-04, DRG-03:
 * page      0 1 2 3 4 5 6 7 8 9 10
 * mapped in the order 7, 3, 9, 1, 5; then 3 once more, then 4, which joins its neighbours */
static void
regions_are_in_order(void **state)
{
	static const unsigned order[] = { 7, 3, 9, 1, 5 };
	struct space	     *sp = sketch_space();

	(void)state;
	assert_null(tree_find_end(sp, 0));
	for (unsigned i = 0; i < ARRAY_SIZE(order); i++)
		sketch_map(sp, order[i], order[i] + 1, PROT_R, 0);
	EXPECT_REGIONS(sp, "1-2 r, 3-4 r, 5-6 r, 7-8 r, 9-10 r");
	/* the first that ends behind an address, whether it holds the address or not */
	assert_int_equal(tree_find_end(sp, 0)->range.start, PAGE(1));
	assert_int_equal(tree_find_end(sp, PAGE(2) - 1)->range.start, PAGE(1));
	assert_int_equal(tree_find_end(sp, PAGE(2))->range.start, PAGE(3));
	assert_int_equal(tree_find_end(sp, PAGE(8))->range.start, PAGE(9));
	assert_null(tree_find_end(sp, PAGE(10)));
	sketch_map(sp, 3, 4, PROT_R, 0); /* an equal one takes the place of the old one */
	EXPECT_REGIONS(sp, "1-2 r, 3-4 r, 5-6 r, 7-8 r, 9-10 r");
	sketch_map(sp, 4, 5, PROT_R, 0);
	EXPECT_REGIONS(sp, "1-2 r, 3-6 r, 7-8 r, 9-10 r");
	sketch_end(sp);
}

TEST_SUITE(space, cmocka_unit_test(the_default_layout_is_usable),
	   cmocka_unit_test(linux_figures_on_a_large_machine),
	   cmocka_unit_test(layouts_that_do_not_fit_are_refused),
	   cmocka_unit_test(references_keep_a_space_alive),
	   cmocka_unit_test(the_list_holds_all_in_order),
	   cmocka_unit_test(lookups_see_half_open_ranges),
	   cmocka_unit_test(threads_give_the_lock_its_lines),
	   cmocka_unit_test(creation_fails_without_a_trace), cmocka_unit_test(regions_are_in_order))
