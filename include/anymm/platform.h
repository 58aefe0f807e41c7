/*
 * platform.h - what the library asks of the kernel around it.
 *
 * An embedding kernel has these already; the machine contract (arch.h) does
 * not depend on them. Implemented by arch/sim for the simulator and by the
 * boot code of arch/x86_64 for our own image.
 */
#pragma once

#include <anymm/types.h>

/*
 * platform_cpu - number of the calling CPU, less than platform_cpus().
 *
 *   needs  a thread inside the library stays on its CPU, and no other thread of that CPU
 *          enters the library meanwhile: counters, locks, magazines and the request of a
 *          shootdown belong to the CPU. So a kernel does not preempt there. Interrupts
 *          may come, but their handlers call nothing but shootdown_interrupt
 */
unsigned platform_cpu(void);

/* platform_cpus - number of CPUs, 1 to CPU_MAX, constant after boot. */
unsigned platform_cpus(void);

/*
 * platform_node - the node of the calling CPU: whose RAM it reaches fastest. Less than NODE_MAX,
 * constant for each CPU; 0 on a machine with one kind of memory. A node without RAM is fine.
 */
unsigned platform_node(void);

/*
 * platform_shootdown - interrupt the CPUs of `cpus`; each calls shootdown_interrupt()
 * as soon as its interrupts are enabled. Returns at once. `cpus` never
 * holds the calling CPU.
 */
void platform_shootdown(cpu_mask_t cpus);

/*
 * The window of the kernel half in which the library maps kernel stacks: one empty table
 * of level `level`, which every space and the kernel's own root reach from boot on, and the first
 * address that it translates. The kernel keeps its hands off. table pfn_none(): no window, and
 * kstack_create always fails.
 */
struct platform_window {
	pfn_t	 table;
	unsigned level;
	vaddr_t	 start;
};
struct platform_window platform_kernel_window(void);

/*
 * The boot memory map: ranges of frames that exist, and ranges that are
 * reserved (overlaps allowed: reserved wins). Sorted in no order.
 */
enum boot_kind {
	BOOT_RAM,      /* usable memory of node `node` */
	BOOT_RESERVED, /* firmware, the kernel image, modules: never allocated */
};

struct boot_range {
	pfn_t	       start;
	uint64_t       nr_frames;
	enum boot_kind kind;
	unsigned       node;
};

struct boot_map {
	const struct boot_range *ranges;
	unsigned		 nr_ranges;
	uint64_t		 reserve_frames; /* kept for the kernel; 0: a default by size */
};

#define NODE_MAX	16
#define BOOT_RANGES_MAX 128
