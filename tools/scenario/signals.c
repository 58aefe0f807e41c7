/*
 * signals.c - signals as a small kernel handles them: registers, delivery, and the end.
 *
 * A signal waits until the process is told to look (deliver), as it waits in a kernel until the
 * thread goes back to user mode; a bad access is acted on at once. Delivery runs on the CPU of
 * the moment, with the space active, for the frame is written through its translations.
 */
#include "scenario/signals.h"

#include "scenario/call.h"
#include "scenario/kin.h"

static const struct flag_word signal_words[] = {
	{ "hup", SIGNAL_HUP },
	{ "ill", SIGNAL_ILL },
	{ "abrt", SIGNAL_ABRT },
	{ "bus", SIGNAL_BUS },
	{ "fpe", SIGNAL_FPE },
	{ "kill", SIGNAL_KILL },
	{ "usr1", SIGNAL_USR1 },
	{ "segv", SIGNAL_SEGV },
	{ "usr2", SIGNAL_USR2 },
	{ "term", SIGNAL_TERM },
	{ "chld", SIGNAL_CHLD },
	{ "cont", SIGNAL_CONT },
	{ "stop", SIGNAL_STOP },
	{ "tstp", SIGNAL_TSTP },
	{ "ttin", SIGNAL_TTIN },
	{ "ttou", SIGNAL_TTOU },
	{ "urg", SIGNAL_URG },
	{ "winch", SIGNAL_WINCH },
	{ NULL, 0 },
};

const char *
signal_name(unsigned signal, char buf[12])
{
	for (const struct flag_word *word = signal_words; word->word; word++) {
		if (word->bits == signal)
			return word->word;
	}
	format(buf, 12, "%u", signal);
	return buf;
}

bool
signal_of_token(const struct token *token, unsigned *signal)
{
	uint64_t value;

	for (const struct flag_word *word = signal_words; word->word; word++) {
		*signal = word->bits;
		if (token_is(token, word->word))
			return true;
	}
	if (!token_number(token, &value) || value > UINT32_MAX)
		return false;
	*signal = (unsigned)value;
	return true;
}

bool
parse_signal(struct run *r, unsigned *signal)
{
	struct token token;

	return parse_token(r, &token, "a signal like segv") &&
	       (signal_of_token(&token, signal) || parse_expected(r, &token, "a signal like segv"));
}

/* ---- registers ---- */

static void
start(struct actor *actor)
{
	arch_context_init(&actor->registers, 0, 0);
	arch_fpu_init(&actor->vectors);
	actor->point = SIGNAL_AT_INSTRUCTION;
}

/* alloc_actor - aligned as its floating-point state wants it, which is more than the arena gives. */
static struct actor *
alloc_actor(struct names *names)
{
	const uintptr_t mask = alignof(struct actor) - 1;
	uintptr_t	at = (uintptr_t)names_alloc(names, sizeof(struct actor) + mask);

	return at ? (struct actor *)((at + mask) & ~mask) : NULL;
}

struct actor *
actor_of(struct run *r, struct name *name)
{
	if (name->actor)
		return name->actor;
	name->actor = alloc_actor(r->names);
	if (name->actor)
		start(name->actor);
	else
		(void)run_error(r, SCENARIO_SYNTAX, 1, "the scenario has too many names");
	return name->actor;
}

bool
actor_fork(struct run *r, const struct name *parent, struct name *child)
{
	if (!parent->actor) {
		actor_exec(child);
		return true;
	}
	if (!actor_of(r, child))
		return false;
	*child->actor = *parent->actor;
	return true;
}

void
actor_exec(struct name *name)
{
	if (name->actor)
		start(name->actor);
}

/* ---- delivery ---- */

struct delivery {
	struct thread *thread;
	struct actor  *actor;
	struct outcome outcome;
	bool	       returned; /* signal_return: there was a frame */
};

static void
call_deliver(void *arg)
{
	struct delivery *d = arg;

	pt_activate(&d->thread->process->space->pt);
	d->outcome.verdict = signal_deliver(d->thread, &d->actor->registers, &d->actor->vectors,
					    &d->actor->point, &d->outcome.signal);
}

static void
call_return(void *arg)
{
	struct delivery *d = arg;

	pt_activate(&d->thread->process->space->pt);
	d->returned = signal_return(d->thread, &d->actor->registers, &d->actor->vectors);
}

static void
cause(struct name *name, enum fault_result fault, vaddr_t va)
{
	struct signal_info info = signal_of_fault(fault, va);

	signal_force_info(thread_of(name), &info);
}

/* fetch - the instruction that comes next, which may be another signal. */
static enum fault_result
fetch(struct run *r, struct name *name)
{
	vaddr_t pc = arch_context_pc(&name->actor->registers);
	uint8_t byte;

	return stage_access(r->cpu, space_of(name), ACCESS_FETCH, pc, &byte, 1, NULL);
}

bool
signals_deliver(struct run *r, struct name *name, struct outcome *out)
{
	struct delivery d = { .thread = thread_of(name), .actor = actor_of(r, name) };

	if (!d.actor)
		return false;
	for (;;) {
		enum fault_result fault;

		stage_on_cpu(r->cpu, call_deliver, &d);
		*out = d.outcome;
		if (out->verdict != SIGNAL_GOES_ON || !out->signal)
			break;
		fault = fetch(r, name);
		if (fault == FAULT_DONE || fault == FAULT_NOMEM)
			break;
		cause(name, fault, arch_context_pc(&d.actor->registers));
		if (!run_work(r))
			return false;
	}
	if (out->verdict == SIGNAL_ENDS_IT)
		return end_process(r, name, 128 + (int32_t)out->signal);
	return true;
}

/* has_handler - for what this fault comes to. */
static bool
has_handler(struct process *proc, enum fault_result fault)
{
	struct signal_action action = { .handler = SIGNAL_DEFAULT };

	if (fault == FAULT_DONE || fault == FAULT_NOMEM)
		return false;
	return signal_set_action(proc, signal_of_fault(fault, 0).signal, NULL, &action) == OK &&
	       action.handler != SIGNAL_DEFAULT && action.handler != SIGNAL_IGNORE;
}

bool
signals_after_fault(struct run *r, struct name *name, enum fault_result fault, vaddr_t va)
{
	struct outcome ignored;

	if (thread_of(name)->has_ended || !has_handler(name->process, fault))
		return true;
	cause(name, fault, va);
	return signals_deliver(r, name, &ignored);
}

/* ---- what must come of it ---- */

static bool
parse_outcome(struct run *r, struct outcome *want, bool *is_given)
{
	static const char *const what =
		"nothing, a signal, stops and a signal, or ends and a signal";
	struct token token;

	*want = (struct outcome){ 0 };
	*is_given = parse_word(r, "=");
	if (!*is_given)
		return true;
	if (parse_word(r, "nothing"))
		return true;
	if (parse_word(r, "stops"))
		want->verdict = SIGNAL_STOPPED;
	else if (parse_word(r, "ends"))
		want->verdict = SIGNAL_ENDS_IT;
	return parse_token(r, &token, what) &&
	       (signal_of_token(&token, &want->signal) || parse_expected(r, &token, what));
}

static const char *
outcome_text(const struct outcome *outcome, char *buf, size_t bytes)
{
	static const char *const verdicts[] = {
		[SIGNAL_GOES_ON] = "the handler of",
		[SIGNAL_STOPPED] = "a stop by",
		[SIGNAL_ENDS_IT] = "the end by",
	};
	char number[12];

	if (outcome->verdict == SIGNAL_GOES_ON && !outcome->signal)
		return "nothing";
	format(buf, bytes, "%s %s", verdicts[outcome->verdict],
	       signal_name(outcome->signal, number));
	return buf;
}

static bool
compare_outcome(struct run *r, const char *verb, const struct outcome *want, bool is_given,
		const struct outcome *got)
{
	char wanted[40];
	char gotten[40];

	r->result->calls++;
	if (is_given ? want->verdict == got->verdict && want->signal == got->signal
		     : got->verdict == SIGNAL_GOES_ON) {
		r->result->calls_equal++;
		return true;
	}
	return run_failed(r, "%s: expected %s, got %s", verb,
			  is_given ? outcome_text(want, wanted, sizeof(wanted))
				   : "no end and no stop",
			  outcome_text(got, gotten, sizeof(gotten)));
}

/* deliver P [in-call] [= OUTCOME] */
bool
statement_deliver(struct run *r)
{
	struct outcome want, got;
	struct name   *name;
	bool	       in_call;
	bool	       is_given;

	if (!parse_lasting(r, &name) || !expect_running(r, name))
		return false;
	in_call = parse_word(r, "in-call");
	if (!parse_outcome(r, &want, &is_given) || !parse_end(r))
		return false;
	if (r->dry)
		return true;
	if (!actor_of(r, name))
		return false;
	if (in_call)
		name->actor->point = SIGNAL_IN_CALL;
	return signals_deliver(r, name, &got) &&
	       compare_outcome(r, "deliver", &want, is_given, &got);
}

vaddr_t
signal_frame_of(const struct actor *actor)
{
	return arch_context_sp(&actor->registers) + ARCH_RETURN_BYTES - sizeof(vaddr_t);
}

/* leave_handler - what the return of a function does: its frame begins with where to go. */
static enum fault_result
leave_handler(struct run *r, struct name *name, vaddr_t *va)
{
	struct arch_context *registers = &name->actor->registers;
	vaddr_t		     at = signal_frame_of(name->actor);
	vaddr_t		     to;
	enum fault_result    fault;

	fault = stage_access(r->cpu, space_of(name), ACCESS_LOAD, at, &to, sizeof(to), va);
	if (fault != FAULT_DONE)
		return fault;
	arch_context_set_sp(registers, at + sizeof(to));
	arch_context_set_pc(registers, to);
	*va = to;
	return fetch(r, name);
}

/* return P [= OUTCOME] */
bool
statement_return(struct run *r)
{
	struct delivery	  d = { 0 };
	struct outcome	  want, got;
	struct name	 *name;
	enum fault_result fault;
	vaddr_t		  va;
	bool		  is_given;

	if (!parse_actor(r, &name) || !parse_outcome(r, &want, &is_given) || !parse_end(r))
		return false;
	if (r->dry)
		return true;
	d.thread = thread_of(name);
	d.actor = actor_of(r, name);
	if (!d.actor)
		return false;
	fault = leave_handler(r, name, &va);
	if (fault == FAULT_DONE)
		stage_on_cpu(r->cpu, call_return, &d);
	else if (fault != FAULT_NOMEM)
		cause(name, fault, va);
	return signals_deliver(r, name, &got) &&
	       compare_outcome(r, "return", &want, is_given, &got);
}
