/*
 * file.c - files: made, made longer and shorter, punched, read and written.
 *
 * A file's pages are the object's, so reading and writing it meets what programs have
 * mapped. What it holds at first is made up from its number, or zeros.
 */
#include "scenario/call.h"

struct file_call {
	const struct pager_ops *ops;
	struct object	       *object;
	uint64_t		id, bytes;
	uint64_t		first, pages;
	err_t			err;
};

static void
do_create(void *arg)
{
	struct file_call *call = arg;

	call->err = object_create(call->ops, call->id, call->pages, NULL, &call->object);
}

static uint64_t
pages_of(uint64_t bytes)
{
	return (bytes >> ARCH_PAGE_SHIFT) + ((bytes & ARCH_PAGE_MASK) != 0);
}

/* A name that nothing has yet. */
static bool
new_file(struct run *r, const struct token *token, struct name **name)
{
	*name = names_add(r->names, NAME_FILE, token->text, token->bytes);
	if (!*name)
		return run_error(r, SCENARIO_SYNTAX, token->column,
				 "the scenario has too many names");
	if ((*name)->is_set)
		return run_error(r, SCENARIO_SYNTAX, token->column,
				 "expected a name that no file has yet");
	return true;
}

static bool
create_file(struct run *r, const struct token *token, struct file_call *call, struct name **name)
{
	if (!new_file(r, token, name))
		return false;
	call->pages = pages_of(call->bytes);
	stage_on_cpu(r->cpu, do_create, call);
	if (call->err != OK)
		return run_failed(r, "file: expected an object, got %s", err_name(call->err));
	(*name)->object = call->object;
	(*name)->least_bytes = call->ops == &pager_zero ? 0 : call->bytes;
	(*name)->is_set = true;
	return true;
}

bool
make_segment(struct run *r, const struct token *token, uint64_t id, uint64_t bytes)
{
	struct file_call call = { .ops = &pager_zero, .id = id, .bytes = bytes };
	struct name	*name;

	if (!create_file(r, token, &call, &name))
		return false;
	name->is_segment = true;
	return true;
}

/* file NAME ID BYTES [plain] [zero] */
bool
statement_file(struct run *r)
{
	struct file_call call = { .ops = &pager_memory_file };
	struct token	 file;
	struct token	 word;
	struct name	*name;
	bool		 align = true;

	if (!parse_token(r, &file, "the name of the file") ||
	    !parse_number(r, &call.id, "the file's number, which decides its contents") ||
	    !parse_number(r, &call.bytes, "the file's size in bytes"))
		return false;
	while (lexer_token(&r->lex, &word)) {
		if (token_is(&word, "plain"))
			align = false;
		else if (token_is(&word, "zero"))
			call.ops = &pager_zero;
		else
			return parse_expected(r, &word, "plain, zero or the end of the line");
	}
	if (r->dry)
		return true;
	if (!create_file(r, &file, &call, &name))
		return false;
	if (name->is_set)
		name->align = align;
	return true;
}
