/*
 * commit.c - one sum of all promises.
 *
 * A promise is made by one atomic step that also holds it against the limit, so that CPUs that
 * map at the same time cannot pass it together. Whoever has promised more than it
 * then used gives the rest back; between operations the sum is exactly what regions
 * and objects stand for.
 */
#include <anymm/commit.h>

#include "base/assert.h"
#include "phys/phys.h"

void
commit_set_policy(enum commit_policy policy, uint64_t limit_pages)
{
	atomic_store(&phys()->commit_limit, limit_pages);
	atomic_store(&phys()->commit_policy, policy);
}

enum commit_policy
commit_policy(void)
{
	return (enum commit_policy)atomic_load(&phys()->commit_policy);
}

uint64_t
commit_total(void)
{
	return atomic_load(&phys()->committed);
}

bool
commit_reserve(uint64_t pages)
{
	uint64_t limit =
		commit_policy() == COMMIT_STRICT ? atomic_load(&phys()->commit_limit) : UINT64_MAX;
	uint64_t sum = commit_total();

	do {
		if (pages > limit || sum > limit - pages)
			return false;
	} while (!atomic_compare_exchange_weak(&phys()->committed, &sum, sum + pages));
	return true;
}

void
commit_release(uint64_t pages)
{
	uint64_t before = atomic_fetch_sub(&phys()->committed, pages);

	REQUIRE(before >= pages, "%lu pages are promised, %lu given back", (unsigned long)before,
		(unsigned long)pages);
}
