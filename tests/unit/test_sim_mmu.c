/*
 * test_sim_mmu.c - the walk: rights, fault codes, accessed and dirty bits, large
 * leaves, addresses that cannot be translated, and entries no table may hold.
 */
#include "sim_rig.h"

#include <sim/sim.h>

#include <string.h>

#define ASID 1

static pfn_t root, frame;

/* One CPU runs a root whose page 1 is `frame`, writable. */
static int
one_page(void **state)
{
	(void)state;
	bare_start(2);
	root = bare_root();
	frame = bare_frame();
	bare_map(root, PAGE(1), frame, PROT_RW);
	bare_run(0, root, ASID);
	return 0;
}

static bool
try(enum access access, vaddr_t va)
{
	unsigned char byte = 0;

	bare_fault = (struct arch_fault){ 0 };
	return sim_access(access, va, &byte, 1, &bare_fault) == 1;
}

static void
expect_fault(enum access access, vaddr_t va, bool present)
{
	assert_false(try(access, va));
	assert_int_equal(bare_fault.va, va);
	assert_int_equal(bare_fault.access, access);
	assert_int_equal(bare_fault.present, present);
	assert_true(bare_fault.user);
}

static void
each_protection_allows_exactly_what_it_says(void **state)
{
	(void)state;
	for (prot_t prot = 0; prot <= PROT_RWX; prot++) {
		prot_t given = prot ? prot | PROT_R : 0;

		bare_map(root, PAGE(1), frame, prot);
		arch_tlb_flush_asid(ASID);
		for (unsigned access = ACCESS_LOAD; access <= ACCESS_FETCH; access++) {
			if (given & access_prot(access))
				assert_true(try(access, PAGE(1) + 5));
			else
				expect_fault(access, PAGE(1) + 5, true);
		}
		assert_int_equal(sim_translate(root, PAGE(1)).prot, given);
	}
}

/* DRG-28. */
static void
what_is_not_there_faults_as_not_present(void **state)
{
	(void)state;
	expect_fault(ACCESS_LOAD, PAGE(2), false);
	expect_fault(ACCESS_STORE, FAR_PAGE + 1, false);
	arch_pte_write(bare_slot(root, PAGE(2), 0),
		       arch_pte_mark((struct pte_mark){ MARK_SWAP, 9 }));
	expect_fault(ACCESS_LOAD, PAGE(2), false);
	arch_tlb_activate(pfn_none(), 0);
	expect_fault(ACCESS_LOAD, PAGE(1), false);
}

/* WNX-21. */
static void
upper_entries_deny_what_they_deny(void **state)
{
	for (unsigned level = 1; level < ARCH_PT_LEVELS; level++) {
		pte_t *slot = bare_slot(root, PAGE(1), level);
		pte_t  before = arch_pte_read(slot);

		(void)state;
		arch_pte_exchange(slot, arch_pte_with_write(before, false));
		arch_tlb_flush_asid(ASID);
		assert_true(try(ACCESS_LOAD, PAGE(1)));
		assert_int_equal(try(ACCESS_STORE, PAGE(1)), !ARCH_HAS_UPPER_WRITE_DENIAL);
		assert_int_equal(sim_translate(root, PAGE(1)).prot & PROT_W,
				 ARCH_HAS_UPPER_WRITE_DENIAL ? 0 : PROT_W);
		arch_pte_exchange(slot, before);
		arch_tlb_flush_asid(ASID);
	}
	assert_true(try(ACCESS_STORE, PAGE(1)));
}

/* CAM-01: the whole kernel half. */
static void
the_kernel_half_is_there_and_closed_to_users(void **state)
{
	vaddr_t va =
		(vaddr_t)0 - ((vaddr_t)ARCH_PAGE_SIZE << (ARCH_PT_LEVELS - 1) * ARCH_PT_INDEX_BITS);

	(void)state;
	if (ARCH_PT_INDEX_BITS != 9)
		va = ARCH_USER_END;
	expect_fault(ACCESS_LOAD, va, true);
	expect_fault(ACCESS_STORE, va, true);
	expect_fault(ACCESS_LOAD, va + ARCH_PAGE_SIZE, false);
}

static void
addresses_beyond_the_tables_fault(void **state)
{
	static const vaddr_t places[] = { (vaddr_t)1 << 62, UINT64_MAX / 2, (vaddr_t)1 << 57,
					  ~(vaddr_t)0 << 62 };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(places); i++)
		expect_fault(ACCESS_LOAD, places[i], false);
	expect_fault(ACCESS_LOAD, ARCH_USER_END - 1, false);
}

static struct pte_leaf
leaf_at(vaddr_t va)
{
	return arch_pte_decode_leaf(arch_pte_read(bare_slot(root, va, 0)), 0);
}

static void
accessed_and_dirty_are_set_by_what_deserves_them(void **state)
{
	(void)state;
	assert_false(leaf_at(PAGE(1)).accessed);
	expect_fault(ACCESS_FETCH, PAGE(1), true);
	assert_false(leaf_at(PAGE(1)).accessed);
	assert_true(try(ACCESS_LOAD, PAGE(1)));
	assert_true(leaf_at(PAGE(1)).accessed);
	assert_false(leaf_at(PAGE(1)).dirty);
	assert_true(try(ACCESS_STORE, PAGE(1))); /* its translation is cached, but not as dirty */
	assert_true(leaf_at(PAGE(1)).dirty);
}

static void
a_cached_dirty_bit_is_not_set_again_until_flushed(void **state)
{
	pte_t *slot = bare_slot(root, PAGE(1), 0);

	(void)state;
	assert_true(try(ACCESS_STORE, PAGE(1)));
	arch_pte_exchange(slot, arch_pte_without_accessed_dirty(arch_pte_read(slot)));
	for (unsigned i = 0; i < 100 && !leaf_at(PAGE(1)).dirty; i++)
		assert_true(try(ACCESS_STORE, PAGE(1)));
	arch_pte_exchange(slot, arch_pte_without_accessed_dirty(arch_pte_read(slot)));
	arch_tlb_flush_page(ASID, PAGE(1));
	assert_true(try(ACCESS_STORE, PAGE(1)));
	assert_true(leaf_at(PAGE(1)).dirty);
}

static void
an_access_goes_on_up_to_the_first_byte_that_faults(void **state)
{
	unsigned char out[100], in[100];

	(void)state;
	memset(out, 7, sizeof(out));
	memset(in, 0, sizeof(in));
	assert_int_equal(sim_access(ACCESS_STORE, PAGE(2) - 60, out, 100, &bare_fault), 60);
	assert_int_equal(bare_fault.va, PAGE(2));
	assert_int_equal(bare_fault.access, ACCESS_STORE);
	assert_int_equal(sim_access(ACCESS_LOAD, PAGE(2) - 60, in, 100, &bare_fault), 60);
	assert_memory_equal(in, out, 60);
	bare_map(root, PAGE(2), bare_frame(), PROT_RW);
	assert_int_equal(sim_access(ACCESS_STORE, PAGE(2) - 60, out, 100, &bare_fault), 100);
	assert_int_equal(sim_access(ACCESS_LOAD, PAGE(2) - 60, in, 100, &bare_fault), 100);
	assert_memory_equal(in, out, 100);
	assert_int_equal(arch_user_read(in, PAGE(1), 0, &bare_fault), 0);
}

static void
large_leaves_translate_each_page_in_them(void **state)
{
	pfn_t	      block;
	unsigned char byte;

	(void)state;
	if (ARCH_LEAF_LEVEL_MAX == 0)
		return;
	block = bare_block(ARCH_PT_INDEX_BITS);
	for (unsigned i = 0; i < ARCH_PT_ENTRIES; i++)
		*(unsigned char *)arch_frame_ptr(pfn_add(block, i)) = (unsigned char)i;
	arch_pte_write(
		bare_slot(root, FAR_PAGE, 1),
		arch_pte_leaf((struct pte_leaf){ .pfn = block, .level = 1, .prot = PROT_R }));
	for (unsigned i = 0; i < ARCH_PT_ENTRIES; i += 37) {
		assert_true(bare_load(FAR_PAGE + PAGE(i), &byte));
		assert_int_equal(byte, (unsigned char)i);
		assert_int_equal(sim_translate(root, FAR_PAGE + PAGE(i)).pfn.n, block.n + i);
		assert_int_equal(sim_translate(root, FAR_PAGE + PAGE(i)).level, 1);
	}
	expect_fault(ACCESS_STORE, FAR_PAGE, true);
	/* Pieces of it that are cached go with a flush of any address in it. */
	arch_pte_exchange(bare_slot(root, FAR_PAGE, 1), arch_pte_empty());
	arch_tlb_flush_page(ASID, FAR_PAGE + PAGE(1));
	for (unsigned i = 0; i < ARCH_PT_ENTRIES; i += 37)
		expect_fault(ACCESS_LOAD, FAR_PAGE + PAGE(i), false);
}

static void
load_page_1(void *arg)
{
	unsigned char byte;

	(void)arg;
	(void)bare_load(PAGE(1), &byte);
}

/* Raw words, as a broken codec might write them. */
static void
malformed_entries_stop_the_machine(void **state)
{
	static const uint64_t bad_leaves[] = {
		(uint64_t)1 << 63 | (uint64_t)1 << 62 | 20, /* a table below the leaf tables */
		(uint64_t)1 << 63 | (uint64_t)1 << 45 | 20, /* a bit that must be zero */
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(bad_leaves); i++) {
		*bare_slot(root, PAGE(1), 0) = (pte_t){ bad_leaves[i] };
		arch_tlb_flush_asid(ASID);
		bare_expect_stop(load_page_1, NULL, "malformed entry");
	}
	*bare_slot(root, PAGE(1), ARCH_PT_LEVELS - 1) = (pte_t){ (uint64_t)1 << 63 | 20 };
	bare_expect_stop(load_page_1, NULL, "malformed entry");
}

static void
a_mapped_frame_that_is_free_stops_the_access(void **state)
{
	(void)state;
	bare_free(frame); /* still mapped: no flush could help */
	bare_expect_stop(load_page_1, NULL, "which is free");
}

static void
a_frame_number_outside_ram_stops_the_access(void **state)
{
	(void)state;
	bare_unmap(root, PAGE(1));
	arch_tlb_flush_page(ASID, PAGE(1));
	bare_map(root, PAGE(1), (pfn_t){ 3 }, PROT_RW);
	bare_expect_stop(load_page_1, NULL, "not in RAM");
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, one_page, bare_stop)

TEST_SUITE(sim_mmu, STORY(each_protection_allows_exactly_what_it_says),
	   STORY(what_is_not_there_faults_as_not_present), STORY(upper_entries_deny_what_they_deny),
	   STORY(the_kernel_half_is_there_and_closed_to_users),
	   STORY(addresses_beyond_the_tables_fault),
	   STORY(accessed_and_dirty_are_set_by_what_deserves_them),
	   STORY(a_cached_dirty_bit_is_not_set_again_until_flushed),
	   STORY(an_access_goes_on_up_to_the_first_byte_that_faults),
	   STORY(large_leaves_translate_each_page_in_them),
	   STORY(malformed_entries_stop_the_machine),
	   STORY(a_mapped_frame_that_is_free_stops_the_access),
	   STORY(a_frame_number_outside_ram_stops_the_access))
