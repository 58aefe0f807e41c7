/*
 * test_x86_codec.c - the x86-64 entry codec against a decoder of its own.
 *
 * The decoder below reads an entry as the processor does, bit by bit, from the
 * tables of the manual (SDM vol. 3A, 4.5.4, tables 4-15 to 4-20) and shares
 * nothing with arch/pte.h. A million random entries per level go through every
 * helper; a million random leaves go the other way. Compiled against x86-64 and
 * run on the host: the codec is pure.
 */
#include "harness.h"

#include <anymm/arch.h>

#define RUNS 1000000

/* What the processor takes from one entry. */
struct sdm_entry {
	bool	 present;
	bool	 is_leaf;
	bool	 write;
	bool	 user;
	bool	 execute;
	bool	 accessed;
	bool	 dirty;
	bool	 global;
	unsigned pat_index;	 /* PAT, PCD, PWT */
	uint64_t address;	 /* of the frame or table */
	bool	 reserved_clear; /* every bit that must be 0 is 0 */
	unsigned software;	 /* bits 9 to 11 */
};

static unsigned
bit(uint64_t raw, unsigned n)
{
	return (unsigned)(raw >> n) & 1;
}

/* bits - the value of bits first..last, in place. */
static uint64_t
bits_in_place(uint64_t raw, unsigned first, unsigned last)
{
	uint64_t value = 0;

	for (unsigned n = first; n <= last; n++)
		value |= (uint64_t)bit(raw, n) << n;
	return value;
}

/* Level 0: PTE. Level 1: PDE, of a table or of a 2 MiB page. Above: tables. */
static struct sdm_entry
sdm_decode(uint64_t raw, unsigned level)
{
	bool	 large = level == 1 && bit(raw, 7);
	bool	 leaf = level == 0 || large;
	unsigned pat = leaf ? bit(raw, large ? 12 : 7) : 0;

	return (struct sdm_entry){
		.present = bit(raw, 0),
		.is_leaf = leaf,
		.write = bit(raw, 1),
		.user = bit(raw, 2),
		.execute = !bit(raw, 63),
		.accessed = bit(raw, 5),
		.dirty = bit(raw, 6),
		.global = leaf && bit(raw, 8),
		.pat_index = pat * 4 + bit(raw, 4) * 2 + bit(raw, 3),
		.address = bits_in_place(raw, large ? 21 : 12, 51),
		.reserved_clear =
			(!large || bits_in_place(raw, 13, 20) == 0) && (level < 2 || !bit(raw, 7)),
		.software = bit(raw, 9) + 2 * bit(raw, 10) + 4 * bit(raw, 11),
	};
}

/* The memory types that x86_machine_init_cpu loads. */
static enum mem_type
sdm_type(unsigned pat_index)
{
	static const enum mem_type types[8] = {
		MEM_CACHED,    MEM_CACHED,    MEM_UNCACHED,  MEM_UNCACHED,
		MEM_COMBINING, MEM_COMBINING, MEM_COMBINING, MEM_COMBINING,
	};

	return types[pat_index];
}

static prot_t
sdm_prot(struct sdm_entry e)
{
	if (!e.present)
		return 0;
	return PROT_R + PROT_W * e.write + PROT_X * e.execute;
}

/* random_raw - uniform, or sparse, or one bit away from a legal shape; never a page of 1 GiB or more. */
static uint64_t
random_raw(uint64_t *random, unsigned level)
{
	uint64_t raw = test_random(random);
	uint64_t how = test_random(random) % 8;

	if (how == 0)
		raw &= test_random(random) & test_random(random);
	if (how == 1)
		raw = (uint64_t)1 << raw % 64;
	if (how == 2)
		raw |= 1;
	if (level >= 2)
		raw &= ~((uint64_t)1 << 7);
	return raw;
}

static enum pte_kind
sdm_kind(uint64_t raw, struct sdm_entry e)
{
	if (raw == 0)
		return PTE_EMPTY;
	if (!e.present)
		return bit(raw, 8) ? PTE_LEAF : PTE_MARK;
	return e.is_leaf ? PTE_LEAF : PTE_TABLE;
}

static void
check_leaf(uint64_t raw, unsigned level, struct sdm_entry e)
{
	struct pte_leaf leaf = arch_pte_decode_leaf((pte_t){ raw }, level);
	uint64_t	address = bits_in_place(e.present ? raw : ~raw, level == 1 ? 21 : 12, 51);

	assert_int_equal(leaf.pfn.n, address / 4096);
	assert_int_equal(leaf.level, level);
	assert_int_equal(leaf.prot, sdm_prot(e));
	assert_int_equal(leaf.kernel, !e.user);
	assert_int_equal(leaf.is_private, e.software % 2);
	assert_int_equal(leaf.is_special, e.software / 2 % 2);
	assert_int_equal(leaf.is_wired, e.software / 4);
	assert_int_equal(leaf.accessed, e.accessed);
	assert_int_equal(leaf.dirty, e.dirty);
	if (e.is_leaf)
		assert_int_equal(leaf.type, sdm_type(e.pat_index));
}

static void
check_mark(uint64_t raw)
{
	struct pte_mark mark = arch_pte_decode_mark((pte_t){ raw });
	uint64_t	type = 0, payload = 0;

	for (unsigned n = 0; n < 4; n++)
		type += (uint64_t)bit(raw, 1 + n) << n;
	for (unsigned n = 0; n < 28; n++)
		payload += (uint64_t)!bit(raw, 12 + n) << n;
	for (unsigned n = 0; n < 12; n++)
		payload += (uint64_t)bit(raw, 52 + n) << (28 + n);
	assert_int_equal(mark.type, type);
	assert_int_equal(mark.payload, payload);
}

static void
check_helpers(uint64_t raw, struct sdm_entry e)
{
	pte_t	 pte = { raw };
	uint64_t set = arch_pte_with_write(pte, true).raw;
	uint64_t cleared = arch_pte_with_write(pte, false).raw;
	uint64_t rest = ~(uint64_t)2;

	assert_int_equal(arch_pte_writable(pte), e.present && e.write);
	assert_int_equal(set & rest, raw & rest);
	assert_int_equal(cleared & rest, raw & rest);
	assert_int_equal(bit(set, 1), e.present ? 1 : bit(raw, 1));
	assert_int_equal(bit(cleared, 1), e.present ? 0 : bit(raw, 1));
	assert_int_equal(arch_pte_without_accessed_dirty(pte).raw, raw - (raw & 0x60));
	assert_true(arch_pte_equal(pte, (pte_t){ raw }));
	assert_false(arch_pte_equal(pte, (pte_t){ raw ^ (uint64_t)1 << raw % 64 }));
}

static void
random_entries_read_as_the_manual_says(void **state)
{
	uint64_t random = test_seed(11);

	(void)state;
	for (unsigned level = 0; level < ARCH_PT_LEVELS; level++) {
		for (unsigned i = 0; i < RUNS; i++) {
			uint64_t	 raw = random_raw(&random, level);
			struct sdm_entry e = sdm_decode(raw, level);
			enum pte_kind	 kind = arch_pte_kind((pte_t){ raw }, level);

			assert_int_equal(kind, sdm_kind(raw, e));
			if (kind == PTE_LEAF && level <= ARCH_LEAF_LEVEL_MAX)
				check_leaf(raw, level, e);
			if (kind == PTE_MARK)
				check_mark(raw);
			if (kind == PTE_TABLE)
				assert_int_equal(arch_pte_table_pfn((pte_t){ raw }).n,
						 e.address / 4096);
			check_helpers(raw, e);
		}
	}
}

/* random_leaf - legal, with the frame anywhere in the physical addresses. */
static struct pte_leaf
random_leaf(uint64_t *random, unsigned level)
{
	uint64_t r = test_random(random);

	return (struct pte_leaf){
		.pfn = { test_random(random) >> 24 >> r % 40 << 9 * level &
			 (((uint64_t)1 << 40) - 1) },
		.level = level,
		.prot = r >> 8 & 7,
		.kernel = bit(r, 12),
		.is_private = bit(r, 13),
		.is_special = bit(r, 14),
		.is_wired = bit(r, 17),
		.accessed = bit(r, 15),
		.dirty = bit(r, 16),
		.type = (enum mem_type)((r >> 20) % MEM_TYPES),
	};
}

static void
check_present(struct pte_leaf leaf, uint64_t raw, struct sdm_entry e)
{
	assert_int_equal(e.address, leaf.pfn.n * 4096);
	assert_int_equal(e.write, (leaf.prot & PROT_W) != 0);
	assert_int_equal(e.execute, (leaf.prot & PROT_X) != 0);
	assert_int_equal(sdm_type(e.pat_index), leaf.type);
	assert_true(e.is_leaf);
	assert_true(e.reserved_clear);
	assert_false(e.global);
	assert_int_equal(bits_in_place(raw, 52, 62), 0);
}

static void
leaves_mean_to_the_processor_what_was_asked(void **state)
{
	uint64_t random = test_seed(12);

	(void)state;
	for (unsigned i = 0; i < RUNS; i++) {
		struct pte_leaf	 leaf = random_leaf(&random, i % 2);
		uint64_t	 raw = arch_pte_leaf(leaf).raw;
		struct sdm_entry e = sdm_decode(raw, leaf.level);

		assert_int_equal(e.present, leaf.prot != 0);
		assert_int_equal(e.user, !leaf.kernel);
		assert_int_equal(e.accessed, leaf.accessed);
		assert_int_equal(e.dirty, leaf.dirty);
		assert_int_equal(e.software,
				 leaf.is_private + 2 * leaf.is_special + 4 * leaf.is_wired);
		if (e.present)
			check_present(leaf, raw, e);
	}
}

static void
tables_mean_to_the_processor_what_was_asked(void **state)
{
	uint64_t random = test_seed(13);

	(void)state;
	for (unsigned i = 0; i < RUNS; i++) {
		pfn_t	 table = { test_random(&random) >> 24 >> i % 40 };
		uint64_t raw = arch_pte_table(table, i % 2).raw;

		for (unsigned level = 1; level < ARCH_PT_LEVELS; level++) {
			struct sdm_entry e = sdm_decode(raw, level);

			assert_true(e.present && e.user && e.execute && e.reserved_clear);
			assert_false(e.is_leaf);
			assert_int_equal(e.write, i % 2);
			assert_int_equal(e.address, table.n * 4096);
			assert_int_equal(e.pat_index, 0);
			assert_int_equal(bits_in_place(raw, 52, 62), 0);
		}
	}
}

/*
 * A processor that speculates past a clear P bit must find an address where no
 * memory is: in the upper half for frames of the lower half, and in the top
 * sixteenth, also of processors whose caches compare 44 bits, for every mark.
 */
static void
entries_without_access_point_away_from_memory(void **state)
{
	uint64_t random = test_seed(14);

	(void)state;
	for (unsigned i = 0; i < RUNS; i++) {
		struct pte_leaf leaf = random_leaf(&random, i % 2);
		struct pte_mark mark = { (enum mark_type)(1 + i % 2), test_random(&random) >> 24 };
		uint64_t	raw;

		leaf.prot = 0;
		leaf.pfn.n &= ((uint64_t)1 << 39) - 1;
		raw = arch_pte_leaf(leaf).raw;
		assert_int_equal(bit(raw, 0), 0);
		assert_int_equal(bit(raw, 51), 1);

		raw = arch_pte_mark(mark).raw;
		assert_int_equal(bit(raw, 0), 0);
		assert_int_equal(bits_in_place(raw, 40, 51) >> 40, 0xfff);
	}
}

TEST_SUITE(x86_codec, cmocka_unit_test(random_entries_read_as_the_manual_says),
	   cmocka_unit_test(leaves_mean_to_the_processor_what_was_asked),
	   cmocka_unit_test(tables_mean_to_the_processor_what_was_asked),
	   cmocka_unit_test(entries_without_access_point_away_from_memory))
