/* machine_sim.c - the simulator as the machine of tests; see machine.h. */
#include "machine.h"

#include <sim/sim.h>

bool
machine_start(const struct machine_config *config)
{
	return sim_start(&(struct sim_config){
		.nr_cpus = config->nr_cpus,
		.ranges = config->ranges,
		.nr_ranges = config->nr_ranges,
		.nr_frames = config->nr_frames,
		.nr_nodes = config->nr_nodes,
		.reserve_frames = config->reserve_frames,
		.seed = config->seed,
		.no_asids = config->no_asids,
	});
}

void
machine_stop(void)
{
	sim_stop();
}

const struct boot_map *
machine_boot_map(void)
{
	return sim_boot_map();
}

void
machine_cpu_set(unsigned cpu)
{
	sim_cpu_set(cpu);
}

size_t
machine_access(enum access access, vaddr_t va, void *buf, size_t bytes, struct arch_fault *fault)
{
	return sim_access(access, va, buf, bytes, fault);
}

enum fault_result
machine_user(struct space *sp, enum access access, vaddr_t va, void *buf, size_t bytes)
{
	return sim_user(sp, access, va, buf, bytes);
}

void
machine_fail_allocation(uint64_t n, bool and_all_after)
{
	sim_fail_allocation(n, and_all_after);
}

uint64_t
machine_allocations(void)
{
	return sim_allocations();
}

void
machine_snapshot(void)
{
	sim_snapshot();
}

void
machine_reset(void)
{
	sim_reset();
}

struct machine_translation
machine_translate(pfn_t root, vaddr_t va)
{
	struct sim_translation t = sim_translate(root, va);

	return (struct machine_translation){
		.present = t.present, .pfn = t.pfn, .prot = t.prot, .level = t.level
	};
}

bool
machine_expect_stop(void (*fn)(void *), void *arg, char *text, size_t bytes)
{
	return sim_expect_stop(fn, arg, text, bytes);
}

const char *
machine_console_text(void)
{
	return sim_console_text();
}

void
machine_race(unsigned n, void (*const *bodies)(void *), void *arg,
	     const struct machine_schedule *schedule)
{
	static const enum sim_policy policies[] = {
		[RACE_RANDOM] = SIM_RANDOM,
		[RACE_PCT] = SIM_PCT,
		[RACE_EXHAUSTIVE] = SIM_EXHAUSTIVE,
	};

	sim_run(n, bodies, arg,
		&(struct sim_schedule){
			.policy = policies[schedule->policy],
			.param = schedule->param,
			.seed = schedule->seed,
			.step_limit = schedule->step_limit,
		});
}

bool
machine_next_schedule(void)
{
	return sim_next_schedule();
}

/* The simulator has all of them. */
void
machine_needs(enum machine_feature feature)
{
	(void)feature;
}
