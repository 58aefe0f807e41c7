/*
 * access.c - what programs do to memory: loads, stores and fetches.
 *
 * An access goes through the stage, so it faults and is retried like a user
 * instruction. Values may be long; they are made and compared piece by piece.
 */
#include "scenario/run.h"

#define PIECE 512

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

static const char value_what[] =
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

/* A value whose first word has been read. */
static bool
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

static uint8_t
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

/* What an access must come to. */
struct access_want {
	bool		  is_fault;
	enum fault_result fault;
	bool		  has_value;
	struct value	  value;
};

static bool
parse_access_want(struct run *r, bool may_be_value, struct access_want *want)
{
	struct token token;

	*want = (struct access_want){ .value = { .bytes = 1 } };
	if (!parse_word(r, "="))
		return parse_end(r);
	if (!parse_token(r, &token, "a value or a fault like SEGV_MAPERR"))
		return false;
	if (!parse_fault(r, &token, &want->fault, &want->is_fault)) {
		if (!may_be_value)
			return parse_expected(r, &token,
					      "SEGV_MAPERR, SEGV_ACCERR, BUS_ADRERR or NOMEM");
		want->has_value = true;
		if (!parse_value(r, &token, &want->value))
			return false;
	}
	return parse_end(r);
}

static bool
fault_differs(struct run *r, const char *verb, const struct access_want *want,
	      enum fault_result got)
{
	const char *expected = want->is_fault ? fault_result_name(want->fault) : "success";

	return run_failed(r, "%s: expected %s, got %s", verb, expected,
			  got == FAULT_DONE ? "success" : fault_result_name(got));
}

/* The first byte of a piece that is not as wanted; `bytes` if all are. */
static size_t
first_difference(const struct value *value, uint64_t at, const uint8_t *got, size_t bytes)
{
	size_t i = 0;

	while (i < bytes && got[i] == value_byte(value, at + i))
		i++;
	return i;
}

/* One piece of an access that succeeded; *equal turns false at the first difference. */
static bool
compare_piece(struct run *r, const char *verb, const struct access_want *want, uint64_t at,
	      const uint8_t *got, size_t bytes, bool *equal)
{
	size_t i;

	if (!want->has_value || !*equal)
		return true;
	i = first_difference(&want->value, at, got, bytes);
	if (i == bytes)
		return true;
	*equal = false;
	return run_failed(r, "%s: expected byte %llu to be %02x, got %02x", verb,
			  (unsigned long long)(at + i), value_byte(&want->value, at + i), got[i]);
}

/* The access itself, piece by piece, ended by the first fault. */
static bool
do_access(struct run *r, const char *verb, enum access access, struct space *sp, vaddr_t va,
	  const struct value *value, const struct access_want *want)
{
	uint8_t	 piece[PIECE];
	uint64_t done = 0;
	bool	 equal = true;

	r->result->calls++;
	while (done < value->bytes) {
		size_t		  n = (size_t)min_u64(value->bytes - done, sizeof(piece));
		enum fault_result got;

		for (size_t i = 0; access == ACCESS_STORE && i < n; i++)
			piece[i] = value_byte(value, done + i);
		got = stage_access(r->cpu, sp, access, va + done, piece, n);
		if (got != FAULT_DONE) {
			if (!want->is_fault || got != want->fault)
				return fault_differs(r, verb, want, got);
			r->result->calls_equal++;
			return true;
		}
		if (access != ACCESS_STORE && !compare_piece(r, verb, want, done, piece, n, &equal))
			return false;
		done += n;
		if (!run_work(r))
			return false;
	}
	if (want->is_fault)
		return fault_differs(r, verb, want, FAULT_DONE);
	r->result->calls_equal += equal;
	return true;
}

static bool
read_access(struct run *r, const char *verb, enum access access)
{
	struct access_want want;
	struct name	  *name;
	vaddr_t		   va;

	if (!parse_process(r, &name) || !parse_number(r, &va, "an address") ||
	    !parse_access_want(r, true, &want))
		return false;
	return r->dry || do_access(r, verb, access, space_of(name), va, &want.value, &want);
}

/* load P ADDR [= VALUE | = FAULT] */
bool
statement_load(struct run *r)
{
	return read_access(r, "load", ACCESS_LOAD);
}

/* fetch P ADDR [= VALUE | = FAULT] */
bool
statement_fetch(struct run *r)
{
	return read_access(r, "fetch", ACCESS_FETCH);
}

/* store P ADDR VALUE [= FAULT] */
bool
statement_store(struct run *r)
{
	struct access_want want;
	struct value	   value;
	struct token	   token;
	struct name	  *name;
	vaddr_t		   va;

	if (!parse_process(r, &name) || !parse_number(r, &va, "an address") ||
	    !parse_token(r, &token, value_what))
		return false;
	if (token_is(&token, "="))
		return parse_expected(r, &token, value_what);
	if (!parse_value(r, &token, &value) || !parse_access_want(r, false, &want))
		return false;
	return r->dry || do_access(r, "store", ACCESS_STORE, space_of(name), va, &value, &want);
}
