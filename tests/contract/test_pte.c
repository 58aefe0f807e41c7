/*
 * test_pte.c - laws P1 to P6: the entry codec as pure functions.
 *
 * Every combination of a leaf's properties is tried with the frame numbers at
 * the ends and a few in between. Nothing here needs a running machine, so the
 * same file is also compiled against x86-64 and run on the host.
 */
#include "harness.h"

#include <anymm/arch.h>

#define PFN_BITS    (ARCH_PADDR_BITS - ARCH_PAGE_SHIFT)
#define PFN_MAX	    (((uint64_t)1 << PFN_BITS) - 1)
#define PAYLOAD_MAX (((uint64_t)1 << 40) - 1)

#define LEAF_SHAPES (8 * 2 * 2 * 2 * 2 * 2 * 2 * MEM_TYPES)
#define NR_PFNS	    12

/* leaf_shape - the n-th combination of everything but frame and level. */
static struct pte_leaf
leaf_shape(unsigned n)
{
	return (struct pte_leaf){
		.prot = n % 8,
		.kernel = n / 8 % 2,
		.is_private = n / 16 % 2,
		.is_special = n / 32 % 2,
		.accessed = n / 64 % 2,
		.dirty = n / 128 % 2,
		.is_wired = n / 256 % 2,
		.type = (enum mem_type)(n / 512),
	};
}

/* some_pfn - the ends of the range, every single bit's neighbourhood by chance. */
static pfn_t
some_pfn(unsigned n, uint64_t *random)
{
	if (n == 0)
		return (pfn_t){ 0 };
	if (n == 1)
		return (pfn_t){ PFN_MAX };
	if (n == 2)
		return (pfn_t){ (uint64_t)1 << (PFN_BITS - 1) };
	return (pfn_t){ (test_random(random) & PFN_MAX) >> test_random(random) % PFN_BITS };
}

/* for_each_leaf - every shape, with several frames, at every level that has leaves. */
static void
for_each_leaf(void (*test)(struct pte_leaf leaf))
{
	uint64_t random = test_seed(1);

	for (unsigned level = 0; level <= ARCH_LEAF_LEVEL_MAX; level++) {
		for (unsigned i = 0; i < LEAF_SHAPES * NR_PFNS; i++) {
			struct pte_leaf leaf = leaf_shape(i / NR_PFNS);
			uint64_t	frames = (uint64_t)1 << level * ARCH_PT_INDEX_BITS;

			leaf.level = level;
			leaf.pfn.n = some_pfn(i % NR_PFNS, &random).n & ~(frames - 1);
			test(leaf);
		}
	}
}

static void
assert_same_but_prot(struct pte_leaf a, struct pte_leaf b)
{
	assert_int_equal(a.pfn.n, b.pfn.n);
	assert_int_equal(a.level, b.level);
	assert_int_equal(a.kernel, b.kernel);
	assert_int_equal(a.is_private, b.is_private);
	assert_int_equal(a.is_special, b.is_special);
	assert_int_equal(a.is_wired, b.is_wired);
	assert_int_equal(a.accessed, b.accessed);
	assert_int_equal(a.dirty, b.dirty);
	assert_int_equal(a.type, b.type);
}

/* allowed_prot - got is what was asked for, or that and PROT_R where the machine cannot leave it out. */
static bool
allowed_prot(prot_t got, prot_t asked)
{
	return got == asked || (asked != 0 && got == (asked | PROT_R));
}

static void
p1_one_leaf(struct pte_leaf leaf)
{
	pte_t		pte = arch_pte_leaf(leaf);
	struct pte_leaf got = arch_pte_decode_leaf(pte, leaf.level);

	assert_int_equal(arch_pte_kind(pte, leaf.level), PTE_LEAF);
	assert_same_but_prot(got, leaf);
	assert_true(allowed_prot(got.prot, leaf.prot));
	assert_int_equal(arch_pte_writable(pte), (leaf.prot & PROT_W) != 0);
	assert_true(arch_pte_equal(arch_pte_leaf(got), pte));
}

/* LUN-13: P1 */
static void
p1_a_leaf_decodes_to_what_was_encoded(void **state)
{
	(void)state;
	for_each_leaf(p1_one_leaf);
}

/* LUN-13: P2 */
static void
p2_a_table_entry_keeps_table_and_write_permission(void **state)
{
	uint64_t random = test_seed(2);

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		pfn_t table = some_pfn(i, &random);
		bool  writable = i % 2;
		pte_t pte = arch_pte_table(table, writable);

		for (unsigned level = 1; level < ARCH_PT_LEVELS; level++)
			assert_int_equal(arch_pte_kind(pte, level), PTE_TABLE);
		assert_int_equal(arch_pte_table_pfn(pte).n, table.n);
		assert_int_equal(arch_pte_writable(pte), writable || !ARCH_HAS_UPPER_WRITE_DENIAL);
	}
}

static struct pte_mark
some_mark(unsigned n, uint64_t *random)
{
	uint64_t payload = test_random(random) & PAYLOAD_MAX;

	if (n % 4 == 0)
		payload >>= test_random(random) % 40;
	if (n % 4 == 1)
		payload = n % 8 < 4 ? 0 : PAYLOAD_MAX;
	return (struct pte_mark){ .type = (enum mark_type)(1 + n % (MARK_TYPES - 1)),
				  .payload = payload };
}

/* LUN-15: P3, but for the fault of the hardware, which test_tlb.c provokes. */
static void
p3_a_mark_decodes_to_what_was_encoded(void **state)
{
	uint64_t random = test_seed(3);

	(void)state;
	for (unsigned i = 0; i < 10000; i++) {
		struct pte_mark mark = some_mark(i, &random);
		pte_t		pte = arch_pte_mark(mark);
		struct pte_mark got = arch_pte_decode_mark(pte);

		for (unsigned level = 0; level < ARCH_PT_LEVELS; level++)
			assert_int_equal(arch_pte_kind(pte, level), PTE_MARK);
		assert_int_equal(got.type, mark.type);
		assert_int_equal(got.payload, mark.payload);
	}
}

static void
p4_one_leaf(struct pte_leaf leaf)
{
	pte_t		pte = arch_pte_leaf(leaf);
	struct pte_leaf before = arch_pte_decode_leaf(pte, leaf.level);

	for (unsigned writable = 0; writable <= 1; writable++) {
		pte_t		changed = arch_pte_with_write(pte, writable);
		struct pte_leaf after = arch_pte_decode_leaf(changed, leaf.level);
		bool		can = (before.prot & PROT_R) != 0;

		assert_int_equal(arch_pte_kind(changed, leaf.level), PTE_LEAF);
		assert_same_but_prot(after, before);
		assert_int_equal(after.prot & ~(prot_t)PROT_W, before.prot & ~(prot_t)PROT_W);
		assert_int_equal(arch_pte_writable(changed), writable && can);
		assert_true(
			arch_pte_equal(arch_pte_with_write(changed, before.prot & PROT_W), pte));
	}
}

/* LUN-13: P4 */
static void
p4_with_write_changes_only_the_write_permission(void **state)
{
	uint64_t random = test_seed(4);

	(void)state;
	for_each_leaf(p4_one_leaf);
	for (unsigned i = 0; i < 1000; i++) {
		pfn_t table = some_pfn(i, &random);
		pte_t pte = arch_pte_table(table, i % 2);
		pte_t changed = arch_pte_with_write(pte, !(i % 2));

		assert_int_equal(arch_pte_kind(changed, 1), PTE_TABLE);
		assert_int_equal(arch_pte_table_pfn(changed).n, table.n);
		assert_true(arch_pte_equal(changed, arch_pte_table(table, !(i % 2))));
	}
}

static void
p5_one_leaf(struct pte_leaf leaf)
{
	assert_false(arch_pte_equal(arch_pte_leaf(leaf), arch_pte_empty()));
}

/* LUN-14: P5 */
static void
p5_only_the_zero_entry_is_empty(void **state)
{
	static const unsigned char zeroes[sizeof(pte_t)];
	uint64_t		   random = test_seed(5);
	pte_t			   empty = arch_pte_empty();

	(void)state;
	assert_memory_equal(&empty, zeroes, sizeof(empty));
	for (unsigned level = 0; level < ARCH_PT_LEVELS; level++)
		assert_int_equal(arch_pte_kind(empty, level), PTE_EMPTY);
	for_each_leaf(p5_one_leaf);
	for (unsigned i = 0; i < 1000; i++) {
		assert_false(arch_pte_equal(arch_pte_table(some_pfn(i, &random), i % 2), empty));
		assert_false(arch_pte_equal(arch_pte_mark(some_mark(i, &random)), empty));
	}
}

static void
p6_one_leaf(struct pte_leaf leaf)
{
	struct pte_leaf clean = leaf;

	clean.accessed = false;
	clean.dirty = false;
	assert_true(arch_pte_equal(arch_pte_without_accessed_dirty(arch_pte_leaf(leaf)),
				   arch_pte_leaf(clean)));
}

/* LUN-13: P6 */
static void
p6_without_accessed_dirty_clears_nothing_else(void **state)
{
	uint64_t random = test_seed(6);

	(void)state;
	for_each_leaf(p6_one_leaf);
	for (unsigned i = 0; i < 1000; i++) {
		pte_t mark = arch_pte_mark(some_mark(i, &random));
		pte_t table = arch_pte_table(some_pfn(i, &random), i % 2);

		assert_true(arch_pte_equal(arch_pte_without_accessed_dirty(mark), mark));
		assert_true(arch_pte_equal(arch_pte_without_accessed_dirty(table), table));
	}
}

TEST_SUITE(pte, cmocka_unit_test(p1_a_leaf_decodes_to_what_was_encoded),
	   cmocka_unit_test(p2_a_table_entry_keeps_table_and_write_permission),
	   cmocka_unit_test(p3_a_mark_decodes_to_what_was_encoded),
	   cmocka_unit_test(p4_with_write_changes_only_the_write_permission),
	   cmocka_unit_test(p5_only_the_zero_entry_is_empty),
	   cmocka_unit_test(p6_without_accessed_dirty_clears_nothing_else))
