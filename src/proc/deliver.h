/*
 * deliver.h - between the files that get a handler onto the user's stack and back.
 */
#pragma once

#include <anymm/process.h>

/*
 * signal_decide - take the next signal for t, in one step with what it does to the process.
 *   gives  SIGNAL_GOES_ON: out->signal has a handler, whose mask is in force, or is 0: there is
 *          none; SIGNAL_STOPPED: the process is; SIGNAL_ENDS_IT: out->signal ends it
 */
enum signal_verdict signal_decide(struct thread *t, struct signal_delivery *out);

/* alternate_is_on - t runs on its alternate stack if sp is its stack pointer. */
bool alternate_is_on(const struct thread *t, vaddr_t sp);

/*
 * frame_push - save what is interrupted on the user's stack and enter the handler of d.
 *   needs  the space of t active on this CPU
 *   gives  false: it cannot be; ctx and fpu are as before
 */
bool frame_push(struct thread *t, struct arch_context *ctx, struct arch_fpu *fpu,
		const struct signal_delivery *d);

/* frame_pull - the opposite. gives false: there is no frame that can be; ctx and fpu are as before. */
bool frame_pull(struct thread *t, struct arch_context *ctx, struct arch_fpu *fpu);
