/* ledger.c - flushes. */
#include "ledger.h"

bool
ledger_start(void)
{
	return true;
}

void
ledger_stop(void)
{
}

void
ledger_frame_retired(pfn_t pfn)
{
	(void)pfn;
}

void
ledger_frame_rewritten(pfn_t pfn)
{
	(void)pfn;
}

void
ledger_flush_page(unsigned asid, vaddr_t va)
{
	(void)asid;
	(void)va;
}

void
ledger_flush_asid(unsigned asid)
{
	(void)asid;
}

void
ledger_flush_all(void)
{
}

void
ledger_activated(pfn_t root, unsigned asid)
{
	(void)root;
	(void)asid;
}

void
ledger_settled(unsigned asid)
{
	(void)asid;
}

void
reset_forget(void)
{
}

void
reset_frame_used(pfn_t pfn)
{
	(void)pfn;
}

struct sim_tlb_stats
sim_tlb_stats(void)
{
	return sim_state.stats;
}
