/*
 * call.c - the mmap family, each call with the result it must have.
 *
 * Addresses and lengths go to the library as they stand: what is wrong with
 * them is the library's to say.
 */
#include "scenario/run.h"

struct space_call {
	struct space	  *space;
	struct map_request map;
	vaddr_t		   addr;
	uint64_t	   length;
	unsigned	   arg; /* protection or advice */
	vaddr_t		   value;
	err_t		   err;
};

/* A result in words: an error's name, or a value. */
static const char *
result_text(char *buf, size_t bytes, err_t err, uint64_t value, bool has_value)
{
	if (err != OK)
		format(buf, bytes, "%s", err_name(err));
	else if (has_value)
		format(buf, bytes, "0x%llx", (unsigned long long)value);
	else
		format(buf, bytes, "success");
	return buf;
}

static bool
is_as_wanted(const struct wanted *wanted, err_t err, uint64_t value)
{
	if (!wanted->given)
		return err == OK;
	if (wanted->is_error)
		return err == wanted->err;
	return err == OK && value == wanted->value;
}

bool
compare_result(struct run *r, const char *call, const struct wanted *wanted, err_t err,
	       uint64_t value, bool has_value)
{
	char want[32] = "success";
	char got[32];

	if (wanted->label) {
		wanted->label->value = value;
		wanted->label->is_set = err == OK;
	}
	r->result->calls++;
	if (is_as_wanted(wanted, err, value)) {
		r->result->calls_equal++;
		return true;
	}
	if (wanted->given)
		result_text(want, sizeof(want), wanted->is_error ? wanted->err : OK, wanted->value,
			    has_value);
	return run_failed(r, "%s: expected %s, got %s", call, want,
			  result_text(got, sizeof(got), err, value, has_value));
}

static const struct {
	const char *word;
	unsigned    bits;
} map_flags[] = {
	{ "private", MAPF_PRIVATE },
	{ "shared", MAPF_SHARED },
	{ "validate", MAPF_SHARED_VALIDATE },
	{ "fixed", MAPF_FIXED },
	{ "noreplace", MAPF_FIXED_NOREPLACE },
	{ "anon", MAPF_ANONYMOUS },
	{ "32bit", MAPF_32BIT },
	{ "growsdown", MAPF_GROWSDOWN },
	{ "denywrite", MAPF_DENYWRITE },
	{ "locked", MAPF_LOCKED },
	{ "noreserve", MAPF_NORESERVE },
	{ "populate", MAPF_POPULATE },
	{ "stack", MAPF_STACK },
	{ "hugetlb", MAPF_HUGETLB },
};

static bool
map_flag(const struct token *word, unsigned *flags)
{
	uint64_t value;

	if (token_number(word, &value) && value <= UINT32_MAX) {
		*flags |= (unsigned)value;
		return true;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(map_flags); i++) {
		if (token_is(word, map_flags[i].word)) {
			*flags |= map_flags[i].bits;
			return true;
		}
	}
	return false;
}

/* private,anon,fixed: words or numbers joined by commas. */
static bool
parse_map_flags(struct run *r, unsigned *flags)
{
	static const char what[] = "flags like private,anon";
	struct token	  token;
	size_t		  at = 0;

	*flags = 0;
	if (!parse_token(r, &token, what))
		return false;
	while (at <= token.bytes) {
		struct token word = { .text = token.text + at,
				      .column = token.column + (uint32_t)at,
				      .quoted = token.quoted };

		while (at + word.bytes < token.bytes && word.text[word.bytes] != ',')
			word.bytes++;
		if (!map_flag(&word, flags))
			return parse_expected(r, &word,
					      "a flag like private, shared, anon, fixed, "
					      "noreplace, noreserve, stack or growsdown");
		at += word.bytes + 1;
	}
	return true;
}

static bool
parse_map_file(struct run *r, struct map_request *map)
{
	struct token token;
	struct name *file;

	if (!lexer_token(&r->lex, &token))
		return true;
	lexer_unread(&r->lex, &token);
	if (token_is(&token, "=") || token_is(&token, "->"))
		return true;
	if (token_is(&token, "offset")) {
		(void)lexer_token(&r->lex, &token);
	} else {
		if (!parse_file(r, &file))
			return false;
		if (!r->dry) {
			map->object = file->object;
			map->align_by_offset = file->align;
		}
	}
	if (!parse_number(r, &map->offset, "an offset in the file"))
		return false;
	map->readonly_file = parse_word(r, "readonly");
	return true;
}

static void
call_map(void *arg)
{
	struct space_call *call = arg;

	call->err = space_map(call->space, &call->map, &call->value);
}

/* mmap P ADDR LENGTH PROT FLAGS [FILE OFFSET [readonly] | offset OFFSET] [= RESULT] [-> LABEL] */
bool
statement_mmap(struct run *r)
{
	struct space_call call = { 0 };
	struct wanted	  wanted;
	struct name	 *name;

	if (!parse_process(r, &name) ||
	    !parse_number(r, &call.map.addr, "an address, or 0 for any") ||
	    !parse_number(r, &call.map.length, "a length in bytes") ||
	    !parse_prot(r, &call.map.prot) || !parse_map_flags(r, &call.map.flags) ||
	    !parse_map_file(r, &call.map) || !parse_wanted(r, &wanted))
		return false;
	if (r->dry)
		return true;
	call.space = space_of(name);
	stage_on_cpu(r->cpu, call_map, &call);
	return compare_result(r, "mmap", &wanted, call.err, call.value, true);
}

static bool
parse_span(struct run *r, struct space_call *call)
{
	struct name *name;

	if (!parse_process(r, &name) || !parse_number(r, &call->addr, "an address") ||
	    !parse_number(r, &call->length, "a length in bytes"))
		return false;
	if (!r->dry)
		call->space = space_of(name);
	return true;
}

static void
call_unmap(void *arg)
{
	struct space_call *call = arg;

	call->err = space_unmap(call->space, call->addr, call->length);
}

/* munmap P ADDR LENGTH [= RESULT] */
bool
statement_munmap(struct run *r)
{
	struct space_call call = { 0 };
	struct wanted	  wanted;

	if (!parse_span(r, &call) || !parse_wanted(r, &wanted))
		return false;
	if (r->dry)
		return true;
	stage_on_cpu(r->cpu, call_unmap, &call);
	return compare_result(r, "munmap", &wanted, call.err, 0, false);
}

static void
call_protect(void *arg)
{
	struct space_call *call = arg;

	call->err = space_protect(call->space, call->addr, call->length, call->arg);
}

/* mprotect P ADDR LENGTH PROT [= RESULT] */
bool
statement_mprotect(struct run *r)
{
	struct space_call call = { 0 };
	struct wanted	  wanted;

	if (!parse_span(r, &call) || !parse_prot(r, &call.arg) || !parse_wanted(r, &wanted))
		return false;
	if (r->dry)
		return true;
	stage_on_cpu(r->cpu, call_protect, &call);
	return compare_result(r, "mprotect", &wanted, call.err, 0, false);
}

static bool
parse_advice(struct run *r, unsigned *advice)
{
	static const struct {
		const char *word;
		enum advice advice;
	} all[] = {
		{ "normal", ADVICE_NORMAL },
		{ "dontneed", ADVICE_DONTNEED },
		{ "free", ADVICE_FREE },
		{ "dontfork", ADVICE_DONTFORK },
		{ "dofork", ADVICE_DOFORK },
		{ "wipeonfork", ADVICE_WIPEONFORK },
		{ "keeponfork", ADVICE_KEEPONFORK },
		{ "guard", ADVICE_GUARD_INSTALL },
		{ "unguard", ADVICE_GUARD_REMOVE },
	};
	struct token token;
	uint64_t     value;

	if (!parse_token(r, &token, "an advice like dontneed"))
		return false;
	if (token_number(&token, &value) && value <= INT32_MAX) {
		*advice = (unsigned)value;
		return true;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(all); i++) {
		if (token_is(&token, all[i].word)) {
			*advice = all[i].advice;
			return true;
		}
	}
	return parse_expected(r, &token,
			      "normal, dontneed, free, dontfork, dofork, wipeonfork, "
			      "keeponfork, guard or unguard");
}

static void
call_advise(void *arg)
{
	struct space_call *call = arg;

	call->err = space_advise(call->space, call->addr, call->length, (enum advice)call->arg);
}

/* madvise P ADDR LENGTH ADVICE [= RESULT] */
bool
statement_madvise(struct run *r)
{
	struct space_call call = { 0 };
	struct wanted	  wanted;

	if (!parse_span(r, &call) || !parse_advice(r, &call.arg) || !parse_wanted(r, &wanted))
		return false;
	if (r->dry)
		return true;
	stage_on_cpu(r->cpu, call_advise, &call);
	return compare_result(r, "madvise", &wanted, call.err, 0, false);
}

static void
call_brk(void *arg)
{
	struct space_call *call = arg;

	call->value = space_brk(call->space, call->addr);
}

/* brk P ADDR [= END] [-> LABEL] */
bool
statement_brk(struct run *r)
{
	struct space_call call = { 0 };
	struct wanted	  wanted;
	struct name	 *name;

	if (!parse_process(r, &name) || !parse_number(r, &call.addr, "an address, or 0 to ask") ||
	    !parse_wanted(r, &wanted))
		return false;
	if (r->dry)
		return true;
	call.space = space_of(name);
	stage_on_cpu(r->cpu, call_brk, &call);
	return compare_result(r, "brk", &wanted, OK, call.value, true);
}
