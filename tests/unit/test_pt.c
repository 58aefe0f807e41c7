/*
 * test_pt.c - a tree from birth to death, and which CPUs use it.
 */
#include "unit/pt_fixture.h"

#include <string.h>

#include "base/root.h"
#include "pt/state.h"

/* DRG-07, WNX-18. */
static void
a_new_tree_has_the_kernel_half_and_nothing_else(void **state)
{
	struct pt a, b;
	unsigned  kernel_entries = 0;

	(void)state;
	machine_fresh();
	a = tree_make();
	b = tree_make();
	assert_int_equal(frame_count(a.root), 1);
	assert_int_equal(frame_of(a.root)->table.level, ROOT_LEVEL);
	assert_true(frame_of(a.root)->table.is_root);
	for (unsigned i = 0; i < ARCH_PT_ENTRIES; i++) {
		pte_t pte = table_get(a.root, i);

		assert_true(arch_pte_equal(pte, table_get(b.root, i)));
		if (i < ARCH_USER_ROOT_SLOTS)
			assert_int_equal(arch_pte_kind(pte, ROOT_LEVEL), PTE_EMPTY);
		else
			kernel_entries += arch_pte_kind(pte, ROOT_LEVEL) != PTE_EMPTY;
	}
	assert_true(kernel_entries > 0);
	assert_true(atomic_load(&a.tag) == 0 && atomic_load(&a.cached_on) == 0);
	tree_drop(&a);
	tree_drop(&b);
	assert_true(pfn_is_none(a.root));
	machine_check();
}

static void
no_memory_for_a_root(void **state)
{
	struct pt pt;

	(void)state;
	machine_fresh();
	machine_fail_allocation(1, false);
	EXPECT_ERR(pt_create(&pt), ERR_NOMEM);
	machine_check();
}

/*
 * LUN-21, LUN-B17, ALM-26:
 * Everything a tree names goes with it, once; the kernel half and the zero frame stay.
 */
static void
a_tree_dies_with_all_it_names(void **state)
{
	struct pt pt;

	(void)state;
	machine_fresh();
	pt = tree_make();
	for (unsigned slot = 0; slot < 3; slot++) {
		tree_put(&pt, root_va(slot, 0), PROT_RW);
		tree_put(&pt, root_va(slot, 1), 0);
		tree_put_zero(&pt, root_va(slot, 2));
		tree_mark(&pt, pages(root_va(slot, 3), 1));
	}
	TREE_CHECK(&pt);
	stats_note();
	tree_drop(&pt);
	EXPECT_STAT(TABLE_FREES, 1 + 3 * ROOT_LEVEL);
	EXPECT_STAT(FLUSH_SPACES, 0); /* it never ran */
	assert_int_equal(frame_count(pt_zero_frame()), 1);
	machine_check();
}

/* Active trees keep their address. */
static struct pt first, second;

static uint64_t
read_word(vaddr_t va)
{
	struct arch_fault fault;
	uint64_t	  word = UINT64_MAX;

	machine_access(ACCESS_LOAD, va, &word, sizeof(word), &fault);
	return word;
}

/* CAM-02: the same address in two trees, by turns on one CPU: each finds its own page. */
static void
the_active_tree_is_what_the_cpu_sees(void **state)
{
	pfn_t a, b;

	(void)state;
	machine_fresh();
	first = tree_make();
	second = tree_make();
	a = tree_put(&first, leaf_va(0, 0), PROT_R);
	b = tree_put(&second, leaf_va(0, 0), PROT_R);
	assert_true(read_word(leaf_va(0, 0)) == UINT64_MAX);
	for (unsigned i = 0; i < 3; i++) {
		pt_activate(&first);
		assert_true(read_word(leaf_va(0, 0)) == a.n);
		pt_activate(&second);
		assert_true(read_word(leaf_va(0, 0)) == b.n);
	}
	assert_true(atomic_load(&first.active_on) == 0);
	assert_true(atomic_load(&first.cached_on) == 1);
	assert_true(atomic_load(&second.active_on) == 1);
	pt_deactivate(&first); /* not the one: no effect */
	assert_true(read_word(leaf_va(0, 0)) == b.n);
	pt_deactivate(&second);
	assert_true(read_word(leaf_va(0, 0)) == UINT64_MAX);
	assert_true(atomic_load(&second.active_on) == 0);
	tree_drop(&first);
	tree_drop(&second);
	machine_check();
}

static void
activating_again_changes_nothing(void **state)
{
	uint64_t tag;

	(void)state;
	machine_fresh();
	first = tree_make();
	pt_activate(&first);
	tag = atomic_load(&first.tag);
	pt_activate(&first);
	assert_true(atomic_load(&first.tag) == tag);
	assert_true(atomic_load(&first.active_on) == 1);
	tree_drop(&first);
	machine_check();
}

/* CPU       0 1 2
 * runs      x . x     then nowhere: dying flushes 0 and 2, and the tag can be used again */
static void
a_dying_tree_is_flushed_where_it_ran(void **state)
{
	pfn_t a;

	(void)state;
	machine_fresh_with(&(struct machine_config){ .nr_cpus = 3, .nr_frames = 4096 });
	first = tree_make();
	tree_put(&first, leaf_va(0, 0), PROT_R);
	for (unsigned cpu = 0; cpu < 3; cpu += 2) {
		machine_cpu_set(cpu);
		pt_activate(&first);
		read_word(leaf_va(0, 0));
		pt_deactivate(&first);
	}
	machine_cpu_set(0);
	stats_note();
	pt_destroy(&first);
	EXPECT_STAT(SHOOTDOWN_IPIS, 1);
	EXPECT_STAT(FLUSH_SPACES, 2);
	for (unsigned i = 1; i < ARCH_ASIDS; i++) { /* the tag comes round again */
		second = tree_make();
		a = tree_put(&second, leaf_va(0, 0), PROT_R);
		pt_activate(&second);
		assert_true(read_word(leaf_va(0, 0)) == a.n);
		tree_drop(&second);
	}
	machine_check();
}

static void
destroy_active(void *arg)
{
	pt_destroy(arg);
}

static void
a_tree_in_use_does_not_die(void **state)
{
	char text[300];

	(void)state;
	machine_fresh();
	first = tree_make();
	pt_activate(&first);
	assert_true(machine_expect_stop(destroy_active, &first, text, sizeof(text)));
	assert_non_null(strstr(text, "active_on"));
}

static void
no_memory_for_the_state_gives_everything_back(void **state)
{
	void *before;

	(void)state;
	machine_fresh();
	before = root()->part[ROOT_PT];
	for (unsigned n = 1; n <= 2; n++) {
		machine_fail_allocation(n, false);
		EXPECT_ERR(pt_init_state(), ERR_NOMEM);
		assert_ptr_equal(root()->part[ROOT_PT], before);
	}
	machine_check();
}

static void
a_machine_without_tags_flushes_at_every_activation(void **state)
{
	pfn_t a, b;

	(void)state;
	machine_fresh_with(&(struct machine_config){ .nr_frames = 4096, .no_asids = true });
	first = tree_make();
	second = tree_make();
	a = tree_put(&first, leaf_va(0, 0), PROT_R);
	b = tree_put(&second, leaf_va(0, 0), PROT_R);
	for (unsigned i = 0; i < 3; i++) {
		pt_activate(&first);
		assert_true(read_word(leaf_va(0, 0)) == a.n);
		pt_activate(&second);
		assert_true(read_word(leaf_va(0, 0)) == b.n);
	}
	pt_deactivate(&second);
	tree_drop(&first);
	tree_drop(&second);
	machine_check();
}

TEST_SUITE(pt, cmocka_unit_test(a_new_tree_has_the_kernel_half_and_nothing_else),
	   cmocka_unit_test(no_memory_for_a_root), cmocka_unit_test(a_tree_dies_with_all_it_names),
	   cmocka_unit_test(the_active_tree_is_what_the_cpu_sees),
	   cmocka_unit_test(activating_again_changes_nothing),
	   cmocka_unit_test(a_dying_tree_is_flushed_where_it_ran),
	   cmocka_unit_test(a_tree_in_use_does_not_die),
	   cmocka_unit_test(no_memory_for_the_state_gives_everything_back),
	   cmocka_unit_test(a_machine_without_tags_flushes_at_every_activation))
