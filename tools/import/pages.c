/* pages.c - sorted, disjoint, non-empty runs; neighbours of one kind are joined. */
#include <stdlib.h>
#include <string.h>

#include "import/pages.h"
#include "import/text.h"

/* The first run that ends behind `at`. */
static size_t
first_behind(const struct pages *pages, uint64_t at)
{
	size_t low = 0;
	size_t high = pages->nr;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (pages->runs[mid].end > at)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

/* Make room for `add` runs at `at`, in place of `drop` that are there. */
static void
splice(struct pages *pages, size_t at, size_t drop, size_t add)
{
	size_t nr = pages->nr - drop + add;

	if (nr > pages->room) {
		pages->room = 2 * nr + 16;
		pages->runs = memory_grow(pages->runs, pages->room * sizeof(*pages->runs));
	}
	if (pages->nr > at + drop)
		memmove(&pages->runs[at + add], &pages->runs[at + drop],
			(pages->nr - at - drop) * sizeof(*pages->runs));
	pages->nr = nr;
}

/* Replace [start, end) by `middle`, or by nothing; returns where it begins. */
static void
replace(struct pages *pages, uint64_t start, uint64_t end, const struct page_run *middle)
{
	size_t		at = first_behind(pages, start);
	struct page_run put[3];
	size_t		stop = at;
	size_t		n = 0;

	while (stop < pages->nr && pages->runs[stop].start < end)
		stop++;
	if (stop > at && pages->runs[at].start < start) {
		put[n] = pages->runs[at];
		put[n++].end = start;
	}
	if (middle)
		put[n++] = *middle;
	if (stop > at && pages->runs[stop - 1].end > end) {
		put[n] = pages->runs[stop - 1];
		put[n++].start = end;
	}
	splice(pages, at, stop - at, n);
	if (n > 0)
		memcpy(&pages->runs[at], put, n * sizeof(put[0]));
}

static void
join(struct pages *pages, size_t at)
{
	struct page_run *run = &pages->runs[at];

	if (at + 1 < pages->nr && run->end == run[1].start && run->kind == run[1].kind) {
		run->end = run[1].end;
		splice(pages, at + 1, 1, 0);
	}
}

void
pages_set(struct pages *pages, uint64_t start, uint64_t end, char kind)
{
	struct page_run run = { .start = start, .end = end, .kind = kind };
	size_t		at;

	if (start >= end)
		return;
	replace(pages, start, end, &run);
	at = first_behind(pages, start);
	join(pages, at);
	if (at > 0)
		join(pages, at - 1);
}

void
pages_remove(struct pages *pages, uint64_t start, uint64_t end)
{
	if (start < end)
		replace(pages, start, end, NULL);
}

void
pages_move(struct pages *from, uint64_t start, uint64_t end, struct pages *to)
{
	if (start >= end)
		return;
	for (size_t i = first_behind(from, start); i < from->nr && from->runs[i].start < end; i++) {
		struct page_run run = from->runs[i];

		pages_set(to, run.start > start ? run.start : start, run.end < end ? run.end : end,
			  run.kind);
	}
	pages_remove(from, start, end);
}

void
pages_add_all(struct pages *pages, const struct pages *more)
{
	for (size_t i = 0; i < more->nr; i++)
		pages_set(pages, more->runs[i].start, more->runs[i].end, more->runs[i].kind);
}

void
pages_remove_all(struct pages *pages, const struct pages *gone)
{
	for (size_t i = 0; i < gone->nr; i++)
		pages_remove(pages, gone->runs[i].start, gone->runs[i].end);
}

/* What is in [run->start, run->end) of `from`; only of the run's kind, or of any. */
static void
add_within(struct pages *pages, const struct pages *from, const struct page_run *run, bool same)
{
	for (size_t i = first_behind(from, run->start);
	     i < from->nr && from->runs[i].start < run->end; i++) {
		struct page_run part = from->runs[i];

		if (same && part.kind != run->kind)
			continue;
		pages_set(pages, part.start > run->start ? part.start : run->start,
			  part.end < run->end ? part.end : run->end, part.kind);
	}
}

void
pages_add_both(struct pages *pages, const struct pages *a, const struct pages *b)
{
	for (size_t i = 0; i < b->nr; i++)
		add_within(pages, a, &b->runs[i], false);
}

void
pages_add_same(struct pages *pages, const struct pages *a, const struct pages *b)
{
	for (size_t i = 0; i < b->nr; i++)
		add_within(pages, a, &b->runs[i], true);
}

void
pages_shift(struct pages *pages, uint64_t start, uint64_t end, uint64_t to)
{
	struct pages moved = { 0 };

	if (start >= end)
		return;
	pages_move(pages, start, end, &moved);
	pages_remove(pages, to, to + (end - start));
	for (size_t i = 0; i < moved.nr; i++)
		pages_set(pages, moved.runs[i].start - start + to, moved.runs[i].end - start + to,
			  moved.runs[i].kind);
	pages_free(&moved);
}

void
pages_clear(struct pages *pages)
{
	pages->nr = 0;
}

void
pages_free(struct pages *pages)
{
	free(pages->runs);
	*pages = (struct pages){ 0 };
}

uint64_t
pages_count(const struct pages *pages)
{
	uint64_t n = 0;

	for (size_t i = 0; i < pages->nr; i++)
		n += pages->runs[i].end - pages->runs[i].start;
	return n;
}
