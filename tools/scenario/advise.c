/*
 * advise.c - calls about pages that are mapped already: madvise, msync, mincore, the mlock
 * family, mseal.
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
	{ "next-touch", ADVICE_NEXT_TOUCH },
	{ NULL, 0 },
};

static void
do_advise(void *arg)
{
	struct space_call *call = arg;

	call->err = call_madvise(call->space, call->addr, call->length, (enum advice)call->arg);
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

static void
do_sync(void *arg)
{
	struct space_call *call = arg;

	call->err = call_msync(call->space, call->addr, call->length, call->arg);
}

/* msync P ADDR LENGTH FLAGS [= RESULT] */
bool
statement_msync(struct run *r)
{
	static const struct flag_word flags[] = {
		{ "async", SYNC_ASYNC },
		{ "invalidate", SYNC_INVALIDATE },
		{ "sync", SYNC_SYNC },
		{ NULL, 0 },
	};
	struct space_call call = { 0 };

	return parse_span(r, &call) &&
	       parse_flags(r, flags, "sync, async or invalidate", &call.arg) &&
	       run_call(r, "msync", &call, do_sync);
}

static void
do_lock(void *arg)
{
	struct space_call *call = arg;

	call->err = call_mlock(call->space, call->addr, call->length);
}

/* mlock P ADDR LENGTH [= RESULT] */
bool
statement_mlock(struct run *r)
{
	struct space_call call = { 0 };

	return parse_span(r, &call) && run_call(r, "mlock", &call, do_lock);
}

static void
do_lock2(void *arg)
{
	struct space_call *call = arg;

	call->err = call_mlock2(call->space, call->addr, call->length, call->arg);
}

/* mlock2 P ADDR LENGTH FLAGS [= RESULT] */
bool
statement_mlock2(struct run *r)
{
	static const struct flag_word flags[] = {
		{ "onfault", LOCKF_ONFAULT },
		{ NULL, 0 },
	};
	struct space_call call = { 0 };

	return parse_span(r, &call) && parse_flags(r, flags, "onfault, or a number", &call.arg) &&
	       run_call(r, "mlock2", &call, do_lock2);
}

static void
do_unlock(void *arg)
{
	struct space_call *call = arg;

	call->err = call_munlock(call->space, call->addr, call->length);
}

/* munlock P ADDR LENGTH [= RESULT] */
bool
statement_munlock(struct run *r)
{
	struct space_call call = { 0 };

	return parse_span(r, &call) && run_call(r, "munlock", &call, do_unlock);
}

static bool
parse_space(struct run *r, struct space_call *call)
{
	struct name *name;

	if (!parse_process(r, &name))
		return false;
	if (!r->dry)
		call->space = space_of(name);
	return true;
}

static void
do_lock_all(void *arg)
{
	struct space_call *call = arg;

	call->err = call_mlockall(call->space, call->arg);
}

/* mlockall P FLAGS [= RESULT] */
bool
statement_mlockall(struct run *r)
{
	static const struct flag_word flags[] = {
		{ "current", LOCKALL_CURRENT },
		{ "future", LOCKALL_FUTURE },
		{ "onfault", LOCKALL_ONFAULT },
		{ NULL, 0 },
	};
	struct space_call call = { 0 };

	return parse_space(r, &call) &&
	       parse_flags(r, flags, "current, future or onfault", &call.arg) &&
	       run_call(r, "mlockall", &call, do_lock_all);
}

static void
do_unlock_all(void *arg)
{
	struct space_call *call = arg;

	call->err = call_munlockall(call->space);
}

/* munlockall P [= RESULT] */
bool
statement_munlockall(struct run *r)
{
	struct space_call call = { 0 };

	return parse_space(r, &call) && run_call(r, "munlockall", &call, do_unlock_all);
}

static void
do_seal(void *arg)
{
	struct space_call *call = arg;

	call->err = call_mseal(call->space, call->addr, call->length, call->arg);
}

/* mseal P ADDR LENGTH [FLAGS] [= RESULT] */
bool
statement_mseal(struct run *r)
{
	struct space_call call = { 0 };
	struct token	  token;
	uint64_t	  flags;

	if (!parse_span(r, &call))
		return false;
	if (lexer_token(&r->lex, &token)) {
		if (token_number(&token, &flags) && flags <= UINT32_MAX)
			call.arg = (unsigned)flags;
		else
			lexer_unread(&r->lex, &token);
	}
	return run_call(r, "mseal", &call, do_seal);
}

/* mincore, with the vector in the interpreter's memory: pages are asked for in pieces. */
#define CORE_PIECE 64

struct core_call {
	struct space *space;
	vaddr_t	      va;
	uint64_t      pages;
	uint8_t	      vec[CORE_PIECE];
	err_t	      err;
};

static void
do_resident(void *arg)
{
	struct core_call *call = arg;

	call->err = space_resident(call->space, call->va, call->pages, call->vec, &call->pages);
}

/* What a system call checks before it asks about pages. */
static err_t
core_range(vaddr_t addr, uint64_t length, uint64_t *pages)
{
	if (addr & ARCH_PAGE_MASK)
		return ERR_INVAL;
	if (addr > ARCH_USER_END || length > ARCH_USER_END - addr)
		return ERR_NOMEM;
	*pages = (length + ARCH_PAGE_MASK) >> ARCH_PAGE_SHIFT;
	return OK;
}

/* The pages of one piece against the letters 0 and 1 that they must have; false: the run is over. */
static bool
compare_core(struct run *r, const struct core_call *call, const struct token *want, uint64_t at,
	     bool *equal)
{
	for (uint64_t i = 0; i < call->pages && at + i < want->bytes; i++) {
		char got = call->vec[i] & 1 ? '1' : '0';

		if (want->text[at + i] == got)
			continue;
		*equal = false;
		return run_failed(r, "mincore: expected page %llu to be %s, it is not",
				  (unsigned long long)(at + i), got == '0' ? "resident" : "absent");
	}
	return true;
}

static bool
parse_core(struct run *r, struct token *want)
{
	struct token token;

	*want = (struct token){ 0 };
	if (!lexer_token(&r->lex, &token))
		return true;
	if (token.quoted || (token.text[0] != '0' && token.text[0] != '1')) {
		lexer_unread(&r->lex, &token);
		return true;
	}
	for (size_t i = 0; i < token.bytes; i++) {
		if (token.text[i] != '0' && token.text[i] != '1')
			return parse_expected(r, &token, "0 or 1 for each page");
	}
	*want = token;
	return true;
}

/* mincore P ADDR LENGTH [0 or 1 for each page] [= RESULT] */
bool
statement_mincore(struct run *r)
{
	struct core_call  piece = { 0 };
	struct space_call call = { 0 };
	struct wanted	  wanted;
	struct token	  want;
	uint64_t	  pages = 0;
	bool		  equal = true;

	if (!parse_span(r, &call) || !parse_core(r, &want) || !parse_wanted(r, &wanted))
		return false;
	if (r->dry)
		return true;
	call.err = core_range(call.addr, call.length, &pages);
	piece.space = call.space;
	for (uint64_t at = 0; call.err == OK && at < pages; at += piece.pages) {
		piece.va = call.addr + (at << ARCH_PAGE_SHIFT);
		piece.pages = min_u64(pages - at, CORE_PIECE);
		stage_on_cpu(r->cpu, do_resident, &piece);
		call.err = piece.err;
		if (call.err == OK && equal && !compare_core(r, &piece, &want, at, &equal))
			return false;
		if (!run_work(r))
			return false;
	}
	return compare_result(r, "mincore", &wanted, call.err, 0, false);
}
