/*
 * pt_fixture.h - trees of tables without spaces, for tests of the page-table layer.
 *
 * A tree is a struct pt with pages put into it by hand. Addresses are named by
 * leaf table and page, so that the same story fits every geometry: leaf_va(t, p)
 * is page p of the t-th leaf table, root_va(s, p) page p of root slot s. Three of
 * each and four pages exist everywhere (with two levels the two are the same).
 *
 * tree_check is an oracle of its own: it visits every table that the trees reach
 * and compares counts, used entries, write permissions and the totals of frames
 * with what it finds. Translations are read through the machine's own decoder.
 */
#pragma once

#include "harness.h"

#include <anymm/stats.h>

#include "pt/cursor.h"
#include "pt/fork.h"
#include "pt/range.h"
#include "pt/table.h"

#define ROOT_LEVEL (ARCH_PT_LEVELS - 1)
#define LEAF_BYTES ((uint64_t)ARCH_PT_ENTRIES << ARCH_PAGE_SHIFT)
#define ALL_USER   va_range(0, ARCH_USER_END)

static inline vaddr_t
leaf_va(unsigned table, unsigned page)
{
	return table * LEAF_BYTES + ((vaddr_t)page << ARCH_PAGE_SHIFT);
}

static inline vaddr_t
root_va(unsigned slot, unsigned page)
{
	return slot * level_span(ROOT_LEVEL) + ((vaddr_t)page << ARCH_PAGE_SHIFT);
}

/* pages - the range of n pages from va on. */
static inline struct va_range
pages(vaddr_t va, unsigned n)
{
	return va_range(va, va + ((vaddr_t)n << ARCH_PAGE_SHIFT));
}

/* tree_make - a fresh tree. tree_drop - leave it on this CPU and destroy it. */
struct pt tree_make(void);
void	  tree_drop(struct pt *pt);

/* tree_put - a private page of its own there, whose first word is its frame number. */
pfn_t tree_put(struct pt *pt, vaddr_t va, prot_t prot);

/* tree_put_leaf - any leaf; the count on its frame (if it is counted) becomes the entry's. */
void tree_put_leaf(struct pt *pt, vaddr_t va, struct pte_leaf leaf);

/* tree_put_zero - the zero frame, as after a read fault. */
void tree_put_zero(struct pt *pt, vaddr_t va);

/* page_make - a frame of the kind, count 1, first word its number. */
pfn_t page_make(enum frame_kind kind);

/* tree_fork, tree_fork_without - the child of a fork; with ranges that the child does not get. */
struct pt tree_fork(struct pt *parent);
struct pt tree_fork_without(struct pt *parent, const struct va_range *ranges, unsigned nr);

/* A filter over ranges in rising order, for calls of pt_fork_prepare. */
struct range_list {
	const struct va_range *ranges;
	unsigned	       nr;
};
struct fork_filter range_filter(struct range_list *list);

/* One change of a range, planned and done: flushes and frees included. */
void tree_unmap(struct pt *pt, struct va_range range);
void tree_protect(struct pt *pt, struct va_range range, prot_t prot);
void tree_mark(struct pt *pt, struct va_range range);
void tree_unmark(struct pt *pt, struct va_range range);

/* tree_make_exclusive - what a write fault does to the path of va; gives true if it changed. */
bool tree_make_exclusive(struct pt *pt, vaddr_t va);

/* table_at - the table of this level on the way to va, or pfn_none(). */
pfn_t table_at(const struct pt *pt, vaddr_t va, unsigned level);

/* slot_is_writable - the entry of this level on the way to va. */
bool slot_is_writable(const struct pt *pt, vaddr_t va, unsigned level);

/* EXPECT_PAGE - va translates to the frame with exactly these rights. EXPECT_NO_PAGE - not at all. */
#define EXPECT_PAGE(pt, va, pfn, prot) expect_page((pt), (va), (pfn), (prot), __FILE__, __LINE__)
#define EXPECT_NO_PAGE(pt, va)	       expect_no_page((pt), (va), __FILE__, __LINE__)
void expect_page(const struct pt *pt, vaddr_t va, pfn_t pfn, prot_t prot, const char *file,
		 int line);
void expect_no_page(const struct pt *pt, vaddr_t va, const char *file, int line);

/* tree_check - the oracle; the trees given are all that exist. */
#define TREE_CHECK(...) \
	tree_check((struct pt *const[]){ __VA_ARGS__ }, \
		   sizeof((struct pt *const[]){ __VA_ARGS__ }) / sizeof(struct pt *), __FILE__, \
		   __LINE__)
void tree_check(struct pt *const *trees, unsigned nr, const char *file, int line);

/* stats_note - remember all counters. EXPECT_STAT - how much one has grown since. */
void stats_note(void);
#define EXPECT_STAT(name, n) expect_stat(STAT_##name, (n), __FILE__, __LINE__)
void expect_stat(enum stat stat, uint64_t n, const char *file, int line);
