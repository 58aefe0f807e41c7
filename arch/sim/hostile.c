/*
 * hostile.c - liberties that hardware seldom takes, for tests of what must not
 * depend on it.
 *
 * Accessed bits may be set by speculation at any moment, on any entry that a walk
 * from an active root could use: the library must never take an entry for
 * unchanged that it has read before. And a translation that was cached with
 * fewer rights than the tables give now may cause one spurious fault.
 */
#include "hostile.h"

#include "reach.h"

bool hostile_accessed_on;
bool hostile_faults_on;

void
sim_hostile_accessed(bool on)
{
	hostile_accessed_on = on;
	sim_points_on = on;
}

void
sim_hostile_faults(bool on)
{
	hostile_faults_on = on;
}

/* Any of the table's present entries; the table has one. */
static unsigned
any_present(const struct table *t)
{
	unsigned start = (unsigned)(sim_random() % HW_ENTRIES);

	for (unsigned i = 0; i < HW_ENTRIES; i++) {
		unsigned index = (start + i) % HW_ENTRIES;

		if (t->present[index / 64] >> index % 64 & 1)
			return index;
	}
	return HW_ENTRIES;
}

static void
mark_accessed(uint64_t *slot, uint64_t entry)
{
	if (SIM_UPPER_WRITE_DENIAL || !(entry & HW_TABLE))
		__atomic_compare_exchange_n(slot, &entry, entry | HW_ACCESSED, false,
					    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

void
hostile_point(void)
{
	const struct sim_cpu *cpu = &sim_state.cpus[sim_random() % sim_fixed.nr_cpus];
	uint64_t	      entry = HW_VALID | HW_TABLE | cpu->root.n;

	if (pfn_is_none(cpu->root))
		return;
	while (entry & HW_TABLE) {
		const struct table *t = reach_find(entry & HW_FRAME);
		unsigned	    index = t ? any_present(t) : HW_ENTRIES;
		uint64_t	   *slot;

		if (index == HW_ENTRIES)
			return;
		slot = (uint64_t *)arch_frame_ptr((pfn_t){ t->pfn }) + index;
		entry = __atomic_load_n(slot, __ATOMIC_ACQUIRE);
		if (!(entry & HW_VALID))
			return;
		mark_accessed(slot, entry);
	}
}
