/*
 * test_race_replicas.c - what nodes have cached of a space's tables, against everything that changes
 * the tables; in small races with all orders known, and in storms on four nodes of four CPUs.
 */
#include "race/race.h"
#include "unit/swap_store.h"

#include "reclaim/tables.h"

#include <string.h>

static struct swap_store store;

static void
start_swapping(void)
{
	start_touched();
	swap_store_make(&store, 32);
}

static void
end_swapping(void)
{
	swap_store_drop(&store);
}

static uint64_t
unreplicate(unsigned cpu)
{
	(void)cpu;
	space_unreplicate(world.parent);
	return 0;
}

static uint64_t
replicate(unsigned cpu)
{
	(void)cpu;
	return (uint64_t)space_replicate(world.parent);
}

/* To this CPU's node: how many pages may move is not an outcome. */
static uint64_t
migrate_here(unsigned cpu)
{
	uint64_t moved;

	return (uint64_t)space_migrate(world.parent, PAGE(0), 2 * ARCH_PAGE_SIZE,
				       cpu % frame_nr_nodes(), &moved);
}

static uint64_t
next_touch(unsigned cpu)
{
	(void)cpu;
	return (uint64_t)space_advise(world.parent, PAGE(0), ARCH_PAGE_SIZE, ADVICE_NEXT_TOUCH);
}

RACE(a_page_moves_under_its_users, .start = start_touched, .replicas = true,
     .ops = { { load_parent, store_parent }, { migrate_here }, { store_parent, load_parent } },
     .preemptions = 2, .preemptions_wide = 1)

RACE(two_nodes_want_one_page, .start = start_touched, .replicas = true,
     .ops = { { store_parent, load_parent }, { migrate_here, store_parent }, { migrate_here } },
     .preemptions = 2, .preemptions_wide = 1)

RACE(a_page_waits_for_its_next_touch, .start = start_touched, .replicas = true,
     .ops = { { next_touch, load_parent }, { store_parent, load_parent }, { load_parent } },
     .preemptions = 2, .preemptions_wide = 1)

RACE(a_fork_meets_a_move, .start = start_touched, .replicas = true,
     .ops = { { fork_parent, load_born }, { migrate_here }, { store_parent, load_parent } },
     .preemptions = 2, .preemptions_wide = 1)

RACE(page_out_meets_a_move, .start = start_swapping, .end = end_swapping, .replicas = true,
     .ops = { { reclaim }, { migrate_here }, { load_parent, store_parent } }, .preemptions = 2,
     .preemptions_wide = 1)

RACE(nodes_fill_while_one_copies, .start = start_forked, .replicas = true,
     .ops = { { store_parent, load_parent }, { load_parent, load_parent }, { load_child } },
     .preemptions = 2, .preemptions_wide = 1)

RACE(a_fork_meets_late_fills, .start = start_touched, .replicas = true,
     .ops = { { fork_parent, load_born }, { load_parent, store_parent }, { store_parent } },
     .preemptions = 2, .preemptions_wide = 1)

RACE(both_sharers_write_on_their_nodes, .start = start_forked, .replicas = true,
     .ops = { { store_parent, load_parent }, { store_child, load_child }, { load_parent } },
     .preemptions = 2, .preemptions_wide = 1)

RACE(an_unmap_meets_fills, .start = start_touched, .replicas = true,
     .ops = { { unmap_parent }, { load_parent }, { store_parent } }, .preemptions = 2,
     .preemptions_wide = 1)

RACE(protection_meets_fills, .start = start_touched, .replicas = true,
     .ops = { { protect_parent, load_parent }, { store_parent }, { load_parent } },
     .preemptions = 2, .preemptions_wide = 1)

/* Each looks once: a page goes in steps (test_race_truncation.c). */
RACE(a_truncation_meets_fills, .start = start_stored, .replicas = true,
     .ops = { { cut }, { load_parent }, { store_parent } }, .preemptions = 2, .preemptions_wide = 1)

RACE(write_back_meets_writers, .start = start_stored, .replicas = true,
     .ops = { { write_back }, { store_parent, load_parent }, { load_parent, store_parent } },
     .preemptions = 2, .preemptions_wide = 1)

RACE(page_out_meets_fills, .start = start_swapping, .end = end_swapping, .replicas = true,
     .ops = { { reclaim }, { load_parent, store_parent }, { load_parent } }, .preemptions = 2,
     .preemptions_wide = 1)

RACE(replicas_come_and_go, .start = start_touched, .replicas = true,
     .ops = { { unreplicate, load_parent, replicate },
	      { store_parent, load_parent },
	      { load_parent } },
     .preemptions = 2, .preemptions_wide = 1)

/*
 * A node that gives its replica up still walks it for a moment: whoever takes a page meanwhile, without
 * the space's lock, finds no replica there to take it from.
 */
RACE(page_out_meets_a_loss, .start = start_swapping, .end = end_swapping, .replicas = true,
     .ops = { { unreplicate }, { reclaim } }, .preemptions = 2, .preemptions_wide = 2)

RACE(a_truncation_meets_a_loss, .start = start_stored, .replicas = true,
     .ops = { { unreplicate }, { cut } }, .preemptions = 2, .preemptions_wide = 2)

/*
 * Storms: sixteen CPUs, or four, on four nodes, none of which waits for another. Each CPU has a page of
 * its own in memory that all share, a word in a page that is everybody's, and a word in a file.
 * What it has stored in its words it must find there again, whatever the others do to the tables.
 */
#define STORM_CPUS  (ARCH_PT_INDEX_BITS < 4 ? 4 : 16) /* each has a page: a small space has few */
#define STORM_STEPS 12

static struct {
	struct space  *sp;
	struct object *file;
	vaddr_t	       own;    /* a page for each CPU: protected, unmapped and mapped by it alone */
	vaddr_t	       common; /* one page */
	vaddr_t	       shared; /* the file's pages, shared; the second comes and goes */
	uint64_t       seed;
	const char    *wrong;
} storm;

static vaddr_t
own_page(void)
{
	return storm.own + platform_cpu() * ARCH_PAGE_SIZE;
}

static void
expect_word(vaddr_t va, uint64_t wanted, const char *what)
{
	uint64_t got = load_word(storm.sp, va);

	if (got != wanted && !(got >> 60))
		storm.wrong = what;
}

static void
keep_word(vaddr_t page, uint64_t *random)
{
	vaddr_t	 va = page + platform_cpu() * sizeof(uint64_t);
	uint64_t word = test_random(random) >> 8;

	if (store_word(storm.sp, va, word) == word)
		expect_word(va, word, "a word is not what its CPU has stored");
}

/* A child sees what was there at the fork, and its writes are its own. */
static void
have_child(uint64_t *random)
{
	vaddr_t	      va = own_page();
	uint64_t      word = test_random(random) >> 8;
	struct space *child;

	if (store_word(storm.sp, va, word) != word || space_fork(storm.sp, &child))
		return;
	if (store_word(storm.sp, va, word + 1) == word + 1 && load_word(child, va) != word &&
	    !(load_word(child, va) >> 60))
		storm.wrong = "a child sees what its parent has written after the fork";
	(void)store_word(child, va, 5);
	pt_deactivate(&child->pt);
	space_put(child);
}

/* No memory to map it again leaves a hole that the next call of the same CPU fills. */
static void
map_again(void)
{
	vaddr_t at;

	(void)space_map(
		storm.sp,
		&(struct map_request){ .addr = own_page(),
				       .length = ARCH_PAGE_SIZE,
				       .prot = PROT_RW,
				       .flags = MAPF_PRIVATE | MAPF_ANONYMOUS | MAPF_FIXED },
		&at);
}

static void
storm_step(uint64_t *random)
{
	uint64_t moved;

	switch (test_random(random) % 12) {
	case 0:
		have_child(random);
		break;
	case 1:
		(void)space_protect(storm.sp, own_page(), ARCH_PAGE_SIZE, PROT_R);
		(void)load_word(storm.sp, own_page());
		(void)space_protect(storm.sp, own_page(), ARCH_PAGE_SIZE, PROT_RW);
		break;
	case 2:
		(void)space_unmap(storm.sp, own_page(), ARCH_PAGE_SIZE);
		map_again();
		break;
	case 3:
		object_punch(storm.file, 1, 1);
		break;
	case 4:
		(void)object_write_back(storm.file, 0, 2);
		break;
	case 5:
		(void)tables_reclaim(4);
		break;
	case 6:
		keep_word(storm.shared, random);
		break;
	case 7:
		(void)store_word(storm.sp, storm.shared + ARCH_PAGE_SIZE, 1);
		break;
	case 8:
		(void)space_migrate(storm.sp, storm.common, ARCH_PAGE_SIZE, platform_node(),
				    &moved);
		break;
	case 9:
		(void)space_advise(storm.sp, storm.common, ARCH_PAGE_SIZE, ADVICE_NEXT_TOUCH);
		break;
	default:
		keep_word(storm.common, random);
		break;
	}
}

static void
storm_cpu(void *arg)
{
	uint64_t random = storm.seed * STORM_CPUS + platform_cpu();

	(void)arg;
	for (unsigned i = 0; i < STORM_STEPS; i++)
		storm_step(&random);
	pt_deactivate(&storm.sp->pt);
}

static void
storm_start(uint64_t seed)
{
	struct space_layout layout = space_default_layout();

	machine_fresh_with(&(struct machine_config){
		.nr_cpus = STORM_CPUS, .nr_nodes = 4, .nr_frames = 4096, .seed = seed });
	storm.seed = seed;
	storm.wrong = NULL;
	swap_store_make(&store, 64);
	world = (struct race_world){ 0 };
	EXPECT_OK(space_create(&layout, &storm.sp));
	EXPECT_OK(space_add_thread(storm.sp));
	EXPECT_OK(space_replicate(storm.sp));
	/* Small user halves have room for a page each, and no more. */
	storm.common = map_area(storm.sp, 0, 1, MAPF_PRIVATE);
	storm.own = map_area(storm.sp, 0, STORM_CPUS, MAPF_PRIVATE);
	EXPECT_OK(object_create_stored(1, 2 * ARCH_PAGE_SIZE, &world.object));
	storm.file = world.object;
	storm.shared = map_area(storm.sp, 0, 2, MAPF_SHARED);
	assert_true(storm.shared < ARCH_USER_END);
}

static void
storm_end(void)
{
	machine_check_invariants();
	for (unsigned cpu = 0; cpu < STORM_CPUS; cpu++) {
		sim_cpu_set(cpu);
		pt_deactivate(&storm.sp->pt);
	}
	sim_cpu_set(0);
	space_put(storm.sp);
	object_put(storm.file);
	swap_store_drop(&store);
	machine_check();
}

static void
run_storm(uint64_t seed, const struct machine_schedule *schedule)
{
	void (*bodies[STORM_CPUS])(void *);

	for (unsigned cpu = 0; cpu < STORM_CPUS; cpu++)
		bodies[cpu] = storm_cpu;
	storm_start(seed);
	machine_race(STORM_CPUS, bodies, NULL, schedule);
	if (storm.wrong)
		fail_msg("%s; seed %llu, schedule %s", storm.wrong, (unsigned long long)seed,
			 sim_describe_schedule());
	storm_end();
}

static void
four_nodes_in_a_storm(void **state)
{
	static const struct machine_schedule schedules[] = {
		{ .policy = RACE_PCT, .param = 3 },
		{ .policy = RACE_PCT, .param = 30 },
		{ .policy = RACE_RANDOM, .param = 4 },
		{ .policy = RACE_RANDOM, .param = 64 },
	};
	uint64_t seed = test_seed(1);

	(void)state;
	for (unsigned i = 0; i < STORMS; i++) {
		struct machine_schedule schedule = schedules[i % ARRAY_SIZE(schedules)];

		schedule.seed = seed + i;
		schedule.step_limit = 20000000;
		run_storm(seed + i, &schedule);
	}
}

TEST_SUITE(race_replicas, cmocka_unit_test(nodes_fill_while_one_copies),
	   cmocka_unit_test(a_fork_meets_late_fills),
	   cmocka_unit_test(both_sharers_write_on_their_nodes),
	   cmocka_unit_test(an_unmap_meets_fills), cmocka_unit_test(protection_meets_fills),
	   cmocka_unit_test(a_truncation_meets_fills), cmocka_unit_test(write_back_meets_writers),
	   cmocka_unit_test(page_out_meets_fills), cmocka_unit_test(replicas_come_and_go),
	   cmocka_unit_test(page_out_meets_a_loss), cmocka_unit_test(a_truncation_meets_a_loss),
	   cmocka_unit_test(a_page_moves_under_its_users),
	   cmocka_unit_test(two_nodes_want_one_page),
	   cmocka_unit_test(a_page_waits_for_its_next_touch), cmocka_unit_test(a_fork_meets_a_move),
	   cmocka_unit_test(page_out_meets_a_move), cmocka_unit_test(four_nodes_in_a_storm))
