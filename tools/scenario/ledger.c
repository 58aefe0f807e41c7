/*
 * ledger.c - ledgers: frames of each kind and live things of each sort, to be compared later.
 *
 * The library keeps spares of frames and small objects, as many as chance has it; they are
 * given back before a ledger is read, so equal ledgers are equal whatever came in between. So are
 * forgotten processes that only names of the scenario still hold.
 */
#include "scenario/ledger.h"
#include "scenario/kin.h"

static void
do_drain(void *arg)
{
	(void)arg;
	anymm_drain();
}

/* A name keeps the memory of a process that the library has forgotten. */
static void
unname_forgotten(struct run *r)
{
	for (struct name *n = r->names->newest; n; n = n->older) {
		if (n->kind == NAME_PROCESS && n->is_set && process_is_gone(n))
			process_unname(r, n);
	}
}

void
ledger_read(struct run *r, struct ledger *ledger)
{
	unname_forgotten(r);
	stage_on_cpu(r->cpu, do_drain, NULL);
	*ledger = (struct ledger){
		.frames = frame_totals(),
		.processes = proc_count(),
		.resources = resource_live(),
		.objects = object_live(),
		.regions = space_live_regions(),
	};
}

/* One line of two ledgers. */
struct entry {
	const char *text;
	uint64_t    before, now;
};

bool
ledger_is_equal(struct run *r, const struct ledger *ledger, char *buf, size_t bytes)
{
	const struct frame_totals *frames = &ledger->frames;
	struct ledger		   now;

	ledger_read(r, &now);
	const struct entry entries[] = {
		{ "processes", ledger->processes, now.processes },
		{ "regions", ledger->regions, now.regions },
		{ "objects", ledger->objects, now.objects },
		{ "things held", ledger->resources, now.resources },
		{ "private pages", frames->by_kind[FRAME_ANON], now.frames.by_kind[FRAME_ANON] },
		{ "object pages", frames->by_kind[FRAME_OBJECT], now.frames.by_kind[FRAME_OBJECT] },
		{ "page tables", frames->by_kind[FRAME_TABLE], now.frames.by_kind[FRAME_TABLE] },
		{ "kernel frames", frames->by_kind[FRAME_KERNEL],
		  now.frames.by_kind[FRAME_KERNEL] },
		{ "free frames", frames->by_kind[FRAME_FREE], now.frames.by_kind[FRAME_FREE] },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(entries); i++) {
		if (entries[i].before == entries[i].now)
			continue;
		format(buf, bytes, "expected %llu %s, got %llu",
		       (unsigned long long)entries[i].before, entries[i].text,
		       (unsigned long long)entries[i].now);
		return false;
	}
	return true;
}

static bool
store_ledger(struct run *r, const struct token *token)
{
	struct name *name = names_add(r->names, NAME_LEDGER, token->text, token->bytes);

	if (name && !name->ledger)
		name->ledger = names_alloc(r->names, sizeof(*name->ledger));
	if (!name || !name->ledger)
		return run_error(r, SCENARIO_SYNTAX, token->column,
				 "the scenario has too many names");
	ledger_read(r, name->ledger);
	return true;
}

static bool
compare_ledger(struct run *r, const struct token *token)
{
	struct name *name = names_find(r->names, NAME_LEDGER, token->text, token->bytes);
	char	     text[160];

	if (!name || !name->ledger)
		return run_error(r, SCENARIO_SYNTAX, token->column,
				 "expected the name of a ledger taken before");
	return ledger_is_equal(r, name->ledger, text, sizeof(text)) ||
	       run_failed(r, "ledger: %s", text);
}

/* ledger -> NAME takes one; ledger = NAME compares. */
bool
statement_ledger(struct run *r)
{
	struct token token;
	struct token name;
	bool	     store;

	if (!parse_token(r, &token, "-> or ="))
		return false;
	store = token_is(&token, "->");
	if (!store && !token_is(&token, "="))
		return parse_expected(r, &token, "-> or =");
	if (!parse_token(r, &name, "a name for the ledger") || !parse_end(r))
		return false;
	if (r->dry)
		return true;
	return store ? store_ledger(r, &name) : compare_ledger(r, &name);
}
