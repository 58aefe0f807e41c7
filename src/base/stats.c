/*
 * stats.c - counters, one line of them per CPU.
 *
 * A CPU writes only its own line, with plain relaxed stores: counting costs no
 * locked instruction and no shared cache line. A sum read while others count
 * is a moment's approximation.
 */
#include <anymm/stats.h>

#include "base/assert.h"
#include "base/root.h"

static const struct {
	const char *name;
	const char *text;
} descriptions[STAT_NR] = {
#define STAT_DESCRIPTION(name, text) [STAT_##name] = { #name, text },
	STATS(STAT_DESCRIPTION)
#undef STAT_DESCRIPTION
};

void
stat_add(enum stat stat, uint64_t n)
{
	_Atomic uint64_t *counter = &root()->stats[platform_cpu()].counters[stat];

	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
			      memory_order_relaxed);
}

uint64_t
stat_get(enum stat stat)
{
	uint64_t sum = 0;

	for (unsigned cpu = 0; cpu < platform_cpus(); cpu++)
		sum += atomic_load_explicit(&root()->stats[cpu].counters[stat],
					    memory_order_relaxed);
	return sum;
}

const char *
stat_name(enum stat stat)
{
	ASSERT(stat < STAT_NR);
	return descriptions[stat].name;
}

const char *
stat_text(enum stat stat)
{
	ASSERT(stat < STAT_NR);
	return descriptions[stat].text;
}
