/*
 * test_sim_ledger.c - every kind of missing flush is seen, with the right blame, and
 * every change that needs none is let pass.
 *
 * A and B are two roots. Most tests map pages of A by hand, let one or two CPUs
 * run it, change an entry, leave a flush out, and do the thing that the flush
 * had to come before.
 */
#include "sim_rig.h"

#include <string.h>

#define ASID_A 1
#define ASID_B 2

static pfn_t root_a, root_b;
static pfn_t frame, other;

/* Two CPUs run A, whose page 1 is `frame`, writable. The caller is CPU 0. */
static int
two_cpus_run_a(void **state)
{
	(void)state;
	bare_start(3);
	root_a = bare_root();
	root_b = bare_root();
	frame = bare_frame();
	other = bare_frame();
	bare_map(root_a, PAGE(1), frame, PROT_RW);
	bare_run(1, root_a, ASID_A);
	bare_run(0, root_a, ASID_A);
	return 0;
}

static void
on_cpu(unsigned cpu, void (*fn)(unsigned asid), unsigned asid)
{
	unsigned self = platform_cpu();

	sim_cpu_set(cpu);
	fn(asid);
	sim_cpu_set(self);
}

static void
flush_asid(unsigned asid)
{
	arch_tlb_flush_asid(asid);
}

static void
flush_page_1(unsigned asid)
{
	arch_tlb_flush_page(asid, PAGE(1));
}

static void
flush_page_2(unsigned asid)
{
	arch_tlb_flush_page(asid, PAGE(2));
}

static void
both_cpus(void (*fn)(unsigned asid))
{
	on_cpu(0, fn, ASID_A);
	on_cpu(1, fn, ASID_A);
}

/* What a flush has to come before. */

static void
free_frame(void *arg)
{
	bare_free(*(pfn_t *)arg);
}

static void
settle_a(void *arg)
{
	(void)arg;
	arch_tlb_settled(ASID_A);
}

static void
map_other_writable(void *arg)
{
	(void)arg;
	bare_map(root_a, PAGE(1), other, PROT_RW);
}

static void
run_b_under_asid_a(void *arg)
{
	(void)arg;
	arch_tlb_activate(root_b, ASID_A);
}

static void
expect_settled(void)
{
	arch_tlb_settled(ASID_A);
	assert_int_equal(sim_tlb_stats().stale_live, 0);
}

/* Single translations. */

static void
freeing_an_unmapped_frame_needs_every_cpus_flush(void **state)
{
	(void)state;
	bare_unmap(root_a, PAGE(1));
	assert_true(sim_is_stale(0, ASID_A, PAGE(1)));
	bare_expect_stop(free_frame, &frame, "CPU 0,1 may still use a translation");
	on_cpu(0, flush_page_1, ASID_A);
	assert_false(sim_is_stale(0, ASID_A, PAGE(1)));
	assert_true(sim_is_stale(1, ASID_A, PAGE(1)));
	bare_expect_stop(free_frame, &frame, "CPU 1 may still use a translation");
	on_cpu(1, flush_page_1, ASID_A);
	bare_free(frame);
	expect_settled();
}

static void
the_message_blames_the_change(void **state)
{
	(void)state;
	bare_unmap(root_a, PAGE(1));
	bare_expect_stop(free_frame, &frame,
			 "CPU 0 changed the entry of level 0 at 0x1000 from "
			 "leaf of frame");
}

static void
settling_needs_the_flush_of_what_this_cpu_changed(void **state)
{
	(void)state;
	bare_map(root_a, PAGE(1), frame, PROT_R);
	bare_expect_stop(settle_a, NULL, "declared finished");
	sim_cpu_set(1);
	arch_tlb_settled(ASID_A); /* the change is CPU 0's to settle */
	sim_cpu_set(0);
	both_cpus(flush_page_1);
	expect_settled();
}

static void
each_right_taken_away_is_stale(void **state)
{
	static const prot_t before[] = { PROT_RW, PROT_RX, PROT_RWX, PROT_R };
	static const prot_t after[] = { PROT_R, PROT_R, PROT_RW, 0 };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(before); i++) {
		bare_map(root_a, PAGE(1), frame, before[i]);
		both_cpus(flush_asid);
		bare_map(root_a, PAGE(1), frame, after[i]);
		bare_expect_stop(settle_a, NULL, "declared finished");
		both_cpus(flush_page_1);
		expect_settled();
	}
}

static void
another_frame_is_stale_even_if_it_allows_more(void **state)
{
	(void)state;
	bare_map(root_a, PAGE(1), frame, PROT_R);
	both_cpus(flush_page_1);
	bare_map(root_a, PAGE(1), other, PROT_RX);
	bare_expect_stop(settle_a, NULL, "declared finished");
	both_cpus(flush_page_1);
	expect_settled();
}

static void
a_page_of_another_asid_is_not_flushed(void **state)
{
	(void)state;
	bare_unmap(root_a, PAGE(1));
	on_cpu(0, flush_page_1, ASID_B);
	on_cpu(0, flush_asid, ASID_B);
	on_cpu(0, flush_page_2, ASID_A);
	on_cpu(1, flush_asid, ASID_A);
	bare_expect_stop(free_frame, &frame, "CPU 0 may still use");
}

static void
a_copy_becomes_writable_only_after_the_flush(void **state)
{
	(void)state;
	bare_map(root_a, PAGE(1), frame, PROT_R);
	both_cpus(flush_page_1);
	bare_expect_stop(map_other_writable, NULL, "becomes writable at 0x1000");
}

static void
unhooking_first_does_not_replace_the_flush(void **state)
{
	(void)state;
	bare_unmap(root_a, PAGE(1));
	on_cpu(0, flush_page_1, ASID_A);
	bare_expect_stop(map_other_writable, NULL, "CPU 1 may still use");
	both_cpus(flush_asid);
	bare_unmap(root_a, PAGE(1));
	both_cpus(flush_page_1);
	map_other_writable(NULL);
	expect_settled();
}

static void
the_same_frame_may_become_writable_again_at_once(void **state)
{
	(void)state;
	bare_map(root_a, PAGE(1), frame, PROT_R);
	bare_map(root_a, PAGE(1), frame, PROT_RW);
	both_cpus(flush_page_1);
	expect_settled();
}

static void
a_cleared_dirty_bit_needs_a_flush_while_writable(void **state)
{
	pte_t *slot = bare_slot(root_a, PAGE(1), 0);

	(void)state;
	assert_true(bare_store(PAGE(1), 1));
	arch_pte_exchange(slot, arch_pte_without_accessed_dirty(arch_pte_read(slot)));
	bare_expect_stop(settle_a, NULL, "declared finished");
	both_cpus(flush_page_1);
	expect_settled();
	bare_map(root_a, PAGE(1), frame, PROT_R);
	both_cpus(flush_page_1);
	arch_pte_exchange(slot, arch_pte_without_accessed_dirty(arch_pte_read(slot)));
	expect_settled();
}

/* What needs no flush. */

static void
filling_and_allowing_more_need_no_flush(void **state)
{
	pfn_t fresh = bare_frame();

	(void)state;
	bare_map(root_a, PAGE(2), fresh, 0);
	bare_map(root_a, PAGE(2), fresh, PROT_R);
	bare_map(root_a, PAGE(2), fresh, PROT_RW);
	bare_map(root_a, PAGE(2), fresh, PROT_RWX);
	arch_pte_write(bare_slot(root_a, PAGE(3), 0),
		       arch_pte_mark((struct pte_mark){ MARK_GUARD, 0 }));
	arch_pte_exchange(bare_slot(root_a, PAGE(3), 0), arch_pte_empty());
	bare_map(root_a, FAR_PAGE, bare_frame(), PROT_RW); /* a new table */
	expect_settled();
	assert_int_equal(sim_tlb_stats().stale_recorded, 0);
}

static void
a_leaf_without_access_is_never_cached(void **state)
{
	pfn_t fresh = bare_frame();

	(void)state;
	bare_map(root_a, PAGE(2), fresh, 0);
	bare_unmap(root_a, PAGE(2));
	bare_free(fresh);
	expect_settled();
}

static void
hardware_bits_are_no_change(void **state)
{
	pte_t *slot = bare_slot(root_a, PAGE(1), 0);
	pte_t  before;

	(void)state;
	assert_true(bare_store(PAGE(1), 1));
	before = arch_pte_read(slot);
	arch_pte_exchange(slot, before);
	assert_true(arch_pte_cas(slot, &before, before));
	expect_settled();
}

static void
tables_that_no_live_root_reaches_need_no_flush(void **state)
{
	pfn_t fresh = bare_frame();

	(void)state;
	bare_map(root_b, PAGE(1), fresh, PROT_RW);
	bare_unmap(root_b, PAGE(1));
	bare_free(fresh);
	assert_int_equal(sim_tlb_stats().stale_recorded, 0);
}

static void
a_cpu_that_has_dropped_the_asid_is_not_asked(void **state)
{
	(void)state;
	sim_cpu_set(1);
	arch_tlb_activate(pfn_none(), 0);
	arch_tlb_flush_asid(ASID_A);
	sim_cpu_set(0);
	bare_unmap(root_a, PAGE(1));
	assert_false(sim_is_stale(1, ASID_A, PAGE(1)));
	on_cpu(0, flush_page_1, ASID_A);
	bare_free(frame);
	expect_settled();
}

static void
a_cpu_that_runs_something_else_still_has_the_asid(void **state)
{
	(void)state;
	sim_cpu_set(1);
	arch_tlb_activate(pfn_none(), 0);
	sim_cpu_set(0);
	bare_unmap(root_a, PAGE(1));
	on_cpu(0, flush_page_1, ASID_A);
	bare_expect_stop(free_frame, &frame, "CPU 1 may still use");
}

/* A flush of an active asid empties it for a moment; speculation fills it again. */
static void
an_active_asid_is_filled_again_after_its_flush(void **state)
{
	(void)state;
	both_cpus(flush_asid);
	bare_unmap(root_a, PAGE(1));
	bare_expect_stop(free_frame, &frame, "CPU 0,1 may still use");
}

static void
flush_all_drops_every_asid(void **state)
{
	(void)state;
	bare_map(root_b, PAGE(1), other, PROT_RW);
	bare_run(0, root_b, ASID_B);
	bare_unmap(root_a, PAGE(1));
	bare_unmap(root_b, PAGE(1));
	arch_tlb_flush_all();
	on_cpu(1, flush_page_1, ASID_A);
	bare_free(frame);
	bare_free(other);
	assert_int_equal(sim_tlb_stats().stale_live, 0);
}

/* Partial walks and tables. */

static void
an_unhooked_empty_table_is_freed_only_after_a_flush(void **state)
{
	pfn_t table = bare_table(root_a, FAR_PAGE, 0);

	(void)state;
	arch_pte_exchange(bare_slot(root_a, FAR_PAGE, 1), arch_pte_empty());
	bare_expect_stop(free_frame, &table, "partial walk through table");
	both_cpus(flush_page_1); /* any page of the asid drops all partial walks */
	bare_free(table);
	expect_settled();
}

static void
a_table_that_is_still_hooked_is_not_freed(void **state)
{
	pfn_t table = bare_table(root_a, PAGE(1), 0);

	(void)state;
	bare_expect_stop(free_frame, &table, "an entry that a live root reaches names it");
}

static void
a_live_root_is_not_freed(void **state)
{
	(void)state;
	arch_tlb_activate(pfn_none(), 0);
	arch_tlb_flush_asid(ASID_A);
	bare_expect_stop(free_frame, &root_a, "root table");
	sim_cpu_set(1);
	arch_tlb_activate(pfn_none(), 0);
	arch_tlb_flush_asid(ASID_A);
	bare_free(root_a);
}

static void
unhooking_a_table_takes_its_translations_along(void **state)
{
	pfn_t table = bare_table(root_a, PAGE(1), 0);

	(void)state;
	bare_map(root_a, PAGE(2), other, PROT_R);
	arch_pte_exchange(bare_slot(root_a, PAGE(1), 1), arch_pte_empty());
	both_cpus(flush_page_1);
	bare_free(frame);
	bare_expect_stop(free_frame, &other, "a translation to frame");
	both_cpus(flush_page_2);
	bare_free(other);
	bare_free(table);
	expect_settled();
}

/* The copy serves what the original did: only the way through the original is stale. */
static void
a_table_switched_to_its_copy_costs_one_partial_walk(void **state)
{
	pte_t *upper = bare_slot(root_a, PAGE(1), 1);
	pfn_t  from = bare_table(root_a, PAGE(1), 0);
	pfn_t  to = bare_frame();

	(void)state;
	bare_map(root_a, PAGE(2), other, PROT_RX);
	for (unsigned i = 0; i < ARCH_PT_ENTRIES; i++)
		arch_pte_write((pte_t *)arch_frame_ptr(to) + i,
			       arch_pte_read((pte_t *)arch_frame_ptr(from) + i));
	arch_pte_exchange(upper, arch_pte_table(to, true));
	assert_false(sim_is_stale(1, ASID_A, PAGE(1)));
	bare_expect_stop(free_frame, &from, "partial walk");
	both_cpus(flush_page_2);
	bare_free(from);
	expect_settled();
}

static void
a_copy_with_fewer_rights_makes_those_pages_stale(void **state)
{
	pte_t *upper = bare_slot(root_a, PAGE(1), 1);
	pfn_t  to = bare_frame();
	pte_t  leaf = arch_pte_read(bare_slot(root_a, PAGE(1), 0));

	(void)state;
	bare_map(root_a, PAGE(2), other, PROT_R);
	arch_pte_write((pte_t *)arch_frame_ptr(to) + 1, arch_pte_with_write(leaf, false));
	arch_pte_write((pte_t *)arch_frame_ptr(to) + 2,
		       arch_pte_read(bare_slot(root_a, PAGE(2), 0)));
	arch_pte_exchange(upper, arch_pte_table(to, true));
	both_cpus(flush_page_2);
	assert_true(sim_is_stale(1, ASID_A, PAGE(1)));
	assert_false(sim_is_stale(1, ASID_A, PAGE(2)));
	bare_expect_stop(settle_a, NULL, "declared finished");
	both_cpus(flush_page_1);
	expect_settled();
}

/* Fork: the root's slot loses its write permission. */
static void
an_upper_write_permission_taken_away_is_stale_below(void **state)
{
	pte_t *upper = bare_slot(root_a, PAGE(1), ARCH_PT_LEVELS - 1);

	(void)state;
	if (!ARCH_HAS_UPPER_WRITE_DENIAL)
		return;
	bare_map(root_a, PAGE(2), other, PROT_RW);
	arch_pte_exchange(upper, arch_pte_with_write(arch_pte_read(upper), false));
	bare_expect_stop(settle_a, NULL, "the permission to write");
	both_cpus(flush_page_1);
	assert_true(sim_is_stale(0, ASID_A, PAGE(2)));
	bare_expect_stop(settle_a, NULL, "a translation to frame");
	both_cpus(flush_page_2);
	expect_settled();
}

static void
an_upper_write_permission_is_flushed_with_its_asid(void **state)
{
	pte_t *upper = bare_slot(root_a, PAGE(1), ARCH_PT_LEVELS - 1);

	(void)state;
	arch_pte_exchange(upper, arch_pte_with_write(arch_pte_read(upper), false));
	both_cpus(flush_asid);
	expect_settled();
	/* Below a denied write, taking the leaf's away changes nothing. */
	arch_pte_exchange(bare_slot(root_a, PAGE(1), 0),
			  arch_pte_with_write(arch_pte_read(bare_slot(root_a, PAGE(1), 0)), false));
	if (ARCH_HAS_UPPER_WRITE_DENIAL)
		expect_settled();
	both_cpus(flush_asid);
}

/* Between the two steps of a fork's flush a page changes: what may write to it is its old frame. */
static void
a_page_that_changes_before_the_flush_keeps_its_write_permission(void **state)
{
	pte_t *upper = bare_slot(root_a, PAGE(1), ARCH_PT_LEVELS - 1);

	(void)state;
	if (!ARCH_HAS_UPPER_WRITE_DENIAL)
		return;
	arch_pte_exchange(upper, arch_pte_with_write(arch_pte_read(upper), false));
	bare_unmap(root_a, PAGE(1));
	both_cpus(flush_page_2);
	bare_expect_stop(free_frame, &frame, "(rw-)");
	both_cpus(flush_page_1);
	bare_free(frame);
	expect_settled();
}

/* Several spaces. */

static void
share_table_with_b(void)
{
	pfn_t table = bare_table(root_a, PAGE(1), 0);

	arch_pte_write(bare_slot(root_b, PAGE(1), 1), arch_pte_table(table, true));
	bare_run(2, root_b, ASID_B);
	sim_cpu_set(0);
}

static void
a_change_in_a_shared_table_is_stale_in_every_space(void **state)
{
	(void)state;
	share_table_with_b();
	bare_unmap(root_a, PAGE(1));
	both_cpus(flush_page_1);
	bare_expect_stop(free_frame, &frame, "CPU 2 may still use");
	on_cpu(2, flush_page_1, ASID_B);
	bare_free(frame);
}

static void
map_frame_writable_in_b(void *arg)
{
	(void)arg;
	bare_map(root_b, PAGE(3), frame, PROT_RW);
}

static void
a_private_frame_is_not_written_elsewhere_while_stale_here(void **state)
{
	(void)state;
	bare_run(2, root_b, ASID_B);
	sim_cpu_set(0);
	bare_unmap(root_a, PAGE(1));
	bare_expect_stop(map_frame_writable_in_b, NULL, "becomes writable under asid 2");
	both_cpus(flush_page_1);
	map_frame_writable_in_b(NULL);
}

static void
take_over_in_b(void *arg)
{
	pte_t *slot = arg;

	arch_pte_exchange(slot, arch_pte_with_write(arch_pte_read(slot), true));
}

static void
a_table_is_not_taken_over_while_walked_elsewhere(void **state)
{
	pte_t *slot = bare_slot(root_b, PAGE(1), 1);

	(void)state;
	if (!ARCH_HAS_UPPER_WRITE_DENIAL)
		return;
	arch_pte_write(slot, arch_pte_table(bare_table(root_a, PAGE(1), 0), false));
	bare_run(2, root_b, ASID_B);
	sim_cpu_set(0);
	arch_pte_exchange(bare_slot(root_a, PAGE(1), 1), arch_pte_empty());
	bare_expect_stop(take_over_in_b, slot, "table");
	both_cpus(flush_asid);
	take_over_in_b(slot);
}

/* Tags. */

static void
an_asid_is_reused_only_after_its_flush(void **state)
{
	(void)state;
	bare_expect_stop(run_b_under_asid_a, NULL, "asid 1 is activated with root");
	arch_tlb_activate(pfn_none(), 0);
	bare_expect_stop(run_b_under_asid_a, NULL, "asid 1 is activated with root");
	arch_tlb_flush_asid(ASID_A);
	run_b_under_asid_a(NULL);
}

static void
one_asid_may_mean_two_roots_on_two_cpus(void **state)
{
	(void)state;
	bare_map(root_b, PAGE(1), other, PROT_RW);
	arch_tlb_activate(pfn_none(), 0);
	arch_tlb_flush_all();
	arch_tlb_activate(root_b, ASID_A);
	bare_unmap(root_a, PAGE(1));
	assert_false(sim_is_stale(0, ASID_A, PAGE(1)));
	assert_true(sim_is_stale(1, ASID_A, PAGE(1)));
	bare_expect_stop(free_frame, &frame, "CPU 1 may still use");
}

/* Large leaves. */

static void
a_large_leaf_goes_with_a_flush_of_any_page_in_it(void **state)
{
	pte_t *slot = bare_slot(root_a, FAR_PAGE, 1);
	pfn_t  block, inside;

	(void)state;
	if (ARCH_LEAF_LEVEL_MAX == 0)
		return;
	block = bare_block(ARCH_PT_INDEX_BITS);
	inside = pfn_add(block, 5);
	arch_pte_write(slot, arch_pte_leaf((struct pte_leaf){
				     .pfn = block, .level = 1, .prot = PROT_RW }));
	arch_pte_exchange(slot, arch_pte_empty());
	bare_expect_stop(free_frame, &inside, "a translation to frame");
	on_cpu(0, flush_asid, ASID_A);
	sim_cpu_set(1);
	arch_tlb_flush_page(ASID_A, FAR_PAGE + PAGE(7));
	sim_cpu_set(0);
	bare_free(inside);
	expect_settled();
}

static void
a_large_leaf_split_into_equal_pieces_is_not_stale(void **state)
{
	pte_t *slot = bare_slot(root_a, FAR_PAGE, 1);
	pfn_t  block, table;

	(void)state;
	if (ARCH_LEAF_LEVEL_MAX == 0)
		return;
	block = bare_block(ARCH_PT_INDEX_BITS);
	table = bare_frame();
	arch_pte_write(slot, arch_pte_leaf((struct pte_leaf){
				     .pfn = block, .level = 1, .prot = PROT_RW }));
	for (unsigned i = 0; i < ARCH_PT_ENTRIES; i++)
		arch_pte_write((pte_t *)arch_frame_ptr(table) + i,
			       arch_pte_leaf((struct pte_leaf){ .pfn = pfn_add(block, i),
								.prot = PROT_RW }));
	arch_pte_exchange(slot, arch_pte_table(table, true));
	expect_settled();
	/* One piece with less than the large leaf gave makes the large one stale. */
	arch_pte_exchange(slot, arch_pte_leaf((struct pte_leaf){
					.pfn = block, .level = 1, .prot = PROT_RW }));
	both_cpus(flush_asid);
	arch_pte_write((pte_t *)arch_frame_ptr(table) + 9, arch_pte_empty());
	arch_pte_exchange(slot, arch_pte_table(table, true));
	bare_expect_stop(settle_a, NULL, "declared finished");
}

/* Accesses. */

static void
a_stale_translation_may_serve_an_access(void **state)
{
	unsigned by[2] = { 0, 0 };

	(void)state;
	memset(arch_frame_ptr(frame), 0, 1);
	memset(arch_frame_ptr(other), 1, 1);
	bare_map(root_a, PAGE(1), other, PROT_R);
	sim_cpu_set(1);
	for (unsigned i = 0; i < 200; i++) {
		unsigned char byte = 2;

		assert_true(bare_load(PAGE(1), &byte));
		assert_in_range(byte, 0, 1);
		by[byte]++;
	}
	assert_in_range(by[0], 50, 150);
	arch_tlb_flush_page(ASID_A, PAGE(1));
	for (unsigned i = 0; i < 20; i++) {
		unsigned char byte = 2;

		assert_true(bare_load(PAGE(1), &byte));
		assert_int_equal(byte, 1);
	}
}

/* A store through a stale table: the CPU has the way to it, and the table still maps the page. */
static void
a_stale_partial_walk_may_serve_an_access(void **state)
{
	unsigned written = 0;

	(void)state;
	arch_pte_exchange(bare_slot(root_a, PAGE(1), 1), arch_pte_empty());
	for (unsigned i = 0; i < 50; i++)
		written += bare_store(PAGE(1), 7);
	assert_in_range(written, 1, 49);
	assert_int_equal(*(unsigned char *)arch_frame_ptr(frame), 7);
	both_cpus(flush_page_1);
	assert_false(bare_store(PAGE(1), 8));
}

static void
flushes_that_drop_nothing_stale_are_counted(void **state)
{
	(void)state;
	on_cpu(0, flush_page_1, ASID_A);
	assert_int_equal(sim_tlb_stats().useless_flushes, 1);
	bare_unmap(root_a, PAGE(1));
	both_cpus(flush_page_1);
	both_cpus(flush_asid);
	assert_int_equal(sim_tlb_stats().flushes, 5);
	assert_int_equal(sim_tlb_stats().useless_flushes, 3);
}

static void
without_asids_activation_flushes(void **state)
{
	(void)state;
	bare_start_with(&(struct sim_config){ .nr_frames = 1024, .no_asids = true });
	root_a = bare_root();
	root_b = bare_root();
	frame = bare_frame();
	bare_map(root_a, PAGE(1), frame, PROT_RW);
	bare_run(0, root_a, ASID_A);
	bare_unmap(root_a, PAGE(1));
	bare_run(0, root_b, ASID_A);
	bare_free(frame);
	assert_int_equal(sim_tlb_stats().stale_live, 0);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, two_cpus_run_a, bare_stop)

TEST_SUITE(sim_ledger, STORY(freeing_an_unmapped_frame_needs_every_cpus_flush),
	   STORY(the_message_blames_the_change),
	   STORY(settling_needs_the_flush_of_what_this_cpu_changed),
	   STORY(each_right_taken_away_is_stale),
	   STORY(another_frame_is_stale_even_if_it_allows_more),
	   STORY(a_page_of_another_asid_is_not_flushed),
	   STORY(a_copy_becomes_writable_only_after_the_flush),
	   STORY(unhooking_first_does_not_replace_the_flush),
	   STORY(the_same_frame_may_become_writable_again_at_once),
	   STORY(a_cleared_dirty_bit_needs_a_flush_while_writable),
	   STORY(filling_and_allowing_more_need_no_flush),
	   STORY(a_leaf_without_access_is_never_cached), STORY(hardware_bits_are_no_change),
	   STORY(tables_that_no_live_root_reaches_need_no_flush),
	   STORY(a_cpu_that_has_dropped_the_asid_is_not_asked),
	   STORY(a_cpu_that_runs_something_else_still_has_the_asid),
	   STORY(an_active_asid_is_filled_again_after_its_flush), STORY(flush_all_drops_every_asid),
	   STORY(an_unhooked_empty_table_is_freed_only_after_a_flush),
	   STORY(a_table_that_is_still_hooked_is_not_freed), STORY(a_live_root_is_not_freed),
	   STORY(unhooking_a_table_takes_its_translations_along),
	   STORY(a_table_switched_to_its_copy_costs_one_partial_walk),
	   STORY(a_copy_with_fewer_rights_makes_those_pages_stale),
	   STORY(an_upper_write_permission_taken_away_is_stale_below),
	   STORY(an_upper_write_permission_is_flushed_with_its_asid),
	   STORY(a_page_that_changes_before_the_flush_keeps_its_write_permission),
	   STORY(a_change_in_a_shared_table_is_stale_in_every_space),
	   STORY(a_private_frame_is_not_written_elsewhere_while_stale_here),
	   STORY(a_table_is_not_taken_over_while_walked_elsewhere),
	   STORY(an_asid_is_reused_only_after_its_flush),
	   STORY(one_asid_may_mean_two_roots_on_two_cpus),
	   STORY(a_large_leaf_goes_with_a_flush_of_any_page_in_it),
	   STORY(a_large_leaf_split_into_equal_pieces_is_not_stale),
	   STORY(a_stale_translation_may_serve_an_access),
	   STORY(a_stale_partial_walk_may_serve_an_access),
	   STORY(flushes_that_drop_nothing_stale_are_counted),
	   STORY(without_asids_activation_flushes))
