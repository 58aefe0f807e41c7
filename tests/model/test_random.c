/*
 * test_random.c - random stories: library and flat model compared after every step.
 *
 * A failing story prints the step and how to repeat it: the same seed gives the
 * same story, and ANYMM_STORY=FILE writes it down in the scenario language.
 */
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "model/story.h"

static struct story story;

static struct story_record
random_record(uint64_t *state, bool with_failures)
{
	struct story_record record;
	uint64_t	    bits = test_random(state);

	memcpy(&record, &bits, sizeof(record));
	if (!with_failures)
		record.fail = 0;
	return record;
}

static void
check_step(const struct story_record *record)
{
	struct check_report report;

	if (!story_step(&story, record) || !story_compare(&story))
		fail_msg("%s", story.text);
	if (!check_all(&report))
		fail_msg("step %u: %s: %s", story.step, invariant_name(report.broken), report.text);
}

/* The frames in use once nothing is kept as a spare. */
static struct frame_totals
drained_totals(void)
{
	anymm_drain();
	return frame_totals();
}

static void
drain_and_compare(const struct frame_totals *before)
{
	struct frame_totals after = drained_totals();

	for (unsigned kind = 0; kind < FRAME_KINDS; kind++) {
		if (after.by_kind[kind] != before->by_kind[kind])
			fail_msg("frames of kind %u: %llu before, %llu after", kind,
				 (unsigned long long)before->by_kind[kind],
				 (unsigned long long)after.by_kind[kind]);
	}
}

/* plain - no story has anything special. A test that a machine leaves out ends in the middle. */
static void
plain(void)
{
	story.nr_nodes = 0;
	story.swap_slots = 0;
	story.changes_files = false;
	story.is_hungry = false;
}

/* tell_one_story - a life of `steps` operations from this seed, everything compared each time. */
static void
tell_one_story(uint64_t seed, unsigned steps, unsigned cpus, bool with_failures)
{
	struct frame_totals fresh;
	const char	   *path = getenv("ANYMM_STORY");
	uint64_t	    state = seed;

	if (!story_machine(&story, cpus, story.is_hungry ? 512 : 8192, seed))
		fail_msg("%s", story.text);
	fresh = drained_totals();
	story.digests = with_failures || story.is_hungry;
	story.out = path ? fopen(path, "w") : NULL;
	story_birth(&story);
	for (unsigned i = 0; i < steps; i++) {
		struct story_record record = random_record(&state, with_failures);

		check_step(&record);
	}
	if (!story_end(&story))
		fail_msg("%s", story.text);
	drain_and_compare(&fresh);
	if (story.out)
		fclose(story.out);
	machine_stop();
}

static void
random_stories_on_one_cpu(void **unused)
{
	uint64_t seed = test_seed(1);

	(void)unused;
	plain();
	for (unsigned i = 0; i < test_rounds(40); i++)
		tell_one_story(seed + i, 400, 1, false);
}

static void
random_stories_on_three_cpus(void **unused)
{
	uint64_t seed = test_seed(1001);

	(void)unused;
	plain();
	for (unsigned i = 0; i < test_rounds(40); i++)
		tell_one_story(seed + i, 400, 3, false);
}

static void
random_stories_with_little_luck(void **unused)
{
	uint64_t seed = test_seed(2001);
	unsigned rounds = test_rounds(40);
	unsigned nr_gave_up = 0;

	(void)unused;
	plain();
	for (unsigned i = 0; i < rounds; i++) {
		tell_one_story(seed + i, 300, 2, true);
		nr_gave_up += story.nr_gave_up;
	}
	/* Twelve pages of address space ask for less memory than terabytes do. */
	assert_true(nr_gave_up * 40 > rounds * (ARCH_PT_LEVELS == 2 ? 60 : 150));
}

/* Files are cut, grown, punched, written to, written back and evicted under their mappings. */
static void
random_stories_with_changing_files(void **unused)
{
	uint64_t seed = test_seed(3001);

	(void)unused;
	plain();
	story.changes_files = true;
	for (unsigned i = 0; i < test_rounds(40); i++)
		tell_one_story(seed + i, 400, 1 + i % 3, i % 2);
}

/* Pages go out to a swap device at any moment, a large one or a very small one, and come back. */
static void
random_stories_with_swap(void **unused)
{
	uint64_t seed = test_seed(4001);
	unsigned rounds = test_rounds(40);

	(void)unused;
	plain();
	for (unsigned i = 0; i < rounds; i++) {
		story.swap_slots = i % 4 == 3 ? 8 : STORY_SWAP_SLOTS;
		tell_one_story(seed + i, 400, 1 + i % 3, i % 2);
	}
}

/* The same while files and shared memory change: what was cut, or stored behind an end, does not come back. */
static void
random_stories_with_changing_files_and_swap(void **unused)
{
	uint64_t seed = test_seed(6001);
	unsigned rounds = test_rounds(40);

	(void)unused;
	plain();
	story.changes_files = true;
	for (unsigned i = 0; i < rounds; i++) {
		story.swap_slots = i % 4 == 3 ? 8 : STORY_SWAP_SLOTS;
		tell_one_story(seed + i, 400, 1 + i % 3, i % 2);
	}
}

/* There are hardly any frames left, with a swap device and without one. */
static void
random_stories_with_little_memory(void **unused)
{
	uint64_t seed = test_seed(5001);
	unsigned rounds = test_rounds(30);
	unsigned nr_gave_up = 0;

	(void)unused;
	plain();
	story.is_hungry = true;
	for (unsigned i = 0; i < rounds; i++) {
		story.swap_slots = i % 3 ? STORY_SWAP_SLOTS : 0;
		tell_one_story(seed + i, 300, 1 + i % 3, i % 4 == 1);
		nr_gave_up += story.nr_gave_up;
	}
	/* Enough of them for the state before and after to be compared. */
	assert_true(nr_gave_up * 30 > rounds * 100);
}

/* Each CPU is a node with tables of its own, in every process. */
static void
random_stories_with_replicas(void **unused)
{
	uint64_t seed = test_seed(4001);

	(void)unused;
	plain();
	story.nr_nodes = 3;
	story.changes_files = true;
	for (unsigned i = 0; i < test_rounds(40); i++)
		tell_one_story(seed + i, 400, 3, i % 2);
	story.nr_nodes = 0;
}

TEST_SUITE(random, cmocka_unit_test(random_stories_on_one_cpu),
	   cmocka_unit_test(random_stories_on_three_cpus),
	   cmocka_unit_test(random_stories_with_little_luck),
	   cmocka_unit_test(random_stories_with_changing_files),
	   cmocka_unit_test(random_stories_with_swap),
	   cmocka_unit_test(random_stories_with_changing_files_and_swap),
	   cmocka_unit_test(random_stories_with_little_memory),
	   cmocka_unit_test(random_stories_with_replicas))
