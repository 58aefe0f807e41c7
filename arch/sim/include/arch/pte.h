/*
 * pte.h - the entry codec and atomic access to entries.
 *
 *  63 62 61 60 59 58 57 56 55  54 53 52 51 50   40 39                    0
 *  V  T  !r !w !x K  A  D  type   P  S  W  zero    frame number
 *
 * V: the hardware looks at the entry. T: it names a table. !r, !w, !x deny an
 * access, so a leaf that sets all three keeps its frame and allows nothing. K: kernel
 * only. P, S and W are the library's. A mark has V clear and its type, which is
 * never 0, in bits 62 - 60; its payload stands where the frame number would.
 *
 * The simulator's own walker does not use this file.
 */
#pragma once

#include <sim/hooks.h>

#define SIM_PTE_VALID	 ((uint64_t)1 << 63)
#define SIM_PTE_TABLE	 ((uint64_t)1 << 62)
#define SIM_PTE_NO_READ	 ((uint64_t)1 << 61)
#define SIM_PTE_NO_WRITE ((uint64_t)1 << 60)
#define SIM_PTE_NO_EXEC	 ((uint64_t)1 << 59)
#define SIM_PTE_KERNEL	 ((uint64_t)1 << 58)
#define SIM_PTE_ACCESSED ((uint64_t)1 << 57)
#define SIM_PTE_DIRTY	 ((uint64_t)1 << 56)
#define SIM_PTE_PRIVATE	 ((uint64_t)1 << 53)
#define SIM_PTE_SPECIAL	 ((uint64_t)1 << 52)
#define SIM_PTE_WIRED	 ((uint64_t)1 << 51)
#define SIM_PTE_FRAME	 (((uint64_t)1 << 40) - 1)

#define SIM_PTE_TYPE_SHIFT 54
#define SIM_PTE_MARK_SHIFT 60

static inline pte_t
arch_pte_empty(void)
{
	return (pte_t){ 0 };
}

static inline pte_t
arch_pte_leaf(struct pte_leaf leaf)
{
	uint64_t raw = SIM_PTE_VALID | leaf.pfn.n | (uint64_t)leaf.type << SIM_PTE_TYPE_SHIFT;

	/* No access without reading, as on x86-64, so that both machines answer alike. */
	raw |= leaf.prot ? 0 : SIM_PTE_NO_READ;
	raw |= leaf.prot & PROT_W ? 0 : SIM_PTE_NO_WRITE;
	raw |= leaf.prot & PROT_X ? 0 : SIM_PTE_NO_EXEC;
	raw |= leaf.kernel ? SIM_PTE_KERNEL : 0;
	raw |= leaf.is_private ? SIM_PTE_PRIVATE : 0;
	raw |= leaf.is_special ? SIM_PTE_SPECIAL : 0;
	raw |= leaf.is_wired ? SIM_PTE_WIRED : 0;
	raw |= leaf.accessed ? SIM_PTE_ACCESSED : 0;
	raw |= leaf.dirty ? SIM_PTE_DIRTY : 0;
	return (pte_t){ raw };
}

static inline struct pte_leaf
arch_pte_decode_leaf(pte_t pte, unsigned level)
{
	prot_t prot = 0;

	prot |= pte.raw & SIM_PTE_NO_READ ? 0 : PROT_R;
	prot |= pte.raw & SIM_PTE_NO_WRITE ? 0 : PROT_W;
	prot |= pte.raw & SIM_PTE_NO_EXEC ? 0 : PROT_X;
	return (struct pte_leaf){
		.pfn = { pte.raw & SIM_PTE_FRAME },
		.level = level,
		.prot = prot,
		.kernel = pte.raw & SIM_PTE_KERNEL,
		.is_private = pte.raw & SIM_PTE_PRIVATE,
		.is_special = pte.raw & SIM_PTE_SPECIAL,
		.is_wired = pte.raw & SIM_PTE_WIRED,
		.accessed = pte.raw & SIM_PTE_ACCESSED,
		.dirty = pte.raw & SIM_PTE_DIRTY,
		.type = (enum mem_type)(pte.raw >> SIM_PTE_TYPE_SHIFT & 3),
	};
}

static inline pte_t
arch_pte_table(pfn_t table, bool writable)
{
	bool denies = ARCH_HAS_UPPER_WRITE_DENIAL && !writable;

	return (pte_t){ SIM_PTE_VALID | SIM_PTE_TABLE | table.n | (denies ? SIM_PTE_NO_WRITE : 0) };
}

static inline pfn_t
arch_pte_table_pfn(pte_t pte)
{
	return (pfn_t){ pte.raw & SIM_PTE_FRAME };
}

static inline pte_t
arch_pte_mark(struct pte_mark mark)
{
	return (pte_t){ (uint64_t)mark.type << SIM_PTE_MARK_SHIFT | mark.payload };
}

static inline struct pte_mark
arch_pte_decode_mark(pte_t pte)
{
	return (struct pte_mark){
		.type = (enum mark_type)(pte.raw >> SIM_PTE_MARK_SHIFT),
		.payload = pte.raw & SIM_PTE_FRAME,
	};
}

static inline enum pte_kind
arch_pte_kind(pte_t pte, unsigned level)
{
	(void)level;
	if (pte.raw == 0)
		return PTE_EMPTY;
	if (!(pte.raw & SIM_PTE_VALID))
		return PTE_MARK;
	return pte.raw & SIM_PTE_TABLE ? PTE_TABLE : PTE_LEAF;
}

/* Whether the write bit of this entry means anything on this machine. */
static inline bool
sim_pte_has_write_bit(pte_t pte)
{
	return ARCH_HAS_UPPER_WRITE_DENIAL || !(pte.raw & SIM_PTE_TABLE);
}

static inline bool
arch_pte_writable(pte_t pte)
{
	return !sim_pte_has_write_bit(pte) || !(pte.raw & SIM_PTE_NO_WRITE);
}

static inline pte_t
arch_pte_with_write(pte_t pte, bool writable)
{
	if (!(pte.raw & SIM_PTE_VALID) || !sim_pte_has_write_bit(pte))
		return pte;
	if (!(pte.raw & SIM_PTE_TABLE) && pte.raw & SIM_PTE_NO_READ)
		return pte;
	return (pte_t){ (pte.raw & ~SIM_PTE_NO_WRITE) | (writable ? 0 : SIM_PTE_NO_WRITE) };
}

static inline pte_t
arch_pte_without_accessed_dirty(pte_t pte)
{
	return (pte_t){ pte.raw & ~(SIM_PTE_ACCESSED | SIM_PTE_DIRTY) };
}

static inline bool
arch_pte_equal(pte_t a, pte_t b)
{
	return a.raw == b.raw;
}

/* In memory: every access is a switch point, every change is seen by the ledger. */

static inline pte_t
arch_pte_read(const pte_t *slot)
{
	arch_point();
	return (pte_t){ __atomic_load_n(&slot->raw, __ATOMIC_ACQUIRE) };
}

static inline void
arch_pte_write(pte_t *slot, pte_t next)
{
	arch_point();
	sim_pte_write(&slot->raw, next.raw);
}

static inline pte_t
arch_pte_exchange(pte_t *slot, pte_t next)
{
	arch_point();
	return (pte_t){ sim_pte_exchange(&slot->raw, next.raw) };
}

static inline bool
arch_pte_cas(pte_t *slot, pte_t *expected, pte_t next)
{
	arch_point();
	return sim_pte_cas(&slot->raw, &expected->raw, next.raw);
}
