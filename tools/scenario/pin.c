/*
 * pin.c - frames pinned for a device.
 *
 * A pin outlives whatever becomes of the mapping. The scenario names it, and what the
 * device sees in the frames can be read and written by that name.
 */
#include "scenario/call.h"

#define PIN_PAGES_MOST 64

/* A pin, in the arena of names. */
struct pin {
	uint64_t nr_pages;
	pfn_t	 frames[PIN_PAGES_MOST];
};

struct pin_call {
	struct space *space;
	vaddr_t	      va;
	uint64_t      nr_pages;
	unsigned      flags;
	bool	      dirty;
	struct pin   *pin;
	err_t	      err;
};

static void
do_pin(void *arg)
{
	struct pin_call *call = arg;

	call->err = call_pin(call->space, call->va, call->nr_pages, call->flags, call->pin->frames);
}

static void
do_unpin(void *arg)
{
	struct pin_call *call = arg;

	call_unpin(call->pin->frames, call->pin->nr_pages, call->dirty);
}

/* The name of a pin: new, or one that holds. */
static bool
parse_pin(struct run *r, struct name **name, bool is_new)
{
	struct token token;

	*name = NULL;
	if (!parse_token(r, &token, "the name of a pin"))
		return false;
	if (r->dry)
		return true;
	*name = is_new ? names_add(r->names, NAME_PIN, token.text, token.bytes)
		       : names_find(r->names, NAME_PIN, token.text, token.bytes);
	if (is_new && !*name)
		return run_error(r, SCENARIO_SYNTAX, token.column,
				 "the scenario has too many names");
	if (is_new && (*name)->is_set)
		return run_error(r, SCENARIO_SYNTAX, token.column,
				 "expected a name that no pin has");
	if (!is_new && (!*name || !(*name)->is_set))
		return run_error(r, SCENARIO_SYNTAX, token.column, "expected a pin that holds");
	return true;
}

static bool
take_pin(struct run *r, struct pin_call *call, struct name *name)
{
	if (!name->pin)
		name->pin = names_alloc(r->names, sizeof(*name->pin));
	if (!name->pin)
		return run_error(r, SCENARIO_SYNTAX, 1, "the scenario has too many pins");
	call->pin = name->pin;
	call->pin->nr_pages = call->nr_pages;
	stage_on_cpu(r->cpu, do_pin, call);
	name->is_set = call->err == OK;
	return true;
}

/* pin NAME P ADDR PAGES [write] [= RESULT] */
bool
statement_pin(struct run *r)
{
	struct pin_call call = { 0 };
	struct wanted	wanted;
	struct token	token;
	struct name    *process;
	struct name    *name;

	if (!parse_pin(r, &name, true) || !parse_process(r, &process) ||
	    !parse_number(r, &call.va, "an address") || !parse_token(r, &token, "how many pages") ||
	    !number_of(r, &token, &call.nr_pages, "how many pages"))
		return false;
	if (call.nr_pages > PIN_PAGES_MOST)
		return parse_expected(r, &token, "at most 64 pages");
	if (parse_word(r, "write"))
		call.flags = PIN_WRITE;
	if (!parse_wanted(r, &wanted))
		return false;
	if (r->dry)
		return true;
	call.space = space_of(process);
	return take_pin(r, &call, name) && compare_result(r, "pin", &wanted, call.err, 0, false);
}

void
pin_release(struct run *r, struct name *name, bool dirty)
{
	struct pin_call call = { .pin = name->pin, .dirty = dirty };

	stage_on_cpu(r->cpu, do_unpin, &call);
	name->is_set = false;
}

/* unpin NAME [dirty] */
bool
statement_unpin(struct run *r)
{
	struct name *name;
	bool	     dirty;

	if (!parse_pin(r, &name, false))
		return false;
	dirty = parse_word(r, "dirty");
	if (!parse_end(r))
		return false;
	if (!r->dry)
		pin_release(r, name, dirty);
	return true;
}

/* device NAME PAGE BYTE [= BYTE]: the device writes the first byte of a pinned page, or reads it. */
bool
statement_device(struct run *r)
{
	struct token token;
	struct name *name;
	uint64_t     page;
	uint64_t     byte;
	uint8_t	    *at;
	bool	     reads;

	if (!parse_pin(r, &name, false) || !parse_token(r, &token, "the number of a page") ||
	    !number_of(r, &token, &page, "the number of a page"))
		return false;
	reads = parse_word(r, "=");
	if (!parse_number(r, &byte, "a byte") || !parse_end(r))
		return false;
	if (r->dry)
		return true;
	if (page >= name->pin->nr_pages)
		return parse_expected(r, &token, "a page of the pin");
	at = arch_frame_ptr(name->pin->frames[page]);
	if (!reads) {
		*at = (uint8_t)byte;
		return true;
	}
	r->result->calls++;
	if (*at != byte)
		return run_failed(r, "device: expected byte 0x%02llx, got 0x%02x",
				  (unsigned long long)byte, *at);
	r->result->calls_equal++;
	return true;
}
