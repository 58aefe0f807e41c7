/*
 * shrink.c - makes a sequence that differs as short as it can.
 *
 * Pieces are left out, large ones first, as long as the rest still differs in the same way;
 * then operands are made plainer one at a time. Every try is a new life on both sides.
 */
#include "shrink.h"

#include <string.h>

#define MAX_TRIES 4000

struct search {
	struct setup  *setup;
	struct op     *ops;
	unsigned       nr;
	struct verdict verdict;
	unsigned       tries;
};

static struct op attempt[MAX_OPS];

/* differs - the attempt shows a difference of the same kind that is not a known one. */
static bool
differs(struct search *search, unsigned nr)
{
	struct verdict verdict;

	if (search->tries++ > MAX_TRIES || pair_run(search->setup, attempt, nr, &verdict))
		return false;
	if (verdict.known || verdict.difference != search->verdict.difference ||
	    verdict.op.kind != search->verdict.op.kind)
		return false;
	search->verdict = verdict;
	/* What comes after the difference is never needed. */
	search->nr = verdict.step < nr ? verdict.step + 1 : nr;
	memcpy(search->ops, attempt, search->nr * sizeof(*attempt));
	return true;
}

static bool
leave_out(struct search *search, unsigned first, unsigned count)
{
	memcpy(attempt, search->ops, first * sizeof(*attempt));
	memcpy(attempt + first, search->ops + first + count,
	       (search->nr - first - count) * sizeof(*attempt));
	return differs(search, search->nr - count);
}

/* From the end: what is late is easier to do without. */
static void
leave_out_pieces(struct search *search)
{
	for (unsigned piece = search->nr / 2; piece > 0; piece = piece > 1 ? (piece + 1) / 2 : 0) {
		bool again = true;

		while (again) {
			again = false;
			for (unsigned end = search->nr; end >= piece; end -= piece) {
				if (end > search->nr)
					end = search->nr;
				if (end >= piece && leave_out(search, end - piece, piece))
					again = piece == 1;
				if (end < 2 * piece)
					break;
			}
		}
	}
}

static bool
try_operand(struct search *search, unsigned i, unsigned arg, uint64_t value)
{
	if (search->ops[i].arg[arg] == value)
		return true;
	memcpy(attempt, search->ops, search->nr * sizeof(*attempt));
	attempt[i].arg[arg] = value;
	return differs(search, search->nr);
}

static void
plainer_length(struct search *search, unsigned i)
{
	uint64_t pages = search->ops[i].arg[1] >> ARCH_PAGE_SHIFT;

	if (pages > 1 << 16 || try_operand(search, i, 1, ARCH_PAGE_SIZE))
		return;
	(void)try_operand(search, i, 1, 2 * ARCH_PAGE_SIZE);
	(void)try_operand(search, i, 1, (pages + 1) * ARCH_PAGE_SIZE);
}

static void
plainer_flags(struct search *search, unsigned i)
{
	for (unsigned bit = 4; bit < 32; bit++)
		if (i < search->nr && (search->ops[i].arg[3] & (uint64_t)1 << bit))
			(void)try_operand(search, i, 3,
					  search->ops[i].arg[3] & ~((uint64_t)1 << bit));
}

static void
plainer(struct search *search)
{
	for (unsigned i = 0; i < search->nr; i++) {
		enum op_kind kind = search->ops[i].kind;

		if (kind == OP_MMAP) {
			plainer_flags(search, i);
			if (i < search->nr)
				(void)try_operand(search, i, 2, PROT_RW);
		}
		if (i < search->nr && op_traits[kind].has_range && kind != OP_LOAD &&
		    kind != OP_STORE)
			plainer_length(search, i);
	}
}

unsigned
shrink(struct setup *setup, struct op *ops, unsigned nr, struct verdict *verdict)
{
	struct search search = { .setup = setup, .ops = ops, .nr = nr, .verdict = *verdict };

	memcpy(attempt, ops, nr * sizeof(*ops));
	if (!differs(&search, nr))
		return nr;
	leave_out_pieces(&search);
	plainer(&search);
	leave_out_pieces(&search);
	*verdict = search.verdict;
	return search.nr;
}
