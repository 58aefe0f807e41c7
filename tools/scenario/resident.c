/*
 * resident.c - which pages a space has, and that it has no others.
 *
 * A recording says which pages Linux had at a moment. Ours must be the same but for what
 * a rule explains, and then the rule says which pages those are: so the comparison is
 * exact in both directions.
 */
#include "scenario/run.h"

/* The words of a resident statement in front of runs of pages. */
enum page_class {
	PAGES_LISTED, /* must be there */
	PAGES_ALSO,   /* must be there, though the recording does not have them */
	PAGES_MAYBE,  /* may be there */
};

/* One pass over the runs of a line. */
struct resident {
	struct space *space;  /* NULL in the dry pass */
	uint64_t      found;  /* pages of the line that are there */
	vaddr_t	      sought; /* only look whether this page is in a run */
	bool	      seek;
	bool	      is_listed; /* it is */
};

static bool
check_page(struct run *r, struct resident *res, enum page_class class, vaddr_t va)
{
	bool present = page_at(res->space, va).present;

	if (!run_work(r))
		return false;
	res->found += present;
	if (class == PAGES_MAYBE) {
		r->result->resident_open++;
		return true;
	}
	if (class == PAGES_ALSO)
		r->result->resident_also++;
	r->result->present++;
	r->result->present_equal += present;
	return present || run_failed(r, "resident: expected page 0x%llx to be present, it is not",
				     (unsigned long long)va);
}

static bool
check_run(struct run *r, struct resident *res, enum page_class class, vaddr_t va, uint64_t pages)
{
	if (res->seek) {
		res->is_listed |= res->sought - va < pages << ARCH_PAGE_SHIFT;
		return true;
	}
	for (uint64_t i = 0; i < pages; i++, va += ARCH_PAGE_SIZE) {
		if (!check_page(r, res, class, va))
			return false;
	}
	return true;
}

/* The runs of the line from here to its end. */
static bool
each_run(struct run *r, struct resident *res)
{
	enum page_class class = PAGES_LISTED;
	struct token token;
	uint64_t     pages;
	vaddr_t	     va;

	while (lexer_token(&r->lex, &token)) {
		if (token_is(&token, "also")) {
			class = PAGES_ALSO;
		} else if (token_is(&token, "maybe")) {
			class = PAGES_MAYBE;
		} else {
			if (!number_of(r, &token, &va, "the address of a page, also or maybe") ||
			    !parse_number(r, &pages, "how many pages"))
				return false;
			if (!r->dry && !check_run(r, res, class, va, pages))
				return false;
		}
	}
	return true;
}

/* A page is there that no run names: find the first, to tell it. */
static bool
tell_unlisted(struct run *r, struct lexer runs, struct space *sp)
{
	for (vaddr_t va = 0; page_next(sp, &va); va += ARCH_PAGE_SIZE) {
		struct resident res = { .space = sp, .seek = true, .sought = va };

		r->lex = runs;
		if (!each_run(r, &res))
			return false;
		if (!res.is_listed)
			return run_failed(
				r, "resident: expected page 0x%llx to be absent, it is there",
				(unsigned long long)va);
	}
	return run_failed(r, "resident: expected each page to be named once");
}

/* resident P ADDR PAGES ... [also ADDR PAGES ...] [maybe ADDR PAGES ...]: these and no others. */
bool
statement_resident(struct run *r)
{
	struct resident res = { 0 };
	struct lexer	runs;
	struct name    *name;
	uint64_t	there = 0;

	if (!parse_process(r, &name))
		return false;
	runs = r->lex;
	if (!r->dry)
		res.space = space_of(name);
	if (!each_run(r, &res))
		return false;
	if (r->dry)
		return true;
	for (vaddr_t va = 0; page_next(res.space, &va); va += ARCH_PAGE_SIZE)
		there++;
	r->result->spaces_resident++;
	if (there == res.found) {
		r->result->spaces_equal++;
		return true;
	}
	return tell_unlisted(r, runs, res.space);
}
