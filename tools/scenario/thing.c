/*
 * thing.c - things that are held and counted.
 */
#include "scenario/thing.h"

#include <anymm/handle.h>

static void
destroy(struct resource *resource)
{
	struct thing *thing = thing_of(resource);

	if (thing->file)
		object_put(thing->file);
	thing->file = NULL;
}

static err_t copy(struct resource *from, struct resource **out);

/* A copy of what holds a position or a place is one more reference; a mount's is another mount. */
static const struct resource_ops thing_ops = { .name = "thing", .destroy = destroy };
static const struct resource_ops mount_ops = { .name = "mount", .copy = copy, .destroy = destroy };

static err_t
copy(struct resource *from, struct resource **out)
{
	struct thing *old = thing_of(from);
	struct thing *thing = names_alloc(old->names, sizeof(*thing));

	if (!thing)
		return ERR_NOMEM;
	*thing = (struct thing){ .names = old->names, .original = old };
	resource_init(&thing->resource, &mount_ops);
	*out = &thing->resource;
	return OK;
}

static bool
make(struct run *r, struct name *name, struct object *file, const struct resource_ops *ops)
{
	if (!name->thing)
		name->thing = names_alloc(r->names, sizeof(*name->thing));
	if (!name->thing)
		return run_error(r, SCENARIO_SYNTAX, 0, "the scenario has too many things");
	*name->thing = (struct thing){ .names = r->names, .file = file };
	if (file)
		object_get(file);
	resource_init(&name->thing->resource, ops);
	return true;
}

bool
thing_make(struct run *r, struct name *name, struct object *file)
{
	return make(r, name, file, &thing_ops);
}

bool
mount_make(struct run *r, struct name *name)
{
	return make(r, name, NULL, &mount_ops);
}

static bool
is_held(const struct name *name)
{
	return name->thing && resource_refs(&name->thing->resource) > 0;
}

/* ---- names ---- */

static bool
parse_name(struct run *r, struct token *token, struct name **name)
{
	*name = NULL;
	if (!parse_token(r, token, "the name of a thing"))
		return false;
	if (token->quoted || token->bytes == 0 || token->bytes > 64)
		return parse_expected(r, token, "the name of a thing");
	if (r->dry)
		return true;
	*name = names_add(r->names, NAME_THING, token->text, token->bytes);
	return *name ||
	       run_error(r, SCENARIO_SYNTAX, token->column, "the scenario has too many names");
}

bool
parse_thing(struct run *r, struct name **name)
{
	struct token token;

	return parse_name(r, &token, name);
}

bool
parse_held(struct run *r, struct name **name)
{
	struct token token;

	if (!parse_name(r, &token, name))
		return false;
	return r->dry || is_held(*name) ||
	       run_error(r, SCENARIO_SYNTAX, token.column, "expected a thing that somebody holds");
}

/* ---- results ---- */

static bool
is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

bool
parse_wanted_thing(struct run *r, struct wanted_thing *wanted)
{
	struct lexer before = r->lex;
	struct token token;

	*wanted = (struct wanted_thing){ 0 };
	if (!parse_equals(r) || !parse_token(r, &token, "a thing, nothing or an error like EBADF"))
		return false;
	if (token_is(&token, "nothing"))
		return parse_end(r);
	if (token.bytes > 1 && token.text[0] == 'E' && is_upper(token.text[1])) {
		r->lex = before;
		wanted->is_error = true;
		return parse_wanted(r, &wanted->error);
	}
	lexer_unread(&r->lex, &token);
	return parse_thing(r, &wanted->name) && parse_end(r);
}

/* The name of a thing in words, or of the one that it is a copy of. */
static const char *
thing_text(const struct run *r, struct resource *resource, char *buf, size_t bytes)
{
	const struct thing *thing = resource ? thing_of(resource) : NULL;
	char		    text[68];

	if (!thing)
		return "nothing";
	for (const struct name *n = r->names->newest; n; n = n->older) {
		if (n->kind != NAME_THING || !n->thing)
			continue;
		if (n->thing == thing)
			return names_text(n, buf, bytes);
		if (n->thing != thing->original)
			continue;
		format(buf, bytes, "a copy of %s", names_text(n, text, sizeof(text)));
		return buf;
	}
	return "something else";
}

bool
compare_thing(struct run *r, const char *call, const struct wanted_thing *wanted, err_t err,
	      struct resource *got)
{
	char want_text[68];
	char got_text[80];

	if (wanted->is_error || err != OK)
		return compare_result(r, call, &wanted->error, err, 0, false);
	r->result->calls++;
	if (wanted->name ? got && thing_of(got) == wanted->name->thing : !got) {
		r->result->calls_equal++;
		return true;
	}
	return run_failed(r, "%s: expected %s, got %s", call,
			  wanted->name ? names_text(wanted->name, want_text, sizeof(want_text))
				       : "nothing",
			  thing_text(r, got, got_text, sizeof(got_text)));
}

/* refs THING = N: how many hold it; those that a scenario has taken count too. */
bool
statement_refs(struct run *r)
{
	struct wanted wanted;
	struct name  *name;

	if (!parse_thing(r, &name) || !parse_wanted(r, &wanted))
		return false;
	if (r->dry)
		return true;
	return compare_result(r, "refs", &wanted, OK,
			      name->thing ? resource_refs(&name->thing->resource) : 0, true);
}

/* ---- endings ---- */

static void
do_put(void *arg)
{
	resource_put(arg);
}

void
thing_put(struct run *r, struct resource *resource)
{
	stage_on_cpu(r->cpu, do_put, resource);
}

static void
do_clear_specials(void *arg)
{
	(void)arg;
	for (int32_t handle = HANDLE_SPECIAL_FIRST; handle >= HANDLE_SPECIAL_LAST; handle--)
		(void)handle_set_special(handle, NULL);
}

void
things_drop(struct run *r)
{
	stage_on_cpu(r->cpu, do_clear_specials, NULL);
	for (struct name *n = r->names->newest; n; n = n->older) {
		if (n->kind != NAME_THING || !n->thing || !n->thing->in_hand)
			continue;
		n->thing->in_hand = false;
		thing_put(r, &n->thing->resource);
	}
}
