/*
 * deliver.c - what a thread does about its signals before it goes back to user mode.
 *
 *	signals wait
 *	    | signal_decide: one of them, with what it does to the process
 *	    +-- it ends, or is stopped ---------> the kernel sees to that
 *	    +-- a handler --> frame_push ------> and again: the next frame goes on top
 *	    |                   | cannot be
 *	    |                   +--> a SEGV takes its place
 *	    +-- none ---------> an interrupted call is made again
 *
 * How deep handlers are nested is written nowhere but on the user's stack. So a handler may
 * return, or jump out of any number of them, and the kernel need not know.
 */
#include "proc/deliver.h"

#include "base/assert.h"
#include "proc/handlers.h"
#include "proc/state.h"

struct signal_info
signal_of_fault(enum fault_result result, vaddr_t va)
{
	static const struct {
		unsigned	 signal;
		enum signal_code code;
	} of[] = {
		[FAULT_SEGV_MAPERR] = { SIGNAL_SEGV, SIGNAL_CODE_MAPERR },
		[FAULT_SEGV_ACCERR] = { SIGNAL_SEGV, SIGNAL_CODE_ACCERR },
		[FAULT_BUS_ADRERR] = { SIGNAL_BUS, SIGNAL_CODE_ADRERR },
	};

	REQUIRE(result < ARRAY_SIZE(of) && of[result].signal, "no signal for the fault result %u",
		result);
	return (struct signal_info){
		.signal = of[result].signal,
		.code = of[result].code,
		.address = va,
	};
}

/* settle_call - an interrupted call, with this handler in its way. */
static void
settle_call(struct arch_context *ctx, const struct signal_action *action)
{
	if (action->flags & SIGNALF_RESTART)
		arch_context_restart_call(ctx);
	else
		arch_context_set_result(ctx, ERR_INTR);
}

/* refuse - the handler cannot run. It is as if the signal's mask had never been in force. */
static void
refuse(struct thread *t, const struct signal_delivery *d)
{
	proc_lock();
	t->blocked = d->blocked;
	if (d->signal == SIGNAL_SEGV)
		handlers_set_default(t->process, SIGNAL_SEGV);
	proc_unlock();
	signal_force(t, SIGNAL_SEGV);
}

enum signal_verdict
signal_deliver(struct thread *t, struct arch_context *ctx, struct arch_fpu *fpu,
	       enum signal_point *point, unsigned *signal)
{
	struct signal_delivery d;
	enum signal_verdict    verdict;

	*signal = 0;
	for (;;) {
		verdict = signal_decide(t, &d);
		if (verdict != SIGNAL_GOES_ON || !d.signal)
			break;
		if (*point == SIGNAL_IN_CALL)
			settle_call(ctx, &d.action);
		*point = SIGNAL_AT_INSTRUCTION;
		if (frame_push(t, ctx, fpu, &d))
			*signal = d.signal;
		else
			refuse(t, &d);
	}
	if (verdict != SIGNAL_GOES_ON) {
		*signal = d.signal;
		return verdict;
	}
	if (*point == SIGNAL_IN_CALL)
		arch_context_restart_call(ctx);
	*point = SIGNAL_AT_INSTRUCTION;
	return SIGNAL_GOES_ON;
}

bool
signal_return(struct thread *t, struct arch_context *ctx, struct arch_fpu *fpu)
{
	if (frame_pull(t, ctx, fpu))
		return true;
	signal_force(t, SIGNAL_SEGV);
	return false;
}
