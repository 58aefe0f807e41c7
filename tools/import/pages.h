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

void	 pages_clear(struct pages *pages);
void	 pages_free(struct pages *pages);
uint64_t pages_count(const struct pages *pages);
