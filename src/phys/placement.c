/*
 * placement.c - from which node a page comes.
 *
 *	local        the node of the CPU that asks: of the first to touch the page
 *	interleave   page n from node n modulo their number, whoever asks
 *	node         that one
 *
 * All three are wishes. The allocator goes on with the next node when one has nothing left, so
 * a policy never makes a request fail.
 */
#include "phys/phys.h"

bool
placement_is_legal(struct placement place)
{
	if (place.policy == PLACE_NODE)
		return place.node < phys()->nr_nodes;
	return place.policy < PLACE_POLICIES && place.node == 0;
}

unsigned
placement_node(struct placement place, uint64_t page)
{
	switch ((enum place_policy)place.policy) {
	case PLACE_INTERLEAVE:
		return (unsigned)(page % phys()->nr_nodes);
	case PLACE_NODE:
		return place.node;
	case PLACE_LOCAL:
	case PLACE_POLICIES:
		break;
	}
	return platform_node();
}

unsigned
frame_nr_nodes(void)
{
	return phys()->nr_nodes;
}

unsigned
frame_node(pfn_t pfn)
{
	return atomic_load_explicit(&frame_of(pfn)->node, memory_order_relaxed);
}
