/*
 * pte.h - the entry codec (laws P1 to P6), and entries in memory (M1 to M5).
 *
 * Begin with a picture of the entry and the place of each property in it. Choose how a
 * non-present entry tells a mark from a leaf without access; see the other machines.
 */
#pragma once

#include <template/missing.h>

static inline pte_t
arch_pte_empty(void)
{
	template_missing("P5", __func__);
}

static inline pte_t
arch_pte_leaf(struct pte_leaf leaf)
{
	(void)leaf;
	template_missing("P1", __func__);
}

static inline struct pte_leaf
arch_pte_decode_leaf(pte_t pte, unsigned level)
{
	(void)pte;
	(void)level;
	template_missing("P1", __func__);
}

static inline pte_t
arch_pte_table(pfn_t table, bool writable)
{
	(void)table;
	(void)writable;
	template_missing("P2", __func__);
}

static inline pfn_t
arch_pte_table_pfn(pte_t pte)
{
	(void)pte;
	template_missing("P2", __func__);
}

static inline pte_t
arch_pte_mark(struct pte_mark mark)
{
	(void)mark;
	template_missing("P3", __func__);
}

static inline struct pte_mark
arch_pte_decode_mark(pte_t pte)
{
	(void)pte;
	template_missing("P3", __func__);
}

static inline enum pte_kind
arch_pte_kind(pte_t pte, unsigned level)
{
	(void)pte;
	(void)level;
	template_missing("P1", __func__);
}

static inline bool
arch_pte_writable(pte_t pte)
{
	(void)pte;
	template_missing("P2", __func__);
}

static inline pte_t
arch_pte_with_write(pte_t pte, bool writable)
{
	(void)pte;
	(void)writable;
	template_missing("P4", __func__);
}

static inline pte_t
arch_pte_without_accessed_dirty(pte_t pte)
{
	(void)pte;
	template_missing("P6", __func__);
}

static inline bool
arch_pte_equal(pte_t a, pte_t b)
{
	(void)a;
	(void)b;
	template_missing("P1", __func__);
}

static inline pte_t
arch_pte_read(const pte_t *slot)
{
	(void)slot;
	template_missing("M1", __func__);
}

static inline void
arch_pte_write(pte_t *slot, pte_t next)
{
	(void)slot;
	(void)next;
	template_missing("M4", __func__);
}

static inline pte_t
arch_pte_exchange(pte_t *slot, pte_t next)
{
	(void)slot;
	(void)next;
	template_missing("M2", __func__);
}

static inline bool
arch_pte_cas(pte_t *slot, pte_t *expected, pte_t next)
{
	(void)slot;
	(void)expected;
	(void)next;
	template_missing("M3", __func__);
}
