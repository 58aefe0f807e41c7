/*
 * chain.h - the chain of frame records on a stack that was copied elsewhere.
 */
#pragma once

#include <anymm/kstack.h>

/* What is known of a stack while its copy is put right. */
struct chain {
	struct va_range	     used;     /* of the old stack: from its sp to its end */
	uint64_t	     distance; /* from there to the copy; wraps around */
	const struct kstack *copy;     /* holds the words */
};

/*
 * chain_rebase - move every link of the chain that starts at fp along.
 *   gives  *fp: where the innermost record is now; the number of records found
 */
uint64_t chain_rebase(const struct chain *chain, vaddr_t *fp);
