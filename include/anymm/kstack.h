/*
 * kstack.h - stacks for threads in the kernel, each above a page that is never
 * mapped, and copies of their used part for threads that fork in the kernel.
 *
 * Stacks lie in a window of the kernel half that all spaces share. A stack that is
 * destroyed stays mapped and is given out again; only kstack_drain takes pages away,
 * after one flush of every CPU.
 */
#pragma once

#include <anymm/arch.h>

#define KSTACK_PAGES 4
#define KSTACK_BYTES (KSTACK_PAGES * ARCH_PAGE_SIZE)

/* [c] constant after create   [k] the lock of all stacks */
struct kstack {
	struct va_range range;		     /* [c] bytes; the guard page ends at its start */
	pfn_t		pages[KSTACK_PAGES]; /* [c] one count each; lowest first */
	uint64_t	slot;		     /* [c] which place of the window */
	bool		is_live;	     /* [k] somebody has it */
	void	       *owner;		     /* of whoever has it; NULL after create */
	struct kstack  *next;		     /* [k] while nobody has it */
};

/*
 * kstack_create - a stack of KSTACK_BYTES, contents undefined. kstack_destroy - nobody runs on it.
 *   fails  ERR_NOMEM: no frames, or the window is full; nothing changed
 */
err_t kstack_create(struct kstack **out);
void  kstack_destroy(struct kstack *stack);

/* kstack_is_guard - the address lies in the guard page of a stack that somebody has. Takes no lock; false before kstack_init. */
bool kstack_is_guard(vaddr_t va);

/* kstack_live - stacks that somebody has. */
uint64_t kstack_live(void);

/* Registers of a thread that does not run, as far as they point into its stack. */
struct kstack_registers {
	vaddr_t sp;
	vaddr_t fp; /* the innermost frame record: the outer one's address, then a return address */
};

/*
 * kstack_copy - the used part of a stack, for a thread that forks in the kernel.
 *
 * The bytes from sp up lie in `to` at the same distance from its end. The chain of frame
 * records is followed there, and each link that points into the used part of `from`
 * is moved along. The walk believes nothing: it ends at a link that is not aligned, not above the last
 * one, or outside; such a link is copied as it is. Other pointers into the stack are not known.
 *
 *   needs  the thread that uses `from` does not run, and keeps to this; nobody uses `to`
 *   gives  *registers: for the copy; an fp that is no record of `from` stays as it is
 *   fails  ERR_INVAL: sp is not aligned to a word, or outside `from`. Nothing changed
 */
err_t kstack_copy(const struct kstack *from, struct kstack *to, struct kstack_registers *registers);

/*
 * kstack_begin - a thread that begins with function(argument) when somebody switches to its stack.
 *   gives  where: what a thread that has left a stack has there (arch_start)
 */
vaddr_t kstack_begin(struct kstack *stack, void (*function)(void *argument), void *argument);

/*
 * kstack_of - the stack that somebody has and that holds the address; NULL: none. A guard page is
 * in no stack. Takes no lock: to be asked about the stack that the caller runs on or has.
 *   cost  one step per level of the window
 */
struct kstack *kstack_of(vaddr_t va);

/* kstack_pointer - a byte of the stack in the direct map, for whoever prepares it. */
void *kstack_pointer(const struct kstack *stack, vaddr_t va);

/* kstack_drain - give back the frames of stacks that nobody has, and tables that no stack needs. */
void kstack_drain(void);

/* kstack_init - called once at boot. */
err_t kstack_init(void);
