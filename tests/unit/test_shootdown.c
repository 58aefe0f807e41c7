/*
 * test_shootdown.c - invalidation on exactly the CPUs that may hold translations.
 */
#include "unit/pt_fixture.h"

#include <string.h>

#include "pt/state.h"

#define NR_CPUS 4

/* One tree that several CPUs use; active trees keep their address. */
static struct pt tree;

static void
on_cpu(unsigned cpu, void (*fn)(struct pt *pt), struct pt *pt)
{
	unsigned self = platform_cpu();

	machine_cpu_set(cpu);
	fn(pt);
	machine_cpu_set(self);
}

/* A machine whose CPUs 0 .. nr_active - 1 have the tree active. */
static void
fresh_tree(unsigned nr_active)
{
	machine_fresh_with(&(struct machine_config){ .nr_cpus = NR_CPUS, .nr_frames = 4096 });
	tree = tree_make();
	tree_put(&tree, leaf_va(0, 0), PROT_RW);
	for (unsigned cpu = 0; cpu < nr_active; cpu++)
		on_cpu(cpu, pt_activate, &tree);
}

static void
end_tree(void)
{
	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++)
		on_cpu(cpu, pt_deactivate, &tree);
	TREE_CHECK(&tree);
	tree_drop(&tree);
	machine_check();
}

static void
flush_one_page(void)
{
	vaddr_t va = leaf_va(0, 0);

	shootdown_space(&tree, &va, 1, false);
}

static void
nobody_is_disturbed_for_a_space_that_never_ran(void **state)
{
	(void)state;
	fresh_tree(0);
	stats_note();
	flush_one_page();
	EXPECT_STAT(FLUSH_PAGES, 0);
	EXPECT_STAT(SHOOTDOWNS, 0);
	end_tree();
}

/* CPU       0 1 2 3
 * active    x             flushed here, nobody interrupted */
static void
alone_a_cpu_flushes_without_interrupts(void **state)
{
	(void)state;
	fresh_tree(1);
	stats_note();
	flush_one_page();
	EXPECT_STAT(FLUSH_PAGES, 1);
	EXPECT_STAT(SHOOTDOWNS, 0);
	end_tree();
}

/* CPU       0 1 2 3
 * active    x x x         CPU 3 is left alone */
static void
only_cpus_that_cache_the_space_are_interrupted(void **state)
{
	(void)state;
	fresh_tree(3);
	assert_true(atomic_load(&tree.cached_on) == 7);
	stats_note();
	flush_one_page();
	EXPECT_STAT(SHOOTDOWNS, 1);
	EXPECT_STAT(SHOOTDOWN_IPIS, 2);
	EXPECT_STAT(FLUSH_PAGES, 3);
	end_tree();
}

/* A CPU that does not cache the space itself still interrupts those that do. */
static void
the_sender_need_not_have_the_space(void **state)
{
	(void)state;
	fresh_tree(2);
	machine_cpu_set(3);
	stats_note();
	flush_one_page();
	EXPECT_STAT(SHOOTDOWN_IPIS, 2);
	EXPECT_STAT(FLUSH_PAGES, 2);
	machine_cpu_set(0);
	end_tree();
}

/* CPU       0 1 2 3
 * active    x . . .       1 and 2 have left: they drop all of it once,
 * cached    x x x .       and are not asked again until they come back */
static void
a_cpu_that_has_left_is_interrupted_once(void **state)
{
	(void)state;
	fresh_tree(3);
	on_cpu(1, pt_deactivate, &tree);
	on_cpu(2, pt_deactivate, &tree);
	assert_true(atomic_load(&tree.cached_on) == 7);
	stats_note();
	flush_one_page();
	EXPECT_STAT(SHOOTDOWN_IPIS, 2);
	EXPECT_STAT(FLUSH_PAGES, 1);
	EXPECT_STAT(FLUSH_SPACES, 2);
	assert_true(atomic_load(&tree.cached_on) == 1);
	flush_one_page();
	EXPECT_STAT(SHOOTDOWN_IPIS, 2);
	on_cpu(2, pt_activate, &tree);
	assert_true(atomic_load(&tree.cached_on) == 5);
	flush_one_page();
	EXPECT_STAT(SHOOTDOWN_IPIS, 3);
	end_tree();
}

static void
a_whole_space_flush_keeps_who_runs_it(void **state)
{
	(void)state;
	fresh_tree(2);
	stats_note();
	shootdown_space(&tree, NULL, 0, true);
	EXPECT_STAT(FLUSH_SPACES, 2);
	EXPECT_STAT(FLUSH_PAGES, 0);
	assert_true(atomic_load(&tree.cached_on) == 3);
	end_tree();
}

static void
everything_reaches_every_cpu(void **state)
{
	(void)state;
	fresh_tree(1);
	stats_note();
	shootdown_everything();
	EXPECT_STAT(SHOOTDOWN_IPIS, NR_CPUS - 1);
	flush_one_page(); /* the request for everything has left no trace in the next one */
	EXPECT_STAT(SHOOTDOWN_IPIS, NR_CPUS - 1);
	EXPECT_STAT(FLUSH_PAGES, 1);
	end_tree();
}

static void
as_many_cpus_as_there_can_be(void **state)
{
	(void)state;
	machine_fresh_with(&(struct machine_config){ .nr_cpus = CPU_MAX, .nr_frames = 8192 });
	tree = tree_make();
	tree_put(&tree, leaf_va(0, 0), PROT_RW);
	for (unsigned cpu = 0; cpu < CPU_MAX; cpu++)
		on_cpu(cpu, pt_activate, &tree);
	assert_true(atomic_load(&tree.cached_on) == UINT64_MAX);
	stats_note();
	flush_one_page();
	EXPECT_STAT(SHOOTDOWNS, 1);
	EXPECT_STAT(SHOOTDOWN_IPIS, CPU_MAX - 1);
	EXPECT_STAT(FLUSH_PAGES, CPU_MAX);
	shootdown_everything();
	EXPECT_STAT(SHOOTDOWN_IPIS, 2 * (CPU_MAX - 1));
	for (unsigned cpu = 0; cpu < CPU_MAX; cpu++)
		on_cpu(cpu, pt_deactivate, &tree);
	tree_drop(&tree);
	machine_check();
}

/* An interrupt without a request: two senders were served by the first. */
static void
an_interrupt_may_find_nothing_to_do(void **state)
{
	(void)state;
	fresh_tree(2);
	stats_note();
	shootdown_interrupt();
	EXPECT_STAT(FLUSH_PAGES, 0);
	EXPECT_STAT(FLUSH_SPACES, 0);
	end_tree();
}

static void
stop_at_a_wait(void *arg)
{
	(void)arg;
	flush_one_page();
}

/* CPU 1 never turns its interrupts on: the wait is reported, not endless. */
static void
a_target_with_interrupts_off_is_waited_for(void **state)
{
	char text[400];

	(void)state;
	machine_needs(MACHINE_NOTICES_DEADLOCK);
	fresh_tree(2);
	machine_cpu_set(1);
	arch_irq_save();
	machine_cpu_set(0);
	assert_true(machine_expect_stop(stop_at_a_wait, NULL, text, sizeof(text)));
	assert_non_null(strstr(text, "deadlock"));
}

static void
stop_with_interrupts_off(void *arg)
{
	(void)arg;
	arch_irq_save();
	flush_one_page();
}

/* Two CPUs that wait for each other with interrupts off would wait for ever, so one is refused. */
static void
a_sender_has_its_interrupts_on(void **state)
{
	char text[400];

	(void)state;
	fresh_tree(2);
	assert_true(machine_expect_stop(stop_with_interrupts_off, NULL, text, sizeof(text)));
	assert_non_null(strstr(text, "arch_irq_enabled"));
}

/* All CPUs flush at the same moment, each waits for all others. */
static void
flush_often(void *arg)
{
	(void)arg;
	pt_activate(&tree);
	for (unsigned i = 0; i < 5; i++)
		flush_one_page();
}

static void
all_may_interrupt_each_other_at_once(void **state)
{
	void (*const bodies[])(void *) = { flush_often, flush_often, flush_often, flush_often };
	uint64_t seed = test_seed(11);

	(void)state;
	for (unsigned n = 0; n < 60; n++) {
		fresh_tree(NR_CPUS);
		stats_note();
		machine_race(NR_CPUS, bodies, NULL,
			     &(struct machine_schedule){ .policy = n & 1 ? RACE_PCT : RACE_RANDOM,
							 .param = 3,
							 .seed = seed + n });
		EXPECT_STAT(SHOOTDOWNS, 5 * NR_CPUS);
		EXPECT_STAT(SHOOTDOWN_IPIS, 5 * NR_CPUS * (NR_CPUS - 1));
		EXPECT_STAT(FLUSH_PAGES, 5 * NR_CPUS * NR_CPUS);
		end_tree();
	}
}

/*
 * CPUs come and go while CPU 0 takes the page away and puts one with a higher number
 * there. Once CPU 0 has said so, nobody reads a lower one.
 */
static struct {
	_Atomic uint64_t newest;
	unsigned	 wrong;
} race;

static void
replace_the_page(void *arg)
{
	(void)arg;
	for (uint64_t i = 1; i <= 6; i++) {
		pfn_t page = page_make(FRAME_ANON);

		*(uint64_t *)arch_frame_ptr(page) = i;
		tree_unmap(&tree, pages(leaf_va(0, 0), 1));
		tree_put_leaf(&tree, leaf_va(0, 0),
			      (struct pte_leaf){ .pfn = page, .prot = PROT_R, .is_private = true });
		atomic_store(&race.newest, i);
	}
}

static void
come_read_and_go(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < 12; i++) {
		uint64_t	  newest = atomic_load(&race.newest);
		struct arch_fault fault;
		uint64_t	  word;

		pt_activate(&tree);
		if (machine_access(ACCESS_LOAD, leaf_va(0, 0), &word, sizeof(word), &fault) ==
		    sizeof(word))
			race.wrong += newest > 0 && word < newest;
		if (i % 3)
			pt_deactivate(&tree);
	}
}

static void
cpus_may_come_and_go_during_flushes(void **state)
{
	void (*const bodies[])(void *) = { replace_the_page, come_read_and_go, come_read_and_go };
	uint64_t seed = test_seed(21);

	(void)state;
	for (unsigned n = 0; n < 60; n++) {
		fresh_tree(1);
		race.newest = 0;
		race.wrong = 0;
		machine_race(3, bodies, NULL,
			     &(struct machine_schedule){ .policy = n & 1 ? RACE_PCT : RACE_RANDOM,
							 .param = 4,
							 .seed = seed + n });
		assert_int_equal(race.wrong, 0);
		end_tree();
	}
}

static void
serve(struct pt *pt)
{
	(void)pt;
	shootdown_interrupt();
}

/*
 * A request of CPU 0 that names the space's old tag comes late: CPU 1 has run under the new one and left.
 * What it has cached since then the next request is about, so it must be sent there.
 */
static void
a_late_request_for_an_old_tag_takes_no_one_off_the_list(void **state)
{
	struct shootdown *req;
	cpu_mask_t	  cached;

	(void)state;
	fresh_tree(2);
	on_cpu(1, pt_deactivate, &tree);
	cached = atomic_load(&tree.cached_on);
	assert_true(cached & cpu_bit(1));
	req = &pt_state()->cpu[0].request;
	req->pt = &tree;
	req->asid = tag_asid(atomic_load(&tree.tag)) + 1;
	req->nr_pages = 0;
	req->whole_space = true;
	req->everything = false;
	atomic_store(&req->waiting, cpu_bit(1));
	atomic_store(&pt_state()->cpu[1].inbox, cpu_bit(0));
	on_cpu(1, serve, &tree);
	assert_int_equal(atomic_load(&req->waiting), 0);
	assert_int_equal(atomic_load(&tree.cached_on), cached);
	flush_one_page();
	assert_false(atomic_load(&tree.cached_on) & cpu_bit(1));
	end_tree();
}

TEST_SUITE(shootdown, cmocka_unit_test(a_late_request_for_an_old_tag_takes_no_one_off_the_list),
	   cmocka_unit_test(nobody_is_disturbed_for_a_space_that_never_ran),
	   cmocka_unit_test(alone_a_cpu_flushes_without_interrupts),
	   cmocka_unit_test(only_cpus_that_cache_the_space_are_interrupted),
	   cmocka_unit_test(the_sender_need_not_have_the_space),
	   cmocka_unit_test(a_cpu_that_has_left_is_interrupted_once),
	   cmocka_unit_test(a_whole_space_flush_keeps_who_runs_it),
	   cmocka_unit_test(everything_reaches_every_cpu),
	   cmocka_unit_test(as_many_cpus_as_there_can_be),
	   cmocka_unit_test(an_interrupt_may_find_nothing_to_do),
	   cmocka_unit_test(a_target_with_interrupts_off_is_waited_for),
	   cmocka_unit_test(a_sender_has_its_interrupts_on),
	   cmocka_unit_test(all_may_interrupt_each_other_at_once),
	   cmocka_unit_test(cpus_may_come_and_go_during_flushes))
