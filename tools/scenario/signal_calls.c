/*
 * signal_calls.c - what programs say about signals, and what they and their registers must be like.
 */
#include "scenario/call.h"
#include "scenario/kin.h"
#include "scenario/signals.h"

struct signal_call {
	struct process	    *process;
	unsigned	     signal;
	struct signal_action action;
	struct signal_info   info;
	bool		     below; /* to all below the process, not to itself */
	uint64_t	     nr;
	err_t		     err;
};

/* parse_signals - a set: names joined by commas, or none. */
static bool
parse_signals(struct run *r, const struct token *token, signal_set *set)
{
	size_t at = 0;

	*set = 0;
	if (token_is(token, "none"))
		return true;
	while (at <= token->bytes) {
		struct token word = { .text = token->text + at,
				      .column = token->column + (uint32_t)at,
				      .quoted = token->quoted };
		unsigned     signal;

		while (at + word.bytes < token->bytes && word.text[word.bytes] != ',')
			word.bytes++;
		if (!signal_of_token(&word, &signal) || signal < 1 || signal > SIGNAL_NR)
			return parse_expected(r, &word, "a signal like segv, or none");
		*set |= signal_bit(signal);
		at += word.bytes + 1;
	}
	return true;
}

/* ---- handlers ---- */

static const struct flag_word action_words[] = {
	{ "altstack", SIGNALF_ALTERNATE },
	{ "restart", SIGNALF_RESTART },
	{ "nodefer", SIGNALF_NO_DEFER },
	{ "reset", SIGNALF_RESET },
	{ NULL, 0 },
};

/* One word behind the handler's address: a flag, mask=SIGNALS or restorer=ADDR. */
static bool
parse_action_word(struct run *r, const struct token *token, struct signal_action *action)
{
	struct token rest;

	if (token_key(token, "mask", &rest))
		return parse_signals(r, &rest, &action->blocked);
	if (token_key(token, "restorer", &rest))
		return number_of(r, &rest, &action->restorer, "an address");
	for (const struct flag_word *word = action_words; word->word; word++) {
		if (token_is(token, word->word)) {
			action->flags |= word->bits;
			return true;
		}
	}
	return parse_expected(r, token,
			      "altstack, restart, nodefer, reset, mask=, restorer= or a result");
}

static bool
parse_action(struct run *r, struct signal_action *action)
{
	struct token token;

	if (parse_word(r, "default"))
		action->handler = SIGNAL_DEFAULT;
	else if (parse_word(r, "ignore"))
		action->handler = SIGNAL_IGNORE;
	else if (!parse_number(r, &action->handler, "an address, default or ignore"))
		return false;
	while (lexer_token(&r->lex, &token)) {
		if (token_is(&token, "=")) {
			lexer_unread(&r->lex, &token);
			return true;
		}
		if (!parse_action_word(r, &token, action))
			return false;
	}
	return true;
}

static void
do_action(void *arg)
{
	struct signal_call *call = arg;

	call->err = signal_set_action(call->process, call->signal, &call->action, NULL);
}

/* handler P SIGNAL ADDR | default | ignore [FLAG ...] [mask=SIGNALS] [restorer=ADDR] [= RESULT] */
bool
statement_handler(struct run *r)
{
	struct signal_call call = { 0 };
	struct wanted	   wanted;
	struct name	  *name;

	if (!parse_process(r, &name) || !parse_signal(r, &call.signal) ||
	    !parse_action(r, &call.action) || !parse_wanted(r, &wanted))
		return false;
	if (r->dry)
		return true;
	call.process = name->process;
	stage_on_cpu(r->cpu, do_action, &call);
	return compare_result(r, "handler", &wanted, call.err, 0, false);
}

/* altstack P ADDR BYTES [disarm] [= RESULT], altstack P none [= RESULT] */
bool
statement_altstack(struct run *r)
{
	struct signal_stack stack = { 0 };
	struct wanted	    wanted;
	struct actor	   *actor;
	struct name	   *name;
	err_t		    err;

	if (!parse_actor(r, &name))
		return false;
	if (parse_word(r, "none"))
		stack.flags = SIGNAL_STACK_NONE;
	else if (!parse_number(r, &stack.start, "an address or none") ||
		 !parse_number(r, &stack.bytes, "a length in bytes"))
		return false;
	if (parse_word(r, "disarm"))
		stack.flags |= SIGNAL_STACK_DISARM;
	if (!parse_wanted(r, &wanted))
		return false;
	if (r->dry)
		return true;
	actor = actor_of(r, name);
	if (!actor)
		return false;
	err = signal_set_alternate(thread_of(name), arch_context_sp(&actor->registers), &stack,
				   NULL);
	return compare_result(r, "altstack", &wanted, err, 0, false);
}

/* mask P SIGNALS | none */
bool
statement_mask(struct run *r)
{
	struct token token;
	signal_set   set;
	struct name *name;

	if (!parse_actor(r, &name) || !parse_token(r, &token, "a signal like segv, or none") ||
	    !parse_signals(r, &token, &set) || !parse_end(r))
		return false;
	if (!r->dry)
		signal_block(thread_of(name), set);
	return true;
}

/* ---- sending ---- */

static void
do_send(void *arg)
{
	struct signal_call *call = arg;

	if (call->below)
		call->nr = signal_send_descendants_info(call->process, &call->info);
	else
		call->err = signal_send_info(call->process, &call->info);
}

/* signal P SIGNAL [below] [from Q] [= RESULT] */
bool
statement_signal(struct run *r)
{
	struct signal_call call = { 0 };
	struct wanted	   wanted;
	struct name	  *name;
	struct name	  *sender = NULL;

	if (!parse_lasting(r, &name) || !parse_signal(r, &call.info.signal))
		return false;
	call.below = parse_word(r, "below");
	if (parse_word(r, "from") && !parse_process(r, &sender))
		return false;
	if (!parse_wanted(r, &wanted))
		return false;
	if (r->dry)
		return true;
	call.process = name->process;
	call.info.code = sender ? SIGNAL_CODE_USER : SIGNAL_CODE_KERNEL;
	call.info.sender = sender ? sender->process->id : 0;
	stage_on_cpu(r->cpu, do_send, &call);
	return compare_result(r, "signal", &wanted, call.err, call.nr, call.below);
}

/* ---- registers ---- */

/* context P PC SP */
bool
statement_context(struct run *r)
{
	struct actor *actor;
	struct name  *name;
	vaddr_t	      pc, sp;

	if (!parse_process(r, &name) || !parse_number(r, &pc, "an address") ||
	    !parse_number(r, &sp, "an address for the stack pointer") || !parse_end(r))
		return false;
	if (r->dry)
		return true;
	actor = actor_of(r, name);
	if (actor)
		arch_context_init(&actor->registers, pc, sp);
	return actor != NULL;
}

/* One key=VALUE of registers; the registers themselves are NULL in the dry pass. */
static bool
compare_register(struct run *r, const struct token *token, const struct arch_context *registers)
{
	static const struct {
		const char *key;
		vaddr_t (*read)(const struct arch_context *ctx);
	} all[] = {
		{ "pc", arch_context_pc },
		{ "sp", arch_context_sp },
	};
	struct token rest;
	uint64_t     want;

	for (unsigned i = 0; i < ARRAY_SIZE(all); i++) {
		if (!token_key(token, all[i].key, &rest))
			continue;
		if (!number_of(r, &rest, &want, "an address"))
			return false;
		if (!registers || all[i].read(registers) == want)
			return true;
		return run_failed(r, "registers: expected %s 0x%llx, got 0x%llx", all[i].key,
				  (unsigned long long)want,
				  (unsigned long long)all[i].read(registers));
	}
	if (!token_key(token, "result", &rest))
		return parse_expected(r, token, "pc=, sp= or result=");
	if (!number_of(r, &rest, &want, "a result"))
		return false;
	return !registers || arch_context_result(registers) == (int64_t)want ||
	       run_failed(r, "registers: expected result %lld, got %lld", (long long)want,
			  (long long)arch_context_result(registers));
}

/* registers P KEY=VALUE ... */
bool
statement_registers(struct run *r)
{
	const struct arch_context *registers = NULL;
	struct token		   token;
	struct name		  *name;

	if (!parse_process(r, &name))
		return false;
	if (!r->dry) {
		if (!actor_of(r, name))
			return false;
		registers = &name->actor->registers;
	}
	while (lexer_token(&r->lex, &token)) {
		if (!compare_register(r, &token, registers))
			return false;
	}
	return true;
}

/* frame P [= ADDR] [-> LABEL] */
bool
statement_frame(struct run *r)
{
	struct wanted wanted;
	struct name  *name;

	if (!parse_process(r, &name) || !parse_wanted(r, &wanted))
		return false;
	if (r->dry)
		return true;
	if (!actor_of(r, name))
		return false;
	return compare_result(r, "frame", &wanted, OK, signal_frame_of(name->actor), true);
}
