/* ledger.h - every translation that a change has made wrong, until it is flushed. */
#pragma once

#include "machine.h"

bool ledger_start(void);
void ledger_stop(void);

void ledger_frame_retired(pfn_t pfn);
void ledger_frame_rewritten(pfn_t pfn);
void ledger_flush_page(unsigned asid, vaddr_t va);
void ledger_flush_asid(unsigned asid);
void ledger_flush_all(void);
void ledger_activated(pfn_t root, unsigned asid);
/* ledger_settled - report live records of asid whose change was made by THIS CPU only (law T6 in arch.h). */
void ledger_settled(unsigned asid);

/* reset.c */
void reset_forget(void);
void reset_frame_used(pfn_t pfn);
