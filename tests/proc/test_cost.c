/*
 * test_cost.c - what a tree of 100,000 processes costs, by exact count.
 *
 * Nothing is timed. The library is compiled such that each piece of straight code in it says when
 * it is run, and these are counted: a loop over a list counts each of its turns, a call counts what
 * is called, and the numbers repeat. Whatever is done to all processes of a tree, each of 10,000 and of
 * 100,000 costs what each of 1,000 costs, in a deep tree and in a wide one.
 */
#include "unit/kin.h"

enum {
	FEW = 1000,
	SOME = 10000,
	MANY = 100000,
	FRAMES = 65536,
};

/* ---- counting ---- */

static uint64_t nr_run;

/* Called by the library at the head of each piece of code. */
void __sanitizer_cov_trace_pc(void);

void
__sanitizer_cov_trace_pc(void)
{
	nr_run++;
}

/* ---- trees ---- */

static uint64_t random_state;

/* The parent of the i-th process; the 0-th is init. */
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

static unsigned
random_tree(unsigned i)
{
	return (unsigned)(test_random(&random_state) % i);
}

static struct process *all[MANY];
static unsigned	       nr_all;

typedef unsigned (*shape)(unsigned i);

static void
grow(shape parent_of, uint64_t flags)
{
	for (unsigned i = 1; i < nr_all; i++)
		all[i] = kin_child(all[parent_of(i)], flags);
}

/* ---- deeds ---- */

static void
walk(void)
{
	struct proc_walk walk;
	struct process	*proc;
	unsigned	 nr = 0;

	proc_walk_begin(&walk, all[0]);
	while ((proc = proc_walk_next(&walk))) {
		nr++;
		proc_put(proc);
	}
	proc_walk_end(&walk);
	assert_int_equal(nr, nr_all);
}

static void
signal_descendants(void)
{
	assert_int_equal(signal_send_descendants(all[0], SIGNAL_USR1), nr_all - 1);
}

static void
signal_group(void)
{
	uint64_t nr;

	EXPECT_OK(signal_kill(all[0], 0, SIGNAL_USR2, &nr));
	assert_int_equal(nr, nr_all);
}

static void
kill_descendants(void)
{
	assert_int_equal(proc_kill_descendants(all[0], 9), nr_all - 1);
	assert_int_equal(proc_count(), 1);
}

static void
clear_zombies(void)
{
	assert_int_equal(proc_kill_descendants(all[0], 9), 0);
	assert_int_equal(proc_count(), 1);
}

/* Parents before children: each child is adopted. */
static void
exit_all(void)
{
	for (unsigned i = 1; i < nr_all; i++)
		proc_exit(all[i], 0);
}

/* Children before parents: zombies are handed on. */
static void
exit_youngest_first(void)
{
	for (unsigned i = nr_all - 1; i > 0; i--)
		proc_exit(all[i], 0);
}

static void
reap_all(void)
{
	struct wait_request any = { .which = WAIT_ANY };
	struct wait_result  got;
	unsigned	    nr = 0;

	while (proc_wait(all[0], &any, &got) == OK)
		nr++;
	assert_int_equal(nr, nr_all - 1);
}

static void
reap_each_by_id(void)
{
	struct wait_request one = { .which = WAIT_ID };
	struct wait_result  got;

	for (unsigned id = nr_all; id > 1; id--) {
		one.id = id;
		EXPECT_OK(proc_wait(all[0], &one, &got));
	}
}

/* Each waits for its own, from the leaves on. */
static void
exit_and_reap_upwards(void)
{
	for (unsigned i = nr_all - 1; i > 0; i--) {
		int32_t code;

		proc_exit(all[i], 0);
		EXPECT_OK(proc_reap(all[i]->parent, all[i], &code));
	}
	assert_int_equal(proc_count(), 1);
}

static void
exit_all_but_last(void)
{
	for (unsigned i = 1; i < nr_all - 1; i++)
		proc_exit(all[i], 0);
}

static void
exit_last(void)
{
	proc_exit(all[nr_all - 1], 0);
}

/* Deeds that are done one after the other to one tree, each of them counted. */
enum { DEEDS = 4 };

struct story {
	uint64_t	   flags; /* of the forks that make the tree */
	enum orphan_policy policy;
	struct {
		const char *name;
		void (*run)(void);
	} deeds[DEEDS];
};

static const struct story stories[] = {
	{ .deeds = { { "walk", walk },
		     { "signal descendants", signal_descendants },
		     { "signal a group", signal_group },
		     { "kill descendants", kill_descendants } } },
	{ .deeds = { { "exit, oldest first", exit_all }, { "reap any", reap_all } } },
	{ .deeds = { { "exit, oldest first", exit_all }, { "clear zombies", clear_zombies } } },
	{ .deeds = { { "exit, youngest first", exit_youngest_first },
		     { "reap by id", reap_each_by_id } } },
	{ .deeds = { { "exit and reap, youngest first", exit_and_reap_upwards } } },
	{ .flags = PROC_NO_REAP, .deeds = { { "exit without a zombie", exit_all } } },
	{ .policy = ORPHANS_STAY,
	  .deeds = { { "exit and keep the place", exit_all_but_last },
		     { "go at once", exit_last } } },
};

/* ---- measurement ---- */

/* What each process costs: first its fork, then the deeds of a story. */
struct costs {
	uint64_t each[1 + DEEDS];
};

static uint64_t
each_since(uint64_t begin)
{
	return (nr_run - begin) / (nr_all - 1);
}

static struct costs
measure(shape parent_of, const struct story *story, unsigned nr)
{
	struct costs costs = { 0 };
	uint64_t     begin;

	nr_all = nr;
	random_state = 5;
	all[0] = kin_first_with(FRAMES, story->policy);
	begin = nr_run;
	grow(parent_of, story->flags);
	costs.each[0] = each_since(begin);
	for (unsigned i = 0; i < DEEDS && story->deeds[i].run; i++) {
		begin = nr_run;
		story->deeds[i].run();
		costs.each[1 + i] = each_since(begin);
	}
	kin_end();
	return costs;
}

/* expect_equal - a sixteenth more at most. */
static void
expect_equal(const struct costs *few, const struct costs *more, unsigned nr,
	     const struct story *story)
{
	for (unsigned i = 0; i <= DEEDS; i++) {
		const char *name = i ? story->deeds[i - 1].name : "fork";

		if (!name)
			break;
		print_message("# %s: %llu for each of %d, %llu for each of %u\n", name,
			      (unsigned long long)few->each[i], FEW,
			      (unsigned long long)more->each[i], nr);
		assert_true(more->each[i] <= few->each[i] + few->each[i] / 16);
	}
}

static void
tell(const struct story *story, shape parent_of)
{
	static const unsigned sizes[] = { SOME, MANY };
	struct costs	      few = measure(parent_of, story, FEW);

	assert_true(few.each[0] > 0 && few.each[1] > 0);
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct costs more = measure(parent_of, story, sizes[i]);

		expect_equal(&few, &more, sizes[i], story);
	}
}

static void
each_process_costs_the_same(shape parent_of)
{
	for (unsigned i = 0; i < ARRAY_SIZE(stories); i++)
		tell(&stories[i], parent_of);
}

/* CAM-24, CAM-26, CAM-32, CAM-B04, WNX-29: as deep as there are processes. */
static void
in_a_chain(void **state)
{
	(void)state;
	each_process_costs_the_same(chain);
}

/* CAM-26, CAM-32, CAM-B04, WNX-29: all of one parent. */
static void
in_a_star(void **state)
{
	(void)state;
	each_process_costs_the_same(star);
}

static void
in_a_binary_tree(void **state)
{
	(void)state;
	each_process_costs_the_same(binary);
}

static void
in_a_random_tree(void **state)
{
	(void)state;
	each_process_costs_the_same(random_tree);
}

TEST_SUITE(cost, cmocka_unit_test(in_a_chain), cmocka_unit_test(in_a_star),
	   cmocka_unit_test(in_a_binary_tree), cmocka_unit_test(in_a_random_tree))
