/*
 * check.c - runs all checks and reports the first broken invariant.
 *
 * The order matters: regions, spaces and processes are checked before the tables
 * because the walk trusts their links. Nothing is allocated and nothing is
 * changed but the scratch words of descriptors (sweep.h), so a run leaves no
 * trace. No locks: no operation may be in progress.
 */
#include "check/invariants.h"

#include "base/format.h"
#include "check/sweep.h"
#include "check/walk.h"

const char *
invariant_name(enum invariant inv)
{
	static const char *const names[INV_NR] = {
		[INV_REF] = "I-REF",   [INV_EXCL] = "I-EXCL",	  [INV_PROT] = "I-PROT",
		[INV_REG] = "I-REG",   [INV_TAB] = "I-TAB",	  [INV_FREE] = "I-FREE",
		[INV_TLB] = "I-TLB",   [INV_CHARGE] = "I-CHARGE", [INV_LEDGER] = "I-LEDGER",
		[INV_PROC] = "I-PROC", [INV_REPL] = "I-REPL",
	};

	return (unsigned)inv < INV_NR ? names[inv] : "I-?";
}

void
check_fail(struct check *c, enum invariant broken, const char *fmt, ...)
{
	va_list args;

	if (c->failed && c->report->broken <= broken)
		return;
	c->failed = true;
	c->report->broken = broken;
	va_start(args, fmt);
	format_va(c->report->text, sizeof(c->report->text), fmt, args);
	va_end(args);
}

/* tally_frames - the first sweep: clear scratch words, count kinds, look at free frames. */
static void
tally_frames(struct check *c)
{
	for (pfn_t pfn = sweep_first(); !pfn_is_none(pfn); pfn = sweep_next(pfn)) {
		struct frame *f = frame_of(pfn);
		uint32_t     *scratch = sweep_scratch(f);
		uint64_t      pages = sweep_pages(pfn);

		c->nr_paired += f->kind == FRAME_ANON && *scratch != 0;
		if (scratch)
			*scratch = 0;
		if (f->kind >= FRAME_KINDS) {
			check_fail(c, INV_LEDGER, "frame %llu has kind %u",
				   (unsigned long long)pfn.n, f->kind);
			return;
		}
		c->by_kind[f->kind] += pages;
		c->nr_frames += pages;
		if (f->kind == FRAME_FREE)
			check_free_frames(c, pfn, f->order);
	}
	if (c->nr_paired != c->nr_pairs)
		check_fail(c, INV_REF, "%llu frames name a swap slot, %llu slots name a frame",
			   (unsigned long long)c->nr_paired, (unsigned long long)c->nr_pairs);
}

/* check_frames - everything that needs the scratch words. false: it ended early. */
static bool
check_frames(struct check *c)
{
	sweep_clear_slots();
	tally_frames(c);
	if (c->failed)
		return false;
	check_ledger(c);
	ref_objects(c);
	ref_swap(c);
	walk_spaces(c);
	if (c->cannot_go_on)
		return false;
	ref_compare(c);
	ref_compare_slots(c);
	check_tlb(c);
	return true;
}

bool
check_all(struct check_report *report)
{
	struct check c = { .report = report, .zero_frame = pfn_none() };

	check_regions(&c);
	check_processes(&c);
	if (c.failed)
		return false;
	check_charge(&c);
	check_swap_pairs(&c);
	if (c.failed)
		return false;
	if (check_frames(&c))
		sweep_pair();
	else
		sweep_restore();
	return !c.failed;
}
