/*
 * check.h - every invariant, recomputed from scratch.
 *
 * The numbered list is src/check/invariants.h. For tests and debugging: the
 * cost is linear in all memory of all spaces. Needs: no operation in progress.
 */
#pragma once

#include <anymm/process.h>

enum invariant {
	INV_REF,
	INV_EXCL,
	INV_PROT,
	INV_REG,
	INV_TAB,
	INV_FREE,
	INV_TLB,
	INV_CHARGE,
	INV_LEDGER,
	INV_PROC,
	INV_REPL,
	INV_NR,
};

struct check_report {
	enum invariant broken;
	char	       text[240]; /* what, where, expected, found */
};

/* check_all - true if all hold; else *report names the first that does not. */
bool check_all(struct check_report *report);

/* invariant_name - "I-REF", ... */
const char *invariant_name(enum invariant inv);

/*
 * Digest of everything a user can see of all processes: regions, contents,
 * protections, sharing structure (frames named by first visit). Equal digests
 * before and after a failed call mean that nothing changed.
 */
struct digest {
	uint64_t lo, hi;
};
struct digest digest_all(void);
struct digest digest_space(struct space *sp);

/*
 * digest_lasting - the same without what page-out may change at any moment, and whether a page is in memory:
 * equal before and after a call that failed for want of memory, also if pages went to make room.
 */
struct digest digest_lasting(void);
