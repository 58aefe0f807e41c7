/*
 * ledger.h - the stale ledger, as the machine feeds it.
 *
 * Every function here is called on the CPU that does what its name says.
 */
#pragma once

#include "machine.h"

bool ledger_start(void);
void ledger_stop(void);
void ledger_save(void);
void ledger_restore(void);

/* ledger_entry_changed - the entry at slot was `old` and is `next` now. `at`: code address, for blame. */
void ledger_entry_changed(const uint64_t *slot, uint64_t old, uint64_t next, const void *at);

/* ledger_frame_retired - the frame becomes free. */
void ledger_frame_retired(pfn_t pfn);

/*
 * ledger_frame_erase - before a frame is overwritten as a whole: what it held as
 * a table goes. ledger_frame_filled - after that: it may hold entries now.
 */
void ledger_frame_erase(pfn_t pfn);
void ledger_frame_filled(pfn_t pfn, pfn_t copied_from);

void ledger_flush_page(unsigned asid, vaddr_t va);
void ledger_flush_asid(unsigned asid);
void ledger_flush_all(void);
void ledger_activated(pfn_t root, unsigned asid);

/* ledger_follows - what CPUs reach through root is right only if the reference says so too (law T7). */
void ledger_follows(pfn_t root, pfn_t reference);

/* ledger_settled - report live records of asid whose change this CPU has made (law T6). */
void ledger_settled(unsigned asid);

/* A stale way to a page that an access may take. */
struct stale_choice {
	pfn_t	    pfn;
	unsigned    rights;
	bool	    is_walk; /* a table is read now: the entry found is marked as by any walk */
	struct walk walk;
};

/*
 * ledger_stale_choices - stale translations of va that this CPU may still use under
 * asid, complete pages of them, at most `max`. Returns their number.
 */
unsigned ledger_stale_choices(unsigned asid, vaddr_t va, struct stale_choice *out, unsigned max);
