/*
 * body.h - what threads have of the machine, for the files that make and end them.
 */
#pragma once

#include <anymm/process.h>

/*
 * body_make - what the configuration says, for a thread that begins in user mode.
 *   fails  ERR_NOMEM: nothing changed
 * body_drop - the opposite, for a thread that never ran.
 */
err_t body_make(struct thread *t);
void  body_drop(struct thread *t);

/* body_check_request - ERR_INVAL: the child cannot begin where the request says. */
err_t body_check_request(const struct thread *caller, const struct clone_request *request);

/*
 * body_inherit - t begins where the request says, with the caller's registers.
 *   needs  body_check_request said OK
 *   fails  ERR_INVAL: request->saved is not on the caller's stack. t is to be dropped
 */
err_t body_inherit(struct thread *t, struct thread *caller, const struct clone_request *request);

/* body_exec - the floating-point state is that of a fresh program. */
void body_exec(struct thread *t);

/* body_move - all that `from` has becomes that of `to`, which has nothing, and runs in its place. */
void body_move(struct thread *from, struct thread *to);

/*
 * body_end - t has ended and has nothing any more. If it runs on this CPU, what it stands on is kept until
 * thread_leave. Doing it twice is harmless. HOLDS the process-table lock.
 */
void body_end(struct thread *t);
