/*
 * access.c - what programs do to memory: loads, stores and fetches.
 *
 * An access goes through the stage, so it faults and is retried like a user
 * instruction. Values may be long; they are made and compared piece by piece.
 */
#include "scenario/signals.h"
#include "scenario/value.h"

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

/* One piece of an access that succeeded; *equal turns false at the first difference. */
static bool
compare_piece(struct run *r, const char *verb, const struct access_want *want, uint64_t at,
	      const uint8_t *got, size_t bytes, bool *equal)
{
	size_t i;

	if (!want->has_value || !*equal)
		return true;
	i = value_difference(&want->value, at, got, bytes);
	if (i == bytes)
		return true;
	*equal = false;
	return run_failed(r, "%s: expected byte %llu to be %02x, got %02x", verb,
			  (unsigned long long)(at + i), value_byte(&want->value, at + i), got[i]);
}

/* The access itself, piece by piece, ended by the first fault. */
static bool
do_access(struct run *r, const char *verb, enum access access, struct name *name, vaddr_t va,
	  const struct value *value, const struct access_want *want)
{
	uint8_t	 piece[VALUE_PIECE];
	uint64_t done = 0;
	vaddr_t	 failed;
	bool	 equal = true;

	r->result->calls++;
	while (done < value->bytes) {
		size_t		  n = (size_t)min_u64(value->bytes - done, sizeof(piece));
		enum fault_result got;

		for (size_t i = 0; access == ACCESS_STORE && i < n; i++)
			piece[i] = value_byte(value, done + i);
		got = stage_access(r->cpu, space_of(name), access, va + done, piece, n, &failed);
		if (got != FAULT_DONE) {
			if (!want->is_fault || got != want->fault)
				return fault_differs(r, verb, want, got);
			r->result->calls_equal++;
			return signals_after_fault(r, name, got, failed);
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
	return r->dry || do_access(r, verb, access, name, va, &want.value, &want);
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
	return r->dry || do_access(r, "store", ACCESS_STORE, name, va, &value, &want);
}
