/* value.c - reads values, and makes their bytes. */
#include "scenario/value.h"

static bool
hex_byte(const struct token *token, uint8_t *byte)
{
	unsigned value = 0;

	if (token->quoted || token->bytes != 2)
		return false;
	for (unsigned i = 0; i < 2; i++) {
		char c = token->text[i];

		if (c >= '0' && c <= '9')
			value = value * 16 + (unsigned)(c - '0');
		else if (c >= 'a' && c <= 'f')
			value = value * 16 + (unsigned)(c - 'a') + 10;
		else
			return false;
	}
	*byte = (uint8_t)value;
	return true;
}

const char value_what[] =
	"a value: bytes like 41 0a, a text in quotes, zero N, fill BYTE N or file NAME OFFSET N";

static bool
parse_bytes(struct run *r, struct token *token, struct value *value)
{
	do {
		if (token_is(token, "=")) {
			lexer_unread(&r->lex, token);
			return true;
		}
		if (value->bytes == sizeof(value->literal))
			return parse_expected(r, token, "at most 128 bytes");
		if (!hex_byte(token, &value->literal[value->bytes]))
			return parse_expected(r, token,
					      value->bytes ? "a byte of two hexadecimal digits"
							   : value_what);
		value->bytes++;
	} while (lexer_token(&r->lex, token));
	return true;
}

static bool
parse_fill(struct run *r, struct value *value)
{
	struct token token;

	if (!parse_token(r, &token, "a byte of two hexadecimal digits"))
		return false;
	if (!hex_byte(&token, &value->fill))
		return parse_expected(r, &token, "a byte of two hexadecimal digits");
	return parse_number(r, &value->bytes, "how many bytes");
}

static bool
parse_file_value(struct run *r, struct value *value)
{
	struct name *file;

	if (!parse_file(r, &file) || !parse_number(r, &value->offset, "an offset in the file") ||
	    !parse_number(r, &value->bytes, "how many bytes"))
		return false;
	if (!r->dry)
		value->id = file->object->id;
	return true;
}

bool
parse_value(struct run *r, struct token *token, struct value *value)
{
	*value = (struct value){ .kind = VALUE_FILL };
	if (token_is(token, "zero"))
		return parse_number(r, &value->bytes, "how many bytes");
	if (token_is(token, "fill"))
		return parse_fill(r, value);
	if (token_is(token, "file")) {
		value->kind = VALUE_FILE;
		return parse_file_value(r, value);
	}
	value->kind = VALUE_BYTES;
	if (!token->quoted)
		return parse_bytes(r, token, value);
	if (token->bytes > sizeof(value->literal))
		return parse_expected(r, token, "a text of at most 128 bytes");
	memcpy(value->literal, token->text, token->bytes);
	value->bytes = token->bytes;
	return true;
}

uint8_t
value_byte(const struct value *value, uint64_t at)
{
	switch (value->kind) {
	case VALUE_BYTES:
		return value->literal[at];
	case VALUE_FILE:
		return object_pattern(value->id, value->offset + at);
	case VALUE_FILL:
		break;
	}
	return value->fill;
}

size_t
value_difference(const struct value *value, uint64_t at, const uint8_t *got, size_t bytes)
{
	size_t i = 0;

	while (i < bytes && got[i] == value_byte(value, at + i))
		i++;
	return i;
}
