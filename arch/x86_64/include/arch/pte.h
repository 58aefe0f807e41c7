/*
 * pte.h - the x86-64 entry codec, and atomic access to entries.
 *
 * Bits, with P set (SDM vol. 3A, 4.5 "4-level paging", tables 4-15 to 4-20):
 *
 *    0 P      1 RW     2 US     3 PWT    4 PCD    5 A    6 D    8 G
 *    7        PAT of a 4 KiB leaf; PS (1) of a 2 MiB leaf; 0 in a table entry
 *    9 - 11   ignored: 9 is our P "private", 10 our S "special", 11 our W "wired"
 *   12        first bit of the frame; but PAT of a 2 MiB leaf
 *   12 - 51   frame or table
 *   52 - 58   ignored; 59 - 62 a protection key when those are in use: left 0
 *   63 NX
 *
 * With P clear the CPU ignores all other bits, architecturally. Speculatively
 * some CPUs do not: the "L1 terminal fault" (CVE-2018-3620; Intel's "Deep Dive:
 * Intel Analysis of L1 Terminal Fault") loads from the address bits of a
 * non-present entry if that line is in the first-level cache. So no non-present
 * entry that we write but the zero one has address bits that name memory:
 *
 *   - a leaf with no access carries its frame number inverted, which lies in the
 *     upper half of the physical addresses as long as RAM lies in the lower half
 *   - a mark has bits 40 - 51 set and the low part of its payload inverted; the
 *     upper part of the payload lies outside the address bits
 *
 *              63      52 51      40 39        12 11     8 7 6 5 4     1 0
 *   no access  software:  ~frame (12 - 51)        W S P 1  as a present leaf, P and RW clear
 *   mark       payload>>28  ones      ~payload     . . . 0  . . . type    0
 *
 * Bit 8 tells the two apart (G is never used in a present entry). Accessed and
 * dirty stay at bits 5 and 6 everywhere, so P6 needs no case analysis.
 *
 * A clean page that is made read-only may be dirty at the same time (RW 0, D 1).
 * With shadow stacks enabled (CR4.CET) that means something else to the CPU; an
 * embedder leaves user shadow stacks off.
 */
#pragma once

#define X86_PTE_P	  (UINT64_C(1) << 0)
#define X86_PTE_RW	  (UINT64_C(1) << 1)
#define X86_PTE_US	  (UINT64_C(1) << 2)
#define X86_PTE_PWT	  (UINT64_C(1) << 3)
#define X86_PTE_PCD	  (UINT64_C(1) << 4)
#define X86_PTE_A	  (UINT64_C(1) << 5)
#define X86_PTE_D	  (UINT64_C(1) << 6)
#define X86_PTE_PS	  (UINT64_C(1) << 7)
#define X86_PTE_PAT_SMALL (UINT64_C(1) << 7)
#define X86_PTE_PAT_LARGE (UINT64_C(1) << 12)
#define X86_PTE_NO_ACCESS (UINT64_C(1) << 8) /* only with P clear */
#define X86_PTE_PRIVATE	  (UINT64_C(1) << 9)
#define X86_PTE_SPECIAL	  (UINT64_C(1) << 10)
#define X86_PTE_WIRED	  (UINT64_C(1) << 11)
#define X86_PTE_NX	  (UINT64_C(1) << 63)

#define X86_PTE_FRAME UINT64_C(0x000ffffffffff000)

#define X86_MARK_TYPE_SHIFT 1
#define X86_MARK_TYPE	    UINT64_C(0xf)
#define X86_MARK_LOW_BITS   28
#define X86_MARK_LOW	    ((UINT64_C(1) << X86_MARK_LOW_BITS) - 1)
#define X86_MARK_HIGH_SHIFT 52
#define X86_MARK_HIGH	    UINT64_C(0xfff)
#define X86_MARK_ONES	    UINT64_C(0x000fff0000000000) /* address bits 40 - 51 */

/* x86_frame_mask - the address bits of a leaf of this level. */
static inline uint64_t
x86_frame_mask(unsigned level)
{
	return X86_PTE_FRAME &
	       ~((UINT64_C(1) << (ARCH_PAGE_SHIFT + level * ARCH_PT_INDEX_BITS)) - 1);
}

static inline uint64_t
x86_pat_bit(unsigned level)
{
	return level == 0 ? X86_PTE_PAT_SMALL : X86_PTE_PAT_LARGE;
}

/*
 * Memory types are the three bits PAT, PCD, PWT, an index into the table that
 * x86_machine_init_cpu loads: 0 - 3 as after power-on, 4 - 7 write combining.
 */
static inline uint64_t
x86_type_bits(enum mem_type type, unsigned level)
{
	switch (type) {
	case MEM_UNCACHED:
		return X86_PTE_PCD | X86_PTE_PWT;
	case MEM_COMBINING:
		return x86_pat_bit(level);
	case MEM_CACHED:
	case MEM_TYPES:
		break;
	}
	return 0;
}

static inline enum mem_type
x86_type_of(uint64_t raw, unsigned level)
{
	if (raw & x86_pat_bit(level))
		return MEM_COMBINING;
	return raw & X86_PTE_PCD ? MEM_UNCACHED : MEM_CACHED;
}

static inline pte_t
arch_pte_empty(void)
{
	return (pte_t){ 0 };
}

static inline pte_t
arch_pte_leaf(struct pte_leaf leaf)
{
	uint64_t frame = leaf.pfn.n << ARCH_PAGE_SHIFT;
	uint64_t mask = x86_frame_mask(leaf.level);
	uint64_t raw = x86_type_bits(leaf.type, leaf.level);

	raw |= leaf.level > 0 ? X86_PTE_PS : 0;
	raw |= leaf.kernel ? 0 : X86_PTE_US;
	raw |= leaf.is_private ? X86_PTE_PRIVATE : 0;
	raw |= leaf.is_special ? X86_PTE_SPECIAL : 0;
	raw |= leaf.is_wired ? X86_PTE_WIRED : 0;
	raw |= leaf.accessed ? X86_PTE_A : 0;
	raw |= leaf.dirty ? X86_PTE_D : 0;
	if (leaf.prot == 0)
		return (pte_t){ raw | X86_PTE_NO_ACCESS | (~frame & mask) };
	raw |= leaf.prot & PROT_W ? X86_PTE_RW : 0;
	raw |= leaf.prot & PROT_X ? 0 : X86_PTE_NX;
	return (pte_t){ raw | X86_PTE_P | (frame & mask) };
}

/* x86_prot_of - a present leaf is always readable; neither write-only nor execute-only exists. */
static inline prot_t
x86_prot_of(uint64_t raw)
{
	if (!(raw & X86_PTE_P))
		return 0;
	return PROT_R | (raw & X86_PTE_RW ? PROT_W : 0) | (raw & X86_PTE_NX ? 0 : PROT_X);
}

static inline struct pte_leaf
arch_pte_decode_leaf(pte_t pte, unsigned level)
{
	uint64_t frame = (pte.raw & X86_PTE_P ? pte.raw : ~pte.raw) & x86_frame_mask(level);

	return (struct pte_leaf){
		.pfn = { frame >> ARCH_PAGE_SHIFT },
		.level = level,
		.prot = x86_prot_of(pte.raw),
		.kernel = !(pte.raw & X86_PTE_US),
		.is_private = pte.raw & X86_PTE_PRIVATE,
		.is_special = pte.raw & X86_PTE_SPECIAL,
		.is_wired = pte.raw & X86_PTE_WIRED,
		.accessed = pte.raw & X86_PTE_A,
		.dirty = pte.raw & X86_PTE_D,
		.type = x86_type_of(pte.raw, level),
	};
}

/* User rights are given at every upper level: the leaf alone decides about them. */
static inline pte_t
arch_pte_table(pfn_t table, bool writable)
{
	uint64_t frame = (table.n << ARCH_PAGE_SHIFT) & X86_PTE_FRAME;

	return (pte_t){ frame | X86_PTE_P | X86_PTE_US | (writable ? X86_PTE_RW : 0) };
}

static inline pfn_t
arch_pte_table_pfn(pte_t pte)
{
	return (pfn_t){ (pte.raw & X86_PTE_FRAME) >> ARCH_PAGE_SHIFT };
}

static inline pte_t
arch_pte_mark(struct pte_mark mark)
{
	uint64_t low = ~mark.payload & X86_MARK_LOW;
	uint64_t high = mark.payload >> X86_MARK_LOW_BITS & X86_MARK_HIGH;

	return (pte_t){ high << X86_MARK_HIGH_SHIFT | X86_MARK_ONES | low << ARCH_PAGE_SHIFT |
			(uint64_t)mark.type << X86_MARK_TYPE_SHIFT };
}

static inline struct pte_mark
arch_pte_decode_mark(pte_t pte)
{
	uint64_t low = ~pte.raw >> ARCH_PAGE_SHIFT & X86_MARK_LOW;
	uint64_t high = pte.raw >> X86_MARK_HIGH_SHIFT & X86_MARK_HIGH;

	return (struct pte_mark){
		.type = (enum mark_type)(pte.raw >> X86_MARK_TYPE_SHIFT & X86_MARK_TYPE),
		.payload = high << X86_MARK_LOW_BITS | low,
	};
}

static inline enum pte_kind
arch_pte_kind(pte_t pte, unsigned level)
{
	if (pte.raw == 0)
		return PTE_EMPTY;
	if (!(pte.raw & X86_PTE_P))
		return pte.raw & X86_PTE_NO_ACCESS ? PTE_LEAF : PTE_MARK;
	if (level == 0 || (level <= ARCH_LEAF_LEVEL_MAX && (pte.raw & X86_PTE_PS)))
		return PTE_LEAF;
	return PTE_TABLE;
}

static inline bool
arch_pte_writable(pte_t pte)
{
	return (pte.raw & (X86_PTE_P | X86_PTE_RW)) == (X86_PTE_P | X86_PTE_RW);
}

/* Without P there is nothing to permit, and in a mark the bit belongs to the type. */
static inline pte_t
arch_pte_with_write(pte_t pte, bool writable)
{
	if (!(pte.raw & X86_PTE_P))
		return pte;
	return (pte_t){ writable ? pte.raw | X86_PTE_RW : pte.raw & ~X86_PTE_RW };
}

static inline pte_t
arch_pte_without_accessed_dirty(pte_t pte)
{
	return (pte_t){ pte.raw & ~(X86_PTE_A | X86_PTE_D) };
}

static inline bool
arch_pte_equal(pte_t a, pte_t b)
{
	return a.raw == b.raw;
}

/*
 * Entries in memory. An aligned 8-byte access is atomic (SDM vol. 3A, 9.1.1),
 * page walks see stores in order, and the CPU sets A and D with locked
 * read-modify-writes, so an exchange loses neither.
 */
static inline pte_t
arch_pte_read(const pte_t *slot)
{
	return (pte_t){ __atomic_load_n(&slot->raw, __ATOMIC_ACQUIRE) };
}

static inline void
arch_pte_write(pte_t *slot, pte_t next)
{
	__atomic_store_n(&slot->raw, next.raw, __ATOMIC_RELEASE);
}

static inline pte_t
arch_pte_exchange(pte_t *slot, pte_t next)
{
	return (pte_t){ __atomic_exchange_n(&slot->raw, next.raw, __ATOMIC_ACQ_REL) };
}

static inline bool
arch_pte_cas(pte_t *slot, pte_t *expected, pte_t next)
{
	return __atomic_compare_exchange_n(&slot->raw, &expected->raw, next.raw, false,
					   __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}
