/*
 * value.h - bytes as a scenario writes them: what is stored, and what must be there.
 *
 * A value may be long; it is made and compared piece by piece.
 */
#pragma once

#include "scenario/run.h"

#define VALUE_PIECE 512

enum value_kind {
	VALUE_BYTES, /* hexadecimal bytes or a text, in the line itself */
	VALUE_FILL,  /* one byte, repeated */
	VALUE_FILE,  /* what a file holds */
};

struct value {
	enum value_kind kind;
	uint64_t	bytes;
	uint8_t		fill;
	uint64_t	id, offset; /* of a file */
	uint8_t		literal[128];
};

/* What must stand where a value does. */
extern const char value_what[];

/* parse_value - a value whose first word has been read. */
bool parse_value(struct run *r, struct token *token, struct value *value);

/* value_byte - byte `at` of it. */
uint8_t value_byte(const struct value *value, uint64_t at);

/* value_difference - the first byte of a piece from byte `at` that is not as the value says; `bytes`: none. */
size_t value_difference(const struct value *value, uint64_t at, const uint8_t *got, size_t bytes);
