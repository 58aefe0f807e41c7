/*
 * node.c - where pages and processes lie: policies, moves, and the tables of nodes.
 */
#include "scenario/call.h"

/* node=N; `what` names what must stand there. */
static bool
parse_node(struct run *r, unsigned *node, const char *what)
{
	struct token token;
	struct token rest;
	uint64_t     value;

	if (!parse_token(r, &token, what))
		return false;
	if (!token_key(&token, "node", &rest) || !token_number(&rest, &value) || value >= NODE_MAX)
		return parse_expected(r, &token, what);
	*node = (unsigned)value;
	return true;
}

bool
parse_home(struct run *r, bool *given, unsigned *node)
{
	struct token token;
	struct token rest;

	*given = false;
	if (!lexer_token(&r->lex, &token))
		return true;
	lexer_unread(&r->lex, &token);
	*given = token_key(&token, "node", &rest);
	return !*given || parse_node(r, node, "node=N");
}

static void
do_replicate(void *arg)
{
	struct space_call *call = arg;

	call->err = space_replicate(call->space);
}

static void
do_unreplicate(void *arg)
{
	struct space_call *call = arg;

	space_unreplicate(call->space);
}

static bool
run_on_space(struct run *r, const char *verb, void (*fn)(void *))
{
	struct space_call call = { 0 };
	struct wanted	  wanted;
	struct name	 *name;

	if (!parse_process(r, &name) || !parse_wanted(r, &wanted))
		return false;
	if (r->dry)
		return true;
	call.space = space_of(name);
	stage_on_cpu(r->cpu, fn, &call);
	return compare_result(r, verb, &wanted, call.err, 0, false);
}

/* replicate P [= RESULT] */
bool
statement_replicate(struct run *r)
{
	return run_on_space(r, "replicate", do_replicate);
}

/* unreplicate P */
bool
statement_unreplicate(struct run *r)
{
	return run_on_space(r, "unreplicate", do_unreplicate);
}

struct place_call {
	struct space_call call;
	struct placement  place;
	unsigned	  node;
	uint64_t	  moved;
};

static void
do_place(void *arg)
{
	struct place_call *c = arg;

	c->call.err = space_place(c->call.space, c->call.addr, c->call.length, c->place);
}

static bool
parse_place(struct run *r, struct placement *place)
{
	unsigned node;

	if (parse_word(r, "local"))
		*place = (struct placement){ .policy = PLACE_LOCAL };
	else if (parse_word(r, "interleave"))
		*place = (struct placement){ .policy = PLACE_INTERLEAVE };
	else if (parse_node(r, &node, "local, interleave or node=N"))
		*place = (struct placement){ .policy = PLACE_NODE, .node = (uint8_t)node };
	else
		return false;
	return true;
}

/* place P ADDR LENGTH local | interleave | node=N [= RESULT] */
bool
statement_place(struct run *r)
{
	struct place_call c = { 0 };
	struct wanted	  wanted;

	if (!parse_span(r, &c.call) || !parse_place(r, &c.place) || !parse_wanted(r, &wanted))
		return false;
	if (r->dry)
		return true;
	stage_on_cpu(r->cpu, do_place, &c);
	return compare_result(r, "place", &wanted, c.call.err, 0, false);
}

static void
do_migrate(void *arg)
{
	struct place_call *c = arg;

	c->call.err =
		space_migrate(c->call.space, c->call.addr, c->call.length, c->node, &c->moved);
}

/* migrate P ADDR LENGTH node=N [= PAGES | = ERROR] */
bool
statement_migrate(struct run *r)
{
	struct place_call c = { 0 };
	struct wanted	  wanted;

	if (!parse_span(r, &c.call) || !parse_node(r, &c.node, "node=N") ||
	    !parse_wanted(r, &wanted))
		return false;
	if (r->dry)
		return true;
	stage_on_cpu(r->cpu, do_migrate, &c);
	return compare_result(r, "migrate", &wanted, c.call.err, c.moved, true);
}

static bool
compare_node(struct run *r, const char *what, unsigned want, unsigned got)
{
	r->result->calls++;
	if (got != want)
		return run_failed(r, "%s: expected on node %u, got node %u", what, want, got);
	r->result->calls_equal++;
	return true;
}

/* lies P ADDR node=N: the page is there, on that node. */
bool
statement_lies(struct run *r)
{
	struct page_state page;
	struct name	 *name;
	unsigned	  node;
	uint64_t	  va;

	if (!parse_process(r, &name) || !parse_number(r, &va, "an address") ||
	    !parse_node(r, &node, "node=N") || !parse_end(r))
		return false;
	if (r->dry)
		return true;
	page = page_at(space_of(name), va);
	if (!page.present)
		return run_failed(r, "lies: expected a page at 0x%llx, there is none",
				  (unsigned long long)va);
	return compare_node(r, "lies", node, frame_node(page.pfn));
}

/* lives P node=N: the process is at home on that node. */
bool
statement_lives(struct run *r)
{
	struct name *name;
	unsigned     node;

	if (!parse_process(r, &name) || !parse_node(r, &node, "node=N") || !parse_end(r))
		return false;
	return r->dry || compare_node(r, "lives", node, name->process->home);
}

/* homes local | load: where children live that nobody gives a node. */
bool
statement_homes(struct run *r)
{
	struct token token;
	bool	     by_load;

	if (!parse_token(r, &token, "local or load"))
		return false;
	by_load = token_is(&token, "load");
	if (!by_load && !token_is(&token, "local"))
		return parse_expected(r, &token, "local or load");
	if (!parse_end(r))
		return false;
	if (!r->dry)
		proc_set_home_policy(by_load ? HOME_LEAST_THREADS : HOME_LOCAL);
	return true;
}
