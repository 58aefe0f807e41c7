/*
 * test_sim_threads.c - CPUs as host threads: interrupts reach threads that run, spin or
 * are done, and a space survives threads that fault, fork and change it at once.
 */
#include "sim_rig.h"

#include <string.h>

#include <anymm/check.h>
#include <anymm/process.h>

#define NR_CPUS	 3
#define NR_PAGES 8
#define ROUNDS	 200

static struct space    *sp;
static vaddr_t		base;
static _Atomic unsigned wrong;

static void
machine_of_threads(void)
{
	struct space_layout layout = space_default_layout();

	bare_stop(NULL);
	assert_true(sim_start(&(struct sim_config){
		.nr_cpus = NR_CPUS, .nr_frames = 8192, .host_threads = true }));
	EXPECT_OK(anymm_init(sim_boot_map()));
	EXPECT_OK(space_create(&layout, &sp));
	EXPECT_OK(space_add_thread(sp));
	EXPECT_OK(space_map(sp,
			    &(struct map_request){
				    .length = NR_PAGES * ARCH_PAGE_SIZE,
				    .prot = PROT_RW,
				    .flags = MAPF_PRIVATE | MAPF_ANONYMOUS,
			    },
			    &base));
	wrong = 0;
}

static void
expect(bool holds)
{
	if (!holds)
		wrong++;
}

/* Each CPU counts in a byte of its own in every page; nobody may lose a count. */
static void
count_in_every_page(void *arg)
{
	unsigned self = platform_cpu();

	(void)arg;
	for (unsigned i = 0; i < ROUNDS; i++) {
		for (unsigned page = 0; page < NR_PAGES; page++) {
			vaddr_t	      va = base + page * ARCH_PAGE_SIZE + self * 64;
			unsigned char byte = 0;

			expect(sim_user(sp, ACCESS_LOAD, va, &byte, 1) == FAULT_DONE);
			expect(byte == (unsigned char)i);
			byte++;
			expect(sim_user(sp, ACCESS_STORE, va, &byte, 1) == FAULT_DONE);
		}
	}
}

/* Forks make every page copy-on-write again under the feet of those who count. */
static void
fork_again_and_again(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct space *child;
		err_t	      err = space_fork(sp, &child);

		expect(err == OK);
		if (err == OK)
			space_put(child);
	}
}

static void
leave_everywhere(void)
{
	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++) {
		sim_cpu_set(cpu);
		pt_deactivate(&sp->pt);
	}
	sim_cpu_set(0);
}

static void
run_and_check(void (*first)(void *), void (*others)(void *))
{
	void (*const bodies[NR_CPUS])(void *) = { first, others, others };
	struct check_report report;

	machine_of_threads();
	sim_run_threads(NR_CPUS, bodies, NULL);
	assert_int_equal(wrong, 0);
	leave_everywhere();
	assert_true(check_all(&report));
	space_put(sp);
	assert_true(check_all(&report));
}

static void
threads_count_without_loss(void **state)
{
	(void)state;
	run_and_check(count_in_every_page, count_in_every_page);
}

static void
threads_count_without_loss_under_forks(void **state)
{
	(void)state;
	run_and_check(fork_again_and_again, count_in_every_page);
}

static void
run_two_of_three(void *arg)
{
	static void (*const bodies[])(void *) = { count_in_every_page, count_in_every_page };

	(void)arg;
	sim_run_threads(2, bodies, NULL);
}

static void
each_cpu_needs_its_thread(void **state)
{
	(void)state;
	machine_of_threads();
	bare_expect_stop(run_two_of_three, NULL, "each needs a thread");
	bare_start(2);
	bare_expect_stop(run_two_of_three, NULL, "without host_threads");
}

static void
take_snapshot(void *arg)
{
	(void)arg;
	sim_snapshot();
}

static void
there_are_no_snapshots_of_threads(void **state)
{
	(void)state;
	machine_of_threads();
	bare_expect_stop(take_snapshot, NULL, "no snapshots");
}

#define STORY(name) cmocka_unit_test_teardown(name, bare_stop)

TEST_SUITE(sim_threads, STORY(threads_count_without_loss),
	   STORY(threads_count_without_loss_under_forks), STORY(each_cpu_needs_its_thread),
	   STORY(there_are_no_snapshots_of_threads))
