/* lexer.c - lines and words of a scenario. Pure functions of the text. */
#include "scenario/lexer.h"

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

void
lexer_init(struct lexer *lex, const char *text, size_t bytes)
{
	*lex = (struct lexer){
		.next = text, .end = text + bytes, .start = text, .stop = text, .at = text
	};
}

/* Take the line at lex->next, whatever it holds. */
static bool
take_line(struct lexer *lex)
{
	const char *p = lex->next;

	if (p == lex->end)
		return false;
	lex->start = p;
	lex->at = p;
	while (p != lex->end && *p != '\n')
		p++;
	lex->stop = p;
	lex->next = p == lex->end ? p : p + 1;
	lex->line++;
	return true;
}

static void
skip_blanks(struct lexer *lex)
{
	while (lex->at != lex->stop && is_blank(*lex->at))
		lex->at++;
}

bool
lexer_line(struct lexer *lex)
{
	while (take_line(lex)) {
		skip_blanks(lex);
		if (lex->at != lex->stop && *lex->at != '#')
			return true;
	}
	lex->at = lex->stop;
	return false;
}

bool
lexer_block_line(struct lexer *lex)
{
	struct lexer before = *lex;

	if (lexer_line(lex) && lexer_indented(lex))
		return true;
	*lex = before;
	return false;
}

bool
lexer_indented(const struct lexer *lex)
{
	return lex->start != lex->stop && is_blank(*lex->start);
}

/* The rest of a word in quotes; a backslash keeps the next byte from ending it. */
static void
take_quoted(struct lexer *lex, struct token *token)
{
	const char *p = ++lex->at;

	token->quoted = true;
	token->text = p;
	while (p != lex->stop && *p != '"')
		p += *p == '\\' && p + 1 != lex->stop ? 2 : 1;
	token->bytes = (size_t)(p - token->text);
	lex->at = p == lex->stop ? p : p + 1;
}

bool
lexer_token(struct lexer *lex, struct token *token)
{
	const char *p;

	skip_blanks(lex);
	p = lex->at;
	*token = (struct token){ .text = p, .column = (uint32_t)(p - lex->start) + 1 };
	if (p == lex->stop || *p == '#') {
		lex->at = lex->stop;
		return false;
	}
	if (*p == '"') {
		take_quoted(lex, token);
		return true;
	}
	while (p != lex->stop && !is_blank(*p))
		p++;
	token->bytes = (size_t)(p - token->text);
	lex->at = p;
	return true;
}

void
lexer_unread(struct lexer *lex, const struct token *token)
{
	lex->at = token->text - (token->quoted ? 1 : 0);
}

bool
lexer_comment(const struct lexer *lex, struct token *comment)
{
	struct lexer rest = *lex;

	while (lexer_token(&rest, comment))
		;
	if (comment->text == lex->stop)
		return false;
	comment->text++;
	while (comment->text != lex->stop && is_blank(*comment->text))
		comment->text++;
	comment->column = (uint32_t)(comment->text - lex->start) + 1;
	comment->bytes = (size_t)(lex->stop - comment->text);
	return true;
}

bool
token_is(const struct token *token, const char *word)
{
	size_t i = 0;

	if (token->quoted)
		return false;
	while (i < token->bytes && word[i] != 0 && word[i] == token->text[i])
		i++;
	return i == token->bytes && word[i] == 0;
}

static unsigned
digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a') + 10;
	if (c >= 'A' && c <= 'F')
		return (unsigned)(c - 'A') + 10;
	return 16;
}

static unsigned
suffix_shift(char c)
{
	switch (c) {
	case 'K':
		return 10;
	case 'M':
		return 20;
	case 'G':
		return 30;
	case 'T':
		return 40;
	default:
		return 0;
	}
}

size_t
number_read(const char *text, size_t bytes, uint64_t *value)
{
	bool	 hex = bytes > 2 && text[0] == '0' && text[1] == 'x';
	unsigned base = hex ? 16 : 10;
	size_t	 first = hex ? 2 : 0;
	size_t	 i = first;
	unsigned shift;
	uint64_t n = 0;

	for (; i < bytes && digit(text[i]) < base; i++) {
		if (n > (UINT64_MAX - digit(text[i])) / base)
			return 0;
		n = n * base + digit(text[i]);
	}
	if (i == first)
		return 0;
	shift = i < bytes ? suffix_shift(text[i]) : 0;
	if (shift) {
		if (n > UINT64_MAX >> shift)
			return 0;
		n <<= shift;
		i++;
	}
	*value = n;
	return i;
}

bool
token_number(const struct token *token, uint64_t *value)
{
	return !token->quoted && token->bytes > 0 &&
	       number_read(token->text, token->bytes, value) == token->bytes;
}
