/*
 * parse.c - the operands of statements, and the errors that say what was expected.
 *
 * In the dry pass no name has a value yet: names are only checked for their form,
 * and numbers made of labels are 0.
 */
#include "scenario/call.h"
#include "scenario/kin.h"

static bool
is_name_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool
is_name_byte(char c)
{
	return is_name_start(c) || (c >= '0' && c <= '9') || c == '_';
}

/* A word of the text in a message: what cannot be printed becomes '?', a long one is cut. */
static const char *
shown(const struct token *token, char *buf, size_t bytes)
{
	size_t n = token->bytes < bytes - 4 ? token->bytes : bytes - 4;

	for (size_t i = 0; i < n; i++)
		buf[i] = token->text[i] >= 0x20 && token->text[i] < 0x7f ? token->text[i] : '?';
	memcpy(buf + n, n < token->bytes ? "..." : "", n < token->bytes ? 4 : 1);
	return buf;
}

bool
parse_expected(struct run *r, const struct token *token, const char *what)
{
	char buf[64];

	if (token->bytes == 0 && !token->quoted)
		return run_error(r, SCENARIO_SYNTAX, token->column,
				 "expected %s, got the end of the line", what);
	return run_error(r, SCENARIO_SYNTAX, token->column, "expected %s, got '%s'", what,
			 shown(token, buf, sizeof(buf)));
}

bool
parse_token(struct run *r, struct token *token, const char *what)
{
	return lexer_token(&r->lex, token) || parse_expected(r, token, what);
}

bool
parse_end(struct run *r)
{
	struct token token;

	return !lexer_token(&r->lex, &token) || parse_expected(r, &token, "the end of the line");
}

bool
parse_word(struct run *r, const char *word)
{
	struct lexer before = r->lex;
	struct token token;

	if (lexer_token(&r->lex, &token) && token_is(&token, word))
		return true;
	r->lex = before;
	return false;
}

bool
parse_equals(struct run *r)
{
	struct token token;

	if (!parse_token(r, &token, "="))
		return false;
	return token_is(&token, "=") || parse_expected(r, &token, "=");
}

bool
token_key(const struct token *token, const char *key, struct token *rest)
{
	size_t i = 0;

	if (token->quoted)
		return false;
	while (key[i] != 0 && i < token->bytes && token->text[i] == key[i])
		i++;
	if (key[i] != 0 || i == token->bytes || token->text[i] != '=')
		return false;
	*rest = (struct token){ .text = token->text + i + 1,
				.bytes = token->bytes - i - 1,
				.column = token->column + (uint32_t)i + 1 };
	return true;
}

/* Names that every scenario has. */
static bool
constant_of(const char *text, size_t bytes, uint64_t *value)
{
	struct token token = { .text = text, .bytes = bytes };

	if (token_is(&token, "PAGE"))
		*value = ARCH_PAGE_SIZE;
	else if (token_is(&token, "LEVELS"))
		*value = ARCH_PT_LEVELS;
	else if (token_is(&token, "TOP"))
		*value = space_default_layout().end;
	else
		return false;
	return true;
}

/* One number or name at the start of [*text, end); *text moves behind it. */
static bool
term_of(struct run *r, const struct token *token, const char **text, uint64_t *value,
	const char *what)
{
	const char  *end = token->text + token->bytes;
	const char  *p = *text;
	struct name *label;
	size_t	     n = number_read(p, (size_t)(end - p), value);

	if (n == 0) {
		while (p + n < end && (n ? is_name_byte(p[n]) : is_name_start(p[n])))
			n++;
		if (n == 0)
			return parse_expected(r, token, what);
		if (!constant_of(p, n, value)) {
			label = names_find(r->names, NAME_LABEL, p, n);
			*value = label ? label->value : 0;
			if (!r->dry && (!label || !label->is_set))
				return run_error(
					r, SCENARIO_SYNTAX, token->column,
					"expected %s: no label of this name has a value yet", what);
		}
	}
	*text = p + n;
	return true;
}

bool
number_of(struct run *r, const struct token *token, uint64_t *value, const char *what)
{
	const char *end = token->text + token->bytes;
	const char *p = token->text;
	uint64_t    term;

	if (token->quoted || token->bytes == 0)
		return parse_expected(r, token, what);
	if (!term_of(r, token, &p, value, what))
		return false;
	while (p != end) {
		bool minus = *p == '-';

		if (*p != '+' && *p != '-')
			return parse_expected(r, token, what);
		p++;
		if (!term_of(r, token, &p, &term, what))
			return false;
		*value = minus ? *value - term : *value + term;
	}
	return true;
}

bool
parse_number(struct run *r, uint64_t *value, const char *what)
{
	struct token token;

	return parse_token(r, &token, what) && number_of(r, &token, value, what);
}

static bool
is_process_name(const struct token *token)
{
	for (size_t i = 0; i < token->bytes; i++) {
		if (!is_name_byte(token->text[i]) && token->text[i] != '-' && token->text[i] != '.')
			return false;
	}
	return !token->quoted && token->bytes > 0 && token->bytes <= 64;
}

/* find_process - in one of these states, of which bit n stands for state n. */
static bool
find_process(struct run *r, struct name **name, unsigned states, const char *what)
{
	struct token token;
	char	     buf[72];

	*name = NULL;
	if (!parse_token(r, &token, "the name of a process"))
		return false;
	if (!is_process_name(&token))
		return parse_expected(r, &token, "the name of a process");
	if (r->dry)
		return true;
	*name = names_find(r->names, NAME_PROCESS, token.text, token.bytes);
	if (!*name || !(*name)->is_set || !(states >> (*name)->process->state & 1))
		return run_error(r, SCENARIO_SYNTAX, token.column, "expected %s, got '%s'", what,
				 shown(&token, buf, sizeof(buf)));
	if (!r->actor)
		r->actor = *name;
	return true;
}

bool
parse_process(struct run *r, struct name **name)
{
	return find_process(r, name, 1u << PROCESS_ALIVE, "a living process");
}

bool
parse_lasting(struct run *r, struct name **name)
{
	return find_process(r, name, 1u << PROCESS_ALIVE | 1u << PROCESS_STOPPED,
			    "a process that has not exited");
}

bool
parse_any_process(struct run *r, struct name **name)
{
	return find_process(r, name, ~0u, "a process that nobody has waited for yet");
}

bool
parse_new_process(struct run *r, struct name **name)
{
	struct token token;
	char	     buf[72];

	*name = NULL;
	if (!parse_token(r, &token, "a name for the process"))
		return false;
	if (!is_process_name(&token))
		return parse_expected(r, &token, "a name for the process");
	if (r->dry)
		return true;
	*name = names_add(r->names, NAME_PROCESS, token.text, token.bytes);
	if (!*name)
		return run_error(r, SCENARIO_SYNTAX, token.column,
				 "the scenario has too many names");
	if ((*name)->is_set && process_is_gone(*name))
		process_unname(r, *name);
	if ((*name)->is_set)
		return run_error(r, SCENARIO_SYNTAX, token.column,
				 "expected a name that no process has, got '%s'",
				 shown(&token, buf, sizeof(buf)));
	if (!r->actor)
		r->actor = *name;
	return true;
}

bool
parse_file(struct run *r, struct name **name)
{
	struct token token;
	char	     buf[96];

	*name = NULL;
	if (!parse_token(r, &token, "the name of a file"))
		return false;
	if (r->dry)
		return true;
	*name = names_find(r->names, NAME_FILE, token.text, token.bytes);
	if (!*name || !(*name)->is_set)
		return run_error(r, SCENARIO_SYNTAX, token.column,
				 "expected the name of a file, got '%s'",
				 shown(&token, buf, sizeof(buf)));
	return true;
}

bool
parse_prot(struct run *r, unsigned *prot)
{
	static const char letters[3] = { 'r', 'w', 'x' };
	struct token	  token;
	uint64_t	  value;
	unsigned	  bits = 0;

	if (!parse_token(r, &token, "a protection like rw-"))
		return false;
	if (token_number(&token, &value)) {
		*prot = (unsigned)value;
		return value <= UINT32_MAX || parse_expected(r, &token, "a protection of 32 bits");
	}
	if (token.quoted || token.bytes != 3)
		return parse_expected(r, &token, "a protection like rw-");
	for (unsigned i = 0; i < 3; i++) {
		if (token.text[i] == letters[i])
			bits |= 1u << i;
		else if (token.text[i] != '-')
			return parse_expected(r, &token, "a protection like rw-");
	}
	*prot = bits;
	return true;
}

bool
parse_fault(struct run *r, const struct token *token, enum fault_result *fault, bool *is_fault)
{
	static const enum fault_result faults[] = { FAULT_SEGV_MAPERR, FAULT_SEGV_ACCERR,
						    FAULT_BUS_ADRERR, FAULT_NOMEM };

	(void)r;
	*is_fault = false;
	for (unsigned i = 0; i < ARRAY_SIZE(faults); i++) {
		if (token_is(token, fault_result_name(faults[i]))) {
			*fault = faults[i];
			*is_fault = true;
		}
	}
	return *is_fault;
}

static bool
flag_of(const struct flag_word *words, const struct token *word, unsigned *flags)
{
	uint64_t value;

	if (token_number(word, &value) && value <= UINT32_MAX) {
		*flags |= (unsigned)value;
		return true;
	}
	for (; words->word; words++) {
		if (token_is(word, words->word)) {
			*flags |= words->bits;
			return true;
		}
	}
	return false;
}

bool
parse_flags(struct run *r, const struct flag_word *words, const char *what, unsigned *flags)
{
	struct token token;
	size_t	     at = 0;

	*flags = 0;
	if (!parse_token(r, &token, what))
		return false;
	while (at <= token.bytes) {
		struct token word = { .text = token.text + at,
				      .column = token.column + (uint32_t)at,
				      .quoted = token.quoted };

		while (at + word.bytes < token.bytes && word.text[word.bytes] != ',')
			word.bytes++;
		if (!flag_of(words, &word, flags))
			return parse_expected(r, &word, what);
		at += word.bytes + 1;
	}
	return true;
}

static bool
error_of(const struct token *token, err_t *err)
{
	static const err_t all[] = { ERR_PERM,	ERR_NOENT,  ERR_SRCH,	  ERR_INTR,	ERR_IO,
				     ERR_BADF,	ERR_CHILD,  ERR_AGAIN,	  ERR_NOMEM,	ERR_ACCES,
				     ERR_FAULT, ERR_BUSY,   ERR_EXIST,	  ERR_NODEV,	ERR_INVAL,
				     ERR_MFILE, ERR_DEADLK, ERR_OVERFLOW, ERR_OPNOTSUPP };

	for (unsigned i = 0; i < ARRAY_SIZE(all); i++) {
		if (token_is(token, err_name(all[i]))) {
			*err = all[i];
			return true;
		}
	}
	return false;
}

static bool
parse_label(struct run *r, struct name **label)
{
	struct token token;
	bool	     good;

	if (!parse_token(r, &token, "a label"))
		return false;
	good = !token.quoted && token.bytes <= 64 && is_name_start(token.text[0]);
	for (size_t i = 0; good && i < token.bytes; i++)
		good = is_name_byte(token.text[i]);
	if (!good)
		return parse_expected(r, &token, "a label of letters, digits and '_'");
	if (r->dry)
		return true;
	*label = names_add(r->names, NAME_LABEL, token.text, token.bytes);
	return *label != NULL ||
	       run_error(r, SCENARIO_SYNTAX, token.column, "the scenario has too many names");
}

bool
parse_wanted(struct run *r, struct wanted *wanted)
{
	struct token token;

	*wanted = (struct wanted){ 0 };
	if (parse_word(r, "=")) {
		if (!parse_token(r, &token, "a result: a number or an error like ENOMEM"))
			return false;
		wanted->given = true;
		wanted->is_error = error_of(&token, &wanted->err);
		if (!wanted->is_error && token.text[0] == 'E' && token.bytes > 1 &&
		    token.text[1] >= 'A' && token.text[1] <= 'Z')
			return parse_expected(r, &token, "an error that the library has");
		if (!wanted->is_error && !number_of(r, &token, &wanted->value,
						    "a result: a number or an error like ENOMEM"))
			return false;
	}
	if (parse_word(r, "->") && !parse_label(r, &wanted->label))
		return false;
	return parse_end(r);
}
