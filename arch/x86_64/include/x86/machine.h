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
struct arch_fpu;

enum x86_flush {
	X86_FLUSH_PAGE,
	X86_FLUSH_ASID,
};

/* [e] set by the embedder before the first use   [i] set by x86_machine_init_cpu on the boot CPU */
struct x86_machine {
	paddr_t	  kernel_root;	/* [e] table outside user space; its upper half is everybody's */
	uintptr_t direct_map;	/* [e] virtual address of physical 0; all of RAM follows */
	uint32_t  poison_bytes; /* [e] filled and checked of each free frame: multiple of 8, or 0 */
	bool	  is_ready;	/* [i] what follows is filled in */
	uint64_t  cr4;		/* [i] optional protections that every CPU turns on */
	bool	  has_pcid;	/* [i] CR4.PCIDE is set: CR3 carries an address-space tag */
	bool	  has_invpcid;	/* [i] */
	bool	  has_smap;	/* [i] the kernel reaches user memory between STAC and CLAC only */
	uint64_t  fpu_components; /* [i] in XCR0; 0: there is no XSAVE */
	uint32_t  mxcsr_mask;	  /* [i] bits of MXCSR that may be set */

	/* [e] for tests, NULL: never. An allocation shall fail; a flush shall be left out. */
	bool (*inject_failure)(void);
	bool (*skip_flush)(enum x86_flush,
			   vaddr_t va); /* [e] true: leave this one out; NULL: never (tests) */
};
extern struct x86_machine x86_machine;

/*
 * x86_machine_init_cpu - switch on what the layer relies on: NX, write
 * protection in kernel mode, SMEP, SMAP, UMIP and PCID where the CPU has them,
 * the table of memory types, and the floating-point and vector registers. Interrupts off; CR3 has zero in its low 12 bits.
 *
 *   gives  NULL, or the name of a feature that is required and missing
 */
const char *x86_machine_init_cpu(void);

/*
 * x86_missing_feature - the first thing that this CPU lacks and the layer cannot do without,
 * or NULL. A kernel asks before it uses NX in its own tables.
 */
const char *x86_missing_feature(void);

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

void	 x86_fpu_init(struct arch_fpu *fpu);
void	 x86_fpu_save(struct arch_fpu *fpu);
void	 x86_fpu_load(const struct arch_fpu *fpu);
uint64_t x86_fpu_word(const struct arch_fpu *fpu, unsigned i);
void	 x86_fpu_set_word(struct arch_fpu *fpu, unsigned i, uint64_t word);
bool	 x86_fpu_sanitize(struct arch_fpu *fpu);

/*
 * x86_fpu_components - what of XCR0 this CPU has and struct arch_fpu has room for; 0: no XSAVE.
 * x86_fpu_mxcsr_mask - the bits of MXCSR that this CPU has; FXSAVE is allowed.
 */
uint64_t x86_fpu_components(void);
uint32_t x86_fpu_mxcsr_mask(void);

/*
 * x86_switch - the calling thread of the kernel leaves its stack; what it needs to go on is at
 * *save then, and the CPU goes on with what was saved at sp. Comes back with 0.
 *
 * x86_switch_twice - saves the same way, and calls copy(arg, sp) before it goes on. Who switches to sp,
 * or to a copy of the stack at the same place in it, comes back from this call with 0, so
 * copy's own result, which the caller gets, is another number.
 */
uint64_t    x86_switch(uint64_t *save, uint64_t sp);
int64_t	    x86_switch_twice(int64_t (*copy)(void *arg, uint64_t sp), void *arg);
extern char x86_switch_start[];

extern unsigned char x86_root_state[];
