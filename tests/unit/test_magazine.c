/* test_magazine.c - single frames per CPU: in batches, near, and never lost. */
#include "phys_machine.h"

static uint64_t
nr_in_lists(unsigned node)
{
	return phys()->nodes[node].nr_free;
}

static pfn_t
alloc_near(unsigned node)
{
	pfn_t pfn;

	EXPECT_OK(frame_alloc(
		(struct frame_request){ .kind = FRAME_ANON, .by_node = true, .node = node }, &pfn));
	return pfn;
}

/* LUN-25. */
static void
frames_move_in_batches(void **state)
{
	uint64_t lists;
	unsigned capacity;
	pfn_t	 pfns[200];

	(void)state;
	phys_fresh(8192);
	capacity = phys()->magazine_frames;
	assert_int_equal(capacity, 62);
	lists = nr_in_lists(0);
	/* The first refills; the next ones do not touch the lists. */
	for (unsigned i = 0; i < capacity / 2; i++) {
		pfns[i] = alloc_near(0);
		assert_int_equal(nr_in_lists(0), lists - capacity / 2);
	}
	for (unsigned i = capacity / 2; i < 200; i++)
		pfns[i] = alloc_near(0);
	lists = nr_in_lists(0);
	phys_check_machine();
	/* Frames given back stay until the magazine is full; then half of them leave. */
	for (unsigned i = 0; i < 200; i++) {
		uint64_t before = nr_in_lists(0);

		frame_release(pfns[i]);
		assert_true(nr_in_lists(0) == before || nr_in_lists(0) == before + capacity / 2);
	}
	assert_true(nr_in_lists(0) > lists);
	phys_check_machine();
}

static void
the_last_frame_given_is_the_next_taken(void **state)
{
	pfn_t pfn;

	(void)state;
	phys_fresh(8192);
	pfn = alloc_near(0);
	frame_release(pfn);
	assert_int_equal(alloc_near(0).n, pfn.n);
}

static void
drained_magazines_are_empty(void **state)
{
	uint64_t free;

	(void)state;
	phys_fresh_with(&(struct machine_config){ .nr_frames = 16384, .nr_cpus = 4 });
	for (unsigned cpu = 0; cpu < 4; cpu++) {
		machine_cpu_set(cpu);
		frame_release(alloc_near(0));
	}
	free = nr_free_frames();
	assert_true(phys_count_magazines() >= 4);
	assert_int_equal(nr_in_lists(0) + phys_count_magazines(), free);
	frame_drain_magazines();
	assert_int_equal(phys_count_magazines(), 0);
	assert_int_equal(nr_in_lists(0), free);
	assert_int_equal(nr_free_frames(), free);
	phys_check_machine();
}

/* CPU 0 takes, CPU 1 gives: the frames wander through both magazines and come back. */
static void
frames_wander_between_cpus(void **state)
{
	(void)state;
	phys_fresh_with(&(struct machine_config){ .nr_frames = 16384, .nr_cpus = 2 });
	for (unsigned round = 0; round < 20; round++) {
		pfn_t pfns[150];

		machine_cpu_set(0);
		for (unsigned i = 0; i < 150; i++)
			pfns[i] = alloc_near(0);
		machine_cpu_set(1);
		for (unsigned i = 0; i < 150; i++)
			frame_release(pfns[i]);
		phys_check_machine();
	}
	assert_true(phys_count_magazines() <= 2 * 62);
}

static void
frames_stay_with_their_node(void **state)
{
	struct boot_range ranges[] = { RAM(0, 8192, 0), RAM(8192, 8192, 1) };

	(void)state;
	phys_fresh_with(&(struct machine_config){ .ranges = ranges, .nr_ranges = 2, .nr_cpus = 2 });
	for (unsigned i = 0; i < 1000; i++) {
		pfn_t pfn;

		machine_cpu_set(i % 2);
		pfn = alloc_near(i / 2 % 2);
		assert_int_equal(pfn.n / 8192, i / 2 % 2);
		machine_cpu_set(i / 4 % 2);
		frame_release(pfn);
	}
	phys_check_machine();
}

/* CPU 1 wants a frame when only CPU 0's magazine has some. */
static void
another_cpus_frames_are_fetched_when_memory_is_low(void **state)
{
	uint64_t held = 0;
	pfn_t	 pfn;

	(void)state;
	phys_fresh_with(
		&(struct machine_config){ .nr_frames = 8192, .nr_cpus = 2, .reserve_frames = 5 });
	machine_cpu_set(0);
	while (phys_count_magazines() || nr_in_lists(0) > 31 + 5) {
		alloc_near(0);
		held++;
	}
	/* All that may be taken goes into the magazine of CPU 0 with this one. */
	while (nr_in_lists(0) > 31 + 5)
		alloc_near(0);
	while (nr_in_lists(0) > 5 && phys_count_magazines() == 0)
		alloc_near(0);
	assert_true(held > 1000);
	machine_cpu_set(1);
	while (!frame_alloc((struct frame_request){ .kind = FRAME_ANON }, &pfn))
		;
	assert_int_equal(nr_free_frames(), 5);
	assert_int_equal(phys_count_magazines(), 0);
	phys_check_machine();
}

/* A pair of buddies, one half in a magazine: a request for both gets it. */
static void
magazines_are_emptied_to_complete_a_block(void **state)
{
	static pfn_t pfns[4096];
	size_t	     nr = 0;

	(void)state;
	phys_fresh(4096);
	while (!pfn_is_none(pfns[nr] = alloc_order(0)))
		nr++;
	/* Memory is low: what is freed goes to the lists, until the reserve of one is there. */
	for (size_t i = 0; i < nr; i++)
		if (pfns[i].n / 2 == 100 || pfns[i].n / 2 == 200)
			frame_release(pfns[i]);
	assert_true(phys_count_magazines() > 0);
	assert_false(pfn_is_none(alloc_order(1)));
	assert_false(pfn_is_none(alloc_order(1)));
	assert_int_equal(nr_free_frames(), 0);
	phys_check_machine();
}

static void
small_machines_with_many_cpus_have_no_magazines(void **state)
{
	pfn_t pfn;

	(void)state;
	phys_fresh_with(&(struct machine_config){ .nr_frames = 1024, .nr_cpus = 64 });
	assert_int_equal(phys()->magazine_frames, 0);
	machine_cpu_set(63);
	pfn = alloc_near(0);
	frame_release(pfn);
	frame_drain_magazines();
	phys_check_machine();
}

static void
a_single_frame_may_be_a_whole_magazine(void **state)
{
	pfn_t pfns[10];

	(void)state;
	phys_fresh(80);
	assert_int_equal(phys()->magazine_frames, 1);
	for (unsigned i = 0; i < 10; i++)
		pfns[i] = alloc_near(0);
	for (unsigned i = 0; i < 10; i++) {
		frame_release(pfns[i]);
		assert_int_equal(phys_count_magazines(), 1);
		phys_check_machine();
	}
}

/* Several CPUs at once, switched at locks: nothing is lost, nothing is given out twice. */
#define CPUS 3

struct race {
	uint64_t seeds[CPUS];
	uint8_t	 owner[2048]; /* 1 + CPU that holds the frame */
	unsigned wrong;	      /* frames with two owners; looked at when the fibers have ended */
};

static uint8_t *
owner_of(struct race *race, pfn_t pfn)
{
	return &race->owner[pfn.n - machine_boot_map()->ranges[0].start.n];
}

static void
race_body(void *arg)
{
	struct race *race = arg;
	unsigned     me = platform_cpu();
	pfn_t	     held[24];
	unsigned     nr = 0;

	for (unsigned step = 0; step < 120; step++) {
		uint64_t random = test_random(&race->seeds[me]);

		if (nr < ARRAY_SIZE(held) && random % 2) {
			struct frame_request request = { .kind = FRAME_ANON,
							 .order = random / 2 % 8 == 0 };

			if (frame_alloc(request, &held[nr]))
				continue;
			race->wrong += *owner_of(race, held[nr]) != 0;
			*owner_of(race, held[nr++]) = (uint8_t)(1 + me);
		} else if (nr) {
			pfn_t pfn = held[--nr];

			race->wrong += *owner_of(race, pfn) != 1 + me;
			*owner_of(race, pfn) = 0;
			frame_release(pfn);
		}
		if (random % 64 == 0)
			frame_drain_magazines();
	}
	while (nr) {
		*owner_of(race, held[--nr]) = 0;
		frame_release(held[nr]);
	}
}

static void
cpus_race_without_losing_frames(void **state)
{
	void (*const bodies[CPUS])(void *) = { race_body, race_body, race_body };
	uint64_t seed = test_seed(4);
	uint64_t free;

	(void)state;
	for (unsigned round = 0; round < 60; round++) {
		static struct race	race;
		struct machine_schedule schedule = { .policy = round % 2 ? RACE_PCT : RACE_RANDOM,
						     .param = 3,
						     .seed = test_random(&seed) };

		memset(&race, 0, sizeof(race));
		for (unsigned cpu = 0; cpu < CPUS; cpu++)
			race.seeds[cpu] = test_random(&seed);
		phys_fresh_with(&(struct machine_config){
			.nr_frames = round % 3 ? 600 : 100, .nr_cpus = CPUS, .reserve_frames = 2 });
		free = nr_free_frames();
		machine_race(CPUS, bodies, &race, &schedule);
		assert_int_equal(race.wrong, 0);
		phys_check_machine();
		assert_int_equal(nr_free_frames(), free);
	}
}

TEST_SUITE(magazine, cmocka_unit_test(frames_move_in_batches),
	   cmocka_unit_test(the_last_frame_given_is_the_next_taken),
	   cmocka_unit_test(drained_magazines_are_empty),
	   cmocka_unit_test(frames_wander_between_cpus),
	   cmocka_unit_test(frames_stay_with_their_node),
	   cmocka_unit_test(another_cpus_frames_are_fetched_when_memory_is_low),
	   cmocka_unit_test(magazines_are_emptied_to_complete_a_block),
	   cmocka_unit_test(small_machines_with_many_cpus_have_no_magazines),
	   cmocka_unit_test(a_single_frame_may_be_a_whole_magazine),
	   cmocka_unit_test(cpus_race_without_losing_frames))
