/*
 * lexer.h - lines and words of a scenario.
 *
 * A line is words between blanks; '#' at the start of a word begins a comment;
 * a word in double quotes may hold blanks. An indented line belongs to the
 * block of the statement above it. The text is never copied or changed.
 */
#pragma once

#include <anymm/compiler.h>

struct token {
	const char *text; /* without quotes */
	size_t	    bytes;
	uint32_t    column; /* from 1 */
	bool	    quoted;
};

struct lexer {
	const char *next;  /* start of the line after the current one */
	const char *end;   /* of the text */
	const char *start; /* of the current line */
	const char *stop;  /* its end */
	const char *at;	   /* first byte not read yet */
	uint32_t    line;  /* from 1; 0 before the first */
};

void lexer_init(struct lexer *lex, const char *text, size_t bytes);

/* lexer_line - go to the next line that holds a word; false: the text is over. */
bool lexer_line(struct lexer *lex);

/* lexer_block_line - go to the next line that holds a word if it is indented; else stay. */
bool lexer_block_line(struct lexer *lex);

/* lexer_indented - the current line begins with a blank. */
bool lexer_indented(const struct lexer *lex);

/* lexer_token - the next word; false: the line is over, and *token is its empty end. */
bool lexer_token(struct lexer *lex, struct token *token);

/* lexer_comment - what stands behind the '#' of the current line; false: it has no comment. */
bool lexer_comment(const struct lexer *lex, struct token *comment);

/* lexer_unread - the last word was not meant for the caller. */
void lexer_unread(struct lexer *lex, const struct token *token);

/* token_is - the word is exactly this, unquoted. */
bool token_is(const struct token *token, const char *word);

/* token_number - a whole unquoted word that is one number with an optional suffix K, M, G or T. */
bool token_number(const struct token *token, uint64_t *value);

/*
 * number_read - a number at the start of text: 0x and hexadecimal digits, or
 * decimal digits with an optional suffix. Returns bytes read; 0: none, or more than 64 bits.
 */
size_t number_read(const char *text, size_t bytes, uint64_t *value);
