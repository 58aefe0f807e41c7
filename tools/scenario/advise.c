/*
 * advise.c - calls about pages that are mapped already: madvise.
 */
#include "scenario/call.h"

/* A statement of the form VERB P ADDR LENGTH, then perhaps flags. */
static bool
run_call(struct run *r, const char *verb, struct space_call *call, void (*fn)(void *))
{
	struct wanted wanted;

	if (!parse_wanted(r, &wanted))
		return false;
	if (r->dry)
		return true;
	stage_on_cpu(r->cpu, fn, call);
	return compare_result(r, verb, &wanted, call->err, 0, false);
}

static const struct flag_word advices[] = {
	{ "normal", ADVICE_NORMAL },
	{ "random", ADVICE_RANDOM },
	{ "sequential", ADVICE_SEQUENTIAL },
	{ "willneed", ADVICE_WILLNEED },
	{ "dontneed", ADVICE_DONTNEED },
	{ "free", ADVICE_FREE },
	{ "remove", ADVICE_REMOVE },
	{ "dontfork", ADVICE_DONTFORK },
	{ "dofork", ADVICE_DOFORK },
	{ "mergeable", ADVICE_MERGEABLE },
	{ "unmergeable", ADVICE_UNMERGEABLE },
	{ "hugepage", ADVICE_HUGEPAGE },
	{ "nohugepage", ADVICE_NOHUGEPAGE },
	{ "dontdump", ADVICE_DONTDUMP },
	{ "dodump", ADVICE_DODUMP },
	{ "wipeonfork", ADVICE_WIPEONFORK },
	{ "keeponfork", ADVICE_KEEPONFORK },
	{ "cold", ADVICE_COLD },
	{ "pageout", ADVICE_PAGEOUT },
	{ "populate-read", ADVICE_POPULATE_READ },
	{ "populate-write", ADVICE_POPULATE_WRITE },
	{ "dontneed-locked", ADVICE_DONTNEED_LOCKED },
	{ "collapse", ADVICE_COLLAPSE },
	{ "guard", ADVICE_GUARD_INSTALL },
	{ "unguard", ADVICE_GUARD_REMOVE },
	{ NULL, 0 },
};

static void
do_advise(void *arg)
{
	struct space_call *call = arg;

	call->err = space_advise(call->space, call->addr, call->length, (enum advice)call->arg);
}

/* madvise P ADDR LENGTH ADVICE [= RESULT] */
bool
statement_madvise(struct run *r)
{
	static const char what[] =
		"normal, dontneed, free, dontfork, dofork, wipeonfork, keeponfork, guard, unguard "
		"or another advice";
	struct space_call call = { 0 };

	return parse_span(r, &call) && parse_flags(r, advices, what, &call.arg) &&
	       run_call(r, "madvise", &call, do_advise);
}
