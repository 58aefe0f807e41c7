/*
 * machine.c - the simulated machine from power-on to power-off.
 *
 * A configuration is checked completely before anything is made, with a message
 * that names the range and the reason. Above the highest frame of RAM lies the
 * machine's own area: the library's root state and the tables of the kernel half.
 */
#include "machine.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ledger.h"
#include "reset.h"

struct sim_state sim_state;
struct sim_fixed sim_fixed;

#define DEFAULT_FIRST_FRAME 16
#define DEFAULT_FRAMES	    65536
#define PFN_LIMIT	    ((uint64_t)1 << (ARCH_PADDR_BITS - ARCH_PAGE_SHIFT))

static bool
refuse(const char *fmt, ...)
{
	va_list args;

	fprintf(stderr, "sim_start: ");
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	return false;
}

static bool
range_is_good(unsigned i, const struct boot_range *r)
{
	if (r->nr_frames == 0)
		return refuse("range %u is empty", i);
	if (r->start.n >= PFN_LIMIT || r->nr_frames > PFN_LIMIT - r->start.n - AREA_FRAMES - 1)
		return refuse("range %u ends beyond frame %" PRIu64, i, PFN_LIMIT);
	if (r->kind != BOOT_RAM && r->kind != BOOT_RESERVED)
		return refuse("range %u has the unknown kind %d", i, (int)r->kind);
	if (r->kind == BOOT_RAM && r->node >= NODE_MAX)
		return refuse("range %u belongs to node %u of at most %u", i, r->node, NODE_MAX);
	return true;
}

static bool
ranges_overlap(const struct boot_range *a, const struct boot_range *b)
{
	return a->start.n < b->start.n + b->nr_frames && b->start.n < a->start.n + a->nr_frames;
}

/* Reserved ranges may overlap anything; two ranges of RAM would give a frame two nodes. */
static bool
range_is_alone(unsigned i, const struct boot_range *ranges)
{
	for (unsigned j = 0; j < i; j++)
		if (ranges[i].kind == BOOT_RAM && ranges[j].kind == BOOT_RAM &&
		    ranges_overlap(&ranges[i], &ranges[j]))
			return refuse("ranges %u and %u of RAM overlap", j, i);
	return true;
}

static bool
check_ranges(const struct boot_range *ranges, unsigned nr)
{
	bool has_ram = false;

	if (nr > BOOT_RANGES_MAX)
		return refuse("%u ranges, at most %u are possible", nr, BOOT_RANGES_MAX);
	for (unsigned i = 0; i < nr; i++) {
		if (!range_is_good(i, &ranges[i]) || !range_is_alone(i, ranges))
			return false;
		has_ram = has_ram || ranges[i].kind == BOOT_RAM;
	}
	return has_ram || refuse("no range of RAM");
}

static void
take_ranges(const struct boot_range *ranges, unsigned nr)
{
	uint64_t end = 0;

	memcpy(sim_fixed.ranges, ranges, nr * sizeof(*ranges));
	for (unsigned i = 0; i < nr; i++) {
		end = max_u64(end, ranges[i].start.n + ranges[i].nr_frames);
		if (ranges[i].kind == BOOT_RAM)
			sim_fixed.ram_frames += ranges[i].nr_frames;
	}
	sim_fixed.map = (struct boot_map){ .ranges = sim_fixed.ranges, .nr_ranges = nr };
	sim_fixed.nr_frames = end;
	sim_fixed.area = (pfn_t){ end + 1 }; /* a frame between that nobody may touch */
}

/* cut_nodes - memory as a machine has it that gives no ranges: equal parts, the last takes the rest. */
static void
cut_nodes(uint64_t frames, unsigned nr_nodes, struct boot_range *out)
{
	uint64_t part = frames / nr_nodes;

	for (unsigned node = 0; node < nr_nodes; node++)
		out[node] = (struct boot_range){
			.start = { DEFAULT_FIRST_FRAME + node * part },
			.nr_frames = node + 1 == nr_nodes ? frames - node * part : part,
			.kind = BOOT_RAM,
			.node = node,
		};
}

static bool
take_config(const struct sim_config *config)
{
	unsigned		 nr_nodes = config->nr_nodes ? config->nr_nodes : 1;
	struct boot_range	 parts[NODE_MAX];
	const struct boot_range *ranges = config->ranges ? config->ranges : parts;
	unsigned		 nr_ranges = config->ranges ? config->nr_ranges : nr_nodes;

	if (config->nr_cpus > CPU_MAX)
		return refuse("%u CPUs, at most %u are possible", config->nr_cpus, CPU_MAX);
	if (nr_nodes > NODE_MAX)
		return refuse("%u nodes, at most %u are possible", nr_nodes, NODE_MAX);
	cut_nodes(config->nr_frames ? config->nr_frames : DEFAULT_FRAMES, nr_nodes, parts);
	if (!check_ranges(ranges, nr_ranges))
		return false;
	sim_fixed = (struct sim_fixed){
		.nr_cpus = config->nr_cpus ? config->nr_cpus : 1,
		.nr_nodes = nr_nodes,
		.no_asids = config->no_asids,
		.seed = config->seed,
		.host_threads = config->host_threads,
		.has_ledger = !config->host_threads,
	};
	take_ranges(ranges, nr_ranges);
	sim_fixed.map.reserve_frames = config->reserve_frames;
	return true;
}

static uint64_t *
kernel_table(unsigned level)
{
	return ram_raw(pfn_add(sim_fixed.area, AREA_STATE_FRAMES + level));
}

/*
 * The kernel half maps one page, the root state, for the kernel only. Where there are levels enough,
 * the second slot of its upper table leads to the window of kernel stacks.
 */
static void
make_kernel_half(void)
{
	kernel_table(0)[0] = HW_VALID | HW_KERNEL | HW_DENY_X | sim_fixed.area.n;
	for (unsigned level = 1; level < HW_ROOT; level++)
		kernel_table(level)[0] =
			HW_VALID | HW_TABLE | (sim_fixed.area.n + AREA_STATE_FRAMES + level - 1);
	if (HW_ROOT >= 2)
		kernel_table(HW_ROOT - 1)[1] =
			HW_VALID | HW_TABLE | (sim_fixed.area.n + AREA_WINDOW);
}

void
sim_pt_init_root(pfn_t root)
{
	uint64_t *slots = sim_frame_ptr(root);

	slots[HW_ENTRIES - 1] =
		HW_VALID | HW_TABLE | (sim_fixed.area.n + AREA_STATE_FRAMES + HW_ROOT - 1);
}

bool
sim_start(const struct sim_config *config)
{
	if (sim_fixed.runs)
		return refuse("a machine is running already");
	if (!take_config(config))
		return false;
	if (!ram_start())
		return refuse("the host has no address space for %" PRIu64 " frames",
			      sim_fixed.nr_frames);
	sim_state = (struct sim_state){ .machine.random = sim_fixed.seed };
	for (unsigned cpu = 0; cpu < CPU_MAX; cpu++)
		sim_state.cpus[cpu] = (struct sim_cpu){ .irq_on = true, .root = pfn_none() };
	fpu_start();
	if (!tlb_start() || !ledger_start()) {
		ram_stop();
		return refuse("the host has no memory");
	}
	sim_hostile_accessed(false);
	sim_hostile_faults(false);
	make_kernel_half();
	console_start();
	sim_cpu_now = 0;
	sim_fixed.runs = true;
	return true;
}

void
sim_stop(void)
{
	if (!sim_fixed.runs)
		return;
	reset_forget();
	ledger_stop();
	ram_stop();
	sim_fixed.runs = false;
}

const struct boot_map *
sim_boot_map(void)
{
	return &sim_fixed.map;
}

uint64_t
sim_random(void)
{
	uint64_t x = sim_state.machine.random += 0x9e3779b97f4a7c15u;

	x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93u;
	x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93u;
	return x ^ (x >> 32);
}

bool
sim_inject_failure(void)
{
	uint64_t n = 1 + atomic_fetch_add_explicit(&sim_state.machine.allocations, 1,
						   memory_order_relaxed);

	if (LIKELY(sim_state.machine.fail_at == 0))
		return false;
	return sim_state.machine.fail_all_after ? n >= sim_state.machine.fail_at
						: n == sim_state.machine.fail_at;
}

void
sim_fail_allocation(uint64_t n, bool and_all_after)
{
	sim_state.machine.fail_at = n ? sim_state.machine.allocations + n : 0;
	sim_state.machine.fail_all_after = and_all_after;
}

uint64_t
sim_allocations(void)
{
	return sim_state.machine.allocations;
}
