/*
 * alternate.c - the stack that handlers run on if they ask for it.
 *
 * Whether a thread runs on it is no state: its stack pointer says so. A handler may leave it by
 * a jump, and nothing has to be told. A stack that disarms is forgotten when a handler is
 * entered, and comes back with its frame; so a thread never counts as running on it. A frame says
 * that there was none only if somebody has said so before; else one that the handler has set stays.
 * That is Linux's way.
 */
#include "proc/deliver.h"

bool
alternate_is_on(const struct thread *t, vaddr_t sp)
{
	const struct signal_stack *stack = &t->alternate;

	return !(stack->flags & SIGNAL_STACK_DISARM) && sp > stack->start &&
	       sp - stack->start <= stack->bytes;
}

static struct signal_stack
answer(const struct thread *t, vaddr_t sp)
{
	struct signal_stack now = t->alternate;

	if (now.bytes == 0)
		now.flags |= SIGNAL_STACK_NONE;
	else if (alternate_is_on(t, sp))
		now.flags |= SIGNAL_STACK_ON;
	return now;
}

static err_t
change(struct thread *t, vaddr_t sp, const struct signal_stack *stack)
{
	uint32_t mode = stack->flags & ~SIGNAL_STACK_DISARM;

	if (alternate_is_on(t, sp))
		return ERR_PERM;
	if (mode != 0 && mode != SIGNAL_STACK_ON && mode != SIGNAL_STACK_NONE)
		return ERR_INVAL;
	if (mode != SIGNAL_STACK_NONE && stack->bytes < SIGNAL_STACK_MIN)
		return ERR_NOMEM;
	t->alternate = (struct signal_stack){ .flags = stack->flags & ~SIGNAL_STACK_ON };
	if (mode != SIGNAL_STACK_NONE) {
		t->alternate.start = stack->start;
		t->alternate.bytes = stack->bytes;
	}
	return OK;
}

err_t
signal_set_alternate(struct thread *t, vaddr_t sp, const struct signal_stack *stack,
		     struct signal_stack *old)
{
	struct signal_stack before = answer(t, sp);
	err_t		    err = stack ? change(t, sp, stack) : OK;

	if (err == OK && old)
		*old = before;
	return err;
}
