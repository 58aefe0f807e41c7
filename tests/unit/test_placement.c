/* test_placement.c - which node a request goes to, and that the allocator follows. */
#include "phys_machine.h"

static void
fresh_nodes(unsigned nr_nodes, unsigned nr_cpus)
{
	phys_fresh_with(&(struct machine_config){
		.nr_nodes = nr_nodes, .nr_cpus = nr_cpus, .nr_frames = 4096 * nr_nodes });
}

static pfn_t
take(struct frame_request request)
{
	pfn_t pfn;

	request.kind = FRAME_ANON;
	EXPECT_OK(frame_alloc(request, &pfn));
	return pfn;
}

/* Nobody says where: the frame comes from the node of the CPU that asks, again and again. */
static void
frames_come_from_the_asking_cpus_node(void **state)
{
	pfn_t pfns[4][100];

	(void)state;
	fresh_nodes(4, 8);
	for (unsigned i = 0; i < 100; i++) {
		for (unsigned cpu = 0; cpu < 8; cpu += 2) {
			machine_cpu_set(cpu);
			assert_int_equal(platform_node(), cpu / 2);
			pfns[cpu / 2][i] = take((struct frame_request){ .order = i % 40 == 0 });
			assert_int_equal(frame_node(pfns[cpu / 2][i]), cpu / 2);
		}
	}
	phys_check_machine();
	/* Given back on other CPUs than took them, they are their node's again. */
	for (unsigned i = 0; i < 100; i++) {
		for (unsigned node = 0; node < 4; node++) {
			machine_cpu_set(2 * ((node + i) % 4));
			frame_release(pfns[node][i]);
		}
	}
	for (unsigned cpu = 0; cpu < 8; cpu++) {
		machine_cpu_set(cpu);
		pfns[0][cpu] = take((struct frame_request){ .order = 0 });
		assert_int_equal(frame_node(pfns[0][cpu]), cpu / 2);
	}
	for (unsigned cpu = 0; cpu < 8; cpu++)
		frame_release(pfns[0][cpu]);
	machine_cpu_set(0);
	phys_check_machine();
}

/* ALM-11. */
static void
policies_choose_nodes(void **state)
{
	const struct placement local = { .policy = PLACE_LOCAL };
	const struct placement all = { .policy = PLACE_INTERLEAVE };
	const struct placement third = { .policy = PLACE_NODE, .node = 2 };

	(void)state;
	fresh_nodes(3, 6);
	assert_int_equal(frame_nr_nodes(), 3);
	for (unsigned cpu = 0; cpu < 6; cpu++) {
		machine_cpu_set(cpu);
		for (uint64_t page = 0; page < 7; page++) {
			assert_int_equal(placement_node(local, page), cpu / 2);
			assert_int_equal(placement_node(all, page), page % 3);
			assert_int_equal(placement_node(third, page), 2);
		}
	}
	machine_cpu_set(0);
	phys_check_machine();
}

static void
wishes_that_cannot_be_are_told(void **state)
{
	(void)state;
	fresh_nodes(3, 3);
	assert_true(placement_is_legal((struct placement){ .policy = PLACE_LOCAL }));
	assert_true(placement_is_legal((struct placement){ .policy = PLACE_INTERLEAVE }));
	assert_true(placement_is_legal((struct placement){ .policy = PLACE_NODE, .node = 2 }));
	assert_false(placement_is_legal((struct placement){ .policy = PLACE_NODE, .node = 3 }));
	assert_false(placement_is_legal((struct placement){ .policy = PLACE_LOCAL, .node = 1 }));
	assert_false(placement_is_legal((struct placement){ .policy = PLACE_POLICIES }));
	assert_false(placement_is_legal((struct placement){ .policy = 255 }));
}

TEST_SUITE(placement, cmocka_unit_test(frames_come_from_the_asking_cpus_node),
	   cmocka_unit_test(policies_choose_nodes),
	   cmocka_unit_test(wishes_that_cannot_be_are_told))
