/*
 * test_race_spaces.c - what spaces share: address-space tags, the list of
 * spaces, the process table; and stacks that several threads grow.
 */
#include "race/race.h"

/* Tags run out when one more space than there are tags is used at once. */
#define CROWD	   (ARCH_ASIDS + 4)
#define CROWD_USED (ARCH_ASIDS - 4)

static struct space   *crowd[CROWD];
static struct process *first;
static struct process *forked[RACE_CPUS];
static vaddr_t	       stack_end;

static uint64_t
store_own(unsigned cpu)
{
	return store_word(world.parent, PAGE(cpu), 100 + cpu);
}

static uint64_t
load_own(unsigned cpu)
{
	return load_word(world.parent, PAGE(cpu));
}

/* All but a few tags are taken, most of them by spaces that are active nowhere any more. */
static void
start_crowd(void)
{
	struct space_layout layout = space_default_layout();

	start_touched();
	for (unsigned i = 0; i < CROWD; i++)
		EXPECT_OK(space_create(&layout, &crowd[i]));
	sim_cpu_set(2);
	for (unsigned i = 0; i < CROWD_USED; i++)
		pt_activate(&crowd[i]->pt);
	sim_cpu_set(0);
}

static void
end_crowd(void)
{
	for (unsigned i = 0; i < CROWD; i++) {
		for (unsigned cpu = 0; cpu < RACE_CPUS; cpu++) {
			sim_cpu_set(cpu);
			pt_deactivate(&crowd[i]->pt);
		}
		sim_cpu_set(0);
		space_put(crowd[i]);
	}
}

/* Use the tags that are left, and one more. */
static uint64_t
use_up_tags(unsigned cpu)
{
	for (unsigned i = CROWD_USED + cpu; i < CROWD; i += RACE_CPUS)
		pt_activate(&crowd[i]->pt);
	return 0;
}

static uint64_t
use_all_tags(unsigned cpu)
{
	(void)cpu;
	for (unsigned i = CROWD_USED; i < CROWD; i++)
		pt_activate(&crowd[i]->pt);
	return 0;
}

/* A stack of one page with room below it. */
static void
start_stack(void)
{
	start_parent();
	EXPECT_OK(space_unmap(world.parent, world.area, AREA_PAGES * ARCH_PAGE_SIZE));
	stack_end = world.area + AREA_PAGES * ARCH_PAGE_SIZE;
	map_area(world.parent, stack_end - ARCH_PAGE_SIZE, 1, MAPF_PRIVATE | MAPF_GROWSDOWN);
}

static uint64_t
touch_stack(unsigned cpu)
{
	return store_word(world.parent, stack_end - (vaddr_t)(1 + cpu) * ARCH_PAGE_SIZE, cpu);
}

static uint64_t
touch_stack_deeper(unsigned cpu)
{
	return store_word(world.parent, stack_end - (vaddr_t)(2 + cpu) * ARCH_PAGE_SIZE, cpu);
}

static uint64_t
map_below_stack(unsigned cpu)
{
	(void)cpu;
	return map_area(world.parent, stack_end - 3 * ARCH_PAGE_SIZE, 1, MAPF_PRIVATE);
}

static void
start_process(void)
{
	start_touched();
	EXPECT_OK(proc_create(0, world.parent, &first));
}

static void
end_process(void)
{
	int32_t code;

	for (unsigned cpu = 0; cpu < RACE_CPUS; cpu++) {
		if (!forked[cpu])
			continue;
		if (forked[cpu]->state == PROCESS_ALIVE)
			proc_exit(forked[cpu], 0);
		EXPECT_OK(proc_reap(first, forked[cpu], &code));
		forked[cpu] = NULL;
	}
	proc_exit(first, 0);
	EXPECT_OK(proc_reap(NULL, first, &code));
}

static uint64_t
proc_fork_first(unsigned cpu)
{
	err_t err = proc_fork(first, 0, 0, &forked[cpu]);

	return err ? (uint64_t)(int64_t)err : forked[cpu]->id;
}

static uint64_t
proc_exit_forked(unsigned cpu)
{
	if (!forked[cpu])
		return UNBORN;
	proc_exit(forked[cpu], (int32_t)cpu);
	return 0;
}

static uint64_t
proc_reap_forked(unsigned cpu)
{
	int32_t code = -1;
	err_t	err;

	if (!forked[cpu])
		return UNBORN;
	err = proc_reap(first, forked[cpu], &code);
	forked[cpu] = NULL;
	return err ? (uint64_t)(int64_t)err : (uint64_t)code;
}

RACE(tags_run_out_under_a_running_space, .start = start_crowd, .end = end_crowd,
     .ops = { { store_own, load_own }, { store_own, use_all_tags, load_own } }, .preemptions = 1)
RACE(two_cpus_use_up_the_tags, .start = start_crowd, .end = end_crowd,
     .ops = { { use_up_tags, store_own }, { use_up_tags, store_own }, { use_up_tags, store_own } })
RACE(tags_run_out_during_a_fork, .start = start_crowd, .end = end_crowd,
     .ops = { { store_parent }, { fork_parent, store_born }, { use_all_tags, load_own } })
RACE(tags_run_out_during_an_unmap, .start = start_crowd, .end = end_crowd,
     .ops = { { store_parent, store_parent }, { unmap_parent }, { load_own, use_all_tags } })

RACE(two_threads_grow_the_stack, .start = start_stack,
     .ops = { { touch_stack, touch_stack_deeper }, { touch_stack, touch_stack_deeper } },
     .preemptions = 2, .preemptions_wide = 2)
RACE(a_stack_grows_into_a_new_mapping, .start = start_stack,
     .ops = { { touch_stack_deeper }, { touch_stack_deeper }, { map_below_stack } })

RACE(two_processes_come_and_go, .start = start_process, .end = end_process,
     .ops = { { proc_fork_first, proc_exit_forked, proc_reap_forked },
	      { proc_fork_first, proc_exit_forked, proc_reap_forked } },
     .preemptions = 1)
/*
 * One process at a time: a fork takes its id first and copies the memory later, so two of them beside a
 * writer have results that no order of whole forks gives.
 */
RACE(a_process_forks_while_threads_write, .start = start_process, .end = end_process,
     .ops = { { proc_fork_first }, { store_parent, load_own }, { store_parent } })

TEST_SUITE(race_spaces, cmocka_unit_test(tags_run_out_under_a_running_space),
	   cmocka_unit_test(two_cpus_use_up_the_tags), cmocka_unit_test(tags_run_out_during_a_fork),
	   cmocka_unit_test(tags_run_out_during_an_unmap),
	   cmocka_unit_test(two_threads_grow_the_stack),
	   cmocka_unit_test(a_stack_grows_into_a_new_mapping),
	   cmocka_unit_test(two_processes_come_and_go),
	   cmocka_unit_test(a_process_forks_while_threads_write))
