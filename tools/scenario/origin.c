/*
 * origin.c - where a scenario comes from.
 *
 * A scenario made from a recording says so once (`source FILE`), and behind each of its
 * statements a comment holds the line of that file: `# 123`. A result that differs is then
 * told with the recording's line and the process, which one can look up there.
 */
#include "scenario/run.h"

/* source FILE: the numbers in comments are lines of it. */
bool
statement_source(struct run *r)
{
	struct token token;

	if (!parse_token(r, &token, "the name of a file of the recording") || !parse_end(r))
		return false;
	if (!r->dry)
		r->source = token;
	return true;
}

/* cut "REASON": the recording ends before the programs did. */
bool
statement_cut(struct run *r)
{
	struct token token;
	size_t	     bytes;

	if (!parse_token(r, &token, "the reason in quotes"))
		return false;
	if (!token.quoted)
		return parse_expected(r, &token, "the reason in quotes");
	if (!parse_end(r))
		return false;
	if (r->dry)
		return true;
	bytes = min_u64(token.bytes, sizeof(r->result->cut) - 1);
	memcpy(r->result->cut, token.text, bytes);
	r->result->cut[bytes] = 0;
	return true;
}

void
origin_start(struct run *r)
{
	struct token comment;
	struct token number;
	uint64_t     line;

	r->source_line = 0;
	r->actor = NULL;
	if (r->source.bytes == 0 || !lexer_comment(&r->lex, &comment))
		return;
	number = (struct token){ .text = comment.text };
	while (number.bytes < comment.bytes && comment.text[number.bytes] != ' ')
		number.bytes++;
	if (token_number(&number, &line) && line <= UINT32_MAX)
		r->source_line = (unsigned)line;
}

/* Append a text that is not terminated, as far as there is room. */
static size_t
append(char *buf, size_t bytes, size_t at, const char *text, size_t n)
{
	n = min_u64(n, bytes - 1 - at);
	memcpy(buf + at, text, n);
	buf[at + n] = 0;
	return at + n;
}

void
origin_text(const struct run *r, char *buf, size_t bytes)
{
	char   number[32];
	size_t at = 0;

	buf[0] = 0;
	if (r->source_line) {
		at = append(buf, bytes, at, r->source.text, r->source.bytes);
		at = append(buf, bytes, at, number,
			    format(number, sizeof(number), ":%u, ", r->source_line));
	}
	if (r->source_line && r->actor) {
		at = append(buf, bytes, at, "process ", 8);
		at = append(buf, bytes, at, r->actor->text, r->actor->bytes);
		at = append(buf, bytes, at, ", ", 2);
	}
	if (at > 0)
		(void)append(buf, bytes, at - 2, ": ", 2);
}
