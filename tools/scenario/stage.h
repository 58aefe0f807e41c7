/*
 * stage.h - what the scenario interpreter needs from a machine besides the
 * library. arch/sim/stage.c plays it in the simulator; the boot image of
 * x86_64 plays it with ring-3 programs.
 */
#pragma once

#include <anymm/fault.h>

/*
 * stage_access - a user access on CPU `cpu` with sp active there; faults are handled.
 * *failed, unless NULL: if one cannot be, the address that the machine gave for it.
 */
enum fault_result stage_access(unsigned cpu, struct space *sp, enum access access, vaddr_t va,
			       void *buf, size_t bytes, vaddr_t *failed);

/* stage_on_cpu - call fn(arg) as kernel code of that CPU. */
void stage_on_cpu(unsigned cpu, void (*fn)(void *), void *arg);

/* stage_fail_allocation - as sim_fail_allocation. stage_allocations - asked for so far. */
void	 stage_fail_allocation(uint64_t n, bool and_all_after);
uint64_t stage_allocations(void);

/* stage_leave - no CPU has sp active any more (before its last reference goes). */
void stage_leave(struct space *sp);
