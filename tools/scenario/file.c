/*
 * file.c - files: made, made longer and shorter, punched, read and written.
 *
 * A file's pages are the object's, so reading and writing it meets what programs have
 * mapped. What it holds at first is made up from its number, or zeros.
 */
#include "scenario/call.h"
#include "scenario/pager_slow.h"
#include "scenario/value.h"

/* A file to be made. ops NULL: one that keeps what is written back to it. */
struct file_call {
	const struct pager_ops *ops;
	struct slow_file       *slow; /* with pager_slow */
	struct object	       *object;
	uint64_t		id, bytes, bad_offset;
	err_t			err;
};

static uint64_t
whole_pages(uint64_t bytes)
{
	return (bytes >> ARCH_PAGE_SHIFT) + ((bytes & ARCH_PAGE_MASK) != 0);
}

static void
do_create(void *arg)
{
	struct file_call *call = arg;

	if (!call->ops) {
		call->err = object_create_stored(call->id, call->bytes, &call->object);
		return;
	}
	call->err = object_create(call->ops, call->id, whole_pages(call->bytes), call->slow,
				  &call->object);
	if (call->err == OK && (call->bytes & ARCH_PAGE_MASK))
		object_resize(call->object, call->bytes);
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
	if (call->ops == &pager_slow) {
		call->slow = names_alloc(r->names, sizeof(*call->slow));
		if (!call->slow)
			return run_error(r, SCENARIO_SYNTAX, token->column,
					 "the scenario has too many names");
		*call->slow = (struct slow_file){ .bad_page = call->bad_offset >> ARCH_PAGE_SHIFT };
	}
	stage_on_cpu(r->cpu, do_create, call);
	if (call->err != OK)
		return run_failed(r, "file: expected an object, got %s", err_name(call->err));
	(*name)->object = call->object;
	(*name)->least_bytes = call->ops == &pager_memory_file ? call->bytes : 0;
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

static bool
parse_file_word(struct run *r, const struct token *word, struct file_call *call, bool *align)
{
	struct token rest;

	if (token_is(word, "plain"))
		*align = false;
	else if (token_is(word, "zero"))
		call->ops = &pager_zero;
	else if (token_is(word, "stored"))
		call->ops = NULL;
	else if (token_is(word, "slow"))
		call->ops = &pager_slow;
	else if (token_key(word, "bad", &rest))
		return number_of(r, &rest, &call->bad_offset, "the offset of a page");
	else
		return parse_expected(r, word,
				      "plain, zero, stored, slow, bad= or the end of the line");
	return true;
}

/* file NAME ID BYTES [plain] [zero | stored | slow [bad=OFFSET]] */
bool
statement_file(struct run *r)
{
	struct file_call call = { .ops = &pager_memory_file, .bad_offset = UINT64_MAX };
	struct token	 file;
	struct token	 word;
	struct name	*name;
	bool		 align = true;

	if (!parse_token(r, &file, "the name of the file") ||
	    !parse_number(r, &call.id, "the file's number, which decides its contents") ||
	    !parse_number(r, &call.bytes, "the file's size in bytes"))
		return false;
	while (lexer_token(&r->lex, &word)) {
		if (!parse_file_word(r, &word, &call, &align))
			return false;
	}
	if (r->dry)
		return true;
	if (!create_file(r, &file, &call, &name))
		return false;
	if (name->is_set)
		name->align = align;
	return true;
}

/* What is done to a file that exists. */
struct change_call {
	struct object *object;
	uint64_t       offset, bytes;
	uint8_t	      *buf;
	size_t	       done;
	err_t	       err;
};

static void
do_truncate(void *arg)
{
	struct change_call *call = arg;

	object_resize(call->object, call->bytes);
}

/* truncate FILE BYTES */
bool
statement_truncate(struct run *r)
{
	struct change_call call = { 0 };
	struct name	  *file;

	if (!parse_file(r, &file) || !parse_number(r, &call.bytes, "a size in bytes") ||
	    !parse_end(r))
		return false;
	if (r->dry)
		return true;
	call.object = file->object;
	file->least_bytes = min_u64(file->least_bytes, call.bytes);
	r->files_cut = true;
	stage_on_cpu(r->cpu, do_truncate, &call);
	return true;
}

static void
do_punch(void *arg)
{
	struct change_call *call = arg;

	object_punch(call->object, call->offset >> ARCH_PAGE_SHIFT, call->bytes >> ARCH_PAGE_SHIFT);
}

/* punch FILE OFFSET BYTES, in whole pages */
bool
statement_punch(struct run *r)
{
	struct change_call call = { 0 };
	struct token	   token;
	struct name	  *file;

	if (!parse_file(r, &file) || !parse_token(r, &token, "an offset in the file") ||
	    !number_of(r, &token, &call.offset, "an offset in the file") ||
	    !parse_number(r, &call.bytes, "a length in bytes") || !parse_end(r))
		return false;
	if (r->dry)
		return true;
	if (((call.offset | call.bytes) & ARCH_PAGE_MASK) != 0)
		return parse_expected(r, &token, "whole pages");
	call.object = file->object;
	stage_on_cpu(r->cpu, do_punch, &call);
	return true;
}

static void
do_sync(void *arg)
{
	struct change_call *call = arg;

	call->err = object_write_back(call->object, 0, UINT64_MAX >> ARCH_PAGE_SHIFT);
}

/* fsync FILE [= RESULT]: what was written to it reaches its storage. */
bool
statement_fsync(struct run *r)
{
	struct change_call call = { 0 };
	struct wanted	   wanted;
	struct name	  *file;

	if (!parse_file(r, &file) || !parse_wanted(r, &wanted))
		return false;
	if (r->dry)
		return true;
	call.object = file->object;
	stage_on_cpu(r->cpu, do_sync, &call);
	return compare_result(r, "fsync", &wanted, call.err, 0, false);
}

static void
do_evict(void *arg)
{
	struct change_call *call = arg;

	call->bytes = object_evict(call->object, 0, UINT64_MAX >> ARCH_PAGE_SHIFT);
}

/* evict FILE [= PAGES]: clean pages leave memory. */
bool
statement_evict(struct run *r)
{
	struct change_call call = { 0 };
	struct wanted	   wanted;
	struct name	  *file;

	if (!parse_file(r, &file) || !parse_wanted(r, &wanted))
		return false;
	if (r->dry)
		return true;
	call.object = file->object;
	stage_on_cpu(r->cpu, do_evict, &call);
	return !wanted.given || compare_result(r, "evict", &wanted, OK, call.bytes, true);
}

static void
do_write(void *arg)
{
	struct change_call *call = arg;

	call->err = object_write(call->object, call->offset, call->buf, call->bytes, &call->done);
}

static void
do_read(void *arg)
{
	struct change_call *call = arg;

	call->err = object_read(call->object, call->offset, call->buf, call->bytes, &call->done);
}

/* write FILE OFFSET VALUE: write(2), through the pages that are mapped. */
bool
statement_write(struct run *r)
{
	uint8_t		   piece[VALUE_PIECE];
	struct change_call call = { .buf = piece };
	struct value	   value;
	struct token	   token;
	struct name	  *file;
	uint64_t	   offset;

	if (!parse_file(r, &file) || !parse_number(r, &offset, "an offset in the file") ||
	    !parse_token(r, &token, value_what) || !parse_value(r, &token, &value) || !parse_end(r))
		return false;
	if (r->dry)
		return true;
	call.object = file->object;
	for (uint64_t done = 0; done < value.bytes; done += call.bytes) {
		call.offset = offset + done;
		call.bytes = min_u64(value.bytes - done, sizeof(piece));
		for (size_t i = 0; i < call.bytes; i++)
			piece[i] = value_byte(&value, done + i);
		stage_on_cpu(r->cpu, do_write, &call);
		if (call.err != OK)
			return run_failed(r, "write: expected success, got %s", err_name(call.err));
		if (!run_work(r))
			return false;
	}
	return true;
}

/* read FILE OFFSET = VALUE: read(2); a value longer than the file's rest differs. */
bool
statement_read(struct run *r)
{
	uint8_t		   piece[VALUE_PIECE];
	struct change_call call = { .buf = piece };
	struct value	   value;
	struct token	   token;
	struct name	  *file;
	uint64_t	   offset;

	if (!parse_file(r, &file) || !parse_number(r, &offset, "an offset in the file") ||
	    !parse_token(r, &token, "="))
		return false;
	if (!token_is(&token, "="))
		return parse_expected(r, &token, "=");
	if (!parse_token(r, &token, value_what) || !parse_value(r, &token, &value) || !parse_end(r))
		return false;
	if (r->dry)
		return true;
	call.object = file->object;
	r->result->calls++;
	for (uint64_t done = 0; done < value.bytes; done += call.bytes) {
		size_t i;

		call.offset = offset + done;
		call.bytes = min_u64(value.bytes - done, sizeof(piece));
		stage_on_cpu(r->cpu, do_read, &call);
		if (call.err != OK || call.done < call.bytes)
			return run_failed(r, "read: expected %llu bytes, got %llu and %s",
					  (unsigned long long)value.bytes,
					  (unsigned long long)(done + call.done),
					  call.err == OK ? "the end" : err_name(call.err));
		i = value_difference(&value, done, piece, call.bytes);
		if (i < call.bytes)
			return run_failed(r, "read: expected byte %llu to be %02x, got %02x",
					  (unsigned long long)(done + i),
					  value_byte(&value, done + i), piece[i]);
		if (!run_work(r))
			return false;
	}
	r->result->calls_equal++;
	return true;
}
