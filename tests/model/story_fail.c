/*
 * story_fail.c - tries that run out of memory or meet a broken swap device, and how an
 * operation is told.
 *
 * Memory runs out because an allocation is made to fail, or because somebody else has all
 * the frames (story_starve), which are given back for the second try.
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

/* which_allocation - counted from the next one on: mostly one of the first, as few operations need many. */
static unsigned
which_allocation(const struct story_record *rec)
{
	static const uint8_t nth[32] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2,  2,	2,
					 3, 3, 3, 3, 4, 4, 4, 5, 5, 6, 7, 8, 9, 10, 11, 12 };

	return nth[rec->fail % ARRAY_SIZE(nth)];
}

/* fails_allocations, fails_device - in the first try of this operation. */
static bool
fails_allocations(const struct story_op *op)
{
	return op->rec->fail >= 0xc0 && !op->must_not_fail;
}

static bool
fails_device(const struct story_op *op)
{
	return op->st->swap_slots && op->rec->fail >= 0x80 && op->rec->fail < 0xc0 &&
	       op->is_repeatable;
}

/* is_told - with a swap device, which allocation it is depends on which pages are out. */
static bool
is_told(const struct story_op *op, const char *error)
{
	return error && !op->st->swap_slots;
}

/* state_of - what a try that gives up must not change. Where memory is short, pages go at any moment. */
static struct state
state_of(const struct story *st)
{
	return (struct state){ .digest = st->is_hungry ? digest_lasting() : digest_all(),
			       .nr_pins = frame_nr_pins(),
			       .is_noted = true };
}

static bool
is_same(struct state a, struct state b)
{
	return a.digest.lo == b.digest.lo && a.digest.hi == b.digest.hi && a.nr_pins == b.nr_pins;
}

void
story_fail_begin(struct story_op *op, const char *error)
{
	bool all_after = op->rec->fail & 0x20;

	if (op->must_not_fail)
		story_feed(op->st);
	op->is_failing = fails_allocations(op) || fails_device(op) || op->st->nr_held;
	op->was_failing = op->is_failing;
	if (fails_allocations(op) && is_told(op, error))
		story_tell(op->st, "fail %u%s\n", which_allocation(op->rec), all_after ? "+" : "");
	story_tell(op->st, "%s", op->line);
	if (!op->is_failing)
		return;
	if (op->st->digests)
		op->before = state_of(op->st);
	op->st->swap.nr_failed = 0;
	op->st->swap.fails_reads = fails_device(op) && !all_after;
	op->st->swap.fails_writes = fails_device(op) && all_after;
	if (fails_allocations(op))
		machine_fail_allocation(which_allocation(op->rec), all_after);
}

bool
story_fail_end(struct story_op *op, bool ran_out, const char *error)
{
	if (!op->is_failing)
		return false;
	machine_fail_allocation(0, false);
	op->st->swap.fails_reads = false;
	op->st->swap.fails_writes = false;
	op->is_failing = false;
	ran_out |= op->st->swap.nr_failed > 0;
	op->gave_up = ran_out;
	if (ran_out)
		story_feed(op->st);
	if (ran_out && is_told(op, error) && fails_allocations(op))
		story_tell(op->st, " = %s\nfail off\n%s", error, op->line);
	else if (is_told(op, error) && fails_allocations(op))
		op->st->must_stop_failing = true;
	if (ran_out && op->before.is_noted)
		op->has_changed = !is_same(state_of(op->st), op->before);
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
