/*
 * machine.c - the booted PC as the machine of tests; see tests/machine.h.
 *
 * A fresh machine is a stretch of RAM that holds what the last test has left there, a zeroed
 * root object, and CPUs that have left every space and flushed everything. The thread that
 * runs the tests is the boot CPU's; machine_cpu_set lets it go on on another CPU.
 */
#include "machine.h"

#include <cmocka.h>

#include "../../arch/x86_64/boot/boot.h"
#include "../../arch/x86_64/boot/ring3.h"
#include "../../arch/x86_64/boot/walk.h"
#include "base/format.h"
#include "base/mem.h"
#include "boot/libc.h"
#include "boot/snapshot.h"
#include "boot/tests.h"
#include "boot/window.h"
#include "scenario/stage.h"

#define DEFAULT_FRAMES 65536
#define POISON_BYTES   64
#define POISON_FRAMES  1024 /* most of a machine with a map of its own */
#define HEAP_BYTES     (UINT64_C(16) << 20)

static struct boot_range ram;	/* all that tests may have */
static struct boot_range range; /* of the machine started now, unless it has a map of its own */
static struct boot_range own_ranges[BOOT_RANGES_MAX]; /* of a machine with a map of its own */
static struct boot_range parts[BOOT_RANGES_MAX];      /* of the range, one for each node */
static struct boot_map	 map;
static unsigned		 nr_cpus = 1;

static char    console[4096];
static size_t  console_used;
static bool    quiet; /* inside machine_expect_stop */
static jmp_buf stopped;

/* What tests provoke is kept for machine_console_text and does not disturb the TAP. */
static bool
keep_text(const char *text, size_t bytes)
{
	size_t room = sizeof(console) - 1 - console_used;

	if (!boot_results.in_test)
		return false;
	bytes = min_u64(bytes, room);
	memcpy(console + console_used, text, bytes);
	console_used += bytes;
	return true;
}

static void
jump_out(void)
{
	if (quiet)
		longjmp(stopped, 1);
	boot_results.in_test = false;
	console_printf("# the machine was stopped: %s\n", console);
}

void
boot_machine_init(void)
{
	void	*start = NULL;
	void	*heap = bootinfo_take(HEAP_BYTES);
	uint64_t frames = DEFAULT_FRAMES * 32;

	if (!heap)
		boot_fail("too little RAM for the tests");
	libc_give_memory(heap, HEAP_BYTES);
	while (!start && (frames /= 2) > 1024)
		start = bootinfo_take(frames << ARCH_PAGE_SHIFT);
	if (!start)
		boot_fail("too little RAM for the tests");
	ram = (struct boot_range){
		.start = { ((uintptr_t)start - DIRECT_MAP) >> ARCH_PAGE_SHIFT },
		.nr_frames = frames,
	};
	console_hook = keep_text;
	stop_hook = jump_out;
}

static void
forget_spaces(void *arg)
{
	(void)arg;
	arch_tlb_activate(pfn_none(), 0);
	arch_tlb_flush_all();
}

/* spare_ram - what the machine started now leaves of the RAM for tests. */
static struct boot_range
spare_ram(void)
{
	return (struct boot_range){
		.start = pfn_add(ram.start, range.nr_frames),
		.nr_frames = ram.nr_frames - range.nr_frames,
	};
}

static uint64_t
frames_of(const struct boot_range *ranges, unsigned nr)
{
	uint64_t frames = 0;

	for (unsigned i = 0; i < nr; i++)
		frames += ranges[i].kind == BOOT_RAM ? ranges[i].nr_frames : 0;
	return frames;
}

/*
 * Poison goes into every free frame at once, so only a small machine has it, and then in the
 * whole frame. Its CPUs are numbers: a test that runs code on one that is not there ends in
 * machine_cpu_set.
 */
static void
start_on_own_map(const struct boot_range *ranges, unsigned nr, unsigned nodes)
{
	if (nr > BOOT_RANGES_MAX)
		boot_fail("a test wants a memory map of %u ranges", nr);
	memcpy(own_ranges, ranges, nr * sizeof(*ranges));
	(void)boot_cut_nodes(nodes, nr_cpus, NULL, 0, NULL); /* the ranges say their nodes */
	map = (struct boot_map){ .ranges = own_ranges, .nr_ranges = nr };
	range = (struct boot_range){ .start = ram.start };
	x86_machine.poison_bytes = frames_of(ranges, nr) <= POISON_FRAMES ? ARCH_PAGE_SIZE : 0;
	window_open(own_ranges, nr, spare_ram());
}

/* What the last machine has mapped there lies in memory that is no more its own. */
static void
empty_kernel_window(void)
{
	arch_frame_zero(platform_kernel_window().table);
	for (unsigned cpu = 0; cpu < boot_nr_cpus(); cpu++)
		smp_call(cpu, forget_spaces, NULL);
}

static void
start_on_ram(uint64_t frames, unsigned nodes)
{
	if (frames > ram.nr_frames)
		boot_test_skip("needs more memory");
	range = (struct boot_range){ .start = ram.start, .nr_frames = frames };
	x86_machine.poison_bytes = POISON_BYTES;
	map = (struct boot_map){ .ranges = parts,
				 .nr_ranges = boot_cut_nodes(nodes, nr_cpus, &range, 1, parts) };
}

bool
machine_start(const struct machine_config *config)
{
	if (config->no_asids && x86_machine.has_pcid)
		boot_test_skip("needs a CPU without tags");
	if (config->nr_cpus > boot_nr_cpus() && !config->ranges)
		boot_test_skip("needs more CPUs");
	smp_migrate(0);
	nr_cpus = config->nr_cpus ? config->nr_cpus : 1;
	window_close();
	memset(arch_root_state(), 0, ARCH_ROOT_STATE_BYTES);
	empty_kernel_window();
	if (config->ranges)
		start_on_own_map(config->ranges, config->nr_ranges, config->nr_nodes);
	else
		start_on_ram(config->nr_frames ? config->nr_frames : DEFAULT_FRAMES,
			     config->nr_nodes);
	map.reserve_frames = config->reserve_frames;
	console_used = 0;
	stage_fail_allocation(0, false);
	return true;
}

void
machine_stop(void)
{
}

/* The library sees as many CPUs as the test asked for. */
unsigned
platform_cpus(void)
{
	return nr_cpus;
}

const struct boot_map *
machine_boot_map(void)
{
	return &map;
}

void
machine_cpu_set(unsigned cpu)
{
	if (cpu >= boot_nr_cpus())
		boot_test_skip("needs more CPUs");
	smp_migrate(cpu);
}

/* What ring 3 reaches lies at its physical address. */
static void
need_true_frames(void)
{
	if (window_is_open())
		boot_test_skip("accesses through a memory map of its own");
}

size_t
machine_access(enum access access, vaddr_t va, void *buf, size_t bytes, struct arch_fault *fault)
{
	need_true_frames();
	return ring3_try(access, va, buf, bytes, fault);
}

enum fault_result
machine_user(struct space *sp, enum access access, vaddr_t va, void *buf, size_t bytes)
{
	need_true_frames();
	return ring3_access(sp, access, va, buf, bytes);
}

void
machine_fail_allocation(uint64_t n, bool and_all_after)
{
	stage_fail_allocation(n, and_all_after);
}

uint64_t
machine_allocations(void)
{
	return stage_allocations();
}

void
machine_snapshot(void)
{
	need_true_frames();
	snapshot_keep(range, spare_ram());
}

void
machine_reset(void)
{
	snapshot_restore();
	stage_fail_allocation(0, false);
}

struct machine_translation
machine_translate(pfn_t root, vaddr_t va)
{
	struct hardware_view	   v = hardware_walk((paddr_t){ root.n << ARCH_PAGE_SHIFT }, va);
	struct machine_translation t = { .present = v.present, .level = v.level };

	if (!t.present)
		return (struct machine_translation){ .pfn = pfn_none(), .level = v.level };
	t.pfn.n = v.paddr.raw >> ARCH_PAGE_SHIFT;
	t.prot = PROT_R | (v.writable ? PROT_W : 0) | (v.executable ? PROT_X : 0);
	return t;
}

bool
machine_expect_stop(void (*fn)(void *), void *arg, char *text, size_t bytes)
{
	bool did_stop = setjmp(stopped) != 0;

	if (!did_stop) {
		console_used = 0;
		quiet = true;
		fn(arg);
	}
	quiet = false;
	x86_sti();
	console[console_used] = '\0';
	if (bytes)
		format(text, bytes, "%s", console);
	console_used = 0;
	return did_stop;
}

const char *
machine_console_text(void)
{
	console[console_used] = '\0';
	console_used = 0;
	return console;
}

/* One body of a race on its way; the last CPU to arrive opens the gate for all. */
struct racer {
	void (*body)(void *);
	void		 *arg;
	_Atomic unsigned *waiting;
};

static void
run_racer(void *arg)
{
	struct racer *racer = arg;

	atomic_fetch_sub(racer->waiting, 1);
	while (atomic_load(racer->waiting))
		x86_pause();
	racer->body(racer->arg);
}

void
machine_race(unsigned n, void (*const *bodies)(void *), void *arg,
	     const struct machine_schedule *schedule)
{
	struct racer	 racers[CPU_MAX];
	_Atomic unsigned waiting = n;

	(void)schedule; /* chance decides */
	if (n > boot_nr_cpus())
		boot_test_skip("needs more CPUs");
	smp_migrate(0);
	for (unsigned cpu = 0; cpu < n; cpu++)
		racers[cpu] = (struct racer){ bodies[cpu], arg, &waiting };
	for (unsigned cpu = 1; cpu < n; cpu++)
		smp_call_begin(cpu, run_racer, &racers[cpu]);
	run_racer(&racers[0]);
	for (unsigned cpu = 1; cpu < n; cpu++)
		smp_call_end(cpu);
}

bool
machine_next_schedule(void)
{
	return false;
}

void
machine_needs(enum machine_feature feature)
{
	static const char *const reasons[] = {
		[MACHINE_NOTICES_DEADLOCK] = "a PC waits for ever in a deadlock",
		[MACHINE_NOTICES_POISON] = "a PC does not notice every touched free byte",
		[MACHINE_SWITCHES_AT_POINTS] = "a PC's CPUs run by chance",
	};

	boot_test_skip(reasons[feature]);
}
