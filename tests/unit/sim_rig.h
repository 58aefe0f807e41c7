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

/* rig_start - a machine with so many CPUs and 16 MiB, all of it free; the caller is CPU 0. */
void rig_start(unsigned nr_cpus);
void rig_start_with(const struct sim_config *config);
int  rig_stop(void **state);

/* rig_frame - a zeroed frame in use. rig_block - a naturally aligned block. rig_free - retire. */
pfn_t rig_frame(void);
pfn_t rig_block(unsigned order);
void  rig_free(pfn_t pfn);

/* rig_root - a root with the kernel half. */
pfn_t rig_root(void);

/* rig_entry - the entry for va at this level; missing tables above are made. */
pte_t *rig_entry(pfn_t root, vaddr_t va, unsigned level);

/* rig_table_at - the table of this level that serves va. */
pfn_t rig_table_at(pfn_t root, vaddr_t va, unsigned level);

/* rig_map - change va's entry to a private leaf. rig_unmap - to empty. No flush. */
void rig_map(pfn_t root, vaddr_t va, pfn_t pfn, prot_t prot);
void rig_unmap(pfn_t root, vaddr_t va);

/* rig_run - CPU `cpu` has the root active under asid; the caller is that CPU now. */
void rig_run(unsigned cpu, pfn_t root, unsigned asid);

/* rig_load, rig_store - one byte; false: it faulted, see rig_fault. */
bool			 rig_load(vaddr_t va, unsigned char *byte);
bool			 rig_store(vaddr_t va, unsigned char byte);
extern struct arch_fault rig_fault;

/* rig_expect_stop - fn(arg) stops the machine with a message that contains text. */
void rig_expect_stop(void (*fn)(void *arg), void *arg, const char *text);
