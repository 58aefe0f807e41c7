/*
 * test_fork.c - trees shared from the root's slots down, and the slots that may
 * not be shared as they are.
 *
 * The parent of most stories, three leaf tables of one root slot (of three, with two
 * levels), all pages writable:
 *
 *	table 0: A B . .    table 1: C . . .    table 2: D E F G
 */
#include "unit/pt_fixture.h"

#define NR_PAGES 7

static const struct {
	unsigned table, page;
} places[NR_PAGES] = {
	{ 0, 0 }, { 0, 1 }, { 1, 0 }, { 2, 0 }, { 2, 1 }, { 2, 2 }, { 2, 3 },
};

struct family {
	struct pt parent;
	struct pt child;
	pfn_t	  page[NR_PAGES];
};

static vaddr_t
place(unsigned i)
{
	return leaf_va(places[i].table, places[i].page);
}

static struct family
make_parent(void)
{
	struct family f;

	f.parent = tree_make();
	for (unsigned i = 0; i < NR_PAGES; i++)
		f.page[i] = tree_put(&f.parent, place(i), PROT_RW);
	return f;
}

static struct family
fresh_parent(void)
{
	machine_fresh();
	return make_parent();
}

static void
end_family(struct family *f)
{
	TREE_CHECK(&f->parent, &f->child);
	tree_drop(&f->parent);
	TREE_CHECK(&f->child);
	tree_drop(&f->child);
	machine_check();
}

/* Root slots that the parent uses, and all of its tables below the root. */
#define USED_SLOTS    (ARCH_PT_LEVELS == 2 ? 3u : 1u)
#define TABLES_BELOW  (3u + (ARCH_PT_LEVELS == 2 ? 0u : ROOT_LEVEL - 1u))
#define SHARES_TABLES ARCH_HAS_UPPER_WRITE_DENIAL

/* LUN-20, LUN-B05:
 * parent root [ W ]          parent root [ ]──┐ ┌──[ ] child root
 *               ▼      fork                   ▼ ▼
 *               T                              T    count 2, not visited */
static void
fork_costs_the_used_slots_of_the_root(void **state)
{
	struct family f = fresh_parent();

	(void)state;
	stats_note();
	f.child = tree_fork(&f.parent);
	EXPECT_STAT(FORKS, 1);
	if (SHARES_TABLES) {
		EXPECT_STAT(TABLE_VISITS, 0);
		EXPECT_STAT(TABLE_ALLOCS, 1); /* the child's root */
		EXPECT_STAT(TABLE_SHARES, USED_SLOTS);
		EXPECT_STAT(COUNT_CHANGES, USED_SLOTS);
		EXPECT_STAT(PTE_WRITES, 2 * USED_SLOTS);
	} else {
		EXPECT_STAT(TABLE_VISITS, TABLES_BELOW);
		EXPECT_STAT(TABLE_ALLOCS, 1 + TABLES_BELOW);
		EXPECT_STAT(TABLE_SHARES, 0);
		EXPECT_STAT(COUNT_CHANGES, NR_PAGES);
		EXPECT_STAT(PTE_WRITES, TABLES_BELOW + 2 * NR_PAGES);
	}
	for (unsigned i = 0; i < NR_PAGES; i++) {
		EXPECT_PAGE(&f.parent, place(i), f.page[i], PROT_R);
		EXPECT_PAGE(&f.child, place(i), f.page[i], PROT_R);
	}
	/* the kernel half is one for both, and nothing in it is counted */
	for (unsigned i = ARCH_USER_ROOT_SLOTS; i < ARCH_PT_ENTRIES; i++)
		assert_true(
			arch_pte_equal(table_get(f.child.root, i), table_get(f.parent.root, i)));
	end_family(&f);
}

static void
exit_of_a_child_costs_the_slots_too(void **state)
{
	struct family f = fresh_parent();

	(void)state;
	f.child = tree_fork(&f.parent);
	stats_note();
	tree_drop(&f.child);
	EXPECT_STAT(TABLE_FREES, SHARES_TABLES ? 1 : 1 + TABLES_BELOW);
	if (SHARES_TABLES)
		EXPECT_STAT(COUNT_CHANGES, 1 + USED_SLOTS);
	TREE_CHECK(&f.parent);
	tree_drop(&f.parent);
	machine_check();
}

/* LUN-36, ALM-B06:
 * entry:   private rw   shared rw   zero   guard   no access
 * child:   private r    shared rw   zero   guard   no access     once its path is its own */
static void
each_kind_of_entry_is_inherited(void **state)
{
	struct family f;
	pfn_t	      own, object, hidden;

	(void)state;
	machine_fresh();
	f.parent = tree_make();
	own = tree_put(&f.parent, leaf_va(0, 0), PROT_RWX);
	object = page_make(FRAME_OBJECT);
	tree_put_leaf(&f.parent, leaf_va(0, 1),
		      (struct pte_leaf){ .pfn = object, .prot = PROT_RW });
	tree_put_zero(&f.parent, leaf_va(0, 2));
	tree_mark(&f.parent, pages(leaf_va(0, 3), 1));
	hidden = tree_put(&f.parent, leaf_va(1, 0), 0);
	f.child = tree_fork(&f.parent);
	EXPECT_PAGE(&f.child, leaf_va(0, 0), own, PROT_RX);
	EXPECT_PAGE(&f.child, leaf_va(0, 1), object, SHARES_TABLES ? PROT_R : PROT_RW);
	tree_make_exclusive(&f.child, leaf_va(0, 0));
	tree_make_exclusive(&f.child, leaf_va(1, 0));
	EXPECT_PAGE(&f.child, leaf_va(0, 0), own, PROT_RX);
	EXPECT_PAGE(&f.child, leaf_va(0, 1), object, PROT_RW);
	assert_int_equal(frame_count(object), 2);
	assert_int_equal(pt_look(&f.child, leaf_va(0, 2)).level, 0);
	assert_true(arch_pte_decode_leaf(pt_look(&f.child, leaf_va(0, 2)).pte, 0).is_special);
	assert_int_equal(arch_pte_kind(pt_look(&f.child, leaf_va(0, 3)).pte, 0), PTE_MARK);
	EXPECT_NO_PAGE(&f.child, leaf_va(1, 0));
	assert_true(pfn_eq(entry_pfn(pt_look(&f.child, leaf_va(1, 0)).pte, 0), hidden));
	end_family(&f);
}

/*
 * ALM-B06: the same for the neighbours of a page that is left out, whose table the child has a copy of.
 * entry:   left out   private rw   guard   no access
 * child:   .          private r    guard   no access
 */
static void
each_kind_stays_beside_what_is_left_out(void **state)
{
	struct va_range out = pages(leaf_va(0, 0), 1);
	struct family	f;
	pfn_t		own, hidden;

	(void)state;
	machine_fresh();
	f.parent = tree_make();
	tree_put(&f.parent, leaf_va(0, 0), PROT_RW);
	own = tree_put(&f.parent, leaf_va(0, 1), PROT_RW);
	tree_mark(&f.parent, pages(leaf_va(0, 2), 1));
	hidden = tree_put(&f.parent, leaf_va(0, 3), 0);
	f.child = tree_fork_without(&f.parent, &out, 1);
	EXPECT_NO_PAGE(&f.child, leaf_va(0, 0));
	EXPECT_PAGE(&f.child, leaf_va(0, 1), own, PROT_R);
	EXPECT_PAGE(&f.parent, leaf_va(0, 1), own, PROT_R);
	assert_int_equal(arch_pte_kind(pt_look(&f.child, leaf_va(0, 2)).pte, 0), PTE_MARK);
	EXPECT_NO_PAGE(&f.child, leaf_va(0, 3));
	assert_true(pfn_eq(entry_pfn(pt_look(&f.child, leaf_va(0, 3)).pte, 0), hidden));
	end_family(&f);
}

/* The first fork takes permissions, so it flushes; the next finds none to take. */
static void
a_second_fork_without_a_write_between_flushes_nothing(void **state)
{
	struct family f = fresh_parent();
	struct pt     second;

	(void)state;
	pt_activate(&f.parent);
	stats_note();
	f.child = tree_fork(&f.parent);
	EXPECT_STAT(FLUSH_SPACES, 1);
	second = tree_fork(&f.parent);
	EXPECT_STAT(FLUSH_SPACES, 1);
	tree_drop(&second);
	EXPECT_STAT(FLUSH_SPACES, 1);
	/* A path that has become the parent's own is a write permission to take. */
	tree_make_exclusive(&f.parent, place(0));
	stats_note();
	second = tree_fork(&f.parent);
	EXPECT_STAT(FLUSH_SPACES, SHARES_TABLES);
	tree_drop(&second);
	end_family(&f);
}

static void
an_empty_tree_has_an_empty_child(void **state)
{
	struct family f;

	(void)state;
	machine_fresh();
	f.parent = tree_make();
	pt_activate(&f.parent);
	stats_note();
	f.child = tree_fork(&f.parent);
	EXPECT_STAT(FLUSH_SPACES, 0);
	assert_int_equal(table_live(f.child.root), 0);
	end_family(&f);
}

/* What is left out is missing in the child and still writable in the parent; the rest is shared. */
static void
expect_left_out(struct family *f, const bool left_out[NR_PAGES])
{
	TREE_CHECK(&f->parent, &f->child);
	for (unsigned i = 0; i < NR_PAGES; i++) {
		if (left_out[i]) {
			EXPECT_NO_PAGE(&f->child, place(i));
			assert_int_equal(frame_count(f->page[i]), 1);
			EXPECT_PAGE(&f->parent, place(i), f->page[i], PROT_RW);
		} else {
			EXPECT_PAGE(&f->child, place(i), f->page[i], PROT_R);
			EXPECT_PAGE(&f->parent, place(i), f->page[i], PROT_R);
		}
	}
}

/* table 0: A x . .    one page of a table: the path to it is copied, its table partly */
static void
one_page_left_out_copies_its_path(void **state)
{
	struct family	f = fresh_parent();
	struct va_range out = pages(place(1), 1);

	(void)state;
	stats_note();
	f.child = tree_fork_without(&f.parent, &out, 1);
	if (SHARES_TABLES) {
		EXPECT_STAT(TABLE_VISITS, ROOT_LEVEL);
		EXPECT_STAT(TABLE_ALLOCS, 1 + ROOT_LEVEL);
		EXPECT_STAT(TABLE_SHARES, 2);	   /* tables 1 and 2 */
		EXPECT_STAT(COUNT_CHANGES, 2 + 1); /* they and A */
	}
	expect_left_out(&f, (const bool[NR_PAGES]){ [1] = true });
	end_family(&f);
}

/* table 2: x x x x    all of a table's pages, but not all of its span: no table is hooked in */
static void
a_copy_that_stays_empty_is_not_hooked_in(void **state)
{
	struct family	f = fresh_parent();
	struct va_range out = pages(leaf_va(1, 0), 2);

	(void)state;
	f.child = tree_fork_without(&f.parent, &out, 1);
	assert_true(pfn_is_none(table_at(&f.child, leaf_va(1, 0), 0)));
	expect_left_out(&f, (const bool[NR_PAGES]){ [2] = true });
	end_family(&f);
}

/* LUN-B05: table 1 whole: its slot is skipped, its pages are not looked at */
static void
a_whole_table_left_out_is_skipped_by_its_slot(void **state)
{
	struct family	f = fresh_parent();
	struct va_range out = va_range(leaf_va(2, 0), leaf_va(3, 0));

	(void)state;
	stats_note();
	f.child = tree_fork_without(&f.parent, &out, 1);
	if (SHARES_TABLES) {
		EXPECT_STAT(TABLE_VISITS, ROOT_LEVEL - 1);
		EXPECT_STAT(TABLE_SHARES, 2);
		EXPECT_STAT(COUNT_CHANGES, 2);
	}
	expect_left_out(&f,
			(const bool[NR_PAGES]){ [3] = true, [4] = true, [5] = true, [6] = true });
	end_family(&f);
}

static void
everything_left_out_leaves_an_empty_child(void **state)
{
	struct family	f = fresh_parent();
	struct va_range out = va_range(0, level_span(ROOT_LEVEL) * ARCH_USER_ROOT_SLOTS);

	(void)state;
	pt_activate(&f.parent);
	stats_note();
	f.child = tree_fork_without(&f.parent, &out, 1);
	EXPECT_STAT(TABLE_VISITS, 0);
	EXPECT_STAT(COUNT_CHANGES, 0);
	EXPECT_STAT(FLUSH_SPACES, 0);
	assert_int_equal(table_live(f.child.root), 0);
	expect_left_out(&f, (const bool[NR_PAGES]){ true, true, true, true, true, true, true });
	end_family(&f);
}

/* Ranges that touch, ranges in holes, ranges that begin and end inside tables. */
static void
several_ranges_are_left_out_together(void **state)
{
	struct family	      f = fresh_parent();
	const struct va_range out[] = {
		pages(leaf_va(0, 1), 2),		/* B and a hole */
		va_range(leaf_va(1, 0), leaf_va(1, 1)), /* C */
		va_range(leaf_va(1, 1), leaf_va(2, 1)), /* a hole and D */
		pages(leaf_va(2, 2), 1),		/* F */
	};

	(void)state;
	f.child = tree_fork_without(&f.parent, out, ARRAY_SIZE(out));
	expect_left_out(&f,
			(const bool[NR_PAGES]){ [1] = true, [2] = true, [3] = true, [5] = true });
	end_family(&f);
}

/* Bits of every entry that the parent reaches, to see that a failed fork changed none. */
static uint64_t
sum_table(pfn_t table, unsigned level)
{
	unsigned slots = level == ROOT_LEVEL ? ARCH_USER_ROOT_SLOTS : ARCH_PT_ENTRIES;
	uint64_t sum = level;

	for (unsigned i = 0; i < slots; i++) {
		pte_t pte = table_get(table, i);

		sum = (sum ^ pte.raw) * 0x9e3779b97f4a7c15u + i;
		if (arch_pte_kind(pte, level) == PTE_TABLE)
			sum ^= sum_table(arch_pte_table_pfn(pte), level - 1);
	}
	return sum;
}

static void
expect_untouched(struct family *f, uint64_t before)
{
	assert_int_equal(table_live(f->child.root), 0);
	assert_true(sum_table(f->parent.root, ROOT_LEVEL) == before);
	TREE_CHECK(&f->parent, &f->child);
	for (unsigned i = 0; i < NR_PAGES; i++)
		EXPECT_PAGE(&f->parent, place(i), f->page[i], PROT_RW);
}

/* DRG-31. */
static void
no_memory_leaves_parent_and_child_as_they_were(void **state)
{
	struct family	      f = fresh_parent();
	const struct va_range out[] = { pages(place(1), 1), pages(place(5), 1) };
	struct range_list     list = { out, ARRAY_SIZE(out) };
	struct fork_filter    filter = range_filter(&list);
	uint64_t	      before = sum_table(f.parent.root, ROOT_LEVEL);
	uint64_t	      needed;

	(void)state;
	f.child = tree_make();
	needed = machine_allocations();
	EXPECT_OK(pt_fork_prepare(&f.parent, &f.child, &filter));
	needed = machine_allocations() - needed;
	assert_true(needed >= 2);
	tree_drop(&f.child); /* a fork that is given up after it was prepared */
	f.child = tree_make();
	expect_untouched(&f, before);
	for (uint64_t n = 1; n <= needed; n++) {
		machine_fail_allocation(n, false);
		EXPECT_ERR(pt_fork_prepare(&f.parent, &f.child, &filter), ERR_NOMEM);
		machine_fail_allocation(0, false);
		expect_untouched(&f, before);
	}
	end_family(&f);
}

/*
 * DRG-31:
 * root      [ A . B ]    A's slot is shared already when memory ends at B's, or its count is full
 */
static void
a_late_failure_takes_back_what_was_shared(void **state)
{
	struct family	   f;
	struct va_range	   out = pages(root_va(2, 1), 1);
	struct range_list  list = { &out, 1 };
	struct fork_filter filter = range_filter(&list);
	pfn_t		   top;

	(void)state;
	machine_fresh();
	f.parent = tree_make();
	tree_put(&f.parent, root_va(0, 0), PROT_RW);
	tree_put(&f.parent, root_va(2, 0), PROT_RW);
	top = table_at(&f.parent, root_va(0, 0), ROOT_LEVEL - 1);
	f.child = tree_make();
	machine_fail_allocation(ARCH_HAS_UPPER_WRITE_DENIAL ? 1 : ROOT_LEVEL + 1, false);
	EXPECT_ERR(pt_fork_prepare(&f.parent, &f.child, &filter), ERR_NOMEM);
	machine_fail_allocation(0, false);
	assert_int_equal(frame_count(top), 1);
	assert_int_equal(table_live(f.child.root), 0);
	assert_true(slot_is_writable(&f.parent, root_va(0, 0), ROOT_LEVEL));
	end_family(&f);
}

/* A count without room, early or late in the walk. */
static void
a_full_count_leaves_parent_and_child_as_they_were(void **state)
{
	struct family	   f = fresh_parent();
	struct va_range	   out = pages(place(4), 1);
	struct range_list  list = { &out, 1 };
	struct fork_filter filter = range_filter(&list);
	uint64_t	   before = sum_table(f.parent.root, ROOT_LEVEL);
	const pfn_t	   full[] = {
		       SHARES_TABLES ? table_at(&f.parent, place(0), 0) : f.page[0],
		f.page[6],
	};

	(void)state;
	f.child = tree_make();
	for (unsigned i = 0; i < ARRAY_SIZE(full); i++) {
		atomic_store(&frame_of(full[i])->count, FRAME_COUNT_MAX);
		EXPECT_ERR(pt_fork_prepare(&f.parent, &f.child, &filter), ERR_OVERFLOW);
		assert_true(frame_count(full[i]) == FRAME_COUNT_MAX);
		atomic_store(&frame_of(full[i])->count, 1);
		expect_untouched(&f, before);
	}
	end_family(&f);
}

/* first ──┐ ┌── parent          parent forks without B: it descends into tables that
 *         ▼ ▼                   it shares with first, and takes write bits in place
 *          T ── A B . . */
static void
a_partial_fork_goes_through_tables_shared_before(void **state)
{
	struct family	f = fresh_parent();
	struct va_range out = pages(place(1), 1);
	struct pt	first = tree_fork(&f.parent);

	(void)state;
	f.child = tree_fork_without(&f.parent, &out, 1);
	TREE_CHECK(&first, &f.parent, &f.child);
	for (unsigned i = 0; i < NR_PAGES; i++) {
		EXPECT_PAGE(&first, place(i), f.page[i], PROT_R);
		EXPECT_PAGE(&f.parent, place(i), f.page[i], PROT_R);
	}
	EXPECT_NO_PAGE(&f.child, place(1));
	EXPECT_PAGE(&f.child, place(0), f.page[0], PROT_R);
	/* Once first is gone and the parent has its path back, only B is the parent's alone. */
	tree_drop(&first);
	tree_make_exclusive(&f.parent, place(0));
	TREE_CHECK(&f.parent, &f.child);
	EXPECT_PAGE(&f.parent, place(0), f.page[0], PROT_R);
	EXPECT_PAGE(&f.parent, place(1), f.page[1], SHARES_TABLES ? PROT_RW : PROT_R);
	end_family(&f);
}

/* Each generation forks and dies: the cost of the last is that of the first. */
static void
a_long_line_of_generations_costs_the_same_each_time(void **state)
{
	struct family f = fresh_parent();
	uint64_t      frames = 0;

	(void)state;
	for (unsigned n = 0; n < 200; n++) {
		stats_note();
		f.child = tree_fork(&f.parent);
		tree_make_exclusive(&f.child, place(n % NR_PAGES));
		tree_drop(&f.parent);
		tree_make_exclusive(&f.child, place(n % NR_PAGES));
		f.parent = f.child;
		if (n == 0)
			frames = frame_totals().by_kind[FRAME_TABLE];
		assert_true(frame_totals().by_kind[FRAME_TABLE] == frames);
		EXPECT_STAT(TABLE_SPLITS, SHARES_TABLES ? ROOT_LEVEL : 0);
		TREE_CHECK(&f.parent);
	}
	tree_drop(&f.parent);
	machine_check();
}

/* Hundreds of children of one parent: the count of the tables says how many. */
static void
many_children_share_one_table(void **state)
{
	static struct pt children[300];
	struct family	 f = fresh_parent();
	pfn_t		 top = table_at(&f.parent, place(0), ROOT_LEVEL - 1);

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(children); i++)
		children[i] = tree_fork(&f.parent);
	assert_int_equal(frame_count(SHARES_TABLES ? top : f.page[0]), ARRAY_SIZE(children) + 1);
	for (unsigned i = 0; i < ARRAY_SIZE(children); i++)
		tree_drop(&children[i]);
	TREE_CHECK(&f.parent);
	tree_drop(&f.parent);
	machine_check();
}

/* While the parent forks without a page, another space that shares its tables makes
 * paths of its own, drops out, or does both. */
static struct {
	struct family f;
	struct pt     other;
	unsigned      place;
	bool	      drop;
} race;

static void
fork_partly(void *arg)
{
	struct va_range out = pages(place(1), 1);

	(void)arg;
	pt_activate(&race.f.parent);
	race.f.child = tree_fork_without(&race.f.parent, &out, 1);
}

static void
change_other(void *arg)
{
	(void)arg;
	pt_activate(&race.other);
	tree_make_exclusive(&race.other, place(race.place));
	tree_unmap(&race.other, pages(place(race.place), 1));
	if (race.drop)
		tree_drop(&race.other);
}

static void
forks_and_changes_of_another_owner_may_cross(void **state)
{
	void (*const bodies[])(void *) = { fork_partly, change_other };
	uint64_t seed = test_seed(1);

	(void)state;
	for (unsigned n = 0; n < 100; n++) {
		machine_fresh_with(&(struct machine_config){ .nr_cpus = 2, .nr_frames = 4096 });
		race.f = make_parent();
		race.other = tree_fork(&race.f.parent);
		race.place = n % NR_PAGES;
		race.drop = n & 8;
		machine_race(2, bodies, NULL,
			     &(struct machine_schedule){ .policy = n & 1 ? RACE_PCT : RACE_RANDOM,
							 .param = 3,
							 .seed = seed + n });
		if (race.drop) {
			TREE_CHECK(&race.f.parent, &race.f.child);
		} else {
			TREE_CHECK(&race.f.parent, &race.f.child, &race.other);
			EXPECT_NO_PAGE(&race.other, place(race.place));
			machine_cpu_set(1);
			tree_drop(&race.other);
			machine_cpu_set(0);
		}
		for (unsigned i = 0; i < NR_PAGES; i++)
			assert_true(pfn_eq(machine_translate(race.f.parent.root, place(i)).pfn,
					   race.f.page[i]));
		end_family(&race.f);
	}
}

TEST_SUITE(fork, cmocka_unit_test(fork_costs_the_used_slots_of_the_root),
	   cmocka_unit_test(exit_of_a_child_costs_the_slots_too),
	   cmocka_unit_test(each_kind_of_entry_is_inherited),
	   cmocka_unit_test(each_kind_stays_beside_what_is_left_out),
	   cmocka_unit_test(a_second_fork_without_a_write_between_flushes_nothing),
	   cmocka_unit_test(an_empty_tree_has_an_empty_child),
	   cmocka_unit_test(one_page_left_out_copies_its_path),
	   cmocka_unit_test(a_copy_that_stays_empty_is_not_hooked_in),
	   cmocka_unit_test(a_whole_table_left_out_is_skipped_by_its_slot),
	   cmocka_unit_test(everything_left_out_leaves_an_empty_child),
	   cmocka_unit_test(several_ranges_are_left_out_together),
	   cmocka_unit_test(no_memory_leaves_parent_and_child_as_they_were),
	   cmocka_unit_test(a_late_failure_takes_back_what_was_shared),
	   cmocka_unit_test(a_full_count_leaves_parent_and_child_as_they_were),
	   cmocka_unit_test(a_partial_fork_goes_through_tables_shared_before),
	   cmocka_unit_test(a_long_line_of_generations_costs_the_same_each_time),
	   cmocka_unit_test(many_children_share_one_table),
	   cmocka_unit_test(forks_and_changes_of_another_owner_may_cross))
