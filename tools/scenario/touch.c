/*
 * touch.c - runs of pages, touched as a recording saw them change.
 *
 * A recording has no contents. So what is stored in a page is a word made from the
 * page's own address, and what is read from a private page must be that word, or
 * what the page holds when nobody has written to it. A page that ends up at another
 * address, or in another program's place, is found by the next touch.
 */
#include "scenario/call.h"
#include "scenario/pager_slow.h"

/* What a touch needs to know of the region around its page. */
struct page_home {
	enum access access;	/* for a page that is only read */
	bool	    is_private; /* else what it holds may come from anywhere */
	bool	    is_file;	/* of made-up contents */
	uint64_t    id;
	uint64_t    offset;  /* of the page in the file, in bytes */
	uint64_t    made_up; /* bytes of the file that are; zeros behind them */
};

/* Bytes of the object that are as they were made up; behind them are zeros. */
static uint64_t
made_up_bytes(const struct run *r, struct object *object)
{
	const struct name *name = r->files_cut ? names_of_object(r->names, object) : NULL;

	return name ? name->least_bytes : object_size(object);
}

static struct page_home
home_of(const struct run *r, struct space *sp, vaddr_t va)
{
	struct page_home home = { .access = ACCESS_LOAD };
	struct region	*region;

	read_lock(&sp->lock);
	region = space_find(sp, va);
	if (region) {
		if ((region->prot & PROT_RWX) == PROT_X)
			home.access = ACCESS_FETCH;
		home.is_private = !(region->flags & REGION_SHARED);
		home.is_file = region->object && (region->object->ops == &pager_memory_file ||
						  region->object->ops == &pager_slow);
	}
	if (home.is_file) {
		home.id = region->object->id;
		home.offset = region_page_index(region, va) << ARCH_PAGE_SHIFT;
		home.made_up = made_up_bytes(r, region->object);
	}
	read_unlock(&sp->lock);
	return home;
}

/* The word that a touch stores at the start of a page; never 0. */
static uint64_t
word_of(vaddr_t va)
{
	return ((va >> ARCH_PAGE_SHIFT) + 1) * 0x9e3779b97f4a7c15u | 1;
}

/* The word at the start of a page that nobody has written to. */
static uint64_t
first_word(const struct page_home *home)
{
	uint8_t	 bytes[sizeof(uint64_t)] = { 0 };
	uint64_t word;

	for (unsigned i = 0; home->is_file && i < sizeof(bytes); i++) {
		if (home->offset + i < home->made_up)
			bytes[i] = object_pattern(home->id, home->offset + i);
	}
	memcpy(&word, bytes, sizeof(word));
	return word;
}

/* The word was stored at the page's own address, or at one that mremap has brought it from. */
static bool
is_stored_word(const struct run *r, vaddr_t va, uint64_t word)
{
	const struct move *move = r->moves;

	do {
		if (word == word_of(va))
			return true;
	} while (move_back(&move, &va));
	return false;
}

static bool
touch_failed(struct run *r, char kind, vaddr_t va, enum fault_result got)
{
	return run_failed(r, "touch: expected a page of kind %c at 0x%llx, got %s", kind,
			  (unsigned long long)va, fault_result_name(got));
}

static bool
read_page(struct run *r, struct space *sp, char kind, vaddr_t va)
{
	struct page_home  home = home_of(r, sp, va);
	uint64_t	  word = 0;
	enum fault_result got =
		stage_access(r->cpu, sp, home.access, va, &word, sizeof(word), NULL);

	if (got != FAULT_DONE)
		return touch_failed(r, kind, va, got);
	if (!home.is_private || word == first_word(&home) || is_stored_word(r, va, word))
		return true;
	return run_failed(
		r,
		"touch: expected page 0x%llx to hold what was stored there, or nothing yet; "
		"it holds something else",
		(unsigned long long)va);
}

static bool
write_page(struct run *r, struct space *sp, char kind, vaddr_t va)
{
	uint64_t	  word = word_of(va);
	enum fault_result got =
		stage_access(r->cpu, sp, ACCESS_STORE, va, &word, sizeof(word), NULL);

	return got == FAULT_DONE || touch_failed(r, kind, va, got);
}

/* A page of kind c was there before its copy was made: what it held is read first. */
static bool
touch_page(struct run *r, struct space *sp, char kind, vaddr_t va)
{
	r->result->touches++;
	if (kind == 'r' || kind == 'f')
		return read_page(r, sp, kind, va);
	if (kind == 'c' && page_at(sp, va).present && !read_page(r, sp, kind, va))
		return false;
	return write_page(r, sp, kind, va);
}

static bool
touch_run(struct run *r, struct space *sp, char kind, vaddr_t va, uint64_t pages)
{
	for (uint64_t i = 0; i < pages; i++, va += ARCH_PAGE_SIZE) {
		if (!touch_page(r, sp, kind, va) || !run_work(r))
			return false;
	}
	return true;
}

/* touch P KIND ADDR PAGES ...: pages as a recording saw them appear. */
bool
statement_touch(struct run *r)
{
	static const char what[] = "a kind of page: a, z, w, c or H (stored to), r or f (read)";
	struct token	  token;
	struct name	 *name;
	uint64_t	  pages;
	vaddr_t		  va;

	if (!parse_process(r, &name) || !parse_token(r, &token, what))
		return false;
	do {
		if (!token_is(&token, "a") && !token_is(&token, "z") && !token_is(&token, "w") &&
		    !token_is(&token, "c") && !token_is(&token, "H") && !token_is(&token, "r") &&
		    !token_is(&token, "f"))
			return parse_expected(r, &token, what);
		if (!parse_number(r, &va, "the address of a page") ||
		    !parse_number(r, &pages, "how many pages"))
			return false;
		if (!r->dry && !touch_run(r, space_of(name), token.text[0], va, pages))
			return false;
	} while (lexer_token(&r->lex, &token));
	return true;
}
