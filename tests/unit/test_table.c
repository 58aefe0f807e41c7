/* test_table.c - one table: entries, counts, copies, the end of a subtree. */
#include "unit/pt_fixture.h"

#include <string.h>

#include <anymm/lock.h>

#include "pt/state.h"

static pfn_t
leaf_table(void)
{
	pfn_t table;

	EXPECT_OK(table_alloc(0, &table));
	return table;
}

static pte_t
private_leaf(pfn_t pfn, prot_t prot)
{
	return arch_pte_leaf((struct pte_leaf){ .pfn = pfn, .prot = prot, .is_private = true });
}

static pte_t
shared_leaf(pfn_t pfn, prot_t prot)
{
	return arch_pte_leaf((struct pte_leaf){ .pfn = pfn, .prot = prot });
}

static pte_t
zero_leaf(void)
{
	return arch_pte_leaf((struct pte_leaf){
		.pfn = pt_zero_frame(), .prot = PROT_R, .is_private = true, .is_special = true });
}

static pte_t
guard(void)
{
	return arch_pte_mark((struct pte_mark){ .type = MARK_GUARD });
}

static void
levels_span_what_their_entries_map(void **state)
{
	(void)state;
	assert_true(level_span(0) == ARCH_PAGE_SIZE);
	for (unsigned level = 0; level + 1 < ARCH_PT_LEVELS; level++) {
		assert_true(level_span(level + 1) == level_span(level) * ARCH_PT_ENTRIES);
		assert_int_equal(level_index(level, level_span(level + 1) - 1),
				 ARCH_PT_ENTRIES - 1);
		assert_int_equal(level_index(level, level_span(level + 1)), 0);
	}
	assert_int_equal(level_index(ROOT_LEVEL, ARCH_USER_END - 1), ARCH_USER_ROOT_SLOTS - 1);
	assert_int_equal(level_index(0, leaf_va(2, 3)), 3);
	assert_int_equal(level_index(1, leaf_va(2, 3)), 2);
}

static void
a_new_table_is_empty_and_owned_once(void **state)
{
	pfn_t table;

	(void)state;
	machine_fresh();
	stats_note();
	EXPECT_OK(table_alloc(1, &table));
	assert_int_equal(frame_count(table), 1);
	assert_int_equal(frame_of(table)->kind, FRAME_TABLE);
	assert_int_equal(frame_of(table)->table.level, 1);
	assert_int_equal(table_live(table), 0);
	for (unsigned i = 0; i < ARCH_PT_ENTRIES; i++)
		assert_true(arch_pte_equal(table_get(table, i), arch_pte_empty()));
	EXPECT_STAT(TABLE_ALLOCS, 1);
	table_put(table);
	EXPECT_STAT(TABLE_FREES, 1);
	machine_fail_allocation(1, false);
	EXPECT_ERR(table_alloc(0, &table), ERR_NOMEM);
	EXPECT_STAT(TABLE_ALLOCS, 1);
	machine_check();
}

/* slot      0 1 2
 * live 0    . . .
 * live 1    . m .      empty to used
 * live 1    . z .      used to used
 * live 0    . . .      used to empty */
static void
set_keeps_the_count_of_used_entries(void **state)
{
	pfn_t table;

	(void)state;
	machine_fresh();
	table = leaf_table();
	stats_note();
	assert_true(arch_pte_equal(table_set(table, 1, guard()), arch_pte_empty()));
	assert_int_equal(table_live(table), 1);
	assert_true(arch_pte_equal(table_set(table, 1, zero_leaf()), guard()));
	assert_int_equal(table_live(table), 1);
	assert_true(arch_pte_equal(table_set(table, 1, arch_pte_empty()), zero_leaf()));
	assert_int_equal(table_live(table), 0);
	table_set(table, 2, arch_pte_empty());
	assert_int_equal(table_live(table), 0);
	EXPECT_STAT(PTE_WRITES, 4);
	table_put(table);
	machine_check();
}

/* What hardware noted until the last moment comes back from set, and survives a change of the write bit. */
static void
accessed_and_dirty_bits_are_kept(void **state)
{
	struct pte_leaf leaf = {
		.prot = PROT_RW, .is_private = true, .accessed = true, .dirty = true
	};
	struct pte_leaf old;
	pfn_t		table;

	(void)state;
	machine_fresh();
	leaf.pfn = page_make(FRAME_ANON);
	table = leaf_table();
	table_set(table, 0, arch_pte_leaf(leaf));
	stats_note();
	assert_true(table_deny_write(table, 0));
	assert_false(table_deny_write(table, 0));
	old = arch_pte_decode_leaf(table_get(table, 0), 0);
	assert_true(old.accessed && old.dirty && old.prot == PROT_R);
	assert_true(table_allow_write(table, 0));
	assert_false(table_allow_write(table, 0));
	EXPECT_STAT(PTE_WRITES, 2);
	old = arch_pte_decode_leaf(table_set(table, 0, arch_pte_empty()), 0);
	assert_true(old.accessed && old.dirty && old.prot == PROT_RW);
	frame_release(leaf.pfn);
	table_put(table);
	machine_check();
}

static void
entries_name_what_is_counted(void **state)
{
	pfn_t page;

	(void)state;
	machine_fresh();
	page = page_make(FRAME_ANON);
	assert_true(pfn_eq(entry_pfn(private_leaf(page, PROT_R), 0), page));
	assert_true(pfn_eq(entry_pfn(private_leaf(page, 0), 0), page));
	assert_true(pfn_eq(entry_pfn(shared_leaf(page, PROT_RW), 0), page));
	assert_true(pfn_eq(entry_pfn(arch_pte_table(page, true), 1), page));
	assert_true(pfn_is_none(entry_pfn(zero_leaf(), 0)));
	assert_true(pfn_is_none(entry_pfn(guard(), 0)));
	assert_true(pfn_is_none(entry_pfn(arch_pte_empty(), 0)));
	frame_release(page);
	machine_check();
}

static void
sharing_takes_write_from_tables_and_private_leaves(void **state)
{
	(void)state;
	machine_fresh();
	assert_true(entry_denies_write_when_shared(private_leaf(pt_zero_frame(), PROT_RW), 0));
	assert_false(entry_denies_write_when_shared(shared_leaf(pt_zero_frame(), PROT_RW), 0));
	assert_int_equal(entry_denies_write_when_shared(arch_pte_table(pt_zero_frame(), true), 1),
			 ARCH_HAS_UPPER_WRITE_DENIAL);
	assert_false(entry_denies_write_when_shared(guard(), 0));
	assert_false(entry_denies_write_when_shared(arch_pte_empty(), 0));
	machine_check();
}

/* slot      0      1      2     3
 * from      A rw   S rw   zero  guard
 * copy
 * from      A r    S rw   zero  guard    A and S have two names
 * into      A r    S rw   zero  guard */
static void
copy_counts_each_name_and_takes_write_from_private_leaves(void **state)
{
	pfn_t from, into, anon, object;

	(void)state;
	machine_fresh();
	from = leaf_table();
	anon = page_make(FRAME_ANON);
	object = page_make(FRAME_OBJECT);
	table_set(from, 0, private_leaf(anon, PROT_RW));
	table_set(from, 1, shared_leaf(object, PROT_RW));
	table_set(from, 2, zero_leaf());
	table_set(from, 3, guard());
	into = leaf_table();
	table_lock(from);
	EXPECT_OK(table_can_copy(from));
	stats_note();
	table_copy(from, into);
	table_unlock(from);

	EXPECT_STAT(COUNT_CHANGES, 2);
	EXPECT_STAT(PTE_WRITES, 4 + 1); /* one write permission taken in place */
	assert_int_equal(frame_count(anon), 2);
	assert_int_equal(frame_count(object), 2);
	assert_int_equal(frame_count(pt_zero_frame()), 1);
	assert_int_equal(table_live(into), 4);
	for (unsigned i = 0; i < 4; i++)
		assert_true(arch_pte_equal(table_get(from, i), table_get(into, i)));
	assert_true(arch_pte_equal(table_get(into, 0), private_leaf(anon, PROT_R)));
	assert_true(arch_pte_equal(table_get(into, 1), shared_leaf(object, PROT_RW)));

	table_put(from);
	assert_int_equal(frame_count(anon), 1);
	table_put(into);
	machine_check();
}

/* upper [ T W ]  copy:  upper [ T ]   other [ T ]     T has two names, and may be
 *         |                     \      /              written through by neither;
 *         T                        T                  nothing below it is touched */
static void
copy_of_an_upper_table_shares_the_lower_ones(void **state)
{
	pfn_t upper, other, lower, page;
	bool  writable = !ARCH_HAS_UPPER_WRITE_DENIAL;

	(void)state;
	machine_fresh();
	EXPECT_OK(table_alloc(1, &upper));
	EXPECT_OK(table_alloc(0, &other));
	lower = leaf_table();
	page = page_make(FRAME_ANON);
	table_set(lower, 1, private_leaf(page, PROT_RW));
	table_set(upper, 2, arch_pte_table(lower, true));
	stats_note();
	table_lock(upper);
	table_copy(upper, other);
	table_unlock(upper);

	EXPECT_STAT(COUNT_CHANGES, 1);
	assert_int_equal(frame_of(other)->table.level, 1);
	assert_int_equal(frame_count(lower), 2);
	assert_int_equal(frame_count(page), 1);
	assert_int_equal(arch_pte_writable(table_get(upper, 2)), writable);
	assert_int_equal(arch_pte_writable(table_get(other, 2)), writable);
	assert_true(arch_pte_equal(table_get(lower, 1), private_leaf(page, PROT_RW)));

	table_put(upper);
	assert_int_equal(frame_count(lower), 1);
	table_put(other);
	machine_check();
}

/* A count that is full refuses the copy before anything has changed. */
static void
a_full_count_refuses_the_copy(void **state)
{
	pfn_t table, page;

	(void)state;
	machine_fresh();
	table = leaf_table();
	page = page_make(FRAME_ANON);
	table_set(table, 2, private_leaf(page, PROT_RW));
	table_set(table, 3, zero_leaf());
	atomic_store(&frame_of(page)->count, FRAME_COUNT_MAX);
	EXPECT_ERR(table_can_copy(table), ERR_OVERFLOW);
	assert_true(arch_pte_equal(table_get(table, 2), private_leaf(page, PROT_RW)));
	atomic_store(&frame_of(page)->count, FRAME_COUNT_MAX - 1);
	EXPECT_OK(table_can_copy(table));
	atomic_store(&frame_of(page)->count, 1);
	table_put(table);
	machine_check();
}

static void
copy_beyond_the_end_of_the_counter(void *arg)
{
	pfn_t *tables = arg;

	table_lock(tables[0]);
	table_copy(tables[0], tables[1]);
}

/* Nobody may ignore the refusal: the counter does not wrap. */
static void
a_count_never_wraps(void **state)
{
	pfn_t tables[2];
	pfn_t page;
	char  text[200];

	(void)state;
	machine_fresh();
	tables[0] = leaf_table();
	tables[1] = leaf_table();
	page = page_make(FRAME_ANON);
	table_set(tables[0], 0, private_leaf(page, PROT_R));
	atomic_store(&frame_of(page)->count, UINT32_MAX);
	assert_true(machine_expect_stop(copy_beyond_the_end_of_the_counter, tables, text,
					sizeof(text)));
	assert_non_null(strstr(text, "count ffffffff"));
}

/* upper [ T  T ]    T is named twice, and once more from outside:
 *         \  |      put upper: T stays with the outside's count
 *           T       put T:     its page goes too */
static void
put_drops_one_count_and_only_the_last_goes_down(void **state)
{
	pfn_t upper, lower, page;

	(void)state;
	machine_fresh();
	EXPECT_OK(table_alloc(1, &upper));
	lower = leaf_table();
	page = page_make(FRAME_ANON);
	table_set(lower, 0, private_leaf(page, PROT_RW));
	table_set(lower, 1, zero_leaf());
	table_set(lower, 3, guard());
	EXPECT_OK(frame_get(lower));
	EXPECT_OK(frame_get(lower));
	table_set(upper, 0, arch_pte_table(lower, false));
	table_set(upper, 3, arch_pte_table(lower, false));
	stats_note();
	table_put(upper);
	EXPECT_STAT(TABLE_FREES, 1);
	EXPECT_STAT(COUNT_CHANGES, 3);
	assert_int_equal(frame_count(lower), 1);
	assert_int_equal(frame_count(page), 1);
	frame_drop(lower);
	EXPECT_STAT(TABLE_FREES, 2);
	EXPECT_STAT(COUNT_CHANGES, 5);
	assert_int_equal(frame_count(pt_zero_frame()), 1);
	machine_check();
}

/* upper     [ . T . . ]          entries of upper span four pages each, in the smallest geometry
 * T             [ . A . . ]      only ranges that have A, or T whole, find something */
static void
uses_sees_what_is_in_the_range_only(void **state)
{
	pfn_t upper, lower;

	(void)state;
	machine_fresh();
	EXPECT_OK(table_alloc(1, &upper));
	lower = leaf_table();
	table_set(lower, 1, guard());
	table_set(upper, 1, arch_pte_table(lower, true));
	assert_true(table_uses(upper, 1, 0, va_range(0, leaf_va(3, 0))));
	assert_true(table_uses(upper, 1, 0, pages(leaf_va(1, 1), 1)));
	assert_true(table_uses(upper, 1, 0, va_range(leaf_va(1, 1), leaf_va(2, 0))));
	assert_false(table_uses(upper, 1, 0, pages(leaf_va(1, 0), 1)));
	assert_false(table_uses(upper, 1, 0, va_range(leaf_va(1, 2), leaf_va(3, 1))));
	assert_false(table_uses(upper, 1, 0, va_range(0, leaf_va(1, 1))));
	assert_true(table_uses(lower, 0, leaf_va(1, 0), va_range(0, leaf_va(1, 2))));
	assert_false(table_uses(lower, 0, leaf_va(1, 0), pages(leaf_va(1, 2), 1)));
	table_put(upper);
	machine_check();
}

static void
drop_serves_pages_and_tables(void **state)
{
	pfn_t page;

	(void)state;
	machine_fresh();
	page = page_make(FRAME_OBJECT);
	EXPECT_OK(frame_get(page));
	frame_drop(page);
	assert_int_equal(frame_count(page), 1);
	frame_drop(page);
	frame_drop(leaf_table());
	machine_check();
}

/* Two CPUs count under one table's lock; a lost update would show. */
#define ROUNDS 20
static struct {
	pfn_t	 table;
	unsigned counter;
} race;

static void
count_under_the_lock(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < ROUNDS; i++) {
		unsigned seen;

		table_lock(race.table);
		seen = race.counter;
		arch_point();
		race.counter = seen + 1;
		table_unlock(race.table);
	}
}

static void
the_lock_excludes(void **state)
{
	void (*const bodies[])(void *) = { count_under_the_lock, count_under_the_lock };

	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		machine_fresh_with(&(struct machine_config){ .nr_cpus = 2, .nr_frames = 4096 });
		race.table = leaf_table();
		race.counter = 0;
		machine_race(2, bodies, NULL,
			     &(struct machine_schedule){
				     .policy = RACE_RANDOM, .param = 2, .seed = seed });
		assert_int_equal(race.counter, 2 * ROUNDS);
		table_put(race.table);
		machine_check();
	}
}

TEST_SUITE(table, cmocka_unit_test(levels_span_what_their_entries_map),
	   cmocka_unit_test(a_new_table_is_empty_and_owned_once),
	   cmocka_unit_test(set_keeps_the_count_of_used_entries),
	   cmocka_unit_test(accessed_and_dirty_bits_are_kept),
	   cmocka_unit_test(entries_name_what_is_counted),
	   cmocka_unit_test(sharing_takes_write_from_tables_and_private_leaves),
	   cmocka_unit_test(copy_counts_each_name_and_takes_write_from_private_leaves),
	   cmocka_unit_test(copy_of_an_upper_table_shares_the_lower_ones),
	   cmocka_unit_test(a_full_count_refuses_the_copy), cmocka_unit_test(a_count_never_wraps),
	   cmocka_unit_test(put_drops_one_count_and_only_the_last_goes_down),
	   cmocka_unit_test(uses_sees_what_is_in_the_range_only),
	   cmocka_unit_test(drop_serves_pages_and_tables), cmocka_unit_test(the_lock_excludes))
