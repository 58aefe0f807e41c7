/*
 * machine.h - what an embedding kernel tells the x86-64 machine layer, and
 * what it has to supply.
 *
 * The layer (arch/x86_64/mmu) has no boot code and no trap handlers. A kernel
 * that uses it does, in this order:
 *
 *   1. fill in kernel_root and direct_map of x86_machine
 *   2. call x86_machine_init_cpu() on the boot CPU, later on each other CPU
 *   3. call anymm_init() with its memory map
 *
 * It supplies x86_console_write and x86_stop below, the functions of
 * <anymm/platform.h>, and memcpy, memmove, memset, memcmp. Its page-fault
 * handler asks x86_user_fixup() about every fault taken in kernel mode.
 */
#pragma once

#include <anymm/types.h>

struct arch_fault;

/* [e] set by the embedder before the first use   [i] set by x86_machine_init_cpu on the boot CPU */
struct x86_machine {
	paddr_t kernel_root; /* [e] table loaded outside user space; its upper half is everybody's */
	uintptr_t direct_map; /* [e] virtual address of physical 0; all of RAM follows */
	uint32_t
		poison_bytes; /* [e] of each free frame, filled and checked: multiple of 8, 0: none */
	bool	has_pcid;     /* [i] CR4.PCIDE is set: CR3 carries an address-space tag */
	bool	has_invpcid; /* [i] */
	bool	has_smap;    /* [i] user memory is closed to the kernel but between STAC and CLAC */
	bool (*inject_failure)(
		void); /* [e] asked before each allocation, NULL: never fail (tests) */
};
extern struct x86_machine x86_machine;

/*
 * x86_machine_init_cpu - switch on what the layer relies on: NX, write
 * protection in kernel mode, SMEP, SMAP, UMIP and PCID where the CPU has them,
 * and the table of memory types. Interrupts off; CR3 has zero in its low 12 bits.
 *
 *   gives  NULL, or the name of a feature that is required and missing
 */
const char *x86_machine_init_cpu(void);

/* Supplied by the embedder. */
void		       x86_console_write(const char *text, size_t bytes);
[[gnu::noreturn]] void x86_stop(void);

/*
 * x86_user_fixup - where to go on after a page fault in kernel mode.
 *
 *   gives  0: not a user access of this layer, the fault is a bug of the kernel;
 *          else the address to resume at: the handler puts it into the saved RIP
 *          and the error code of the fault into the saved RDX
 */
uintptr_t x86_user_fixup(uintptr_t rip, vaddr_t fault_va);

/* The bodies of the contract's functions that are more than one instruction. */
void   x86_tlb_flush_page(unsigned asid, vaddr_t va);
void   x86_tlb_flush_asid(unsigned asid);
void   x86_tlb_flush_all(void);
void   x86_tlb_activate(pfn_t root, unsigned asid);
void   x86_pt_init_root(pfn_t root);
void   x86_frame_poison(pfn_t pfn, unsigned order);
bool   x86_frame_is_poisoned(pfn_t pfn, unsigned order);
size_t x86_user_read(void *dst, vaddr_t src, size_t bytes, struct arch_fault *fault);
size_t x86_user_write(vaddr_t dst, const void *src, size_t bytes, struct arch_fault *fault);

extern unsigned char x86_root_state[];
