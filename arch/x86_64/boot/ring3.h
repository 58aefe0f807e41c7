/*
 * ring3.h - user accesses made by real instructions in ring 3.
 */
#pragma once

#include <anymm/fault.h>

/* ring3_init - let ring 3 run the probe page. Once, before any other CPU runs. */
void ring3_init(void);

/*
 * ring3_access - on this CPU, with sp active: faults go to fault_handle and the access is
 * retried until done or a signal. Bytes before the failing one have been transferred.
 */
enum fault_result ring3_access(struct space *sp, enum access access, vaddr_t va, void *buf,
			       size_t bytes);

/* ring3_access_at - and *failed: which address could not be accessed, if one could not be. */
enum fault_result ring3_access_at(struct space *sp, enum access access, vaddr_t va, void *buf,
				  size_t bytes, vaddr_t *failed);

/* ring3_add - add 1 to the 8 bytes at va, `times` times, as fast as ring 3 can. */
enum fault_result ring3_add(struct space *sp, vaddr_t va, uint64_t times);

/*
 * ring3_try - one access as ring 3 makes it, through what is active on this CPU, without the
 * library. Gives the bytes done; if fewer, *fault says where and why it stopped.
 */
size_t ring3_try(enum access access, vaddr_t va, void *buf, size_t bytes, struct arch_fault *fault);
