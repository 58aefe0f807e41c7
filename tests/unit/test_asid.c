/*
 * test_asid.c - tags of spaces: given at the first activation, used again after death,
 * renewed all at once when they run out, never two live spaces under one.
 */
#include "unit/pt_fixture.h"

#include "pt/state.h"

#define USABLE (ARCH_ASIDS - 1) /* tag 0 is the kernel's */
#define MANY   (USABLE + 3)

/* Active trees keep their address. */
static struct pt trees[MANY];

static void
make_trees(unsigned nr)
{
	for (unsigned i = 0; i < nr; i++)
		trees[i] = tree_make();
}

static void
drop_trees(unsigned nr)
{
	for (unsigned cpu = 0; cpu < platform_cpus(); cpu++) {
		machine_cpu_set(cpu);
		for (unsigned i = 0; i < nr; i++)
			pt_deactivate(&trees[i]);
	}
	machine_cpu_set(0);
	for (unsigned i = 0; i < nr; i++)
		tree_drop(&trees[i]);
	machine_check();
}

static unsigned
asid_of(unsigned tree)
{
	return tag_asid(atomic_load(&trees[tree].tag));
}

static bool
is_current(unsigned tree)
{
	return tag_generation(atomic_load(&trees[tree].tag)) ==
	       atomic_load(&pt_state()->generation);
}

/* No two of the current generation have one asid, and none has the kernel's. */
static void
expect_tags_differ(unsigned nr)
{
	bool used[ARCH_ASIDS] = { true };

	for (unsigned i = 0; i < nr; i++) {
		if (!is_current(i))
			continue;
		assert_false(used[asid_of(i)]);
		used[asid_of(i)] = true;
	}
}

static void
a_tag_comes_with_the_first_activation_and_stays(void **state)
{
	uint64_t tag;

	(void)state;
	machine_fresh();
	make_trees(2);
	assert_true(atomic_load(&trees[0].tag) == 0);
	assert_false(asid_is_live(&trees[0]));
	pt_activate(&trees[0]);
	tag = atomic_load(&trees[0].tag);
	assert_true(asid_is_live(&trees[0]));
	assert_int_not_equal(tag_asid(tag), 0);
	pt_activate(&trees[1]);
	pt_activate(&trees[0]);
	assert_true(atomic_load(&trees[0].tag) == tag);
	expect_tags_differ(2);
	drop_trees(2);
}

/* Far more spaces than tags, one after the other: the dead give theirs back. */
static void
tags_of_the_dead_are_used_again(void **state)
{
	(void)state;
	machine_fresh();
	stats_note();
	for (unsigned n = 0; n < 3 * ARCH_ASIDS; n++) {
		make_trees(1);
		pt_activate(&trees[0]);
		tree_drop(&trees[0]);
	}
	EXPECT_STAT(ASID_ROLLOVERS, 0);
	machine_check();
}

/* tags      1 2 3 ... n        all given out
 * one more                     a new generation: everybody else has to ask again */
static void
when_tags_run_out_a_new_generation_starts(void **state)
{
	uint64_t generation;

	(void)state;
	machine_fresh();
	make_trees(MANY);
	stats_note();
	generation = atomic_load(&pt_state()->generation);
	for (unsigned i = 0; i < USABLE; i++)
		pt_activate(&trees[i]);
	EXPECT_STAT(ASID_ROLLOVERS, 0);
	expect_tags_differ(MANY);
	pt_activate(&trees[USABLE]);
	EXPECT_STAT(ASID_ROLLOVERS, 1);
	assert_true(atomic_load(&pt_state()->generation) == generation + 1);
	expect_tags_differ(MANY);
	for (unsigned i = 0; i + 1 < USABLE; i++)
		assert_false(is_current(i));
	assert_true(is_current(USABLE));
	/* What was active when it happened kept its tag, though it has left since. */
	assert_true(is_current(USABLE - 1));
	/* Old acquaintances come back under new tags. */
	for (unsigned i = 0; i < MANY; i++) {
		pt_activate(&trees[i]);
		assert_true(is_current(i));
		expect_tags_differ(MANY);
	}
	EXPECT_STAT(ASID_ROLLOVERS, 2);
	drop_trees(MANY);
}

/* CPU 1 and 2 run trees 0 and 1 while CPU 0 uses all tags up, twice: theirs do not change. */
static void
active_spaces_keep_their_tags(void **state)
{
	unsigned asids[2];

	(void)state;
	machine_fresh_with(
		&(struct machine_config){ .nr_cpus = 3, .nr_frames = 4096 + 2 * ARCH_ASIDS });
	make_trees(MANY);
	for (unsigned i = 0; i < 2; i++) {
		tree_put(&trees[i], leaf_va(0, 0), PROT_R);
		machine_cpu_set(1 + i);
		pt_activate(&trees[i]);
		asids[i] = asid_of(i);
	}
	machine_cpu_set(0);
	stats_note();
	for (unsigned round = 0; round < 2; round++)
		for (unsigned i = 2; i < MANY; i++)
			pt_activate(&trees[i]);
	assert_true(stat_get(STAT_ASID_ROLLOVERS) >= 2);
	expect_tags_differ(MANY);
	for (unsigned i = 0; i < 2; i++) {
		struct arch_fault fault;
		uint64_t	  word;

		assert_true(is_current(i));
		assert_int_equal(asid_of(i), asids[i]);
		machine_cpu_set(1 + i);
		assert_int_equal(machine_access(ACCESS_LOAD, leaf_va(0, 0), &word, 8, &fault), 8);
		assert_true(word == machine_translate(trees[i].root, leaf_va(0, 0)).pfn.n);
	}
	drop_trees(MANY);
}

/* One space active on two CPUs is kept once. */
static void
a_space_on_two_cpus_keeps_one_tag(void **state)
{
	(void)state;
	machine_fresh_with(
		&(struct machine_config){ .nr_cpus = 3, .nr_frames = 4096 + 2 * ARCH_ASIDS });
	make_trees(MANY);
	for (unsigned cpu = 1; cpu < 3; cpu++) {
		machine_cpu_set(cpu);
		pt_activate(&trees[0]);
	}
	machine_cpu_set(0);
	stats_note();
	for (unsigned i = 1; i < MANY; i++)
		pt_activate(&trees[i]);
	EXPECT_STAT(ASID_ROLLOVERS, 1);
	assert_true(is_current(0));
	expect_tags_differ(MANY);
	drop_trees(MANY);
}

/* A space of an older generation: its tag is somebody else's by now. */
static void
an_old_tag_is_neither_flushed_nor_given_back(void **state)
{
	unsigned other = MANY;

	(void)state;
	machine_fresh_with(
		&(struct machine_config){ .nr_cpus = 2, .nr_frames = 4096 + 2 * ARCH_ASIDS });
	make_trees(MANY);
	tree_put(&trees[0], leaf_va(0, 0), PROT_RW);
	machine_cpu_set(1);
	pt_activate(&trees[0]);
	pt_deactivate(&trees[0]);
	machine_cpu_set(0);
	for (unsigned i = 1; i < MANY; i++)
		pt_activate(&trees[i]);
	assert_false(is_current(0));
	assert_true(atomic_load(&trees[0].cached_on) != 0);
	for (unsigned i = 1; i < MANY; i++) {
		pt_activate(&trees[i]);
		if (is_current(i) && asid_of(i) == asid_of(0))
			other = i;
	}
	assert_true(other < MANY && !is_current(0));

	stats_note();
	tree_protect(&trees[0], pages(leaf_va(0, 0), 1), PROT_R);
	EXPECT_STAT(FLUSH_PAGES, 0);
	EXPECT_STAT(SHOOTDOWNS, 0);
	assert_true(atomic_load(&trees[0].cached_on) == 0);
	tree_drop(&trees[0]);
	EXPECT_STAT(SHOOTDOWNS, 0);
	/* The living owner of the asid keeps it: nobody else gets it now. */
	assert_true(pt_state()->used[asid_of(other) / 64] >> (asid_of(other) % 64) & 1);
	trees[0] = tree_make();
	pt_activate(&trees[0]);
	expect_tags_differ(MANY);
	assert_true(is_current(other));
	drop_trees(MANY);
}

/* CPU       0 1
 * before    . x      cached there under the old tag
 * after     x .      under the new one only here: CPU 1 has flushed everything since */
static void
a_new_tag_is_cached_nowhere_else(void **state)
{
	(void)state;
	machine_fresh_with(
		&(struct machine_config){ .nr_cpus = 2, .nr_frames = 4096 + 2 * ARCH_ASIDS });
	make_trees(MANY);
	machine_cpu_set(1);
	pt_activate(&trees[0]);
	pt_deactivate(&trees[0]);
	machine_cpu_set(0);
	for (unsigned i = 1; i < MANY; i++)
		pt_activate(&trees[i]);
	assert_false(is_current(0));
	pt_activate(&trees[0]);
	assert_true(atomic_load(&trees[0].cached_on) == 1);
	drop_trees(MANY);
}

/*
 * Three CPUs activate spaces by turns with hardly a tag left. Each space has its own
 * page at one address: a CPU that reads another's has used another's translation.
 */
#define RACERS 3
#define TURNS  6
#define ROUNDS (7200 / ARCH_ASIDS + 2) /* where there are many tags, each round is long */

static struct {
	uint64_t	 word[MANY];
	_Atomic unsigned next;
	unsigned	 wrong;
} race;

static void
visit_spaces(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < TURNS; i++) {
		unsigned	  tree = atomic_fetch_add(&race.next, 1) % MANY;
		struct arch_fault fault;
		uint64_t	  word;

		pt_activate(&trees[tree]);
		race.wrong += machine_access(ACCESS_LOAD, leaf_va(0, 0), &word, 8, &fault) != 8 ||
			      word != race.word[tree];
		arch_point();
		race.wrong += machine_access(ACCESS_LOAD, leaf_va(0, 0), &word, 8, &fault) != 8 ||
			      word != race.word[tree];
		if (i % 3 == 2)
			pt_deactivate(&trees[tree]);
	}
}

static void
roll_over_races_with_activations(void **state)
{
	void (*const bodies[RACERS])(void *) = { visit_spaces, visit_spaces, visit_spaces };
	uint64_t seed = test_seed(5);
	uint64_t rollovers = 0;

	(void)state;
	for (unsigned n = 0; n < ROUNDS; n++) {
		machine_fresh_with(&(struct machine_config){ .nr_cpus = RACERS,
							     .nr_frames = 4096 + 8 * ARCH_ASIDS });
		make_trees(MANY);
		for (unsigned i = 0; i < MANY; i++)
			race.word[i] = tree_put(&trees[i], leaf_va(0, 0), PROT_R).n;
		for (unsigned i = 0; i < USABLE - n % 9; i++)
			pt_activate(&trees[i]);
		race.next = USABLE - n % 12;
		race.wrong = 0;
		machine_race(RACERS, bodies, NULL,
			     &(struct machine_schedule){ .policy = n & 1 ? RACE_PCT : RACE_RANDOM,
							 .param = 3,
							 .seed = seed + n });
		assert_int_equal(race.wrong, 0);
		rollovers += stat_get(STAT_ASID_ROLLOVERS);
		expect_tags_differ(MANY);
		drop_trees(MANY);
	}
	assert_true(rollovers >= ROUNDS * 7 / 10);
}

TEST_SUITE(asid, cmocka_unit_test(a_tag_comes_with_the_first_activation_and_stays),
	   cmocka_unit_test(tags_of_the_dead_are_used_again),
	   cmocka_unit_test(when_tags_run_out_a_new_generation_starts),
	   cmocka_unit_test(active_spaces_keep_their_tags),
	   cmocka_unit_test(a_space_on_two_cpus_keeps_one_tag),
	   cmocka_unit_test(an_old_tag_is_neither_flushed_nor_given_back),
	   cmocka_unit_test(a_new_tag_is_cached_nowhere_else),
	   cmocka_unit_test(roll_over_races_with_activations))
