/*
 * sim.h - the simulated machine as tests, fuzzers and tools see it.
 *
 * The library never includes this. One machine per process.
 */
#pragma once

#include <anymm/fault.h>
#include <anymm/platform.h>

struct sim_config {
	unsigned		 nr_cpus; /* 0: 1 */
	const struct boot_range *ranges;  /* NULL: nr_frames frames from frame 16 on */
	unsigned		 nr_ranges;
	uint64_t		 nr_frames; /* with ranges NULL; 0: 65536 (256 MiB) */
	unsigned nr_nodes; /* the CPUs, and memory without ranges, in so many equal parts; 0: 1 */
	uint64_t reserve_frames;
	uint64_t seed;	       /* decides which legal cached translation serves an access */
	bool	 no_asids;     /* every activate flushes, as a CPU without PCID */
	bool	 host_threads; /* for sim_run_threads; without ledger and snapshots */
};

/* sim_start - make the machine; ranges are checked like any boot map. false: message on stderr. */
bool		       sim_start(const struct sim_config *config);
void		       sim_stop(void);
const struct boot_map *sim_boot_map(void);

/*
 * sim_snapshot, sim_reset - remember the machine's whole state (RAM, library,
 * translations, counters), and go back to it; cost of a reset: the frames dirtied since.
 */
void sim_snapshot(void);
void sim_reset(void);

/* sim_cpu_set - the CPU that the calling thread is from now on. */
void sim_cpu_set(unsigned cpu);

/*
 * sim_access - one user access on this CPU, through its cached translations.
 * Returns bytes done; if fewer, *fault says where it stopped. Does not enter the library.
 * FETCH reads like LOAD and needs execute permission.
 */
size_t sim_access(enum access access, vaddr_t va, void *buf, size_t bytes,
		  struct arch_fault *fault);

/*
 * sim_user - the same as a user program sees it: faults go to fault_handle(sp, ...)
 * with sp active on this CPU, and the access is retried until done or a signal.
 */
enum fault_result sim_user(struct space *sp, enum access access, vaddr_t va, void *buf,
			   size_t bytes);

/* sim_user_at - and *failed: which address could not be accessed, if one could not be. */
enum fault_result sim_user_at(struct space *sp, enum access access, vaddr_t va, void *buf,
			      size_t bytes, vaddr_t *failed);

/* Failure injection: fail the n-th allocation from now (1 is the next), or all from it on; 0: none. */
void	 sim_fail_allocation(uint64_t n, bool and_all_after);
uint64_t sim_allocations(void); /* asked for since sim_start or sim_reset */

/* What the ledger has seen. Live stale records now; flushes that removed nothing. */
struct sim_tlb_stats {
	uint64_t stale_live;
	uint64_t stale_recorded;
	uint64_t flushes;
	uint64_t useless_flushes;
};
struct sim_tlb_stats sim_tlb_stats(void);

/* sim_is_stale - the ledger holds a translation of va that this CPU may still use under asid, wrongly. */
bool sim_is_stale(unsigned cpu, unsigned asid, vaddr_t va);

/*
 * A violation (stale translation, touched free frame, deadlock, REQUIRE) prints and
 * aborts the process. sim_expect_stop runs fn and returns true if it ended so
 * instead; the message is in text. The machine must be restarted or reset afterwards.
 */
bool sim_expect_stop(void (*fn)(void *), void *arg, char *text, size_t bytes);

/*
 * Fibers: the CPUs 0 .. n-1 run bodies[i](arg) under a scheduler that the schedule
 * decides alone: the same one gives the same run. A violation prints the schedule.
 * Bodies return; they do not jump out, so a test judges afterwards.
 */
enum sim_policy {
	SIM_RANDOM,	/* switch with probability 1/param at each point */
	SIM_PCT,	/* priorities with param change points */
	SIM_EXHAUSTIVE, /* next schedule in depth-first order with at most param preemptions */
};
struct sim_schedule {
	enum sim_policy policy;
	unsigned	param;
	uint64_t	seed; /* also of the machine's own choices; unused by SIM_EXHAUSTIVE */
	uint64_t	step_limit; /* 0: a million; more is reported as livelock */
};
void sim_run(unsigned n, void (*const *bodies)(void *), void *arg,
	     const struct sim_schedule *schedule);

/*
 * sim_next_schedule - after a SIM_EXHAUSTIVE run: false when all schedules were run.
 * sim_forget_schedules - the next SIM_EXHAUSTIVE run is the first of a search.
 * sim_replay_choices - the next SIM_EXHAUSTIVE run is the one that printed these
 * choices ("12:1,40:2"); false: malformed.
 */
bool sim_next_schedule(void);
void sim_forget_schedules(void);
bool sim_replay_choices(const char *choices);

/*
 * sim_run_threads - the same with one host thread per CPU and no scheduler: real
 * concurrency, for ThreadSanitizer and for measuring how things scale. The machine was
 * started with host_threads, and n is all its CPUs; a violation ends the process. CPUs whose
 * body has returned still take interrupts until all are done.
 */
void sim_run_threads(unsigned n, void (*const *bodies)(void *), void *arg);

/* sim_describe_schedule - of the run that is going on or was the last one: "random:16:77". */
const char *sim_describe_schedule(void);

/*
 * Hostile hardware; off at sim_start. sim_hostile_accessed: at every point some CPU speculates,
 * and an entry that it could use is marked accessed. sim_hostile_faults: a cached
 * translation with fewer rights than the tables give causes one spurious fault.
 */
void sim_hostile_accessed(bool on);
void sim_hostile_faults(bool on);

/* Independent reading of the tables, for checks and digests: its decoder is not the library's. */
struct sim_translation {
	bool	 present;
	pfn_t	 pfn;  /* of the page, also inside a large leaf */
	prot_t	 prot; /* effective: the AND over the walk */
	unsigned level;
};
struct sim_translation sim_translate(pfn_t root, vaddr_t va);

/*
 * Console capture for tests: what the library printed since the last call (at most
 * the last 64 KiB). sim_console_echo: print it on stdout too, as tools want; off at start.
 */
const char *sim_console_text(void);
void	    sim_console_echo(bool on);
