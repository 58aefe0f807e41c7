/*
 * sim_rig.h - the bare simulated machine for its own tests: no library runs on it,
 * tables are built by hand through the machine contract.
 */
#pragma once

#include "harness.h"

#include <sim/sim.h>

#include <anymm/arch.h>

/* Pages of the first leaf table, and the first page of the second. */
#define PAGE(n)	 ((vaddr_t)(n)*ARCH_PAGE_SIZE)
#define FAR_PAGE ((vaddr_t)ARCH_PAGE_SIZE << ARCH_PT_INDEX_BITS)

/* bare_start - a machine with so many CPUs and 16 MiB, all of it free; the caller is CPU 0. */
void bare_start(unsigned nr_cpus);
void bare_start_with(const struct sim_config *config);
int  bare_stop(void **state);

/* bare_frame - a zeroed frame in use. bare_block - a naturally aligned block. bare_free - retire. */
pfn_t bare_frame(void);
pfn_t bare_block(unsigned order);
void  bare_free(pfn_t pfn);

/* bare_root - a root with the kernel half. */
pfn_t bare_root(void);

/* bare_slot - the entry for va at this level; missing tables above are made. */
pte_t *bare_slot(pfn_t root, vaddr_t va, unsigned level);

/* bare_table - the table of this level that serves va. */
pfn_t bare_table(pfn_t root, vaddr_t va, unsigned level);

/* bare_map - change va's entry to a private leaf. bare_unmap - to empty. No flush. */
void bare_map(pfn_t root, vaddr_t va, pfn_t pfn, prot_t prot);
void bare_unmap(pfn_t root, vaddr_t va);

/* bare_run - CPU `cpu` has the root active under asid; the caller is that CPU now. */
void bare_run(unsigned cpu, pfn_t root, unsigned asid);

/* bare_load, bare_store - one byte; false: it faulted, see bare_fault. */
bool			 bare_load(vaddr_t va, unsigned char *byte);
bool			 bare_store(vaddr_t va, unsigned char byte);
extern struct arch_fault bare_fault;

/* bare_expect_stop - fn(arg) stops the machine with a message that contains text. */
void bare_expect_stop(void (*fn)(void *arg), void *arg, const char *text);
