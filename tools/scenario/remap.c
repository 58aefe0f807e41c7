/*
 * remap.c - mremap, and which pages it has moved.
 *
 * What touch has stored in a page tells the page's address. A page that has moved
 * tells its old one: so the moves are kept, and touch follows them back.
 */
#include "scenario/call.h"

static void
do_remap(void *arg)
{
	struct space_call *call = arg;

	call->err = call_mremap(call->space, &call->remap, &call->value);
}

/* The place where the call has put the pages; an arena that is full is an error of the scenario. */
static bool
note_move(struct run *r, const struct space_call *call)
{
	struct move *move;

	if (call->err != OK || call->value == call->remap.addr || call->remap.old_length == 0)
		return true;
	move = names_alloc(r->names, sizeof(*move));
	if (!move)
		return run_error(r, SCENARIO_SYNTAX, 1, "the scenario moves too many pages");
	*move = (struct move){ .older = r->moves,
			       .from = call->remap.addr,
			       .to = call->value,
			       .bytes = min_u64(call->remap.old_length, call->remap.new_length) };
	r->moves = move;
	return true;
}

bool
move_back(const struct move **move, vaddr_t *va)
{
	for (; *move; *move = (*move)->older) {
		const struct move *m = *move;

		if (*va - m->to >= ((m->bytes + ARCH_PAGE_MASK) & ~ARCH_PAGE_MASK))
			continue;
		*va = *va - m->to + m->from;
		*move = m->older;
		return true;
	}
	return false;
}

/* mremap P ADDR OLD NEW FLAGS [TO] [= RESULT] [-> LABEL] */
bool
statement_mremap(struct run *r)
{
	static const struct flag_word flags[] = {
		{ "none", 0 },
		{ "maymove", REMAP_MAYMOVE },
		{ "fixed", REMAP_FIXED },
		{ "dontunmap", REMAP_DONTUNMAP },
		{ NULL, 0 },
	};
	struct space_call call = { 0 };
	struct wanted	  wanted;
	struct token	  token;

	if (!parse_span(r, &call) ||
	    !parse_number(r, &call.remap.new_length, "the new length in bytes") ||
	    !parse_flags(r, flags, "none, maymove, fixed or dontunmap", &call.arg))
		return false;
	if (lexer_token(&r->lex, &token)) {
		lexer_unread(&r->lex, &token);
		if (!token_is(&token, "=") && !token_is(&token, "->") &&
		    !parse_number(r, &call.remap.new_addr, "the new address"))
			return false;
	}
	if (!parse_wanted(r, &wanted))
		return false;
	if (r->dry)
		return true;
	call.remap.addr = call.addr;
	call.remap.old_length = call.length;
	call.remap.flags = call.arg;
	stage_on_cpu(r->cpu, do_remap, &call);
	return note_move(r, &call) &&
	       compare_result(r, "mremap", &wanted, call.err, call.value, true);
}
