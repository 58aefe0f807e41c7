/*
 * test_sim_hostile.c - hardware that marks entries accessed by speculation and faults
 * spuriously, and a library that does not mind.
 */
#include "sim_rig.h"

#include <anymm/check.h>
#include <anymm/process.h>
#include <anymm/stats.h>

#define ASID	 1
#define NR_PAGES 6

static struct pte_leaf
leaf_at(pfn_t root, vaddr_t va)
{
	return arch_pte_decode_leaf(arch_pte_read(bare_slot(root, va, 0)), 0);
}

static void
speculation_marks_entries_that_nobody_used(void **state)
{
	pfn_t root;

	(void)state;
	bare_start(1);
	root = bare_root();
	bare_map(root, PAGE(1), bare_frame(), PROT_RW);
	bare_run(0, root, ASID);
	for (unsigned i = 0; i < 100; i++)
		assert_false(leaf_at(root, PAGE(1)).accessed);
	sim_hostile_accessed(true);
	for (unsigned i = 0; i < 100; i++)
		arch_point();
	sim_hostile_accessed(false);
	assert_true(leaf_at(root, PAGE(1)).accessed);
	assert_false(leaf_at(root, PAGE(1)).dirty);
}

static void
a_weak_translation_faults_once(void **state)
{
	pfn_t	      root, frame;
	unsigned char byte;

	(void)state;
	bare_start(1);
	root = bare_root();
	frame = bare_frame();
	bare_map(root, PAGE(1), frame, PROT_R);
	bare_run(0, root, ASID);
	sim_hostile_faults(true);
	assert_true(bare_load(PAGE(1), &byte));
	bare_map(root, PAGE(1), frame, PROT_RW);
	assert_false(bare_store(PAGE(1), 1));
	assert_true(bare_fault.present);
	assert_true(bare_store(PAGE(1), 1));
	assert_true(bare_store(PAGE(1), 2));
}

static void
a_missing_dirty_bit_is_no_reason_to_fault(void **state)
{
	pfn_t	      root;
	unsigned char byte;

	(void)state;
	bare_start(1);
	root = bare_root();
	bare_map(root, PAGE(1), bare_frame(), PROT_RW);
	bare_run(0, root, ASID);
	sim_hostile_faults(true);
	assert_true(bare_load(PAGE(1), &byte));
	assert_true(bare_store(PAGE(1), 1));
}

static vaddr_t
map_pages(struct space *sp)
{
	vaddr_t va = 0;

	EXPECT_OK(space_map(sp,
			    &(struct map_request){
				    .length = NR_PAGES * ARCH_PAGE_SIZE,
				    .prot = PROT_RW,
				    .flags = MAPF_PRIVATE | MAPF_ANONYMOUS,
			    },
			    &va));
	return va;
}

/* Zero page on a read, then a write: the cached read-only translation may fault once more. */
static void
the_library_lives_with_both(void **state)
{
	struct space_layout layout = space_default_layout();
	struct space	   *parent, *child;
	unsigned char	    byte;
	vaddr_t		    va;

	(void)state;
	machine_fresh();
	EXPECT_OK(space_create(&layout, &parent));
	sim_hostile_accessed(true);
	sim_hostile_faults(true);
	va = map_pages(parent);
	for (unsigned round = 0; round < 20; round++) {
		for (unsigned page = 0; page < NR_PAGES; page++) {
			vaddr_t at = va + page * ARCH_PAGE_SIZE;

			byte = (unsigned char)(round + page);
			if (page % 2)
				assert_int_equal(sim_user(parent, ACCESS_LOAD, at, &byte, 1),
						 FAULT_DONE);
			byte = (unsigned char)(round + page);
			assert_int_equal(sim_user(parent, ACCESS_STORE, at, &byte, 1), FAULT_DONE);
		}
		EXPECT_OK(space_fork(parent, &child));
		EXPECT_OK(space_protect(parent, va, 2 * ARCH_PAGE_SIZE, PROT_R));
		EXPECT_OK(space_protect(parent, va, 2 * ARCH_PAGE_SIZE, PROT_RW));
		for (unsigned page = 0; page < NR_PAGES; page++) {
			assert_int_equal(
				sim_user(child, ACCESS_LOAD, va + page * ARCH_PAGE_SIZE, &byte, 1),
				FAULT_DONE);
			assert_int_equal(byte, (unsigned char)(round + page));
		}
		machine_check_invariants();
		sim_user(parent, ACCESS_LOAD, va, &byte, 1);
		space_put(child);
	}
	sim_hostile_accessed(false);
	pt_deactivate(&parent->pt);
	space_put(parent);
	machine_check();
}

#define STORY(name) cmocka_unit_test_teardown(name, bare_stop)

TEST_SUITE(sim_hostile, STORY(speculation_marks_entries_that_nobody_used),
	   STORY(a_weak_translation_faults_once), STORY(a_missing_dirty_bit_is_no_reason_to_fault),
	   STORY(the_library_lives_with_both))
