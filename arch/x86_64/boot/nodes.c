/*
 * nodes.c - a PC played as one with several nodes.
 *
 * Firmware's own tables of nodes are not read. Scenarios and tests that are about nodes say how
 * many they want, and get each range of RAM and the CPUs in so many equal parts, as from the simulator.
 */
#include "boot.h"

static unsigned nr_nodes = 1;
static unsigned nr_cpus = 1;

unsigned
platform_node(void)
{
	unsigned node = platform_cpu() * nr_nodes / nr_cpus;

	return node < nr_nodes ? node : nr_nodes - 1;
}

/* cut_range - as many pieces as there are nodes; the last takes the rest. */
static void
cut_range(const struct boot_range *range, struct boot_range *out)
{
	uint64_t part = range->nr_frames / nr_nodes;

	for (unsigned node = 0; node < nr_nodes; node++) {
		out[node] = *range;
		out[node].start = pfn_add(range->start, node * part);
		out[node].nr_frames = node + 1 == nr_nodes ? range->nr_frames - node * part : part;
		out[node].node = node;
	}
}

unsigned
boot_cut_nodes(unsigned nodes, unsigned cpus, const struct boot_range *ranges, unsigned nr,
	       struct boot_range *out)
{
	unsigned made = 0;

	nr_nodes = nodes ? nodes : 1;
	nr_cpus = cpus ? cpus : 1;
	for (unsigned i = 0; i < nr; i++) {
		bool	 cut = ranges[i].kind == BOOT_RAM && ranges[i].nr_frames >= nr_nodes;
		unsigned more = cut ? nr_nodes : 1;

		if (made + more > BOOT_RANGES_MAX)
			boot_fail("too many ranges of RAM for %u nodes", nr_nodes);
		if (cut)
			cut_range(&ranges[i], &out[made]);
		else
			out[made] = ranges[i];
		made += more;
	}
	return made;
}
