/*
 * sched.c - the scheduler of simulated CPUs: one fiber each, one schedule per seed.
 *
 * A fiber keeps its turn until it reaches a point (a lock, an access to an entry,
 * a user access: wherever the order between CPUs can matter). There the policy
 * decides who goes on, from the seed or from the list of choices alone, so the
 * same schedule gives the same run.
 *
 *   random      leaves the CPU with probability 1/param at each point
 *   pct         runs the CPU of highest priority; at `param` points drawn in advance
 *               the one that runs becomes the lowest
 *   exhaustive  depth first over all runs in which at most `param` times a CPU loses its
 *               turn although it could go on; who follows a wait is a free choice
 *
 * A CPU that relaxes waits for others: it gets its turn again only when
 * another has passed a point since, or when all wait. When all have waited a thousand
 * rounds without any passing a point (a store alone is none), none ever will: a deadlock.
 */
#include "sched.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fiber.h"
#include "hostile.h"
#include "machine.h"
#include "threads.h"

#define STEPS_USUAL	 1000000
#define ROUNDS_WAITED	 1000
#define CHANGES_MAX	 16
#define CHANGE_SPAN_LOG2 13 /* change points lie in the first 8 to 8192 steps */
#define CHOICES_MAX	 65536

struct runner {
	struct fiber fiber;
	void (*body)(void *);
	bool	 alive;
	bool	 waits;	      /* relaxed, and nobody has moved since */
	uint64_t waits_since; /* sched.moves then */
	int64_t	 priority;
	unsigned cpu_now; /* sim_cpu_now while it does not run */
};

/* One decision of an exhaustive search: which of how many. */
struct choice {
	uint8_t taken;
	uint8_t options;
};

static struct {
	bool	     runs;
	unsigned     n;
	unsigned     current;
	unsigned     nr_alive;
	struct fiber origin; /* whoever called sim_run */
	unsigned     origin_cpu;
	void (*then)(void); /* what the origin does instead of returning, after a stop */
	struct sim_schedule schedule;
	uint64_t	    random;
	uint64_t	    steps;
	uint64_t	    moves; /* points passed by anybody */
	uint64_t	    idle;  /* relaxes since the last of them */
	uint64_t	    changes[CHANGES_MAX];
	int64_t		    lowest; /* priority given last */
	unsigned	    preemptions;
} sched;

static struct runner runners[CPU_MAX];

/* The search: the path of the last run, and how much of it this run has followed. */
static struct {
	struct choice path[CHOICES_MAX];
	unsigned      length;
	unsigned      at;
	bool	      is_replay; /* given by the caller: do not extend it */
} search;

static uint64_t
draw(void)
{
	uint64_t x = sched.random += 0x9e3779b97f4a7c15u;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

bool
sched_runs(unsigned cpu)
{
	return (sched.runs && cpu < sched.n && runners[cpu].alive) || threads_run(cpu);
}

/* How to say a schedule. */

static void
describe_choices(char *text, size_t bytes)
{
	size_t used = 0;

	for (unsigned i = 0; i < search.at && used + 32 < bytes; i++) {
		if (search.path[i].taken)
			used += (size_t)snprintf(text + used, bytes - used, "%s%u:%u",
						 used ? "," : "", i, search.path[i].taken);
	}
}

const char *
sim_describe_schedule(void)
{
	static const char *const   names[] = { "random", "pct", "exhaustive" };
	static char		   line[4096];
	const struct sim_schedule *s = &sched.schedule;
	size_t			   used;

	used = (size_t)snprintf(line, sizeof(line), "%s:%u:", names[s->policy], s->param);
	if (s->policy == SIM_EXHAUSTIVE)
		describe_choices(line + used, sizeof(line) - used);
	else
		snprintf(line + used, sizeof(line) - used, "%" PRIu64, s->seed);
	return line;
}

const char *
sched_describe(void)
{
	static char line[4200];

	line[0] = 0;
	if (sched.runs)
		snprintf(line, sizeof(line), "at step %" PRIu64 " of schedule %s\n", sched.steps,
			 sim_describe_schedule());
	return line;
}

/* Who may go on. */

static bool
can_run(unsigned i)
{
	const struct runner *r = &runners[i];

	return r->alive && !(r->waits && r->waits_since == sched.moves);
}

/* others_that_can_run - ascending, without the current one. */
static unsigned
others_that_can_run(unsigned out[static CPU_MAX])
{
	unsigned nr = 0;

	for (unsigned i = 0; i < sched.n; i++)
		if (i != sched.current && can_run(i))
			out[nr++] = i;
	return nr;
}

static void
switch_to(unsigned next)
{
	struct runner *from = &runners[sched.current];
	struct runner *to = &runners[next];

	if (next == sched.current)
		return;
	from->cpu_now = sim_cpu_now;
	sched.current = next;
	sim_cpu_now = to->cpu_now;
	if (from->alive)
		fiber_switch(&from->fiber, &to->fiber);
	else
		fiber_leave(&to->fiber);
}

/* Deadlock and livelock. */

static void
report_waiting(void)
{
	char   text[512] = "";
	size_t used = 0;

	for (unsigned i = 0; i < sched.n && used + 80 < sizeof(text); i++) {
		const struct sim_cpu *cpu = &sim_state.cpus[i];

		if (runners[i].alive)
			used += (size_t)snprintf(text + used, sizeof(text) - used,
						 "; CPU %u waits with interrupts %s%s", i,
						 cpu->irq_on ? "on" : "off",
						 cpu->irq_pending ? " and a shootdown pending"
								  : "");
	}
	sim_violation("deadlock: no CPU can go on%s", text);
}

static void
count_step(void)
{
	uint64_t limit = sched.schedule.step_limit ? sched.schedule.step_limit : STEPS_USUAL;

	if (++sched.steps > limit)
		sim_violation("livelock: %" PRIu64 " steps and %u of %u CPUs not done", limit,
			      sched.nr_alive, sched.n);
}

/* The policies. Each names who goes on; `must_leave`: the current one cannot. */

static unsigned
choose_random(const unsigned *others, unsigned nr, bool must_leave)
{
	unsigned param = sched.schedule.param ? sched.schedule.param : 1;

	if (!must_leave && draw() % param != 0)
		return sched.current;
	return others[draw() % nr];
}

static unsigned
choose_pct(const unsigned *others, unsigned nr, bool must_leave)
{
	unsigned best = must_leave ? others[0] : sched.current;

	for (unsigned i = 0; i < sched.schedule.param && i < CHANGES_MAX; i++)
		if (sched.changes[i] == sched.steps)
			runners[sched.current].priority = --sched.lowest;
	for (unsigned i = 0; i < nr; i++)
		if (runners[others[i]].priority > runners[best].priority)
			best = others[i];
	return best;
}

/* follow - the next decision of the search, the first option where the path ends. */
static unsigned
follow(unsigned options)
{
	struct choice *c = &search.path[search.at];

	if (search.at == CHOICES_MAX)
		sim_violation("a run with more than %d choices", CHOICES_MAX);
	if (search.at == search.length) {
		*c = (struct choice){ .options = (uint8_t)options };
		search.length++;
	}
	if (search.is_replay)
		c->options = (uint8_t)options;
	if (c->options != options || c->taken >= options)
		sim_violation("choice %u has %u options, before it had %u: the run is not "
			      "repeatable",
			      search.at, options, c->options);
	search.at++;
	return c->taken;
}

static unsigned
choose_exhaustive(const unsigned *others, unsigned nr, bool must_leave)
{
	unsigned taken;

	if (must_leave)
		return nr == 1 ? others[0] : others[follow(nr)];
	if (sched.preemptions == sched.schedule.param)
		return sched.current;
	taken = follow(nr + 1);
	if (taken == 0)
		return sched.current;
	sched.preemptions++;
	return others[taken - 1];
}

static unsigned
choose(const unsigned *others, unsigned nr, bool must_leave)
{
	switch (sched.schedule.policy) {
	case SIM_PCT:
		return choose_pct(others, nr, must_leave);
	case SIM_EXHAUSTIVE:
		return choose_exhaustive(others, nr, must_leave);
	case SIM_RANDOM:
		break;
	}
	return choose_random(others, nr, must_leave);
}

void
sched_point(void)
{
	unsigned others[CPU_MAX];
	unsigned nr;

	if (!sched.runs)
		return;
	runners[sched.current].waits = false;
	sched.moves++;
	sched.idle = 0;
	count_step();
	nr = others_that_can_run(others);
	if (nr)
		switch_to(choose(others, nr, false));
}

/* All wait: the next in turn looks again, a few rounds long. */
static void
go_round(void)
{
	unsigned next = sched.current;

	if (++sched.idle > ROUNDS_WAITED * sched.n)
		report_waiting();
	do {
		next = (next + 1) % sched.n;
	} while (!runners[next].alive);
	switch_to(next);
}

void
sched_relax(void)
{
	struct runner *self = &runners[sched.current];
	unsigned       others[CPU_MAX];
	unsigned       nr;

	if (!sched.runs)
		return;
	count_step();
	self->waits = true;
	self->waits_since = sched.moves;
	self->priority = --sched.lowest;
	nr = others_that_can_run(others);
	if (nr)
		switch_to(choose(others, nr, true));
	else
		go_round();
}

/* A run. */

static void
run_body(void *arg)
{
	struct runner	     *self = &runners[sched.current];
	const struct sim_cpu *cpu = &sim_state.cpus[sched.current];
	unsigned	      others[CPU_MAX];
	unsigned	      nr;

	self->body(arg);
	/* Whoever interrupts an idle CPU is served at once, so nothing may be left for us to do. */
	do {
		sim_point();
	} while (cpu->irq_pending && cpu->irq_on);
	self->alive = false;
	sched.nr_alive--;
	sched.moves++;
	sched.idle = 0;
	if (sched.nr_alive == 0)
		fiber_leave(&sched.origin);
	nr = others_that_can_run(others);
	switch_to(choose(others, nr, true));
	abort();
}

/* Orders of magnitude are drawn first: one scale would miss either short runs or long ones. */
static void
prepare_pct(void)
{
	for (unsigned i = 0; i < sched.n; i++) {
		unsigned j = (unsigned)(draw() % (i + 1));

		runners[i].priority = runners[j].priority;
		runners[j].priority = i;
	}
	for (unsigned i = 0; i < CHANGES_MAX; i++)
		sched.changes[i] = 1 + draw() % ((uint64_t)8 << draw() % (CHANGE_SPAN_LOG2 - 2));
}

static unsigned
first_runner(void)
{
	unsigned all[CPU_MAX];

	for (unsigned i = 0; i < sched.n; i++)
		all[i] = i;
	return choose(all, sched.n, true);
}

static void
prepare(unsigned n, void (*const *bodies)(void *), void *arg, const struct sim_schedule *schedule)
{
	sched.n = n;
	sched.nr_alive = n;
	sched.current = CPU_MAX;
	sched.schedule = *schedule;
	sched.random = schedule->seed;
	sched.steps = 0;
	sched.moves = 0;
	sched.idle = 0;
	sched.lowest = 0;
	sched.preemptions = 0;
	sched.then = NULL;
	search.at = 0;
	for (unsigned i = 0; i < n; i++) {
		runners[i].body = bodies[i];
		runners[i].alive = true;
		runners[i].waits = false;
		runners[i].cpu_now = i;
		if (!fiber_make(&runners[i].fiber, run_body, arg))
			sim_violation("the host has no memory for a stack");
	}
	prepare_pct();
	/* The machine's own choices are part of the schedule. */
	if (schedule->policy != SIM_EXHAUSTIVE)
		sim_state.machine.random = draw();
}

void
sim_run(unsigned n, void (*const *bodies)(void *), void *arg, const struct sim_schedule *schedule)
{
	if (sched.runs)
		sim_violation("sim_run inside sim_run");
	if (n == 0 || n > sim_fixed.nr_cpus)
		sim_violation("sim_run of %u CPUs on a machine of %u", n, sim_fixed.nr_cpus);
	prepare(n, bodies, arg, schedule);
	sched.origin_cpu = sim_cpu_now;
	sched.current = first_runner();
	sim_cpu_now = sched.current;
	sched.runs = true;
	sim_points_on = true;
	fiber_switch(&sched.origin, &runners[sched.current].fiber);
	sim_points_on = hostile_accessed_on;
	sched.runs = false;
	sim_cpu_now = sched.origin_cpu;
	if (sched.then)
		sched.then();
}

void
sched_abandon(void (*then)(void))
{
	if (sched.runs) {
		sched.then = then;
		fiber_leave(&sched.origin);
	}
	then();
	abort();
}

bool
sim_next_schedule(void)
{
	search.length = search.at;
	while (search.length) {
		struct choice *last = &search.path[search.length - 1];

		if (last->taken + 1 < last->options) {
			last->taken++;
			return true;
		}
		search.length--;
	}
	return false;
}

void
sim_forget_schedules(void)
{
	search.length = 0;
	search.at = 0;
	search.is_replay = false;
}

bool
sim_replay_choices(const char *choices)
{
	sim_forget_schedules();
	memset(search.path, 0, sizeof(search.path));
	search.is_replay = true;
	while (*choices) {
		unsigned at, taken;
		int	 used;

		if (sscanf(choices, "%u:%u%n", &at, &taken, &used) != 2 || at >= CHOICES_MAX ||
		    taken > CPU_MAX)
			return false;
		search.path[at].taken = (uint8_t)taken;
		if (at >= search.length)
			search.length = at + 1;
		choices += used;
		choices += *choices == ',';
	}
	return true;
}
