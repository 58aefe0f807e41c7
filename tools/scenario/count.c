/*
 * count.c - counters, digests and injected failure: the statements that pin down costs.
 */
#include "scenario/run.h"

/* count: from here on counters are compared as if they began at 0. */
bool
statement_count(struct run *r)
{
	if (!parse_end(r))
		return false;
	for (unsigned i = 0; !r->dry && i < STAT_NR; i++)
		r->stats_count[i] = stat_get((enum stat)i);
	r->unwound_count = r->nr_unwound;
	return true;
}

static const struct {
	const char     *name;
	enum frame_kind kind;
} frame_counters[] = {
	{ "ANON_FRAMES", FRAME_ANON },
	{ "OBJECT_FRAMES", FRAME_OBJECT },
	{ "TABLE_FRAMES", FRAME_TABLE },
};

/* What lives now, beyond what did at the beginning: nothing did. */
static const struct {
	const char *name;
	uint64_t (*live)(void);
} live_counters[] = {
	{ "PROCESSES", proc_count },
	{ "HELD", resource_live },
	{ "OBJECTS", object_live },
	{ "REGIONS", space_live_regions },
};

/* A counter since the last count statement, or frames in use since the scenario began. */
static bool
counter_of(const struct run *r, const struct token *token, uint64_t *value)
{
	for (unsigned i = 0; i < STAT_NR; i++) {
		if (token_is(token, stat_name((enum stat)i))) {
			*value = r->dry ? 0 : stat_get((enum stat)i) - r->stats_count[i];
			return true;
		}
	}
	for (unsigned i = 0; i < ARRAY_SIZE(live_counters); i++) {
		if (token_is(token, live_counters[i].name)) {
			*value = r->dry ? 0 : live_counters[i].live();
			return true;
		}
	}
	if (token_is(token, "UNWOUND")) {
		*value = r->nr_unwound - r->unwound_count;
		return true;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(frame_counters); i++) {
		enum frame_kind kind = frame_counters[i].kind;

		if (token_is(token, frame_counters[i].name)) {
			*value = r->dry ? 0
					: frame_totals().by_kind[kind] -
						  r->frames_start.by_kind[kind];
			return true;
		}
	}
	return false;
}

static bool
parse_comparison(struct run *r, char *op)
{
	struct token token;

	if (!parse_token(r, &token, "=, <= or >="))
		return false;
	if (!token_is(&token, "=") && !token_is(&token, "<=") && !token_is(&token, ">="))
		return parse_expected(r, &token, "=, <= or >=");
	*op = token.text[0];
	return true;
}

static bool
holds(uint64_t got, char op, uint64_t want)
{
	return op == '<' ? got <= want : op == '>' ? got >= want : got == want;
}

static bool
counter_differs(struct run *r, const struct token *token, uint64_t got, char op, uint64_t want)
{
	char name[32];

	memcpy(name, token->text, min_u64(token->bytes, sizeof(name) - 1));
	name[min_u64(token->bytes, sizeof(name) - 1)] = 0;
	return run_failed(r, "%s: expected %s%llu, got %llu", name,
			  op == '='   ? ""
			  : op == '<' ? "at most "
				      : "at least ",
			  (unsigned long long)want, (unsigned long long)got);
}

/* expect COUNTER = N ... */
bool
statement_expect(struct run *r)
{
	static const char what[] = "a counter, like FAULT_COPY or ANON_FRAMES";
	struct token	  token;
	uint64_t	  want;
	uint64_t	  got;
	char		  op = '=';

	if (!parse_token(r, &token, what))
		return false;
	do {
		if (!counter_of(r, &token, &got))
			return parse_expected(r, &token, what);
		if (!parse_comparison(r, &op) || !parse_number(r, &want, "a number"))
			return false;
		if (r->dry)
			continue;
		r->result->calls++;
		if (holds(got, op, want))
			r->result->calls_equal++;
		else if (!counter_differs(r, &token, got, op, want))
			return false;
	} while (lexer_token(&r->lex, &token));
	return true;
}

static bool
compare_digest(struct run *r, const struct token *token, struct digest now)
{
	struct name *name = names_find(r->names, NAME_DIGEST, token->text, token->bytes);

	if (!name)
		return run_error(r, SCENARIO_SYNTAX, token->column,
				 "expected the name of a digest taken before");
	if (name->digest.lo == now.lo && name->digest.hi == now.hi)
		return true;
	return run_failed(r, "digest: expected everything to be as it was, it is not");
}

static bool
store_digest(struct run *r, const struct token *token, struct digest now)
{
	struct name *name = names_add(r->names, NAME_DIGEST, token->text, token->bytes);

	if (!name)
		return run_error(r, SCENARIO_SYNTAX, token->column,
				 "the scenario has too many names");
	name->digest = now;
	return true;
}

/* digest [P] -> NAME takes one of everything, or of one space; digest [P] = NAME compares. */
bool
statement_digest(struct run *r)
{
	static const char what[] = "a process, -> or =";
	struct name	 *process = NULL;
	struct token	  name;
	struct token	  token;
	struct digest	  now;
	bool		  store;

	if (!parse_token(r, &token, what))
		return false;
	if (!token_is(&token, "->") && !token_is(&token, "=")) {
		lexer_unread(&r->lex, &token);
		if (!parse_process(r, &process) || !parse_token(r, &token, "-> or ="))
			return false;
	}
	store = token_is(&token, "->");
	if (!store && !token_is(&token, "="))
		return parse_expected(r, &token, "-> or =");
	if (!parse_token(r, &name, "a name for the digest") || !parse_end(r))
		return false;
	if (r->dry)
		return true;
	now = process ? digest_space(space_of(process)) : digest_all();
	return store ? store_digest(r, &name, now) : compare_digest(r, &name, now);
}

/* fail N: the n-th allocation from now fails; fail N+: all from it on; fail off: none. */
bool
statement_fail(struct run *r)
{
	static const char what[] = "the number of an allocation, like 3 or 3+, or off";
	struct token	  token;
	struct token	  number;
	uint64_t	  n = 0;
	bool		  all;

	if (!parse_token(r, &token, what))
		return false;
	all = token.bytes > 1 && token.text[token.bytes - 1] == '+';
	number = token;
	number.bytes -= all;
	if (!token_is(&token, "off") && (!token_number(&number, &n) || n == 0))
		return parse_expected(r, &token, what);
	if (!parse_end(r))
		return false;
	if (!r->dry)
		stage_fail_allocation(n, all);
	return true;
}
