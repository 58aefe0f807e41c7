/*
 * arch.h - everything the library asks of a machine.
 *
 * A porter reads this file, writes the headers of arch/<machine>/include/arch/
 * that it includes, and runs the contract tests: each numbered law below is a
 * test in tests/contract/ and runs on every machine. What an embedding kernel
 * usually has already (number of CPUs, interprocessor interrupts, boot memory)
 * is the separate list in platform.h.
 *
 * Common rules, for every function below:
 *   - none allocates, sleeps, or takes a library lock
 *   - levels count from 0 (leaf table) up to ARCH_PT_LEVELS - 1 (root)
 *   - a zero pte_t is empty on every machine
 *   - prototypes come first and the machine's headers define them afterwards,
 *     so a wrong signature does not compile
 */
#pragma once

#include <anymm/types.h>

/* 1. Constants.
 *
 *   ARCH_NAME              "sim-4x9", "x86_64", ...
 *   ARCH_PAGE_SHIFT        log2 of the page size in bytes, at least 12
 *   ARCH_PT_LEVELS         levels of the tree, 2 to 5
 *   ARCH_PT_INDEX_BITS     log2 of the entries in one table
 *   ARCH_PTE_BYTES         size of one entry
 *   ARCH_LEAF_LEVEL_MAX    highest level whose entries may be leaves (0: only pages)
 *   ARCH_PADDR_BITS        width of a physical address
 *   ARCH_USER_END          end of user addresses (page aligned); the user half is [0, end)
 *   ARCH_USER_ROOT_SLOTS   slots of the root below the kernel half
 *   ARCH_HAS_UPPER_WRITE_DENIAL  1: a clear write bit in a table entry denies
 *                          writes to all below it; 0 (as on Sv39): it does not,
 *                          and fork copies tables eagerly
 *   ARCH_HAS_NX            1: execution can be denied per page
 *   ARCH_ASIDS             number of address-space tags, more than CPU_MAX + 1; tag 0
 *                          is the kernel's own. A machine without tags ignores them
 *                          and flushes at every activate
 *   ARCH_ROOT_STATE_BYTES  room for the library's root object in the machine
 *   and those of section 9 on stacks and floating-point registers
 */
#include <arch/params.h>

#define ARCH_PAGE_SIZE	((uint64_t)1 << ARCH_PAGE_SHIFT)
#define ARCH_PAGE_MASK	(ARCH_PAGE_SIZE - 1)
#define ARCH_PT_ENTRIES ((unsigned)1 << ARCH_PT_INDEX_BITS)

static_assert(ARCH_PAGE_SHIFT >= 12, "pages are at least 4 KiB");
static_assert(ARCH_PT_LEVELS >= 2 && ARCH_PT_LEVELS <= 5, "trees have two to five levels");
static_assert(ARCH_LEAF_LEVEL_MAX < ARCH_PT_LEVELS - 1, "the root cannot be a leaf");
static_assert(ARCH_USER_END % ARCH_PAGE_SIZE == 0, "user space ends on a page");
static_assert(ARCH_ASIDS > CPU_MAX + 1, "every CPU can have a space of its own active");

/* 2. Types: pte_t (one entry), struct arch_context (the user registers of a thread), struct
 * arch_fpu (its floating-point and vector registers). */
#include <arch/types.h>

static_assert(sizeof(pte_t) == ARCH_PTE_BYTES, "tables are arrays of pte_t");
static_assert((ARCH_PTE_BYTES << ARCH_PT_INDEX_BITS) <= (1 << ARCH_PAGE_SHIFT),
	      "a table fits one frame");
static_assert(ARCH_STACK_ALIGN >= sizeof(vaddr_t) && ARCH_STACK_ALIGN % 8 == 0 &&
		      ARCH_RETURN_BYTES < ARCH_STACK_ALIGN,
	      "a call pushes less than its alignment");
static_assert(sizeof(struct arch_fpu) <= ARCH_PAGE_SIZE, "a floating-point state fits a frame");
static_assert(ARCH_START_BYTES % 16 == 0 && ARCH_START_BYTES >= ARCH_SAVED_RECORD + 16 &&
		      ARCH_START_BYTES <= ARCH_PAGE_SIZE,
	      "what has not begun lies in the last page of its stack");

/* The four kinds of entry. */
enum pte_kind {
	PTE_EMPTY, /* zero: nothing here, nothing remembered */
	PTE_LEAF,  /* maps a frame, possibly with no access at all */
	PTE_TABLE, /* points to the table one level down */
	PTE_MARK,  /* software note in an entry the hardware ignores */
};

/* Memory type of a leaf. Counted memory is always MEM_CACHED. */
enum mem_type {
	MEM_CACHED,
	MEM_UNCACHED,
	MEM_COMBINING,
	MEM_TYPES,
};

/* What a leaf says. Fields not named in a designated initialiser are 0. */
struct pte_leaf {
	pfn_t	      pfn;	  /* aligned to the leaf's size */
	unsigned      level;	  /* 0 .. ARCH_LEAF_LEVEL_MAX */
	prot_t	      prot;	  /* 0: hardware may not use it, the frame survives */
	bool	      kernel;	  /* kernel-only; no user access at all */
	bool	      is_private; /* software bit P: a write needs an exclusive path */
	bool	      is_special; /* software bit S: the frame is not counted */
	bool	      is_wired;	  /* software bit W: page-out leaves the page where it is */
	bool	      accessed;
	bool	      dirty;
	enum mem_type type;
};

/* What a mark says: a type and 40 bits that belong to it. */
enum mark_type {
	MARK_GUARD = 1, /* any access is a SEGV_MAPERR-like fault; payload 0 */
	MARK_SWAP = 2,	/* payload: place in the swap device */
	MARK_TYPES,
};

struct pte_mark {
	enum mark_type type;
	uint64_t       payload; /* less than 2^40 */
};

/* 3. The entry codec: pure functions of their arguments.
 *
 *  P1  leaf(x) has kind PTE_LEAF at x.level, and decode(leaf(x)) == x for every
 *      legal x. A writable leaf is readable: PROT_W without PROT_R decodes with
 *      PROT_R added on machines that cannot express it; likewise PROT_X
 *      (x86-64 has no execute-only or write-only user page).
 *  P2  table(t, w) has kind PTE_TABLE at every level above 0, table_pfn gives t
 *      back, and writable() gives w back where ARCH_HAS_UPPER_WRITE_DENIAL
 *      (else true).
 *  P3  mark(m) has kind PTE_MARK at every level, decode gives m back, and the
 *      hardware faults on it as not present.
 *  P4  with_write(e, b) changes only the write permission of a leaf or table
 *      entry; writable(with_write(e, b)) == b. A leaf without PROT_R cannot be
 *      made writable.
 *  P5  The zero entry has kind PTE_EMPTY at every level; no leaf, table entry
 *      or mark is zero.
 *  P6  without_accessed_dirty(e) clears both bits and nothing else.
 */
static inline pte_t	      arch_pte_empty(void);
static inline pte_t	      arch_pte_leaf(struct pte_leaf leaf);
static inline struct pte_leaf arch_pte_decode_leaf(pte_t pte, unsigned level);
static inline pte_t	      arch_pte_table(pfn_t table, bool writable);
static inline pfn_t	      arch_pte_table_pfn(pte_t pte);
static inline pte_t	      arch_pte_mark(struct pte_mark mark);
static inline struct pte_mark arch_pte_decode_mark(pte_t pte);
static inline enum pte_kind   arch_pte_kind(pte_t pte, unsigned level);
static inline bool	      arch_pte_writable(pte_t pte);
static inline pte_t	      arch_pte_with_write(pte_t pte, bool writable);
static inline pte_t	      arch_pte_without_accessed_dirty(pte_t pte);
static inline bool	      arch_pte_equal(pte_t a, pte_t b);

/* 4. Entries in memory: exactly one atomic access each.
 *
 *  M1  read gives what the last write, exchange or successful cas put there,
 *      apart from accessed and dirty bits that hardware sets at any moment.
 *  M2  exchange returns the entry it replaced: an accessed or dirty bit that
 *      hardware set before it is in the returned value, never lost.
 *  M3  cas replaces the entry only if it equals *expected bit for bit; else it
 *      writes what it found to *expected and returns false.
 *  M4  write is for slots the hardware and other CPUs cannot change meanwhile:
 *      empty ones, and those of a table that is not yet reachable.
 *  M5  what a CPU wrote before, other CPUs' walks see no later than the entry
 *      itself (release on write; acquire on read).
 */
static inline pte_t arch_pte_read(const pte_t *slot);
static inline void  arch_pte_write(pte_t *slot, pte_t next);
static inline pte_t arch_pte_exchange(pte_t *slot, pte_t next);
static inline bool  arch_pte_cas(pte_t *slot, pte_t *expected, pte_t next);

/* 5. Translations, on the calling CPU only.
 *
 *  T1  after flush_page(asid, va) this CPU uses no translation of va, of any
 *      size, and no partial walk (cached table entry) under asid that is older.
 *  T2  after flush_asid(asid) it uses nothing older under asid.
 *  T3  after flush_all() it uses nothing older at all, kernel half included.
 *  T4  making an entry more permissive, or an empty one present, needs no
 *      flush: at worst one spurious fault follows.
 *  T5  activate(root, asid) makes user accesses on this CPU go through root;
 *      translations under asid that were not flushed may still be used. Asid 0
 *      with pfn_none() as root leaves user space: only the kernel half is used.
 *  T6  settled(asid) declares that an operation of this CPU on the space of asid
 *      has returned success. It costs nothing on hardware; the simulator reports
 *      every translation of asid that a change made by this CPU has made stale
 *      and that is still live anywhere. (What other CPUs are about to flush is
 *      theirs to settle.)
 *  T7  follow(root, reference) declares, before root is first activated, that it caches
 *      what the tables below reference say: for an address both translate, or root
 *      alone would, root allows no more once an operation is settled. One tag may have
 *      different such roots on different CPUs. It costs nothing on hardware; the simulator then
 *      holds what CPUs can reach through root against the reference. It ends with root's frame.
 */
static inline void arch_tlb_flush_page(unsigned asid, vaddr_t va);
static inline void arch_tlb_flush_asid(unsigned asid);
static inline void arch_tlb_flush_all(void);
static inline void arch_tlb_activate(pfn_t root, unsigned asid);
static inline void arch_tlb_settled(unsigned asid);
static inline void arch_tlb_follow(pfn_t root, pfn_t reference);

/* arch_pt_init_root - give a zeroed root table the kernel half, shared by every space. */
static inline void arch_pt_init_root(pfn_t root);

/* 6. CPU.
 *
 *  C1  irq_save disables interrupts and returns whether they were enabled;
 *      irq_restore(arch_irq_save()) changes nothing.
 *  C2  relax is called in every spinning loop; other CPUs and pending
 *      interrupts (where enabled) make progress under it.
 *  C3  point marks a place where a scheduler of simulated CPUs may switch; it
 *      does nothing on hardware.
 *  C4  time never goes back on one CPU; its unit is the machine's own.
 */
static inline bool     arch_irq_save(void);
static inline void     arch_irq_restore(bool were_enabled);
static inline bool     arch_irq_enabled(void);
static inline void     arch_relax(void);
static inline void     arch_point(void);
static inline uint64_t arch_time(void);

/* 7. Frames.
 *
 *  F1  frame_ptr gives the address of a RAM frame in the direct map; consecutive
 *      frames of one boot range are consecutive there.
 *  F2  frame_zero leaves ARCH_PAGE_SIZE zero bytes; frame_copy makes dst equal src.
 *  F3  frame_retire is called when 2^order frames become free, frame_revive
 *      when they are allocated; in between nobody may touch them. revive
 *      returns false if the frames were written to while free (a machine that
 *      does not check returns true). The contents after revive are undefined.
 *  F4  poison and unpoison do the same for a part of a kernel frame, in 8-byte
 *      granules; on most machines they do nothing.
 *  F5  inject_failure is asked once per allocation (frame or slab object) and
 *      returns true if the allocation shall fail; false on real machines.
 */
static inline void *arch_frame_ptr(pfn_t pfn);
static inline void  arch_frame_zero(pfn_t pfn);
static inline void  arch_frame_copy(pfn_t dst, pfn_t src);
static inline void  arch_frame_retire(pfn_t pfn, unsigned order);
static inline bool  arch_frame_revive(pfn_t pfn, unsigned order);
static inline void  arch_poison(void *start, size_t bytes);
static inline void  arch_unpoison(void *start, size_t bytes);
static inline bool  arch_inject_failure(void);

/* 8. User memory, through the translations of the space active on this CPU,
 * with user rights. Never enters the library: it stops instead.
 *
 *  U1  copies up to `bytes` bytes and returns how many were copied; if fewer,
 *      fault->va is the first byte that could not be reached and
 *      fault->access and fault->present say why.
 *  U2  the kernel cannot reach user memory in any other way (SMAP).
 */
struct arch_fault {
	vaddr_t	    va; /* as the hardware reports it, not aligned */
	enum access access;
	bool	    present; /* a translation existed and denied the access */
	bool	    user;    /* the access was made with user rights */
};

static inline size_t arch_user_read(void *dst, vaddr_t src, size_t bytes, struct arch_fault *fault);
static inline size_t arch_user_write(vaddr_t dst, const void *src, size_t bytes,
				     struct arch_fault *fault);

/* 9. Registers of a thread in user mode.
 *
 *   ARCH_STACK_ALIGN   where a function is called, its stack pointer is a multiple of this,
 *                      less what the call has pushed
 *   ARCH_RETURN_BYTES  what a call pushes: the return address; 0: that goes to a register
 *   ARCH_RED_ZONE_BYTES  what a function may keep below its stack pointer, and nobody may write to
 *   ARCH_FPU_WORDS     64-bit words of floating-point registers that fpu_word names; 0: a
 *                      machine without them, whose other fpu functions do nothing
 *
 *  R1  init gives a context that starts at entry with stack pointer sp, all
 *      other registers zero and interrupts on.
 *  R2  set_result sets what the interrupted system call returns; result reads it.
 *  R3  a copied context resumes exactly where the original would.
 *  R4  pc, sp and tls (the thread pointer) read what init and their setters have set; a
 *      setter changes nothing else, and set_result none of them.
 *  R5  call makes the thread go on in a function as if something had called it: argument
 *      reads what it gets, flags are those of a function's entry, all registers that a call does not
 *      name are as before. Where ARCH_RETURN_BYTES is not 0 the caller has written
 *      returns_to to the word at sp.
 *  R6  sanitize looks at any bytes whatever, as user memory holds them. true: resuming them in
 *      user mode cannot fault in the kernel, has user privileges and interrupts on, begins
 *      at a user address, and what user mode cannot set is as the kernel sets it. A context that
 *      a thread in user mode has, with its stack pointer and its bases in user space, stays what it is. A
 *      second time changes nothing. false: the contents are undefined.
 *  R11 restart_call is for a thread whose system call has got no result: it makes the same call again
 *      with the same arguments. Nothing but pc changes.
 */
struct arch_call {
	vaddr_t	 function;
	vaddr_t	 sp; /* where the function finds it: sp + ARCH_RETURN_BYTES is aligned */
	vaddr_t	 returns_to;
	uint64_t argument[3];
};

static inline void     arch_context_init(struct arch_context *ctx, vaddr_t entry, vaddr_t sp);
static inline void     arch_context_set_result(struct arch_context *ctx, int64_t result);
static inline int64_t  arch_context_result(const struct arch_context *ctx);
static inline vaddr_t  arch_context_pc(const struct arch_context *ctx);
static inline void     arch_context_set_pc(struct arch_context *ctx, vaddr_t pc);
static inline vaddr_t  arch_context_sp(const struct arch_context *ctx);
static inline void     arch_context_set_sp(struct arch_context *ctx, vaddr_t sp);
static inline vaddr_t  arch_context_tls(const struct arch_context *ctx);
static inline void     arch_context_set_tls(struct arch_context *ctx, vaddr_t tls);
static inline void     arch_context_call(struct arch_context *ctx, const struct arch_call *call);
static inline uint64_t arch_context_argument(const struct arch_context *ctx, unsigned i);
static inline bool     arch_context_sanitize(struct arch_context *ctx);
static inline void     arch_context_restart_call(struct arch_context *ctx);

/* Floating-point and vector registers, which the kernel itself does not use.
 *
 *  R7  init gives the state in which a program starts, whatever was there before; each word is 0.
 *  R8  load makes this CPU's registers what the state says, save the opposite, and neither touches
 *      those of another CPU. A state saved after it was loaded, with no program run in
 *      between, has the same words, and so has a copy of it that is loaded anywhere. set_word
 *      changes the one word of a state.
 *  R9  sanitize looks at any bytes whatever. true: loading them cannot fault, and what a
 *      program sees then are these bytes. What save and init give stays what it is. A second time
 *      changes nothing. false: the contents are undefined.
 */
static inline void     arch_fpu_init(struct arch_fpu *fpu);
static inline void     arch_fpu_save(struct arch_fpu *fpu);
static inline void     arch_fpu_load(const struct arch_fpu *fpu);
static inline uint64_t arch_fpu_word(const struct arch_fpu *fpu, unsigned i);
static inline void     arch_fpu_set_word(struct arch_fpu *fpu, unsigned i, uint64_t word);
static inline bool     arch_fpu_sanitize(struct arch_fpu *fpu);

/* Threads in the kernel, each on a stack of its own. How one is left for another is the
 * kernel's business; what lies on a stack that was left is known here, because stacks are copied:
 * all that is saved is on the stack, and one address of it says where.
 *
 *   ARCH_SAVED_RECORD  how far above that address the innermost frame record lies: the
 *                      address of the next outer one, then a return address
 *   ARCH_START_BYTES   what a stack holds of a thread that has not begun; a multiple of 16
 *
 *  R10 start fills `at`, the memory of the ARCH_START_BYTES below `end`, as if a thread had left its
 *      stack before the first instruction of function(argument), which does not return. It gives the
 *      address that says where. The chain of frame records that begins there ends
 *      in these bytes, and nothing in them depends on what was there before.
 */
static inline vaddr_t arch_start(void *at, vaddr_t end, void (*function)(void *argument),
				 void *argument);

/* 10. Root object, console, death.
 *
 *  D1  root_state is ARCH_ROOT_STATE_BYTES of zeroed memory, the same at every
 *      call: all mutable state of the library hangs from it.
 *  D2  console_write prints bytes as they are.
 *  D3  stop prints nothing of its own; it never returns.
 */
static inline void		    *arch_root_state(void);
static inline void		     arch_console_write(const char *text, size_t bytes);
[[gnu::noreturn]] static inline void arch_stop(void);

#include <arch/pte.h>
#include <arch/tlb.h>
#include <arch/cpu.h>
#include <arch/frame.h>
#include <arch/user.h>
#include <arch/context.h>
#include <arch/fpu.h>
#include <arch/start.h>
#include <arch/root.h>
