/*
 * test_sim_reset.c - a reset brings back memory, the library, the caches and the
 * ledger as they were at the snapshot.
 */
#include "sim_rig.h"

#include <sim/sim.h>

#include <string.h>

#include <anymm/check.h>
#include <anymm/process.h>

#define ASID	 1
#define NR_PAGES 8

static pfn_t root, frame;

static void
bare_with_one_page(void)
{
	bare_start(2);
	root = bare_root();
	frame = bare_frame();
	bare_map(root, PAGE(1), frame, PROT_RW);
	bare_run(1, root, ASID);
	bare_run(0, root, ASID);
	*(unsigned char *)arch_frame_ptr(frame) = 1;
}

static void
memory_and_frames_come_back(void **state)
{
	pfn_t later;

	(void)state;
	bare_with_one_page();
	later = bare_frame();
	bare_free(later);
	sim_snapshot();
	for (unsigned i = 0; i < 3; i++) {
		assert_true(arch_frame_revive(later, 0));
		memset(arch_frame_ptr(later), 9, ARCH_PAGE_SIZE);
		*(unsigned char *)arch_frame_ptr(frame) = 2;
		assert_true(bare_store(PAGE(1), 3));
		sim_reset();
		assert_int_equal(*(unsigned char *)arch_frame_ptr(frame), 1);
		assert_int_equal(
			arch_pte_decode_leaf(arch_pte_read(bare_slot(root, PAGE(1), 0)), 0).dirty,
			false);
	}
}

static void
a_frame_freed_since_is_in_use_again(void **state)
{
	(void)state;
	bare_with_one_page();
	sim_snapshot();
	bare_unmap(root, PAGE(1));
	for (unsigned cpu = 0; cpu < 2; cpu++) {
		sim_cpu_set(cpu);
		arch_tlb_flush_asid(ASID);
	}
	bare_free(frame);
	assert_true(arch_frame_revive(frame, 0));
	arch_frame_zero(frame);
	bare_free(frame);
	sim_reset();
	assert_int_equal(platform_cpu(), 0);
	assert_int_equal(*(unsigned char *)arch_frame_ptr(frame), 1);
	assert_true(bare_store(PAGE(1), 5));
	assert_int_equal(*(unsigned char *)arch_frame_ptr(frame), 5);
}

static void
free_page_frame(void *arg)
{
	(void)arg;
	bare_free(frame);
}

static void
the_ledger_comes_back(void **state)
{
	(void)state;
	bare_with_one_page();
	sim_snapshot();
	bare_unmap(root, PAGE(1));
	assert_true(sim_is_stale(1, ASID, PAGE(1)));
	sim_reset();
	assert_false(sim_is_stale(1, ASID, PAGE(1)));
	assert_int_equal(sim_tlb_stats().stale_live, 0);

	/* Taken while something is stale: it is so again after each reset. */
	bare_unmap(root, PAGE(1));
	sim_snapshot();
	for (unsigned i = 0; i < 3; i++) {
		arch_tlb_flush_page(ASID, PAGE(1));
		sim_cpu_set(1);
		arch_tlb_flush_all();
		assert_int_equal(sim_tlb_stats().stale_live, 0);
		bare_free(frame);
		sim_reset();
		assert_true(sim_is_stale(0, ASID, PAGE(1)));
		bare_expect_stop(free_page_frame, NULL, "CPU 0,1 may still use");
		sim_reset();
	}
}

static void
tables_made_since_are_forgotten(void **state)
{
	pfn_t table;

	(void)state;
	bare_with_one_page();
	sim_snapshot();
	for (unsigned i = 0; i < 3; i++) {
		bare_map(root, FAR_PAGE, frame, PROT_R);
		table = bare_table(root, FAR_PAGE, 0);
		assert_true(bare_load(FAR_PAGE, &(unsigned char){ 0 }));
		sim_reset();
		assert_false(bare_load(FAR_PAGE, &(unsigned char){ 0 }));
		assert_true(arch_frame_revive(table, 0)); /* it was free, and nothing names it */
		bare_free(table);
		sim_reset();
	}
}

static void
counters_and_injection_come_back(void **state)
{
	uint64_t allocations;

	(void)state;
	bare_with_one_page();
	(void)arch_inject_failure();
	allocations = sim_allocations();
	sim_snapshot();
	sim_fail_allocation(1, true);
	assert_true(arch_inject_failure());
	sim_reset();
	assert_false(arch_inject_failure());
	assert_int_equal(sim_allocations(), allocations + 1);
}

static void
reset_now(void *arg)
{
	(void)arg;
	sim_reset();
}

static void
a_reset_needs_a_snapshot(void **state)
{
	(void)state;
	bare_with_one_page();
	bare_expect_stop(reset_now, NULL, "without a snapshot");
}

/* The whole library. */

/* What a run is: processes that map, write, fork and exit; gives what can be seen in the end. */
static struct digest
live_a_little(struct space *sp, unsigned nr_forks)
{
	struct digest digest;
	struct space *child;
	vaddr_t	      va = 0;

	EXPECT_OK(space_map(sp,
			    &(struct map_request){
				    .length = NR_PAGES * ARCH_PAGE_SIZE,
				    .prot = PROT_RW,
				    .flags = MAPF_PRIVATE | MAPF_ANONYMOUS,
			    },
			    &va));
	for (unsigned i = 0; i < nr_forks; i++) {
		unsigned char byte = (unsigned char)i;

		for (unsigned page = i % 2; page < NR_PAGES; page += 2)
			assert_int_equal(
				sim_user(sp, ACCESS_STORE, va + page * ARCH_PAGE_SIZE, &byte, 1),
				FAULT_DONE);
		EXPECT_OK(space_fork(sp, &child));
		assert_int_equal(sim_user(child, ACCESS_STORE, va, &byte, 1), FAULT_DONE);
		sim_user(sp, ACCESS_LOAD, va, &byte, 1);
		space_put(child);
	}
	machine_check_invariants();
	digest = digest_all();
	return digest;
}

static void
the_library_lives_the_same_life_again(void **state)
{
	struct space_layout layout = space_default_layout();
	struct space	   *sp;
	struct digest	    first, again, empty;

	(void)state;
	machine_fresh_with(&(struct machine_config){ .nr_frames = 4096, .nr_cpus = 2 });
	EXPECT_OK(space_create(&layout, &sp));
	machine_rebase();
	empty = digest_all();
	sim_snapshot();
	first = live_a_little(sp, 5);
	for (unsigned i = 0; i < 50; i++) {
		sim_reset();
		machine_check();
		again = digest_all();
		assert_memory_equal(&again, &empty, sizeof(again));
		again = live_a_little(sp, 1 + i % 4);
		sim_reset();
		again = live_a_little(sp, 5);
		assert_memory_equal(&again, &first, sizeof(again));
	}
}

/* Every 1024 resets the machine itself compares everything. */
static void
thousands_of_short_lives(void **state)
{
	struct space_layout layout = space_default_layout();
	struct space	   *sp;

	(void)state;
	machine_fresh_with(&(struct machine_config){ .nr_frames = 4096 });
	EXPECT_OK(space_create(&layout, &sp));
	machine_rebase();
	sim_snapshot();
	for (unsigned i = 0; i < 2100; i++) {
		unsigned char byte = 1;
		vaddr_t	      va;

		EXPECT_OK(space_map(sp,
				    &(struct map_request){
					    .length = ARCH_PAGE_SIZE,
					    .prot = PROT_RW,
					    .flags = MAPF_PRIVATE | MAPF_ANONYMOUS,
				    },
				    &va));
		assert_int_equal(sim_user(sp, ACCESS_STORE, va, &byte, 1), FAULT_DONE);
		sim_reset();
	}
	machine_check();
}

#define STORY(name) cmocka_unit_test_teardown(name, bare_stop)

TEST_SUITE(sim_reset, STORY(memory_and_frames_come_back),
	   STORY(a_frame_freed_since_is_in_use_again), STORY(the_ledger_comes_back),
	   STORY(tables_made_since_are_forgotten), STORY(counters_and_injection_come_back),
	   STORY(a_reset_needs_a_snapshot), STORY(the_library_lives_the_same_life_again),
	   STORY(thousands_of_short_lives))
