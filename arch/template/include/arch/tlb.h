/*
 * tlb.h - translations on the calling CPU (laws T1 to T7).
 */
#pragma once

#include <template/missing.h>

static inline void
arch_tlb_flush_page(unsigned asid, vaddr_t va)
{
	(void)asid;
	(void)va;
	template_missing("T1", __func__);
}

static inline void
arch_tlb_flush_asid(unsigned asid)
{
	(void)asid;
	template_missing("T2", __func__);
}

static inline void
arch_tlb_flush_all(void)
{
	template_missing("T3", __func__);
}

static inline void
arch_tlb_activate(pfn_t root, unsigned asid)
{
	(void)root;
	(void)asid;
	template_missing("T5", __func__);
}

static inline void
arch_tlb_settled(unsigned asid)
{
	(void)asid;
	template_missing("T6", __func__);
}

static inline void
arch_tlb_follow(pfn_t root, pfn_t reference)
{
	(void)root;
	(void)reference;
	template_missing("T7", __func__);
}

static inline void
arch_pt_init_root(pfn_t root)
{
	(void)root;
	template_missing("T5", __func__);
}
