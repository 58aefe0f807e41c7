/*
 * machine.h - what tests need of a machine besides its contract, on every machine.
 *
 * tests/machine_sim.c plays it with the simulator, tests/boot/machine.c with the booted PC.
 * What only a simulator can offer (ledger, snapshots, schedules) is in <sim/sim.h>, and the
 * suites that use it run there only.
 */
#pragma once

#include <anymm/fault.h>
#include <anymm/platform.h>

struct machine_config {
	unsigned		 nr_cpus; /* 0: 1 */
	const struct boot_range *ranges;  /* NULL: nr_frames frames */
	unsigned		 nr_ranges;
	uint64_t		 nr_frames; /* with ranges NULL; 0: 65536 */
	unsigned nr_nodes; /* the CPUs, and memory without ranges, in so many equal parts; 0: 1 */
	uint64_t reserve_frames;
	uint64_t seed;
	bool	 no_asids; /* every activate flushes, as a CPU without tags */
};

/*
 * machine_start - the machine as after power-on, without the library. On a PC a test that
 * wants more CPUs or memory than there are, or a memory map of its own, ends here as skipped.
 * gives false: the configuration is wrong
 */
bool machine_start(const struct machine_config *config);
void machine_stop(void);

const struct boot_map *machine_boot_map(void);

/* machine_cpu_set - the test goes on on that CPU. */
void machine_cpu_set(unsigned cpu);

/*
 * machine_access - one user access through what is active on this CPU; the library is not
 * entered. Gives the bytes done; if fewer, *fault says where it stopped.
 */
size_t machine_access(enum access access, vaddr_t va, void *buf, size_t bytes,
		      struct arch_fault *fault);

/* machine_user - the same as a program of sp sees it: faults are handled. */
enum fault_result machine_user(struct space *sp, enum access access, vaddr_t va, void *buf,
			       size_t bytes);

/* machine_fail_allocation - fail the n-th allocation from now, or all from it on; 0: none. */
void	 machine_fail_allocation(uint64_t n, bool and_all_after);
uint64_t machine_allocations(void);

/*
 * machine_snapshot, machine_reset - remember the machine's whole state (RAM, library,
 * translations), and go back to it. What machine_allocations counts may begin anew.
 */
void machine_snapshot(void);
void machine_reset(void);

/* The hardware's reading of the tables, by a decoder that is not the library's. */
struct machine_translation {
	bool	 present;
	pfn_t	 pfn;
	prot_t	 prot; /* effective: the AND over the walk */
	unsigned level;
};
struct machine_translation machine_translate(pfn_t root, vaddr_t va);

/*
 * machine_expect_stop - run fn; true if it stopped the machine. The message is in text. The
 * machine is to be started anew afterwards.
 */
bool machine_expect_stop(void (*fn)(void *), void *arg, char *text, size_t bytes);

/* machine_console_text - what the library has printed since the last call. */
const char *machine_console_text(void);

/*
 * machine_race - the CPUs 0 .. n-1 run bodies[i](arg) at the same time. On the simulator in
 * an order that the schedule decides, repeatably; on a PC in parallel, by chance. Bodies use
 * no assertion of CMocka's.
 */
enum race_policy {
	RACE_RANDOM,	 /* switch with probability 1/param at each point */
	RACE_PCT,	 /* priorities with param change points */
	RACE_EXHAUSTIVE, /* next schedule in depth-first order with at most param preemptions */
};

struct machine_schedule {
	enum race_policy policy;
	unsigned	 param;
	uint64_t	 seed;
	uint64_t	 step_limit; /* 0: a million */
};

void machine_race(unsigned n, void (*const *bodies)(void *), void *arg,
		  const struct machine_schedule *schedule);

/* machine_next_schedule - after a RACE_EXHAUSTIVE race: false when there is no other order to try. */
bool machine_next_schedule(void);

/*
 * What only some machines notice by themselves. A test that needs it says so first, and is
 * shown as skipped, with the reason, where it is not to be had.
 */
enum machine_feature {
	MACHINE_NOTICES_DEADLOCK,   /* a wait that cannot end stops the machine */
	MACHINE_NOTICES_POISON,	    /* a touched free or unallocated byte stops the machine */
	MACHINE_SWITCHES_AT_POINTS, /* what happens between two CPUs is the schedule's choice */
};
void machine_needs(enum machine_feature feature);
