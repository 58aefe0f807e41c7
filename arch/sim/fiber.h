/*
 * fiber.h - stacks that take turns in one host thread.
 *
 * A fiber runs until it switches to another; nothing ever takes the processor
 * from it. Stacks end in a page without access, so that an overflow is a fault,
 * and AddressSanitizer is told about every switch.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <ucontext.h>

#define FIBER_STACK_BYTES ((size_t)512 * 1024)

struct fiber {
	unsigned char *stack; /* lowest byte; NULL: the stack of the process */
	size_t	       stack_bytes;
	ucontext_t     first; /* how a fresh fiber starts */
	bool	       is_fresh;
	void	      *resume[5];  /* where it goes on: frame, address and stack pointer */
	void	      *fake_stack; /* AddressSanitizer's */
	void (*body)(void *);
	void *arg;
};

/*
 * fiber_make - a fiber that will call body(arg) when first switched to; body never
 * returns. The stack of an earlier use of *f is used again.
 *   fails  false: the host has no memory
 */
bool fiber_make(struct fiber *f, void (*body)(void *), void *arg);

/* fiber_switch - go on with `to`; returns when somebody switches back to `from`. */
void fiber_switch(struct fiber *from, struct fiber *to);

/* fiber_leave - go on with `to` for good; the stack we are on may be used again. */
[[gnu::noreturn]] void fiber_leave(struct fiber *to);
