/*
 * call.c - the mmap family, each call with the result it must have.
 *
 * Addresses and lengths go to the library as they stand: what is wrong with
 * them is the library's to say.
 */
#include "scenario/call.h"

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

static const struct flag_word map_flags[] = {
	{ "private", MAPF_PRIVATE },
	{ "shared", MAPF_SHARED },
	{ "validate", MAPF_SHARED_VALIDATE },
	{ "fixed", MAPF_FIXED },
	{ "noreplace", MAPF_FIXED_NOREPLACE },
	{ "anon", MAPF_ANONYMOUS },
	{ "32bit", MAPF_32BIT },
	{ "above4g", MAPF_ABOVE4G },
	{ "growsdown", MAPF_GROWSDOWN },
	{ "denywrite", MAPF_DENYWRITE },
	{ "locked", MAPF_LOCKED },
	{ "noreserve", MAPF_NORESERVE },
	{ "populate", MAPF_POPULATE },
	{ "nonblock", MAPF_NONBLOCK },
	{ "stack", MAPF_STACK },
	{ "hugetlb", MAPF_HUGETLB },
	{ NULL, 0 },
};

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
	map->writeonly_file = parse_word(r, "writeonly");
	return true;
}

static void
do_map(void *arg)
{
	struct space_call *call = arg;

	call->err = call_mmap(call->space, &call->map, &call->value);
}

/* mmap P ADDR LENGTH PROT FLAGS [FILE OFFSET [readonly | writeonly] | offset OFFSET] [= RESULT] [-> LABEL] */
bool
statement_mmap(struct run *r)
{
	struct space_call call = { 0 };
	struct wanted	  wanted;
	struct name	 *name;

	if (!parse_process(r, &name) ||
	    !parse_number(r, &call.map.addr, "an address, or 0 for any") ||
	    !parse_number(r, &call.map.length, "a length in bytes") ||
	    !parse_prot(r, &call.map.prot) ||
	    !parse_flags(r, map_flags,
			 "a flag like private, shared, anon, fixed, noreplace, noreserve, stack or "
			 "growsdown",
			 &call.arg) ||
	    !parse_map_file(r, &call.map) || !parse_wanted(r, &wanted))
		return false;
	if (r->dry)
		return true;
	call.space = space_of(name);
	call.map.flags = call.arg;
	stage_on_cpu(r->cpu, do_map, &call);
	return compare_result(r, "mmap", &wanted, call.err, call.value, true);
}

bool
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
do_unmap(void *arg)
{
	struct space_call *call = arg;

	call->err = call_munmap(call->space, call->addr, call->length);
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
	stage_on_cpu(r->cpu, do_unmap, &call);
	return compare_result(r, "munmap", &wanted, call.err, 0, false);
}

static void
do_protect(void *arg)
{
	struct space_call *call = arg;

	call->err = call_mprotect(call->space, call->addr, call->length, call->arg);
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
	stage_on_cpu(r->cpu, do_protect, &call);
	return compare_result(r, "mprotect", &wanted, call.err, 0, false);
}

static void
do_brk(void *arg)
{
	struct space_call *call = arg;

	call->value = call_brk(call->space, call->addr);
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
	stage_on_cpu(r->cpu, do_brk, &call);
	return compare_result(r, "brk", &wanted, OK, call.value, true);
}
