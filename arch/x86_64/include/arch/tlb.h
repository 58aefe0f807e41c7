/*
 * tlb.h - translations: see mmu/tlb.c for which instruction does what.
 */
#pragma once

#include <x86/machine.h>

static inline void
arch_tlb_flush_page(unsigned asid, vaddr_t va)
{
	x86_tlb_flush_page(asid, va);
}

static inline void
arch_tlb_flush_asid(unsigned asid)
{
	x86_tlb_flush_asid(asid);
}

static inline void
arch_tlb_flush_all(void)
{
	x86_tlb_flush_all();
}

static inline void
arch_tlb_activate(pfn_t root, unsigned asid)
{
	x86_tlb_activate(root, asid);
}

/* Hardware keeps no ledger. */
static inline void
arch_tlb_settled(unsigned asid)
{
	(void)asid;
}

static inline void
arch_tlb_follow(pfn_t root, pfn_t reference)
{
	(void)root;
	(void)reference;
}

static inline void
arch_pt_init_root(pfn_t root)
{
	x86_pt_init_root(root);
}
