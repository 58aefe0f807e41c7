/*
 * signal_frame.c - what a handler finds on its stack, and the way back.
 *
 *	interrupted sp ->  .....................
 *			   red zone		the program's, as it was
 *			   -- or the end of the alternate stack --
 *			   floating point
 *			   info		      <- second argument
 *			   mask, registers
 *			   alternate stack    <- third argument
 *			   restorer		as if the handler had been called from there
 *
 * The frame is copied there by the path of all copies to user memory: pages come, stacks grow,
 * shared pages are copied. Before that has succeeded nothing has changed but bytes below the
 * stack. On the way back each byte is copied once and only our copy is looked at, because
 * the program, or another thread of it, may change the original at any moment.
 */
#include <anymm/usercopy.h>

#include "base/mem.h"
#include "proc/deliver.h"

static_assert(sizeof(struct arch_context) <= SIGNAL_REGISTER_BYTES, "registers fit the frame");
static_assert(sizeof(struct arch_fpu) <= SIGNAL_FPU_BYTES, "so does floating-point state");

/* Where the return address ends, the stack is as aligned as at a call. */
#define RETURN_BYTES sizeof(vaddr_t)
static_assert(offsetof(struct signal_head, context) == RETURN_BYTES, "what is saved comes next");
static_assert(SIGNAL_FPU_ALIGN % ARCH_STACK_ALIGN == 0 &&
		      (sizeof(struct signal_head) - RETURN_BYTES) % ARCH_STACK_ALIGN == 0,
	      "and is a multiple of the alignment below what is aligned");

/* lies_inside - a frame that begins there is on the alternate stack as a whole. */
static bool
lies_inside(const struct signal_stack *stack, vaddr_t at)
{
	return at > stack->start && at - stack->start <= stack->bytes;
}

/* place - where the frame goes; false: the alternate stack has no room for it. */
static bool
place(const struct thread *t, vaddr_t sp, const struct signal_action *action, vaddr_t *at)
{
	const struct signal_stack *stack = &t->alternate;
	bool			   is_on = alternate_is_on(t, sp);
	vaddr_t			   top = sp - ARCH_RED_ZONE_BYTES;

	if (action->flags & SIGNALF_ALTERNATE && stack->bytes && !is_on) {
		is_on = true;
		top = stack->start + stack->bytes;
	}
	top = (top - SIGNAL_FPU_BYTES) & ~(vaddr_t)(SIGNAL_FPU_ALIGN - 1);
	*at = top - sizeof(struct signal_head);
	return !is_on || lies_inside(stack, *at);
}

/* fill - all of it: what is room only tells nothing of what was on the kernel's stack. */
static void
fill(struct signal_head *head, const struct thread *t, const struct arch_context *ctx,
     const struct signal_delivery *d)
{
	memset(head, 0, sizeof(*head));
	head->return_to = d->action.restorer;
	head->context.stack = t->alternate;
	memcpy(head->context.registers, ctx, sizeof(*ctx));
	head->context.blocked = d->blocked;
	head->info = d->info;
}

static struct arch_call
call_of(vaddr_t at, const struct signal_delivery *d)
{
	return (struct arch_call){
		.function = d->action.handler,
		.sp = at + RETURN_BYTES - ARCH_RETURN_BYTES,
		.returns_to = d->action.restorer,
		.argument = { d->signal, at + offsetof(struct signal_head, info),
			      at + offsetof(struct signal_head, context) },
	};
}

/* write - the frame, each byte of it once. */
static bool
write(struct space *sp, vaddr_t at, const struct signal_head *head, const struct arch_fpu *fpu)
{
	vaddr_t fpu_at = at + offsetof(struct signal_frame, fpu);

	if (fpu && copy_to_user(sp, fpu_at, fpu, sizeof(*fpu)))
		return false;
	return copy_to_user(sp, at, head, sizeof(*head)) == 0;
}

bool
frame_push(struct thread *t, struct arch_context *ctx, struct arch_fpu *fpu,
	   const struct signal_delivery *d)
{
	struct signal_head head;
	struct arch_call   call;
	vaddr_t		   at;

	if (d->action.handler >= ARCH_USER_END || !place(t, arch_context_sp(ctx), &d->action, &at))
		return false;
	fill(&head, t, ctx, d);
	if (!write(t->process->space, at, &head, fpu))
		return false;
	call = call_of(at, d);
	arch_context_call(ctx, &call);
	if (fpu)
		arch_fpu_init(fpu);
	if (t->alternate.flags & SIGNAL_STACK_DISARM)
		t->alternate = (struct signal_stack){ .flags = SIGNAL_STACK_NONE };
	return true;
}

/* read - the frame, each byte of it once. false: it cannot be read, or no thread can have what it says. */
static bool
read(struct space *sp, vaddr_t at, struct signal_head *head, struct arch_fpu *fpu)
{
	vaddr_t fpu_at = at + offsetof(struct signal_frame, fpu);

	return copy_from_user(sp, head, at, sizeof(*head)) == 0 &&
	       (!fpu ||
		(copy_from_user(sp, fpu, fpu_at, sizeof(*fpu)) == 0 && arch_fpu_sanitize(fpu)));
}

/*
 * restore_alternate - as it was, unless it cannot be: the thread goes on on that very stack, or the
 * program has written nonsense there. That is no reason to end it, and not one on Linux.
 */
static void
restore_alternate(struct thread *t, vaddr_t sp, const struct signal_stack *stack)
{
	err_t err = signal_set_alternate(t, sp, stack, NULL);

	(void)err;
}

bool
frame_pull(struct thread *t, struct arch_context *ctx, struct arch_fpu *fpu)
{
	struct signal_head  head;
	struct arch_context registers;
	struct arch_fpu	    vectors;

	if (!read(t->process->space, arch_context_sp(ctx) - RETURN_BYTES, &head,
		  fpu ? &vectors : NULL))
		return false;
	memcpy(&registers, head.context.registers, sizeof(registers));
	if (!arch_context_sanitize(&registers))
		return false;
	*ctx = registers;
	if (fpu)
		*fpu = vectors;
	signal_block(t, head.context.blocked);
	restore_alternate(t, arch_context_sp(ctx), &head.context.stack);
	return true;
}
