/*
 * handles.c - handles: small numbers by which a process names what it has opened.
 *
 * A process gets its table with its first handle. An open file has a position, which all
 * handles for it share, also those of children: that is how sharing is seen, besides the count.
 */
#include "scenario/call.h"
#include "scenario/kin.h"
#include "scenario/thing.h"
#include "scenario/value.h"

#include <anymm/handle.h>

#define LIMIT 1024 /* of a table, if nobody says something else */

struct handle_call {
	void (*operation)(struct handle_call *call);
	struct process	    *process;
	struct handle_table *table;
	struct resource	    *thing;
	int32_t		     handle, to;
	uint32_t	     from, limit;
	unsigned	     flags;
	uint32_t	     nr;
	err_t		     err;
};

/* ---- calls ---- */

/* The process's table, with a reference; made if it has none. */
static bool
get_table(struct handle_call *call)
{
	call->table = (struct handle_table *)proc_resource(call->process, RESOURCE_HANDLES);
	if (call->table)
		return true;
	call->err = handle_table_create(call->limit ? call->limit : LIMIT, &call->table);
	if (call->err)
		return false;
	resource_get(&call->table->resource);
	proc_set_resource(call->process, RESOURCE_HANDLES, &call->table->resource);
	return true;
}

/* One operation on the table of the process. */
static void
do_operation(void *arg)
{
	struct handle_call *call = arg;

	if (!get_table(call))
		return;
	call->operation(call);
	resource_put(&call->table->resource);
}

static void
add(struct handle_call *call)
{
	call->err = handle_add(call->table, call->thing, call->from, call->flags, &call->handle);
}

static void
dup(struct handle_call *call)
{
	call->err = handle_dup(call->table, call->handle, call->from, call->flags, &call->handle);
}

static void
dup_to(struct handle_call *call)
{
	call->err = handle_dup_to(call->table, call->handle, call->to, call->flags);
}

static void
close(struct handle_call *call)
{
	call->err = handle_close(call->table, call->handle);
}

static void
take(struct handle_call *call)
{
	call->err = handle_take(call->table, call->handle, &call->thing);
}

static void
put(struct handle_call *call)
{
	call->err = handle_put(call->table, call->handle, call->thing);
}

static void
get(struct handle_call *call)
{
	call->thing = handle_get(call->table, call->handle);
}

static void
count(struct handle_call *call)
{
	call->nr = handle_count(call->table);
}

static void
set_limit(struct handle_call *call)
{
	call->err = handle_set_limit(call->table, call->limit);
}

static void
operate(struct run *r, struct handle_call *call, struct name *process,
	void (*operation)(struct handle_call *call))
{
	call->process = process->process;
	call->operation = operation;
	stage_on_cpu(r->cpu, do_operation, call);
}

static void
do_set_special(void *arg)
{
	struct handle_call *call = arg;

	call->err = handle_set_special(call->handle, call->thing);
}

/* ---- operands ---- */

/* A handle: a number, below zero too. */
static bool
parse_handle(struct run *r, int32_t *handle)
{
	static const char what[] = "a handle";
	struct token	  token;
	struct token	  rest;
	uint64_t	  value;
	bool		  minus;

	if (!parse_token(r, &token, what))
		return false;
	minus = !token.quoted && token.bytes > 1 && token.text[0] == '-';
	rest = token;
	rest.text += minus;
	rest.bytes -= minus;
	if (!number_of(r, &rest, &value, what))
		return false;
	if (value > INT32_MAX)
		return parse_expected(r, &token, "a handle of 31 bits");
	*handle = minus ? -(int32_t)value : (int32_t)value;
	return true;
}

/* [from N] [close-on-exec] */
static bool
parse_place(struct run *r, struct handle_call *call)
{
	uint64_t from = 0;

	if (parse_word(r, "from") && !parse_number(r, &from, "the lowest handle to take"))
		return false;
	call->from = (uint32_t)min_u64(from, UINT32_MAX);
	if (parse_word(r, "close-on-exec"))
		call->flags = HANDLE_CLOSE_ON_EXEC;
	return true;
}

/* ---- statements ---- */

/* open P THING FILE [from N] [close-on-exec] [= HANDLE] [-> LABEL] */
bool
statement_open(struct run *r)
{
	struct handle_call call = { 0 };
	struct wanted	   wanted;
	struct name	  *process;
	struct name	  *thing;
	struct name	  *file;

	if (!parse_process(r, &process) || !parse_thing(r, &thing) || !parse_file(r, &file) ||
	    !parse_place(r, &call) || !parse_wanted(r, &wanted))
		return false;
	if (r->dry)
		return true;
	if (thing->thing && resource_refs(&thing->thing->resource) > 0)
		return run_error(r, SCENARIO_SYNTAX, 0, "expected a name that no open file has");
	if (!thing_make(r, thing, file->object))
		return false;
	call.thing = &thing->thing->resource;
	operate(r, &call, process, add);
	if (call.err)
		thing_put(r, call.thing);
	return compare_result(r, "open", &wanted, call.err, (uint64_t)call.handle, true);
}

/* dup P HANDLE [from N] [close-on-exec] [= HANDLE] [-> LABEL] */
bool
statement_dup(struct run *r)
{
	struct handle_call call = { 0 };
	struct wanted	   wanted;
	struct name	  *process;

	if (!parse_process(r, &process) || !parse_handle(r, &call.handle) ||
	    !parse_place(r, &call) || !parse_wanted(r, &wanted))
		return false;
	if (r->dry)
		return true;
	operate(r, &call, process, dup);
	return compare_result(r, "dup", &wanted, call.err, (uint64_t)call.handle, true);
}

/* dup-to P HANDLE HANDLE [close-on-exec] [empty-closes] [= RESULT] */
bool
statement_dup_to(struct run *r)
{
	struct handle_call call = { 0 };
	struct wanted	   wanted;
	struct name	  *process;

	if (!parse_process(r, &process) || !parse_handle(r, &call.handle) ||
	    !parse_handle(r, &call.to))
		return false;
	if (parse_word(r, "close-on-exec"))
		call.flags |= HANDLE_CLOSE_ON_EXEC;
	if (parse_word(r, "empty-closes"))
		call.flags |= HANDLE_EMPTY_CLOSES;
	if (!parse_wanted(r, &wanted))
		return false;
	if (r->dry)
		return true;
	operate(r, &call, process, dup_to);
	return compare_result(r, "dup-to", &wanted, call.err, 0, false);
}

/* close P HANDLE [= RESULT] */
bool
statement_close(struct run *r)
{
	struct handle_call call = { 0 };
	struct wanted	   wanted;
	struct name	  *process;

	if (!parse_process(r, &process) || !parse_handle(r, &call.handle) ||
	    !parse_wanted(r, &wanted))
		return false;
	if (r->dry)
		return true;
	operate(r, &call, process, close);
	return compare_result(r, "close", &wanted, call.err, 0, false);
}

/* take P HANDLE = THING | ERROR: the scenario holds what the handle named. */
bool
statement_take(struct run *r)
{
	struct handle_call  call = { 0 };
	struct wanted_thing wanted;
	struct name	   *process;

	if (!parse_process(r, &process) || !parse_handle(r, &call.handle) ||
	    !parse_wanted_thing(r, &wanted))
		return false;
	if (r->dry)
		return true;
	operate(r, &call, process, take);
	if (call.err == OK && thing_of(call.thing)->in_hand)
		thing_put(r, call.thing);
	if (call.err == OK)
		thing_of(call.thing)->in_hand = true;
	return compare_thing(r, "take", &wanted, call.err, call.thing);
}

/* put P HANDLE THING [= RESULT]: what the scenario holds is the process's again, or another's. */
bool
statement_put(struct run *r)
{
	struct handle_call call = { 0 };
	struct wanted	   wanted;
	struct name	  *process;
	struct name	  *thing;

	if (!parse_process(r, &process) || !parse_handle(r, &call.handle) ||
	    !parse_held(r, &thing) || !parse_wanted(r, &wanted))
		return false;
	if (r->dry)
		return true;
	if (!thing->thing->in_hand)
		return run_error(r, SCENARIO_SYNTAX, 0, "expected a thing that was taken before");
	call.thing = &thing->thing->resource;
	operate(r, &call, process, put);
	if (call.err == OK)
		thing->thing->in_hand = false;
	return compare_result(r, "put", &wanted, call.err, 0, false);
}

/* handle P HANDLE = THING | nothing */
bool
statement_handle(struct run *r)
{
	struct handle_call  call = { 0 };
	struct wanted_thing wanted;
	struct name	   *process;
	bool		    goes_on;

	if (!parse_process(r, &process) || !parse_handle(r, &call.handle) ||
	    !parse_wanted_thing(r, &wanted))
		return false;
	if (r->dry)
		return true;
	operate(r, &call, process, get);
	goes_on = compare_thing(r, "handle", &wanted, call.err, call.thing);
	thing_put(r, call.thing);
	return goes_on;
}

/* handles P = N */
bool
statement_handles(struct run *r)
{
	struct handle_call call = { 0 };
	struct wanted	   wanted;
	struct name	  *process;

	if (!parse_process(r, &process) || !parse_wanted(r, &wanted))
		return false;
	if (r->dry)
		return true;
	operate(r, &call, process, count);
	return compare_result(r, "handles", &wanted, call.err, call.nr, true);
}

/* handle-limit P N [= RESULT] */
bool
statement_handle_limit(struct run *r)
{
	struct handle_call call = { 0 };
	struct wanted	   wanted;
	struct name	  *process;
	uint64_t	   limit;

	if (!parse_process(r, &process) || !parse_number(r, &limit, "how many handles") ||
	    !parse_wanted(r, &wanted))
		return false;
	if (r->dry)
		return true;
	call.limit = (uint32_t)min_u64(limit, UINT32_MAX);
	operate(r, &call, process, set_limit);
	return compare_result(r, "handle-limit", &wanted, call.err, 0, false);
}

/* special HANDLE THING [= RESULT]: a new thing, which this handle below zero names in every table. */
bool
statement_special(struct run *r)
{
	struct handle_call call = { 0 };
	struct wanted	   wanted;
	struct name	  *thing;

	if (!parse_handle(r, &call.handle) || !parse_thing(r, &thing) || !parse_wanted(r, &wanted))
		return false;
	if (r->dry)
		return true;
	if (thing->thing && resource_refs(&thing->thing->resource) > 0)
		return run_error(r, SCENARIO_SYNTAX, 0, "expected a name that no thing has");
	if (!thing_make(r, thing, NULL))
		return false;
	call.thing = &thing->thing->resource;
	stage_on_cpu(r->cpu, do_set_special, &call);
	if (call.err)
		thing_put(r, call.thing);
	return compare_result(r, "special", &wanted, call.err, 0, false);
}

/* ---- open files ---- */

/* A read at the position of an open file. */
struct next_call {
	struct thing *thing;
	uint8_t	      piece[VALUE_PIECE];
	size_t	      bytes, done;
	err_t	      err;
};

static void
do_read(void *arg)
{
	struct next_call *call = arg;

	call->err = object_read(call->thing->file, call->thing->position, call->piece, call->bytes,
				&call->done);
	call->thing->position += call->done;
}

/* What the file holds at the position, which moves on. */
static bool
read_next(struct run *r, struct thing *thing, const struct value *value)
{
	struct next_call call = { .thing = thing, .bytes = value->bytes };
	size_t		 at;

	stage_on_cpu(r->cpu, do_read, &call);
	r->result->calls++;
	if (call.err != OK || call.done != call.bytes)
		return run_failed(r, "next: expected %llu bytes, got %llu and %s",
				  (unsigned long long)call.bytes, (unsigned long long)call.done,
				  call.err ? err_name(call.err) : "the end");
	at = value_difference(value, 0, call.piece, call.done);
	if (at < call.done)
		return run_failed(r, "next: expected byte %llu to be %02x, got %02x",
				  (unsigned long long)at, value_byte(value, at), call.piece[at]);
	r->result->calls_equal++;
	return true;
}

/* next P HANDLE = VALUE: the next bytes of an open file. */
bool
statement_next(struct run *r)
{
	struct handle_call call = { 0 };
	struct value	   value;
	struct token	   token;
	struct name	  *process;
	bool		   goes_on = false;

	if (!parse_process(r, &process) || !parse_handle(r, &call.handle) || !parse_equals(r) ||
	    !parse_token(r, &token, value_what))
		return false;
	if (!parse_value(r, &token, &value))
		return false;
	if (value.bytes > VALUE_PIECE)
		return parse_expected(r, &token, "at most 512 bytes");
	if (!parse_end(r))
		return false;
	if (r->dry)
		return true;
	operate(r, &call, process, get);
	if (!call.thing || !thing_of(call.thing)->file)
		goes_on =
			run_failed(r, "next: expected an open file behind handle %d", call.handle);
	else
		goes_on = read_next(r, thing_of(call.thing), &value);
	thing_put(r, call.thing);
	return goes_on;
}
