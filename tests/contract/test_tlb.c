/*
 * test_tlb.c - laws M2, M5, P3 and T1 to T6: entries and translations as the hardware sees them.
 *
 * Each test changes a hand-made tree behind the back of the translation caches
 * and asks a user access what is cached. A machine may answer from any
 * translation that is still legal, so the tests on flushes run many times: on
 * the simulator each time with another choice.
 */
#include "harness.h"

#include <anymm/arch.h>
#include <anymm/frame.h>

#include "contract/hand_tree.h"

#define ROUNDS 50
#define ASID_A 3
#define ASID_B 4

/* Pages of the same leaf table, and one of another. */
#define VA0    ((vaddr_t)ARCH_PAGE_SIZE)
#define VA1    ((vaddr_t)2 * ARCH_PAGE_SIZE)
#define VA_FAR ((vaddr_t)ARCH_PAGE_SIZE << ARCH_PT_INDEX_BITS)

static struct hand_tree a, b;

static int
machine(void **state)
{
	(void)state;
	machine_fresh();
	hand_tree_make(&a, ASID_A);
	hand_tree_make(&b, ASID_B);
	return 0;
}

static int
machine_end(void **state)
{
	(void)state;
	hand_tree_drop(&a);
	hand_tree_drop(&b);
	machine_check();
	return 0;
}

static pfn_t
word_frame(struct hand_tree *tree, uint64_t word)
{
	pfn_t pfn = hand_tree_frame(tree, false);

	fill_frame(pfn, word);
	return pfn;
}

static void
activate(const struct hand_tree *tree)
{
	arch_tlb_activate(tree->root, tree->asid);
}

static uint64_t
word_at(vaddr_t va)
{
	uint64_t word = 0;

	assert_true(read_word(va, &word));
	return word;
}

/* WNX-19: T1: the page. */
static void
t1_flush_page_drops_the_translation(void **state)
{
	pfn_t one = word_frame(&a, 1), two = word_frame(&a, 2);

	(void)state;
	activate(&a);
	hand_tree_map(&a, VA0, (struct pte_leaf){ .pfn = one, .prot = PROT_R });
	for (unsigned i = 0; i < ROUNDS; i++) {
		assert_int_equal(word_at(VA0), 1 + i % 2);
		hand_tree_map(&a, VA0,
			      (struct pte_leaf){ .pfn = i % 2 ? one : two, .prot = PROT_R });
		arch_tlb_flush_page(ASID_A, VA0);
	}
	assert_true(arch_pte_kind(arch_pte_exchange(hand_tree_slot(&a, VA0, 0), arch_pte_empty()),
				  0) == PTE_LEAF);
	arch_tlb_flush_page(ASID_A, VA0);
	assert_false(read_word(VA0, &(uint64_t){ 0 }));
}

/*
 * T1: partial walks. VA1 is empty in the first leaf table, so nothing but the way
 * to that table can be cached for it. After a flush of VA0 the way is gone too.
 */
static void
t1_flush_page_drops_partial_walks(void **state)
{
	pte_t *upper = hand_tree_slot(&a, VA0, 1);
	pfn_t  tables[2];

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		tables[i] = hand_tree_frame(&a, true);
		arch_pte_exchange(upper, arch_pte_table(tables[i], true));
		hand_tree_map(&a, VA0,
			      (struct pte_leaf){ .pfn = word_frame(&a, i), .prot = PROT_R });
	}
	hand_tree_map(&a, VA1, (struct pte_leaf){ .pfn = word_frame(&a, 9), .prot = PROT_R });
	arch_pte_exchange(upper, arch_pte_table(tables[0], true));
	arch_tlb_flush_asid(ASID_A);
	activate(&a);
	assert_int_equal(word_at(VA0), 0);
	assert_false(read_word(VA1, &(uint64_t){ 0 }));

	arch_pte_exchange(upper, arch_pte_table(tables[1], true));
	arch_tlb_flush_page(ASID_A, VA0);
	assert_int_equal(word_at(VA0), 1);
	assert_int_equal(word_at(VA1), 9);
}

/* T1: of a space that is not active. */
static void
t1_flush_page_reaches_another_asid(void **state)
{
	pfn_t one = word_frame(&a, 1), two = word_frame(&a, 2);

	(void)state;
	hand_tree_map(&a, VA0, (struct pte_leaf){ .pfn = one, .prot = PROT_R });
	for (unsigned i = 0; i < ROUNDS; i++) {
		activate(&a);
		assert_int_equal(word_at(VA0), 1 + i % 2);
		activate(&b);
		hand_tree_map(&a, VA0,
			      (struct pte_leaf){ .pfn = i % 2 ? one : two, .prot = PROT_R });
		arch_tlb_flush_page(ASID_A, VA0);
	}
}

/* T1: a large leaf goes with the flush of any page in it. */
static void
t1_flush_page_drops_large_leaves(void **state)
{
	const struct frame_request request = {
		.kind = FRAME_ANON,
		.order = ARCH_PT_INDEX_BITS,
		.zeroed = true,
	};
	pte_t *slot = hand_tree_slot(&a, VA_FAR, 1);
	pfn_t  large;

	(void)state;
	if (ARCH_LEAF_LEVEL_MAX == 0)
		return;
	EXPECT_OK(frame_alloc(request, &large));
	fill_frame(large, 5);
	fill_frame(pfn_add(large, 1), 6);
	arch_pte_exchange(
		slot, arch_pte_leaf((struct pte_leaf){ .pfn = large, .level = 1, .prot = PROT_R }));
	activate(&a);
	assert_int_equal(word_at(VA_FAR), 5);
	assert_int_equal(word_at(VA_FAR + ARCH_PAGE_SIZE), 6);
	arch_pte_exchange(slot, arch_pte_empty());
	arch_tlb_flush_page(ASID_A, VA_FAR + ARCH_PAGE_SIZE);
	assert_false(read_word(VA_FAR, &(uint64_t){ 0 }));
	assert_false(read_word(VA_FAR + ARCH_PAGE_SIZE, &(uint64_t){ 0 }));
	frame_release(large);
}

/* WNX-19: T2 */
static void
t2_flush_asid_drops_everything_of_the_asid(void **state)
{
	static const vaddr_t places[] = { VA0, VA1, VA_FAR };
	pfn_t		     frames[2] = { word_frame(&a, 1), word_frame(&a, 2) };

	(void)state;
	activate(&a);
	for (unsigned i = 0; i < ROUNDS; i++) {
		for (unsigned p = 0; p < ARRAY_SIZE(places); p++)
			hand_tree_map(&a, places[p],
				      (struct pte_leaf){ .pfn = frames[i % 2], .prot = PROT_R });
		arch_tlb_flush_asid(ASID_A);
		for (unsigned p = 0; p < ARRAY_SIZE(places); p++)
			assert_int_equal(word_at(places[p]), 1 + i % 2);
	}
}

/* WNX-19: T3 */
static void
t3_flush_all_drops_everything(void **state)
{
	pfn_t frames[2] = { word_frame(&a, 1), word_frame(&a, 2) };

	(void)state;
	for (unsigned i = 0; i < ROUNDS; i++) {
		hand_tree_map(&a, VA0, (struct pte_leaf){ .pfn = frames[i % 2], .prot = PROT_R });
		hand_tree_map(&b, VA0,
			      (struct pte_leaf){ .pfn = frames[!(i % 2)], .prot = PROT_R });
		arch_tlb_flush_all();
		activate(&a);
		assert_int_equal(word_at(VA0), 1 + i % 2);
		activate(&b);
		assert_int_equal(word_at(VA0), 2 - i % 2);
	}
}

/* T4: an entry that becomes present, then writable, without any flush; one fault may be stale. */
static void
t4_more_permission_needs_no_flush(void **state)
{
	pfn_t	 one = word_frame(&a, 1);
	uint64_t word = 0;

	(void)state;
	activate(&a);
	hand_tree_slot(&a, VA0, 0);
	assert_false(read_word(VA0, &word));
	hand_tree_map(&a, VA0, (struct pte_leaf){ .pfn = one, .prot = PROT_R });
	assert_true(read_word(VA0, &word) || read_word(VA0, &word));
	assert_int_equal(word, 1);

	assert_false(write_word(VA0, 2));
	hand_tree_map(&a, VA0, (struct pte_leaf){ .pfn = one, .prot = PROT_RW });
	assert_true(write_word(VA0, 2) || write_word(VA0, 2));
	assert_int_equal(*(uint64_t *)arch_frame_ptr(one), 2);
}

/* T5 */
static void
t5_activate_changes_the_space(void **state)
{
	(void)state;
	hand_tree_map(&a, VA0, (struct pte_leaf){ .pfn = word_frame(&a, 1), .prot = PROT_RW });
	hand_tree_map(&b, VA0, (struct pte_leaf){ .pfn = word_frame(&b, 2), .prot = PROT_RW });
	for (unsigned i = 0; i < ROUNDS; i++) {
		activate(i % 2 ? &b : &a);
		assert_int_equal(word_at(VA0), 1 + i % 2);
	}
	arch_tlb_activate(pfn_none(), 0);
	assert_false(read_word(VA0, &(uint64_t){ 0 }));
	assert_false(write_word(VA0, 3));
}

/* T6: silent when what was changed was flushed. That the simulator reports the other case is its own test. */
static void
t6_settled_accepts_a_flushed_change(void **state)
{
	(void)state;
	hand_tree_map(&a, VA0, (struct pte_leaf){ .pfn = word_frame(&a, 2), .prot = PROT_RW });
	activate(&a);
	assert_int_equal(word_at(VA0), 2);
	hand_tree_map(&a, VA0, (struct pte_leaf){ .pfn = word_frame(&a, 1), .prot = PROT_R });
	arch_tlb_flush_page(ASID_A, VA0);
	arch_tlb_settled(ASID_A);
	assert_int_equal(word_at(VA0), 1);
}

/* M2, P6: what the hardware marked is in the entry that an exchange returns. */
static void
m2_exchange_returns_what_the_hardware_marked(void **state)
{
	struct pte_leaf leaf = { .pfn = word_frame(&a, 1), .prot = PROT_RW };
	struct pte_leaf got;

	(void)state;
	activate(&a);
	hand_tree_map(&a, VA0, leaf);
	got = arch_pte_decode_leaf(arch_pte_read(hand_tree_slot(&a, VA0, 0)), 0);
	assert_false(got.dirty);

	word_at(VA0);
	got = arch_pte_decode_leaf(arch_pte_read(hand_tree_slot(&a, VA0, 0)), 0);
	assert_true(got.accessed);
	assert_false(got.dirty);

	assert_true(write_word(VA0, 2));
	got = arch_pte_decode_leaf(arch_pte_exchange(hand_tree_slot(&a, VA0, 0), arch_pte_empty()),
				   0);
	assert_true(got.accessed);
	assert_true(got.dirty);
	assert_int_equal(got.pfn.n, leaf.pfn.n);
	arch_tlb_flush_page(ASID_A, VA0);
}

/* M1, M3, M4 */
static void
m3_cas_replaces_only_what_is_equal(void **state)
{
	pte_t *slot = hand_tree_slot(&a, VA0, 0);
	pte_t  one = arch_pte_leaf((struct pte_leaf){ .pfn = word_frame(&a, 1), .prot = PROT_R });
	pte_t  two = arch_pte_leaf((struct pte_leaf){ .pfn = word_frame(&a, 2), .prot = PROT_R });
	pte_t  expected = two;

	(void)state;
	arch_pte_write(slot, one);
	assert_true(arch_pte_equal(arch_pte_read(slot), one));
	assert_false(arch_pte_cas(slot, &expected, arch_pte_empty()));
	assert_true(arch_pte_equal(expected, one));
	assert_true(arch_pte_equal(arch_pte_read(slot), one));
	assert_true(arch_pte_cas(slot, &expected, two));
	assert_true(arch_pte_equal(arch_pte_exchange(slot, arch_pte_empty()), two));
	assert_true(arch_pte_equal(arch_pte_read(slot), arch_pte_empty()));
}

/* P3: the hardware's part. A mark, and a leaf with no access, deny everything. */
static void
p3_marks_and_leaves_without_access_fault(void **state)
{
	pfn_t		  one = word_frame(&a, 1);
	struct arch_fault fault = { 0 };
	uint64_t	  word;

	(void)state;
	activate(&a);
	arch_pte_write(hand_tree_slot(&a, VA0, 0),
		       arch_pte_mark((struct pte_mark){ MARK_SWAP, 77 }));
	assert_int_equal(arch_user_read(&word, VA0, sizeof(word), &fault), 0);
	assert_false(fault.present);
	arch_pte_write(hand_tree_slot(&a, VA1, 0), arch_pte_leaf((struct pte_leaf){ .pfn = one }));
	assert_int_equal(arch_user_read(&word, VA1, sizeof(word), &fault), 0);
	assert_int_equal(arch_user_write(VA1, &word, sizeof(word), &fault), 0);
	assert_int_equal(arch_pte_decode_leaf(arch_pte_read(hand_tree_slot(&a, VA1, 0)), 0).pfn.n,
			 one.n);
}

/* The rule of design section 3 in hardware: one clear write bit above denies all below it. */
static void
upper_entries_deny_writes_where_the_machine_says_so(void **state)
{
	pte_t *upper = hand_tree_slot(&a, VA0, ARCH_PT_LEVELS - 1);

	(void)state;
	hand_tree_map(&a, VA0, (struct pte_leaf){ .pfn = word_frame(&a, 1), .prot = PROT_RW });
	arch_pte_exchange(upper, arch_pte_with_write(arch_pte_read(upper), false));
	activate(&a);
	assert_int_equal(write_word(VA0, 2), !ARCH_HAS_UPPER_WRITE_DENIAL);
	assert_true(read_word(VA0, &(uint64_t){ 0 }));
	arch_pte_exchange(upper, arch_pte_with_write(arch_pte_read(upper), true));
	assert_true(write_word(VA0, 3) || write_word(VA0, 3));
}

#define LAW(name) cmocka_unit_test_setup_teardown(name, machine, machine_end)

TEST_SUITE(tlb, LAW(t1_flush_page_drops_the_translation), LAW(t1_flush_page_drops_partial_walks),
	   LAW(t1_flush_page_reaches_another_asid), LAW(t1_flush_page_drops_large_leaves),
	   LAW(t2_flush_asid_drops_everything_of_the_asid), LAW(t3_flush_all_drops_everything),
	   LAW(t4_more_permission_needs_no_flush), LAW(t5_activate_changes_the_space),
	   LAW(t6_settled_accepts_a_flushed_change),
	   LAW(m2_exchange_returns_what_the_hardware_marked),
	   LAW(m3_cas_replaces_only_what_is_equal), LAW(p3_marks_and_leaves_without_access_fault),
	   LAW(upper_entries_deny_writes_where_the_machine_says_so))
