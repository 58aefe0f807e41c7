/*
 * race.c - see race.h.
 *
 * The start is made once and remembered; every run begins by going back to it.
 * RACE_SCHEDULES and RACE_SEARCH, how many random schedules are run and where a
 * search gives up, come from the build.
 */
#include "race/race.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <anymm/check.h>

#include "scenario/stage.h"

#include "pt/cursor.h"
#include "pt/table.h"
#include "swap/state.h"

#define OUTCOMES_MAX 256

/* memory: what programs could read, see look_at_memory. */
struct outcome {
	uint64_t results[RACE_CPUS][RACE_OPS];
	uint64_t after;
	uint64_t memory;
};

static struct {
	const struct race *race;
	struct race_world  begin; /* the world after start */
	unsigned	   nr_cpus;
	unsigned	   nr_nodes;
	struct outcome	   now;
	struct outcome	   allowed[OUTCOMES_MAX];
	unsigned	   nr_allowed;
	uint64_t	   seen; /* bit n: outcome n came up under some schedule */
} run;

/* One run. */

static void
begin(void)
{
	sim_reset();
	world = run.begin;
	memset(&run.now, 0, sizeof(run.now));
}

static void
put_space(struct space **sp)
{
	if (!*sp)
		return;
	stage_leave(*sp);
	space_put(*sp);
	*sp = NULL;
}

static void
end(void)
{
	put_space(&world.parent);
	put_space(&world.child);
	for (unsigned cpu = 0; cpu < RACE_CPUS; cpu++)
		put_space(&world.born[cpu]);
	if (run.race->end)
		run.race->end();
	if (world.object)
		object_put(world.object);
	machine_check();
}

/*
 * All that the programs could find out: regions, and the contents of every page. How memory is
 * shared is left out, because an access that faults is two steps, and another CPU's
 * fork between them shares a page that no serial order would have had.
 */

static void
add(uint64_t *sum, uint64_t word)
{
	*sum = (*sum ^ word) * 0x9e3779b97f4a7c15u;
	*sum ^= *sum >> 32;
}

/* read_slot - what only the device has, in the frame that the checks have for it. */
static pfn_t
read_slot(swap_t slot)
{
	struct swap_state *st = swap_state();

	return st->device->read(st->device, slot.n, st->buffer) == OK ? st->buffer : pfn_none();
}

/* page_out - a private page that is out, wherever its contents are; pfn_none(): it is not out. */
static pfn_t
page_out(struct space *sp, vaddr_t va)
{
	struct pt_view	   view = pt_look(&sp->pt, va);
	swap_t		   slot = entry_swap(view.pte, view.level);
	struct swap_state *st = swap_state();

	if (swap_is_none(slot))
		return pfn_none();
	if (st->slots[slot.n].frame != SWAP_NOTHING)
		return (pfn_t){ st->slots[slot.n].frame };
	return read_slot(slot);
}

/* objects_page - wherever it is; pfn_none(): nobody has asked for it. */
static pfn_t
objects_page(struct object *object, uint64_t index)
{
	struct page_out out;
	uint64_t	at;
	pfn_t		page;

	lock_acquire(&object->lock);
	page = object_peek_page(object, index);
	if (object_next_out(object, index, &at, &out) && at == index) {
		page = read_slot(out.slot);
		if (!pfn_is_none(page))
			memset((char *)arch_frame_ptr(page) + out.bytes, 0,
			       ARCH_PAGE_SIZE - out.bytes);
	}
	lock_release(&object->lock);
	return page;
}

static pfn_t
page_of(struct space *sp, struct region *r, vaddr_t va)
{
	struct sim_translation at = sim_translate(sp->pt.root, va);
	pfn_t		       page = at.present ? at.pfn : page_out(sp, va);

	if (pfn_is_none(page) && r->object)
		page = objects_page(r->object, region_page_index(r, va));
	return page;
}

/* Only words that are not zero count, so a page that is not there yet is one of zeroes. */
static void
add_page(uint64_t *sum, pfn_t page)
{
	const uint64_t *words;

	if (pfn_is_none(page))
		return;
	words = arch_frame_ptr(page);
	for (unsigned i = 0; i < ARCH_PAGE_SIZE / sizeof(*words); i++) {
		if (words[i]) {
			add(sum, i);
			add(sum, words[i]);
		}
	}
}

static uint64_t
look_at_memory(void)
{
	uint64_t sum = 0;

	for (struct space *sp = space_list_first(); sp; sp = space_list_next(sp)) {
		add(&sum, sp->brk);
		for (struct region *r = space_first(sp); r; r = region_next(r)) {
			add(&sum, r->range.start);
			add(&sum, r->range.end);
			add(&sum, (uint64_t)r->flags << 8 | r->prot);
			for (vaddr_t va = r->range.start; va < r->range.end; va += ARCH_PAGE_SIZE) {
				add(&sum, va);
				add_page(&sum, page_of(sp, r, va));
			}
		}
	}
	return sum;
}

static void
look(void)
{
	run.now.memory = look_at_memory();
	if (run.race->after)
		run.now.after = run.race->after();
}

/* Serial orders: the next operation of any CPU that has one left, recursively. */

static bool
is_same(const struct outcome *a, const struct outcome *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static unsigned
find_allowed(const struct outcome *o)
{
	unsigned i = 0;

	while (i < run.nr_allowed && !is_same(&run.allowed[i], o))
		i++;
	return i;
}

/* One serial order: order[i] is the CPU of the i-th operation. */
struct order {
	unsigned cpus[RACE_CPUS * RACE_OPS];
	unsigned length;
};

static void
do_serially(void *arg)
{
	const struct order *order = arg;
	unsigned	    next[RACE_CPUS] = { 0 };

	for (unsigned i = 0; i < order->length; i++) {
		unsigned cpu = order->cpus[i];

		sim_cpu_set(cpu);
		run.now.results[cpu][next[cpu]] = run.race->ops[cpu][next[cpu]](cpu);
		next[cpu]++;
	}
	sim_cpu_set(0);
}

static void
run_serially(struct order *order)
{
	char text[4096];

	begin();
	if (sim_expect_stop(do_serially, order, text, sizeof(text)))
		fail_msg("%s, one operation after the other: %s", run.race->name, text);
	machine_check_invariants();
	look();
	if (find_allowed(&run.now) == run.nr_allowed) {
		assert_true(run.nr_allowed < OUTCOMES_MAX);
		run.allowed[run.nr_allowed++] = run.now;
	}
	end();
}

static unsigned
ops_of(unsigned cpu)
{
	unsigned n = 0;

	while (n < RACE_OPS && run.race->ops[cpu][n])
		n++;
	return n;
}

static void
try_orders(struct order *order, unsigned left[static RACE_CPUS])
{
	bool is_complete = true;

	for (unsigned cpu = 0; cpu < RACE_CPUS; cpu++) {
		if (!left[cpu])
			continue;
		is_complete = false;
		left[cpu]--;
		order->cpus[order->length++] = cpu;
		try_orders(order, left);
		order->length--;
		left[cpu]++;
	}
	if (is_complete)
		run_serially(order);
}

static void
find_allowed_outcomes(void)
{
	struct order order = { 0 };
	unsigned     left[RACE_CPUS];

	run.nr_allowed = 0;
	run.nr_cpus = 0;
	for (unsigned cpu = 0; cpu < RACE_CPUS; cpu++) {
		left[cpu] = ops_of(cpu);
		if (left[cpu])
			run.nr_cpus = cpu + 1;
	}
	try_orders(&order, left);
}

/* Concurrent runs. */

static void
body(void *arg)
{
	unsigned cpu = platform_cpu();

	(void)arg;
	for (unsigned i = 0; i < ops_of(cpu); i++)
		run.now.results[cpu][i] = run.race->ops[cpu][i](cpu);
}

static void
run_together(void *schedule)
{
	void (*const bodies[RACE_CPUS])(void *) = { body, body, body };

	sim_run(run.nr_cpus, bodies, NULL, schedule);
}

static void
fail_run(const char *why)
{
	fail_msg("%s: %s\nrepeat with ANYMM_NODES=%u ANYMM_SCHEDULE=%s", run.race->name, why,
		 run.nr_nodes, sim_describe_schedule());
}

/*
 * All CPUs at once. The seed also decides whether the hardware takes its liberties: accessed
 * bits set by speculation, spurious faults. A machine that stops fails the test.
 */
static void
run_bodies(struct sim_schedule *schedule)
{
	char text[4096];
	bool stopped;

	sim_hostile_accessed(schedule->seed % 16 == 1);
	sim_hostile_faults(schedule->seed % 8 == 5);
	stopped = sim_expect_stop(run_together, schedule, text, sizeof(text));
	sim_hostile_accessed(false);
	sim_hostile_faults(false);
	if (stopped)
		fail_run(text);
}

static void
print_outcome(const char *what, const struct outcome *o)
{
	print_error("%s:", what);
	for (unsigned cpu = 0; cpu < run.nr_cpus; cpu++) {
		print_error("  CPU %u", cpu);
		for (unsigned i = 0; i < ops_of(cpu); i++)
			print_error(" %" PRIx64, o->results[cpu][i]);
	}
	print_error("  memory %016" PRIx64 "\n", o->memory);
}

/* Same results, wrong memory, or wrong results: the list shows which. */
static void
fail_outcome(void)
{
	print_outcome("no serial order gives", &run.now);
	for (unsigned i = 0; i < run.nr_allowed; i++)
		print_outcome("          allowed is", &run.allowed[i]);
	fail_run("an outcome that no serial order gives");
}

static void
run_schedule(struct sim_schedule schedule)
{
	struct check_report report;
	unsigned	    outcome;

	begin();
	run_bodies(&schedule);
	if (!check_all(&report))
		fail_run(report.text);
	look();
	outcome = find_allowed(&run.now);
	if (outcome == run.nr_allowed)
		fail_outcome();
	run.seen |= (uint64_t)1 << outcome % 64;
	end();
}

/*
 * run_short_of_memory - some allocation fails, or all from it on. What then happens has no serial
 * order to compare with, but every invariant holds and nothing is lost.
 */
static void
run_short_of_memory(struct sim_schedule schedule)
{
	uint64_t	    how = schedule.seed;
	uint64_t	    random = test_random(&how);
	struct check_report report;

	begin();
	sim_fail_allocation(1 + random % 8, random >> 8 & 1);
	run_bodies(&schedule);
	sim_fail_allocation(0, false);
	if (!check_all(&report))
		fail_run(report.text);
	end();
}

static const struct sim_schedule portfolio[] = {
	{ .policy = SIM_PCT, .param = 0 },	{ .policy = SIM_PCT, .param = 1 },
	{ .policy = SIM_PCT, .param = 2 },	{ .policy = SIM_PCT, .param = 3 },
	{ .policy = SIM_RANDOM, .param = 1 },	{ .policy = SIM_RANDOM, .param = 4 },
	{ .policy = SIM_RANDOM, .param = 16 },	{ .policy = SIM_RANDOM, .param = 64 },
	{ .policy = SIM_RANDOM, .param = 256 },
};

/* run_given - the one schedule that ANYMM_SCHEDULE names. */
static void
run_given(void)
{
	const char	   *given = getenv("ANYMM_SCHEDULE");
	struct sim_schedule schedule = { 0 };
	char		    policy[16];
	int		    used = 0;

	if (sscanf(given, "%15[a-z]:%u:%n", policy, &schedule.param, &used) != 2 || !used)
		fail_msg("ANYMM_SCHEDULE is random:N:SEED, pct:N:SEED or exhaustive:N:CHOICES");
	if (strcmp(policy, "exhaustive") == 0) {
		schedule.policy = SIM_EXHAUSTIVE;
		assert_true(sim_replay_choices(given + used));
	} else {
		schedule.policy = strcmp(policy, "pct") == 0 ? SIM_PCT : SIM_RANDOM;
		schedule.seed = strtoull(given + used, NULL, 0);
	}
	run_schedule(schedule);
	if (schedule.policy != SIM_EXHAUSTIVE)
		run_short_of_memory(schedule);
}

static void
search(void)
{
	bool		    is_small = ARCH_PT_INDEX_BITS < 4;
	struct sim_schedule schedule = {
		.policy = SIM_EXHAUSTIVE,
		.param = is_small ? run.race->preemptions : run.race->preemptions_wide,
	};
	unsigned runs = 0, limit = RACE_SEARCH;

	if (!schedule.param || !limit)
		return;
	sim_forget_schedules();
	do {
		run_schedule(schedule);
		runs++;
	} while (runs < limit && sim_next_schedule());
	fprintf(stderr, "%s: %u schedules with at most %u preemptions%s\n", run.race->name, runs,
		schedule.param, runs == limit ? ", not all" : "");
}

/* fill_replicas - every node has a page, or the races would begin before there is anything to take. */
static void
fill_replicas(void)
{
	for (unsigned cpu = 0; cpu < RACE_CPUS; cpu++) {
		sim_cpu_set(cpu);
		(void)load_word(world.parent, PAGE(0));
	}
	sim_cpu_set(0);
}

/* prepare - a machine with the start of the race on it, to which every run goes back. */
static void
prepare(unsigned nr_nodes)
{
	run.nr_nodes = nr_nodes;
	run.seen = 0;
	world = (struct race_world){ 0 };
	machine_fresh_with(&(struct machine_config){
		.nr_cpus = RACE_CPUS, .nr_nodes = nr_nodes, .nr_frames = 1024 });
	run.race->start();
	for (struct space *sp = space_list_first(); nr_nodes > 1 && sp; sp = space_list_next(sp))
		EXPECT_OK(space_replicate(sp));
	if (nr_nodes > 1 && run.race->replicas)
		fill_replicas();
	run.begin = world;
	sim_snapshot();
	find_allowed_outcomes();
}

static void
run_random(uint64_t seed, unsigned schedules)
{
	for (unsigned i = 0; i < schedules; i++) {
		struct sim_schedule schedule = portfolio[i % ARRAY_SIZE(portfolio)];

		schedule.seed = seed + i;
		run_schedule(schedule);
		if (i % 2)
			run_short_of_memory(schedule);
	}
}

/* run_on - with replicas: shorter, unless that is what the race is about. */
static void
run_on(unsigned nr_nodes, uint64_t seed)
{
	bool is_main = run.race->replicas == (nr_nodes > 1);

	prepare(nr_nodes);
	run_random(seed, is_main ? RACE_SCHEDULES : RACE_SCHEDULES / 4);
	if (is_main)
		search();
	fprintf(stderr, "%s on %u node%s: %d of %u outcomes came up\n", run.race->name, nr_nodes,
		nr_nodes > 1 ? "s" : "", __builtin_popcountll(run.seen), run.nr_allowed);
}

void
race_run(const struct race *race)
{
	const char *nodes = getenv("ANYMM_NODES");
	uint64_t    seed = test_seed(1);

	run.race = race;
	if (getenv("ANYMM_SCHEDULE")) {
		prepare(nodes ? (unsigned)strtoul(nodes, NULL, 0) : 1);
		run_given();
		return;
	}
	run_on(1, seed);
	run_on(RACE_CPUS, seed);
}
