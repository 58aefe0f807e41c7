/*
 * test_large_trees.c - a hundred thousand processes in one tree, of several shapes.
 *
 * Whatever is done to the tree costs a few steps for each process: a cost that grew with the
 * square of their number, or a stack that grew with the depth, would end these tests.
 */
#include "unit/kin.h"

#include "proc/state.h"

enum {
	MANY = 100000,
	FRAMES = 65536,
};

/* The parent of the i-th process; the 0-th is init. */
typedef unsigned (*shape)(unsigned i);

static unsigned
chain(unsigned i)
{
	return i - 1;
}

static unsigned
star(unsigned i)
{
	(void)i;
	return 0;
}

static unsigned
binary(unsigned i)
{
	return (i - 1) / 2;
}

/* comb - a chain of the even ones with a leaf at each link. */
static unsigned
comb(unsigned i)
{
	return i % 2 ? i - 1 : i - 2;
}

static uint64_t random_state;

static unsigned
random_tree(unsigned i)
{
	return (unsigned)(test_random(&random_state) % i);
}

static const shape shapes[] = { chain, star, binary, comb, random_tree };

static struct process *all[MANY];

static struct process *
grow(shape parent_of, uint64_t flags, enum orphan_policy policy)
{
	all[0] = kin_first_with(FRAMES, policy);
	for (unsigned i = 1; i < MANY; i++)
		all[i] = kin_child(all[parent_of(i)], flags);
	assert_int_equal(proc_count(), MANY);
	return all[0];
}

/* CAM-32: a walk meets each of them once. */
static void
walks_meet_everybody(void **state)
{
	random_state = test_seed(5);
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(shapes); i++) {
		struct process	*first = grow(shapes[i], 0, ORPHANS_ADOPTED);
		struct proc_walk walk;
		struct process	*proc;
		unsigned	 nr = 0;
		uint64_t	 sum = 0;

		machine_check_invariants();
		proc_walk_begin(&walk, first);
		while ((proc = proc_walk_next(&walk))) {
			nr++;
			sum += proc->id;
			proc_put(proc);
		}
		proc_walk_end(&walk);
		assert_int_equal(nr, MANY);
		assert_int_equal(sum, (uint64_t)MANY * (MANY + 1) / 2);
		proc_kill_descendants(first, 0);
		kin_end();
	}
}

/* WNX-B13, CAM-26, CAM-B04: kill-descendants of any shape; nobody is left, and nobody was orphaned. */
static void
descendants_are_killed(void **state)
{
	random_state = test_seed(6);
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(shapes); i++) {
		struct process *first = grow(shapes[i], SIGNAL_CHLD, ORPHANS_ADOPTED);
		unsigned	nr_releases = kin_log.nr_releases;

		assert_int_equal(proc_kill_descendants(first, 9), MANY - 1);
		assert_int_equal(proc_count(), 1);
		assert_int_equal(kin_log.nr_releases - nr_releases, MANY - 1);
		assert_int_equal(proc_state()->root.nr_ids, 1);
		kin_end();
	}
}

/* WNX-29: all exit, the oldest first: each is adopted once; then init waits for all of them. */
static void
everybody_is_adopted_and_reaped(void **state)
{
	random_state = test_seed(7);
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(shapes); i++) {
		struct process	   *first = grow(shapes[i], 0, ORPHANS_ADOPTED);
		struct wait_request any = { .which = WAIT_ANY };
		struct wait_result  got;
		unsigned	    nr = 0;

		for (unsigned j = 1; j < MANY; j++)
			proc_exit(all[j], (int32_t)j);
		machine_check_invariants();
		while (proc_wait(first, &any, &got) == OK) {
			assert_int_equal(got.code, got.id - 1);
			nr++;
		}
		assert_int_equal(nr, MANY - 1);
		kin_end();
	}
}

/* And the youngest first: whoever exits has nothing but zombies below, which go up the tree. */
static void
zombies_go_up(void **state)
{
	struct process	   *first = grow(binary, 0, ORPHANS_ADOPTED);
	struct wait_request any = { .which = WAIT_ANY };
	struct wait_result  got;
	unsigned	    nr = 0;

	(void)state;
	for (unsigned j = MANY - 1; j > 0; j--)
		proc_exit(all[j], 0);
	while (proc_wait(first, &any, &got) == OK)
		nr++;
	assert_int_equal(nr, MANY - 1);
	kin_end();
}

/* CAM-24, CAM-B04: a chain of tombstones as long as the tree is deep goes at once, without recursion. */
static void
a_chain_of_tombstones_collapses(void **state)
{
	struct process *first = grow(chain, 0, ORPHANS_STAY);
	uint32_t	top = all[1]->id;

	(void)state;
	for (unsigned j = 1; j < MANY - 1; j++)
		proc_exit(all[j], 0);
	assert_int_equal(proc_count(), MANY);
	assert_int_equal(all[1]->state, PROCESS_ZOMBIE);
	assert_int_equal(all[2]->state, PROCESS_TOMBSTONE);
	assert_int_equal(all[MANY - 2]->state, PROCESS_TOMBSTONE);
	machine_check_invariants();
	proc_exit(all[MANY - 1], 0);
	/* the topmost has a parent who may still ask */
	assert_int_equal(proc_count(), 2);
	assert_int_equal(kin_wait(first).id, top);
	kin_end();
}

TEST_SUITE(large_trees, cmocka_unit_test(walks_meet_everybody),
	   cmocka_unit_test(descendants_are_killed),
	   cmocka_unit_test(everybody_is_adopted_and_reaped), cmocka_unit_test(zombies_go_up),
	   cmocka_unit_test(a_chain_of_tombstones_collapses))
