/* pt_fixture.c - the helpers of pt_fixture.h. */
#include "unit/pt_fixture.h"

#include <inttypes.h>
#include <stdlib.h>

#include "pt/state.h"

/* Trees and pages. */

struct pt
tree_make(void)
{
	struct pt pt;

	EXPECT_OK(pt_create(&pt));
	return pt;
}

void
tree_drop(struct pt *pt)
{
	pt_deactivate(pt);
	pt_destroy(pt);
}

pfn_t
page_make(enum frame_kind kind)
{
	pfn_t pfn;

	EXPECT_OK(frame_alloc((struct frame_request){ .kind = kind, .zeroed = true }, &pfn));
	*(uint64_t *)arch_frame_ptr(pfn) = pfn.n;
	return pfn;
}

void
tree_put_leaf(struct pt *pt, vaddr_t va, struct pte_leaf leaf)
{
	struct pt_cursor cur;
	struct gather	 g;

	gather_begin(&g, pt);
	EXPECT_OK(pt_cursor_open(&cur, pt, va, &g));
	assert_int_equal(arch_pte_kind(pt_cursor_get(&cur), 0), PTE_EMPTY);
	(void)pt_cursor_set(&cur, arch_pte_leaf(leaf));
	pt_cursor_close(&cur);
	gather_end(&g);
}

pfn_t
tree_put(struct pt *pt, vaddr_t va, prot_t prot)
{
	pfn_t pfn = page_make(FRAME_ANON);

	tree_put_leaf(pt, va, (struct pte_leaf){ .pfn = pfn, .prot = prot, .is_private = true });
	return pfn;
}

void
tree_put_zero(struct pt *pt, vaddr_t va)
{
	tree_put_leaf(pt, va,
		      (struct pte_leaf){ .pfn = pt_zero_frame(),
					 .prot = PROT_R,
					 .is_private = true,
					 .is_special = true });
}

/* Forks. */

static bool
next_range(const struct fork_filter *filter, vaddr_t from, struct va_range *out)
{
	const struct range_list *list = filter->data;

	for (unsigned i = 0; i < list->nr; i++) {
		if (list->ranges[i].end > from) {
			*out = list->ranges[i];
			return true;
		}
	}
	return false;
}

struct fork_filter
range_filter(struct range_list *list)
{
	return (struct fork_filter){ .next = next_range, .data = list };
}

struct pt
tree_fork_without(struct pt *parent, const struct va_range *ranges, unsigned nr)
{
	struct range_list  list = { ranges, nr };
	struct fork_filter filter = range_filter(&list);
	struct pt	   child = tree_make();
	struct gather	   g;

	EXPECT_OK(pt_fork_prepare(parent, &child, &filter));
	gather_begin(&g, parent);
	pt_fork_commit(parent, &child, &g);
	gather_end(&g);
	return child;
}

struct pt
tree_fork(struct pt *parent)
{
	return tree_fork_without(parent, NULL, 0);
}

/* Changes of ranges. */

void
tree_unmap(struct pt *pt, struct va_range range)
{
	struct pt_plan plan;
	struct gather  g;

	EXPECT_OK(pt_plan_unmap(&plan, pt, range));
	gather_begin(&g, pt);
	pt_unmap(pt, range, &plan, &g);
	gather_end(&g);
	pt_plan_drop(&plan);
}

void
tree_protect(struct pt *pt, struct va_range range, prot_t prot)
{
	struct pt_plan plan;
	struct gather  g;

	EXPECT_OK(pt_plan_protect(&plan, pt, range));
	gather_begin(&g, pt);
	pt_protect(pt, range, prot, &plan, &g);
	gather_end(&g);
	pt_plan_drop(&plan);
}

void
tree_mark(struct pt *pt, struct va_range range)
{
	struct pt_plan plan;
	struct gather  g;

	EXPECT_OK(pt_plan_mark(&plan, pt, range));
	gather_begin(&g, pt);
	pt_mark(pt, range, (struct pte_mark){ .type = MARK_GUARD }, &plan, &g);
	gather_end(&g);
	pt_plan_drop(&plan);
}

void
tree_unmark(struct pt *pt, struct va_range range)
{
	struct pt_plan plan;
	struct gather  g;

	EXPECT_OK(pt_plan_protect(&plan, pt, range));
	gather_begin(&g, pt);
	pt_unmark(pt, range, MARK_GUARD, &plan, &g);
	gather_end(&g);
	pt_plan_drop(&plan);
}

bool
tree_make_exclusive(struct pt *pt, vaddr_t va)
{
	struct pt_cursor cur;
	struct gather	 g;

	gather_begin(&g, pt);
	EXPECT_OK(pt_cursor_open(&cur, pt, va, &g));
	pt_cursor_close(&cur);
	gather_end(&g);
	return cur.changed_path;
}

/* Looks. */

pfn_t
table_at(const struct pt *pt, vaddr_t va, unsigned level)
{
	pfn_t table = pt->root;

	for (unsigned l = ROOT_LEVEL; l > level; l--) {
		pte_t pte = table_get(table, level_index(l, va));

		if (arch_pte_kind(pte, l) != PTE_TABLE)
			return pfn_none();
		table = arch_pte_table_pfn(pte);
	}
	return table;
}

bool
slot_is_writable(const struct pt *pt, vaddr_t va, unsigned level)
{
	pfn_t table = table_at(pt, va, level);

	assert_false(pfn_is_none(table));
	return arch_pte_writable(table_get(table, level_index(level, va)));
}

void
expect_page(const struct pt *pt, vaddr_t va, pfn_t pfn, prot_t prot, const char *file, int line)
{
	struct machine_translation t = machine_translate(pt->root, va);

	if (!t.present || t.pfn.n != pfn.n || t.prot != prot) {
		print_error("0x%" PRIx64 ": %s, frame %" PRIu64 ", rights %u; expected frame "
			    "%" PRIu64 ", rights %u\n",
			    va, t.present ? "present" : "not present", t.pfn.n, t.prot, pfn.n,
			    prot);
		_fail(file, line);
	}
}

void
expect_no_page(const struct pt *pt, vaddr_t va, const char *file, int line)
{
	struct machine_translation t = machine_translate(pt->root, va);

	if (t.present && t.prot) {
		print_error("0x%" PRIx64 ": frame %" PRIu64 ", rights %u; expected no page\n", va,
			    t.pfn.n, t.prot);
		_fail(file, line);
	}
}

/* The oracle. */

struct survey {
	uint32_t   *names; /* by frame number */
	uint64_t    nr_frames;
	uint64_t    tables;
	uint64_t    pages[FRAME_KINDS]; /* distinct frames that leaves name */
	const char *file;
	int	    line;
};

#define SURVEY_REQUIRE(s, x, ...) \
	do { \
		if (!(x)) { \
			print_error(__VA_ARGS__); \
			print_error(" (%s)\n", #x); \
			_fail((s)->file, (s)->line); \
		} \
	} while (0)

/* One more place names the frame; true if it is the first. */
static bool
name_frame(struct survey *s, pfn_t pfn)
{
	SURVEY_REQUIRE(s, pfn.n < s->nr_frames, "frame %" PRIu64, pfn.n);
	return s->names[pfn.n]++ == 0;
}

static void survey_table(struct survey *s, pfn_t table, unsigned level);

static void
survey_leaf(struct survey *s, pte_t pte, unsigned level)
{
	struct pte_leaf leaf = arch_pte_decode_leaf(pte, level);
	enum frame_kind kind;

	if (leaf.is_special) {
		SURVEY_REQUIRE(s, !(leaf.prot & PROT_W), "special frame %" PRIu64, leaf.pfn.n);
		return;
	}
	kind = (enum frame_kind)frame_of(leaf.pfn)->kind;
	s->pages[kind] += name_frame(s, leaf.pfn);
	if (leaf.is_private && leaf.prot & PROT_W) {
		SURVEY_REQUIRE(s, frame_count(leaf.pfn) == 1, "I-EXCL, frame %" PRIu64, leaf.pfn.n);
		SURVEY_REQUIRE(s, kind == FRAME_ANON, "I-EXCL, frame %" PRIu64, leaf.pfn.n);
	}
}

static void
survey_entry(struct survey *s, pte_t pte, unsigned level)
{
	pfn_t child;

	if (arch_pte_kind(pte, level) == PTE_LEAF)
		survey_leaf(s, pte, level);
	if (arch_pte_kind(pte, level) != PTE_TABLE)
		return;
	child = arch_pte_table_pfn(pte);
	if (arch_pte_writable(pte))
		SURVEY_REQUIRE(s, frame_count(child) == 1, "I-EXCL, table %" PRIu64, child.n);
	if (name_frame(s, child))
		survey_table(s, child, level - 1);
}

static void
survey_table(struct survey *s, pfn_t table, unsigned level)
{
	const struct frame *f = frame_of(table);
	unsigned	    slots = level == ROOT_LEVEL ? ARCH_USER_ROOT_SLOTS : ARCH_PT_ENTRIES;
	unsigned	    live = 0;

	s->tables++;
	for (unsigned i = 0; i < slots; i++) {
		pte_t pte = table_get(table, i);

		live += arch_pte_kind(pte, level) != PTE_EMPTY;
		survey_entry(s, pte, level);
	}
	SURVEY_REQUIRE(s, f->table.live == live, "table %" PRIu64 " says %u, has %u", table.n,
		       f->table.live, live);
	SURVEY_REQUIRE(s, live > 0 || level == ROOT_LEVEL, "empty table %" PRIu64, table.n);
	SURVEY_REQUIRE(s, f->kind == FRAME_TABLE && f->table.level == level, "table %" PRIu64,
		       table.n);
	SURVEY_REQUIRE(s, !(f->lock & BYTE_LOCKED), "locked table %" PRIu64, table.n);
}

static void
survey_counts(struct survey *s)
{
	struct frame_totals totals = frame_totals();

	for (uint64_t n = 0; n < s->nr_frames; n++) {
		if (s->names[n])
			SURVEY_REQUIRE(s, frame_count((pfn_t){ n }) == s->names[n],
				       "I-REF, frame %" PRIu64 " has count %u, %u names", n,
				       frame_count((pfn_t){ n }), s->names[n]);
	}
	SURVEY_REQUIRE(s, totals.by_kind[FRAME_TABLE] == s->tables,
		       "%" PRIu64 " tables in use, %" PRIu64 " in trees",
		       totals.by_kind[FRAME_TABLE], s->tables);
	SURVEY_REQUIRE(s, totals.by_kind[FRAME_ANON] == s->pages[FRAME_ANON],
		       "%" PRIu64 " pages in use, %" PRIu64 " in trees", totals.by_kind[FRAME_ANON],
		       s->pages[FRAME_ANON]);
}

void
tree_check(struct pt *const *trees, unsigned nr, const char *file, int line)
{
	struct survey s = { .file = file, .line = line };

	for (pfn_t pfn = frame_first(); !pfn_is_none(pfn); pfn = frame_next(pfn))
		s.nr_frames = pfn.n + 1;
	s.names = calloc(s.nr_frames, sizeof(*s.names));
	assert_non_null(s.names);
	for (unsigned i = 0; i < nr; i++) {
		SURVEY_REQUIRE(&s, name_frame(&s, trees[i]->root), "root %u", i);
		survey_table(&s, trees[i]->root, ROOT_LEVEL);
	}
	survey_counts(&s);
	free(s.names);
}

/* Counters. */

static uint64_t noted[STAT_NR];

void
stats_note(void)
{
	for (unsigned i = 0; i < STAT_NR; i++)
		noted[i] = stat_get((enum stat)i);
}

void
expect_stat(enum stat stat, uint64_t n, const char *file, int line)
{
	uint64_t now = stat_get(stat);

	if (now - noted[stat] != n) {
		print_error("%s: %" PRIu64 " more, expected %" PRIu64 "\n", stat_name(stat),
			    now - noted[stat], n);
		_fail(file, line);
	}
}
