/*
 * story_fail.c - tries that run out of memory, and how an operation is told.
 *
 * An operation is written down before it runs, so that a story that ends in a crash
 * ends with the operation that crashed.
 */
#include "model/story_ops.h"

#include <stdarg.h>
#include <string.h>

void
story_say(struct story_op *op, const char *fmt, ...)
{
	size_t	length = strlen(op->line);
	va_list args;

	if (!op->st->out)
		return;
	va_start(args, fmt);
	vsnprintf(op->line + length, sizeof(op->line) - length, fmt, args);
	va_end(args);
}

/* which_allocation - counted from the next one on. */
static unsigned
which_allocation(const struct story_record *rec)
{
	return 1 + (rec->fail & 0x1f) % 12;
}

void
story_fail_begin(struct story_op *op, const char *error)
{
	bool all_after = op->rec->fail & 0x20;

	op->is_failing = op->rec->fail >= 0xc0;
	if (op->is_failing && error)
		story_tell(op->st, "fail %u%s\n", which_allocation(op->rec), all_after ? "+" : "");
	story_tell(op->st, "%s", op->line);
	if (!op->is_failing)
		return;
	if (op->st->digests)
		op->before = digest_all();
	machine_fail_allocation(which_allocation(op->rec), all_after);
}

bool
story_fail_end(struct story_op *op, bool ran_out, const char *error)
{
	if (!op->is_failing)
		return false;
	machine_fail_allocation(0, false);
	op->is_failing = false;
	op->gave_up = ran_out;
	if (ran_out && error)
		story_tell(op->st, " = %s\nfail off\n%s", error, op->line);
	else if (error)
		op->st->must_stop_failing = true;
	if (ran_out && op->st->digests) {
		struct digest after = digest_all();

		op->has_changed = after.lo != op->before.lo || after.hi != op->before.hi;
	}
	return ran_out;
}

bool
story_fail_check(struct story_op *op)
{
	if (op->gave_up)
		op->st->nr_gave_up++;
	return !op->has_changed ||
	       story_differ(op->st,
			    "p%u: an operation that ran out of memory has changed something",
			    op->who);
}
