/*
 * commit.h - how much memory has been promised, over all spaces and objects.
 *
 * Private memory that may be written, and shared memory as a whole, is promised when it
 * is mapped and found when it is touched. The policy says how far promises may go
 * beyond what there is.
 */
#pragma once

#include <anymm/types.h>

/* As Linux's vm.overcommit_memory. */
enum commit_policy {
	COMMIT_HEURISTIC, /* refuse only a single request that could never be served: a space's limit_commit */
	COMMIT_ALWAYS, /* refuse nothing */
	COMMIT_STRICT, /* all promises together stay within the limit */
};

/* commit_set_policy - from the next promise on. limit_pages: for COMMIT_STRICT. */
void		   commit_set_policy(enum commit_policy policy, uint64_t limit_pages);
enum commit_policy commit_policy(void);

/* commit_total - pages promised now. */
uint64_t commit_total(void);

/* commit_reserve - promise so many more; false: the policy forbids it. commit_release - take back. */
bool commit_reserve(uint64_t pages);
void commit_release(uint64_t pages);
