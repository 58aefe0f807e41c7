/*
 * pages.h - sets of pages with a kind each, as sorted runs of neighbours of one kind.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct page_run {
	uint64_t start; /* page number */
	uint64_t end;
	char	 kind; /* as in touch.log */
};

struct pages {
	struct page_run *runs;
	size_t		 nr, room;
};

#define PAGE_NUMBER_END ((uint64_t)1 << 52)

/* pages_set - [start, end) has this kind, whatever it had. */
void pages_set(struct pages *pages, uint64_t start, uint64_t end, char kind);

/* pages_remove - [start, end) is not in the set. */
void pages_remove(struct pages *pages, uint64_t start, uint64_t end);

/* pages_move - what is in [start, end) goes to another set. */
void pages_move(struct pages *from, uint64_t start, uint64_t end, struct pages *to);

/* pages_add_all - every run of `more` is set in `pages`. */
void pages_add_all(struct pages *pages, const struct pages *more);

/* pages_remove_all - no page of `gone` is in `pages` any more. */
void pages_remove_all(struct pages *pages, const struct pages *gone);

/* pages_add_both - what is in both `a` and `b` is set in `pages`, with the kind it has in `a`. */
void pages_add_both(struct pages *pages, const struct pages *a, const struct pages *b);

/* pages_add_same - what is in both `a` and `b` and has one kind there is set in `pages`. */
void pages_add_same(struct pages *pages, const struct pages *a, const struct pages *b);

/* pages_shift - what is in [start, end) goes to where `to` is, in place of what is there. */
void pages_shift(struct pages *pages, uint64_t start, uint64_t end, uint64_t to);

void	 pages_clear(struct pages *pages);
void	 pages_free(struct pages *pages);
uint64_t pages_count(const struct pages *pages);
