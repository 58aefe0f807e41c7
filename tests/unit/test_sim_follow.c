/*
 * test_sim_follow.c - roots that follow another one: the ledger holds what CPUs reach through them
 * against the reference.
 *
 * CPU 0 walks one root and CPU 1 a second, under one tag; both follow a third, the truth, which maps a page.
 */
#include "sim_rig.h"

#define ASID_A 1

static pfn_t root_a, root_b;
static pfn_t frame, other;

static void
flush_asid(void)
{
	arch_tlb_flush_asid(ASID_A);
}

static void
flush_page_1(void)
{
	arch_tlb_flush_page(ASID_A, PAGE(1));
}

static void
both_cpus(void (*fn)(void))
{
	for (unsigned cpu = 2; cpu-- > 0;) {
		sim_cpu_set(cpu);
		fn();
	}
}

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
expect_settled(void)
{
	arch_tlb_settled(ASID_A);
	assert_int_equal(sim_tlb_stats().stale_live, 0);
}

static pfn_t truth;

static int
two_cpus_follow(void **state)
{
	(void)state;
	bare_start(2);
	truth = bare_root();
	root_a = bare_root();
	root_b = bare_root();
	frame = bare_frame();
	other = bare_frame();
	arch_tlb_follow(root_a, truth);
	arch_tlb_follow(root_b, truth);
	bare_map(truth, PAGE(1), frame, PROT_RW);
	bare_run(1, root_b, ASID_A);
	bare_run(0, root_a, ASID_A);
	bare_map(root_a, PAGE(1), frame, PROT_R);
	return 0;
}

static void
map_other(void *arg)
{
	(void)arg;
	bare_map(root_b, PAGE(1), other, PROT_R);
}

static void
map_beyond(void *arg)
{
	(void)arg;
	bare_map(root_b, PAGE(2), frame, PROT_R);
}

static void
a_follower_says_what_the_reference_says(void **state)
{
	(void)state;
	bare_map(root_b, PAGE(1), frame, PROT_RW);
	expect_settled();
	bare_expect_stop(map_other, NULL, "which it follows, does not");
}

static void
a_follower_says_no_more_than_the_reference(void **state)
{
	(void)state;
	bare_expect_stop(map_beyond, NULL, "which it follows, does not");
}

/* What the reference loses is stale on every CPU that walks a follower, filled there or not. */
static void
a_change_of_the_reference_is_stale_for_followers(void **state)
{
	(void)state;
	bare_unmap(truth, PAGE(1));
	assert_true(sim_is_stale(0, ASID_A, PAGE(1)));
	assert_true(sim_is_stale(1, ASID_A, PAGE(1)));
	bare_unmap(root_a, PAGE(1));
	both_cpus(flush_page_1);
	bare_free(frame);
	expect_settled();
}

/* CPU 0 finds in its own tables what it has flushed; CPU 1 had nothing there. */
static void
a_follower_that_keeps_an_entry_is_caught(void **state)
{
	(void)state;
	bare_unmap(truth, PAGE(1));
	both_cpus(flush_page_1);
	assert_true(sim_is_stale(0, ASID_A, PAGE(1)));
	assert_false(sim_is_stale(1, ASID_A, PAGE(1)));
	bare_expect_stop(settle_a, NULL, "declared finished");
	bare_expect_stop(free_frame, &frame, "CPU 0 may still use a translation");
	both_cpus(flush_asid);
	bare_expect_stop(settle_a, NULL, "declared finished");
	bare_unmap(root_a, PAGE(1));
	both_cpus(flush_asid);
	bare_free(frame);
	expect_settled();
}

/* The entry that is kept allows no more than what is left: that is right. */
static void
a_follower_may_have_less(void **state)
{
	(void)state;
	bare_map(truth, PAGE(1), frame, PROT_R);
	both_cpus(flush_page_1);
	expect_settled();
}

/* Where tables on the way cannot deny it, it was not forbidden. */
static void
a_follower_that_keeps_writing_is_caught(void **state)
{
	pte_t *slot = bare_slot(truth, PAGE(1), ARCH_PT_LEVELS - 1);

	(void)state;
	bare_map(root_a, PAGE(1), frame, PROT_RW);
	(void)arch_pte_exchange(slot, arch_pte_with_write(arch_pte_read(slot), false));
	both_cpus(flush_asid);
	if (ARCH_HAS_UPPER_WRITE_DENIAL)
		bare_expect_stop(settle_a, NULL, "declared finished");
	else
		expect_settled();
	bare_map(root_a, PAGE(1), frame, PROT_R);
	both_cpus(flush_asid);
	expect_settled();
}

static void
free_truth(void *arg)
{
	(void)arg;
	bare_free(truth);
}

static void
a_reference_lives_as_long_as_its_followers(void **state)
{
	(void)state;
	bare_expect_stop(free_truth, NULL, "is freed, but CPUs may still");
}

/* Another root comes under the tag of this CPU only when the old one's translations are gone. */
static void
a_cpu_changes_to_the_reference(void **state)
{
	(void)state;
	arch_tlb_activate(pfn_none(), 0);
	arch_tlb_flush_asid(ASID_A);
	arch_tlb_activate(truth, ASID_A);
	bare_unmap(truth, PAGE(1));
	both_cpus(flush_page_1);
	expect_settled();
	bare_free(frame);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, two_cpus_follow, bare_stop)

TEST_SUITE(sim_follow, STORY(a_follower_says_what_the_reference_says),
	   STORY(a_follower_says_no_more_than_the_reference),
	   STORY(a_change_of_the_reference_is_stale_for_followers),
	   STORY(a_follower_that_keeps_an_entry_is_caught), STORY(a_follower_may_have_less),
	   STORY(a_follower_that_keeps_writing_is_caught),
	   STORY(a_reference_lives_as_long_as_its_followers), STORY(a_cpu_changes_to_the_reference))
