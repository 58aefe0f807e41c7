/*
 * threads.c - threads of one process end, are joined and detached.
 *
 * The name of a thread is gone when the thread has ended, but for the first one: that name is the
 * process's too.
 */
#include "scenario/call.h"
#include "scenario/kin.h"

struct thread_call {
	struct thread *thread;
	uint32_t       id;
	int32_t	       value;
	err_t	       err;
};

static void
do_end(void *arg)
{
	struct thread_call *call = arg;

	(void)thread_end(call->thread, call->value);
}

static void
do_join(void *arg)
{
	struct thread_call *call = arg;

	call->err = thread_join(call->thread, call->id, &call->value);
}

static void
do_detach(void *arg)
{
	struct thread_call *call = arg;

	call->err = thread_detach(call->thread->process, call->id);
}

/* leave T [VALUE]: the thread ends; the last one ends its process, whose code is the value. */
bool
statement_leave(struct run *r)
{
	struct thread_call call = { 0 };
	struct token	   token;
	struct name	  *name;
	uint64_t	   value = 0;

	if (!parse_actor(r, &name))
		return false;
	if (lexer_token(&r->lex, &token)) {
		if (!number_of(r, &token, &value, "a value"))
			return false;
		if (value > INT32_MAX)
			return parse_expected(r, &token, "a value of 31 bits");
	}
	if (!parse_end(r))
		return false;
	if (r->dry)
		return true;
	call.thread = thread_of(name);
	call.value = (int32_t)value;
	if (name->process->nr_running == 1)
		leave_if_last(name->process);
	stage_on_cpu(r->cpu, do_end, &call);
	process_ended(r, 1);
	if (name->thread)
		process_unname(r, name);
	return true;
}

/* join T ID [= VALUE] */
bool
statement_join(struct run *r)
{
	struct thread_call call = { 0 };
	struct wanted	   wanted;
	struct name	  *name;
	uint64_t	   id;

	if (!parse_actor(r, &name) || !parse_number(r, &id, "the id of a thread") ||
	    !parse_wanted(r, &wanted))
		return false;
	if (r->dry)
		return true;
	call.thread = thread_of(name);
	call.id = (uint32_t)min_u64(id, UINT32_MAX);
	stage_on_cpu(r->cpu, do_join, &call);
	return compare_result(r, "join", &wanted, call.err, (uint64_t)(int64_t)call.value, true);
}

/* detach T ID [= RESULT] */
bool
statement_detach(struct run *r)
{
	struct thread_call call = { 0 };
	struct wanted	   wanted;
	struct name	  *name;
	uint64_t	   id;

	if (!parse_actor(r, &name) || !parse_number(r, &id, "the id of a thread") ||
	    !parse_wanted(r, &wanted))
		return false;
	if (r->dry)
		return true;
	call.thread = thread_of(name);
	call.id = (uint32_t)min_u64(id, UINT32_MAX);
	stage_on_cpu(r->cpu, do_detach, &call);
	return compare_result(r, "detach", &wanted, call.err, 0, false);
}
