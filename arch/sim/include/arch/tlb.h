/* tlb.h - translations of the calling CPU: see arch/sim/tlb.c. */
#pragma once

#include <sim/hooks.h>

static inline void
arch_tlb_flush_page(unsigned asid, vaddr_t va)
{
	arch_point();
	sim_tlb_flush_page(asid, va);
}

static inline void
arch_tlb_flush_asid(unsigned asid)
{
	arch_point();
	sim_tlb_flush_asid(asid);
}

static inline void
arch_tlb_flush_all(void)
{
	arch_point();
	sim_tlb_flush_all();
}

static inline void
arch_tlb_activate(pfn_t root, unsigned asid)
{
	arch_point();
	sim_tlb_activate(root, asid);
}

static inline void
arch_tlb_settled(unsigned asid)
{
	sim_tlb_settled(asid);
}

static inline void
arch_tlb_follow(pfn_t root, pfn_t reference)
{
	sim_tlb_follow(root, reference);
}

static inline void
arch_pt_init_root(pfn_t root)
{
	sim_pt_init_root(root);
}
