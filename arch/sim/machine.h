/*
 * machine.h - the simulator's own state, shared by its files.
 *
 * Everything that changes while the machine runs is in struct sim_state, in RAM,
 * or in the pools of the ledger, so that reset.c can restore it. The
 * configuration and the mapping of RAM change only in sim_start and sim_stop.
 */
#pragma once

#include <anymm/arch.h>

#include <sim/sim.h>

#if defined(__SANITIZE_ADDRESS__)
#define SIM_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SIM_ASAN 1
#endif
#endif
#ifndef SIM_ASAN
#define SIM_ASAN 0
#endif

/* What an entry means to the hardware; not the library's codec. The picture is in arch/pte.h. */
#define HW_VALID    (UINT64_C(1) << 63)
#define HW_TABLE    (UINT64_C(1) << 62)
#define HW_DENY_R   (UINT64_C(1) << 61)
#define HW_DENY_W   (UINT64_C(1) << 60)
#define HW_DENY_X   (UINT64_C(1) << 59)
#define HW_KERNEL   (UINT64_C(1) << 58)
#define HW_ACCESSED (UINT64_C(1) << 57)
#define HW_DIRTY    (UINT64_C(1) << 56)
#define HW_PRIVATE  (UINT64_C(1) << 53)
#define HW_SPECIAL  (UINT64_C(1) << 52)
#define HW_WIRED    (UINT64_C(1) << 51)
#define HW_ZERO	    (UINT64_C(0x7ff) << 40)
#define HW_FRAME    ((UINT64_C(1) << 40) - 1)

#define HW_LEVELS  SIM_LEVELS
#define HW_ENTRIES (1u << SIM_INDEX_BITS)
#define HW_ROOT	   (SIM_LEVELS - 1)

/* Rights of a translation. RIGHT_D: a store needs no walk to set the dirty bit. */
enum {
	RIGHT_R = PROT_R,
	RIGHT_W = PROT_W,
	RIGHT_X = PROT_X,
	RIGHT_D = 8,
	RIGHT_ALL = RIGHT_R | RIGHT_W | RIGHT_X | RIGHT_D,
};

/* One cached translation of a page. It counts only while gen is its tag's generation. */
struct tlb_entry {
	uint64_t       vpn;
	uint32_t       gen;
	uint32_t       rights;
	unsigned char *page;
};

#define TLB_ENTRIES 1024

struct sim_cpu {
	bool		  irq_on;
	_Atomic bool	  irq_pending; /* a shootdown waits until interrupts are on */
	unsigned	  relaxed;     /* relax calls since anything moved */
	unsigned	  asid;	       /* of the active root */
	pfn_t		  root;	       /* pfn_none(): only the kernel half */
	uint64_t	  time;
	uint64_t	  nr_stale;	   /* records of the ledger that this CPU has not flushed */
	uint32_t	  gen[ARCH_ASIDS]; /* generation of each tag in the cache */
	bool		  has_large[ARCH_ASIDS]; /* pieces of large leaves are cached under it */
	struct tlb_entry *tlb;
	struct arch_fpu	  fpu;
};

/* What a reset restores as it was; the caches' generations only go on. */
struct machine_state {
	uint64_t	     random; /* state of the seed's sequence */
	_Atomic uint64_t     allocations;
	uint64_t	     fail_at; /* number of the allocation that fails; 0: none */
	bool		     fail_all_after;
	struct sim_tlb_stats stats;
};

struct sim_state {
	struct sim_cpu	     cpus[CPU_MAX];
	_Atomic uint32_t     next_gen; /* of tags in the caches */
	struct machine_state machine;
};
extern struct sim_state sim_state;

/* Constant while the machine runs. */
struct sim_fixed {
	bool		  runs;
	unsigned	  nr_cpus;
	unsigned	  nr_nodes;
	bool		  no_asids;
	bool		  host_threads;
	bool		  has_ledger;
	uint64_t	  seed;
	struct boot_map	  map;
	struct boot_range ranges[BOOT_RANGES_MAX];
	uint64_t	  nr_frames;  /* one more than the highest frame number in RAM */
	uint64_t	  ram_frames; /* that exist */
	pfn_t		  area;	      /* the machine's own frames, above RAM */
};
extern struct sim_fixed sim_fixed;

/* The machine's own frames: root state, then one kernel table per level below the root. */
#define AREA_STATE_FRAMES (ARCH_ROOT_STATE_BYTES >> ARCH_PAGE_SHIFT)
#define AREA_WINDOW	  (AREA_STATE_FRAMES + SIM_LEVELS - 1) /* the table of kernel stacks */
#define AREA_FRAMES	  (AREA_WINDOW + 1)

/* The CPU that the calling thread is. */
extern _Thread_local unsigned sim_cpu_now;

static inline struct sim_cpu *
this_cpu(void)
{
	return &sim_state.cpus[sim_cpu_now];
}

/* sim_random - the next number of the seed's sequence. */
uint64_t sim_random(void);

/* sim_violation - print the message on the console and stop the machine. */
[[gnu::noreturn]] void sim_violation(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* console_start - forget captured text. */
void console_start(void);

/* ram.c */
bool ram_start(void);
void ram_stop(void);
bool ram_exists(pfn_t pfn);
bool ram_is_free(pfn_t pfn);

/* For reset.c. ram_each_used: every frame in use, the machine's area included. */
void ram_each_used(void (*fn)(pfn_t pfn));
void ram_set_free(pfn_t pfn);
void ram_set_used(pfn_t pfn);
void ram_unpoison_page(void *page);
void ram_check_free_frames(void);

/* ram_raw - the memory of a frame of RAM or of the machine's area, free or not. */
static inline void *
ram_raw(pfn_t pfn)
{
	return sim_ram.base + (pfn.n << ARCH_PAGE_SHIFT);
}

/* fpu.c: what power-on leaves in the floating-point registers. */
void fpu_start(void);

/* tlb.c */
bool tlb_start(void);
void tlb_drop_asid(struct sim_cpu *cpu, unsigned asid);
void tlb_drop_page(struct sim_cpu *cpu, unsigned asid, vaddr_t va);
void tlb_drop_everything(void);

static inline struct tlb_entry *
tlb_slot(struct sim_cpu *cpu, unsigned asid, uint64_t vpn)
{
	return &cpu->tlb[(vpn ^ (vpn >> 9) ^ (uint64_t)asid * 0x9e5) % TLB_ENTRIES];
}

/* mmu.c: one walk of the hardware. */
enum walk_end {
	WALK_DONE,
	WALK_NOT_PRESENT,
	WALK_DENIED,
};

struct walk {
	enum walk_end end;
	unsigned      top;    /* level of the table where the walk began */
	unsigned      level;  /* of the entry where the walk ended */
	unsigned      rights; /* effective */
	pfn_t	      pfn;    /* of the page, also inside a large leaf; WALK_NOT_PRESENT: none */
	uint64_t     *slot;   /* where the walk ended, */
	uint64_t      entry;  /* and what it read there */
	uint64_t     *path[HW_LEVELS]; /* table entries on the way, by level */
};

/* mmu_entry_rights - what one entry leaves of the rights above it. */
unsigned mmu_entry_rights(uint64_t entry);

/* mmu_walk - what the tables say about va, without side effects; never WALK_DENIED. */
struct walk mmu_walk(pfn_t root, vaddr_t va);

/* mmu_walk_from - the same from a table of that level on, with the rights that led there. */
struct walk mmu_walk_from(pfn_t table, unsigned level, unsigned rights, vaddr_t va);
