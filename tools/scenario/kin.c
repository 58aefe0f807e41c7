/*
 * kin.c - processes are killed, stopped and grouped from outside, and show what they are.
 */
#include "scenario/call.h"
#include "scenario/kin.h"

struct kin_call {
	struct process *process;
	struct process *other;
	uint32_t	group;
	int32_t		code;
	bool		flag;
	uint64_t	nr;
	err_t		err;
};

static void
do_kill(void *arg)
{
	struct kin_call *call = arg;

	call->err = proc_kill(call->process, call->code);
}

static void
do_kill_descendants(void *arg)
{
	struct kin_call *call = arg;

	call->nr = proc_kill_descendants(call->process, call->code);
}

static void
do_stop(void *arg)
{
	struct kin_call *call = arg;

	call->flag = proc_stop(call->process, call->code);
}

static void
do_continue(void *arg)
{
	struct kin_call *call = arg;

	call->flag = proc_continue(call->process);
}

static void
do_set_subreaper(void *arg)
{
	struct kin_call *call = arg;

	proc_set_subreaper(call->process, call->flag);
}

static void
do_set_group(void *arg)
{
	struct kin_call *call = arg;

	call->err = proc_set_group(call->other, call->process, call->group);
}

/* Threads that run, in all processes. */
static uint64_t
running_threads(void)
{
	uint64_t nr = 0;

	for (struct process *proc = proc_first(); proc; proc = proc_next(proc))
		nr += proc->nr_running;
	return nr;
}

static bool
parse_code(struct run *r, int32_t *code, const char *what)
{
	struct token token;
	uint64_t     value;

	if (!parse_token(r, &token, what) || !number_of(r, &token, &value, what))
		return false;
	*code = (int32_t)value;
	return value <= INT32_MAX || parse_expected(r, &token, "a number of 31 bits");
}

/* kill P CODE [= RESULT]: from outside; the dead do not mind. */
bool
statement_kill(struct run *r)
{
	struct kin_call call = { 0 };
	struct wanted	wanted;
	struct name    *name;
	uint64_t	before;

	if (!parse_any_process(r, &name) || !parse_code(r, &call.code, "an exit code") ||
	    !parse_wanted(r, &wanted))
		return false;
	if (r->dry)
		return true;
	call.process = name->process;
	before = running_threads();
	leave_if_last(call.process);
	stage_on_cpu(r->cpu, do_kill, &call);
	process_ended(r, before - running_threads());
	return compare_result(r, "kill", &wanted, call.err, 0, false);
}

/* kill-descendants P CODE [= N]: everybody below P; leaves no zombies. */
bool
statement_kill_descendants(struct run *r)
{
	struct kin_call call = { 0 };
	struct wanted	wanted;
	struct name    *name;
	uint64_t	before;

	if (!parse_any_process(r, &name) || !parse_code(r, &call.code, "an exit code") ||
	    !parse_wanted(r, &wanted))
		return false;
	if (r->dry)
		return true;
	call.process = name->process;
	before = running_threads();
	for (struct process *proc = proc_first(); proc; proc = proc_next(proc)) {
		if (proc->space)
			stage_leave(proc->space);
	}
	stage_on_cpu(r->cpu, do_kill_descendants, &call);
	process_ended(r, before - running_threads());
	return compare_result(r, "kill-descendants", &wanted, OK, call.nr, wanted.given);
}

/* pause P SIGNAL: job control stops it. resume P */
bool
statement_pause(struct run *r)
{
	struct kin_call call = { 0 };
	struct name    *name;

	if (!parse_process(r, &name) || !parse_code(r, &call.code, "the number of a signal") ||
	    !parse_end(r))
		return false;
	if (r->dry)
		return true;
	call.process = name->process;
	stage_on_cpu(r->cpu, do_stop, &call);
	return call.flag || run_failed(r, "pause: expected a process that can stop");
}

bool
statement_resume(struct run *r)
{
	struct kin_call call = { 0 };
	struct name    *name;

	if (!parse_any_process(r, &name) || !parse_end(r))
		return false;
	if (r->dry)
		return true;
	call.process = name->process;
	stage_on_cpu(r->cpu, do_continue, &call);
	return call.flag || run_failed(r, "resume: expected a process that is stopped");
}

/* subreaper P [off]: orphans below it become its children. */
bool
statement_subreaper(struct run *r)
{
	struct kin_call call = { .flag = true };
	struct name    *name;

	if (!parse_process(r, &name))
		return false;
	if (parse_word(r, "off"))
		call.flag = false;
	if (!parse_end(r))
		return false;
	if (r->dry)
		return true;
	call.process = name->process;
	stage_on_cpu(r->cpu, do_set_subreaper, &call);
	return true;
}

/* A number that a process has, and the one it must have. */
static bool
compare_number(struct run *r, const char *what, uint64_t got)
{
	struct wanted wanted;

	if (!parse_wanted(r, &wanted))
		return false;
	return r->dry || compare_result(r, what, &wanted, OK, got, true);
}

/* group P Q [by C] [= RESULT]: P joins Q's group, or opens its own if it is Q. group P = ID */
bool
statement_group(struct run *r)
{
	struct kin_call call = { 0 };
	struct wanted	wanted;
	struct token	token;
	struct name    *name;
	struct name    *leader;
	struct name    *by;

	if (!parse_any_process(r, &name) || !parse_token(r, &token, "a process or ="))
		return false;
	lexer_unread(&r->lex, &token);
	if (token_is(&token, "="))
		return compare_number(r, "group", r->dry ? 0 : proc_group(name->process));
	if (!parse_any_process(r, &leader))
		return false;
	by = name;
	if ((parse_word(r, "by") && !parse_process(r, &by)) || !parse_wanted(r, &wanted))
		return false;
	if (r->dry)
		return true;
	call = (struct kin_call){ .process = name->process,
				  .other = by->process,
				  .group = name == leader ? 0 : proc_group(leader->process) };
	stage_on_cpu(r->cpu, do_set_group, &call);
	return compare_result(r, "group", &wanted, call.err, 0, false);
}

/* id P = N, number P = N: the child number, which its parent has given it. */
bool
statement_id(struct run *r)
{
	struct name *name;

	if (!parse_any_process(r, &name))
		return false;
	return compare_number(r, "id", r->dry ? 0 : thread_id(thread_of(name)));
}

bool
statement_number(struct run *r)
{
	struct name *name;

	if (!parse_any_process(r, &name))
		return false;
	return compare_number(r, "number", r->dry ? 0 : proc_number(name->process));
}

const char *
state_word(struct process *proc)
{
	static const char *const words[PROCESS_STATES] = {
		[PROCESS_CREATED] = "CREATED",	   [PROCESS_ALIVE] = "ALIVE",
		[PROCESS_STOPPED] = "STOPPED",	   [PROCESS_DYING] = "DYING",
		[PROCESS_ZOMBIE] = "ZOMBIE",	   [PROCESS_TOMBSTONE] = "TOMBSTONE",
		[PROCESS_FORGOTTEN] = "FORGOTTEN",
	};

	if (proc->state == PROCESS_ALIVE && thread_is_suspended(&proc->main))
		return "SUSPENDED";
	return words[proc->state];
}

const char state_what[] = "ALIVE, SUSPENDED, STOPPED, ZOMBIE, TOMBSTONE or FORGOTTEN";

const char *
state_of(const struct token *token)
{
	static const char *const words[] = { "ALIVE",  "SUSPENDED", "STOPPED",
					     "ZOMBIE", "TOMBSTONE", "FORGOTTEN" };

	for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
		if (token_is(token, words[i]))
			return words[i];
	}
	return NULL;
}

/* state P = WORD */
bool
statement_state(struct run *r)
{
	struct token token;
	struct name *name;
	const char  *want;

	if (!parse_any_process(r, &name) || !parse_equals(r) || !parse_token(r, &token, state_what))
		return false;
	want = state_of(&token);
	if (!want)
		return parse_expected(r, &token, state_what);
	if (!parse_end(r))
		return false;
	if (r->dry)
		return true;
	r->result->calls++;
	if (!token_is(&token, state_word(name->process)))
		return run_failed(r, "state: expected %s, got %s", want, state_word(name->process));
	r->result->calls_equal++;
	return true;
}
