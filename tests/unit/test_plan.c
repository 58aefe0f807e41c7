/*
 * test_plan.c - tables made before a change: as many as it uses, never too few,
 * and none left when the plan fails or is dropped.
 *
 * The random test keeps a flat model of a few trees that fork, change and die: per tree
 * and page the entry's kind, its frame and what its region would allow.
 */
#include "unit/pt_fixture.h"

#include <string.h>

#include "pt/state.h"

#define SHARED_TABLES (ARCH_HAS_UPPER_WRITE_DENIAL ? ROOT_LEVEL : 0)

static uint64_t
table_frames(void)
{
	return frame_totals().by_kind[FRAME_TABLE];
}

/* parent ──┐ ┌── child     one page of the child: a copy per level
 *          T               two leaf tables: the paths have their upper tables in common
 *         / \              the whole of a root slot: none, if it is unmapped */
static void
a_plan_counts_the_tables_that_will_be_copied(void **state)
{
	struct pt      parent, child;
	struct pt_plan plan;
	uint64_t       before;

	(void)state;
	machine_fresh();
	parent = tree_make();
	tree_put(&parent, leaf_va(0, 1), PROT_RW);
	tree_put(&parent, leaf_va(1, 1), PROT_RW);
	tree_put(&parent, leaf_va(1, 2), PROT_RW);
	EXPECT_OK(pt_plan_protect(&plan, &parent, ALL_USER));
	assert_int_equal(plan.nr, 0);
	pt_plan_drop(&plan);
	child = tree_fork(&parent);
	before = table_frames();
	EXPECT_OK(pt_plan_unmap(&plan, &child, pages(leaf_va(0, 1), 1)));
	assert_int_equal(plan.nr, SHARED_TABLES);
	assert_int_equal(table_frames(), before + plan.nr);
	pt_plan_drop(&plan);
	assert_int_equal(table_frames(), before);
	EXPECT_OK(pt_plan_protect(&plan, &child, va_range(leaf_va(0, 1), leaf_va(1, 2))));
	assert_int_equal(plan.nr, SHARED_TABLES ? SHARED_TABLES + 1 : 0);
	pt_plan_drop(&plan);
	EXPECT_OK(pt_plan_unmap(&plan, &child, va_range(0, level_span(ROOT_LEVEL))));
	assert_int_equal(plan.nr, 0);
	pt_plan_drop(&plan);
	EXPECT_OK(pt_plan_protect(&plan, &child, pages(leaf_va(2, 0), 1)));
	assert_int_equal(plan.nr, 0); /* nothing is there */
	pt_plan_drop(&plan);
	TREE_CHECK(&parent, &child);
	tree_drop(&child);
	tree_drop(&parent);
	machine_check();
}

/* A table below one that will be copied will be named by the copy too. */
static void
what_hangs_below_a_copy_is_counted(void **state)
{
	struct pt      parent, child;
	struct pt_plan plan;

	(void)state;
	machine_fresh();
	parent = tree_make();
	tree_put(&parent, leaf_va(0, 1), PROT_RW);
	child = tree_fork(&parent);
	if (SHARED_TABLES > 1)
		assert_int_equal(frame_count(table_at(&child, leaf_va(0, 1), 0)), 1);
	EXPECT_OK(pt_plan_protect(&plan, &child, pages(leaf_va(0, 1), 1)));
	assert_int_equal(plan.nr, SHARED_TABLES);
	pt_plan_drop(&plan);
	tree_drop(&child);
	tree_drop(&parent);
	machine_check();
}

/* Between plan and commit the other owner may go: the plan is then too large, and what
 * is left is given back. */
static void
other_owners_can_only_make_a_plan_too_large(void **state)
{
	struct pt      parent, child;
	struct pt_plan plan;
	struct gather  g;

	(void)state;
	machine_fresh();
	parent = tree_make();
	tree_put(&parent, leaf_va(0, 0), PROT_RW);
	tree_put(&parent, leaf_va(0, 1), PROT_RW);
	child = tree_fork(&parent);
	EXPECT_OK(pt_plan_unmap(&plan, &child, pages(leaf_va(0, 1), 1)));
	tree_drop(&parent);
	gather_begin(&g, &child);
	pt_unmap(&child, pages(leaf_va(0, 1), 1), &plan, &g);
	gather_end(&g);
	assert_int_equal(plan.nr, SHARED_TABLES);
	pt_plan_drop(&plan);
	TREE_CHECK(&child);
	tree_drop(&child);
	machine_check();
}

/* The other owner copies its way through the shared tables meanwhile: the plan still suffices. */
static void
other_owners_may_copy_between_plan_and_commit(void **state)
{
	struct pt      parent, child;
	struct pt_plan plan;
	struct gather  g;

	(void)state;
	machine_fresh();
	parent = tree_make();
	tree_put(&parent, leaf_va(0, 0), PROT_RW);
	tree_put(&parent, leaf_va(1, 1), PROT_RW);
	child = tree_fork(&parent);
	EXPECT_OK(pt_plan_protect(&plan, &child, ALL_USER));
	tree_make_exclusive(&parent, leaf_va(0, 0));
	gather_begin(&g, &child);
	pt_protect(&child, ALL_USER, PROT_R, &plan, &g);
	gather_end(&g);
	pt_plan_drop(&plan);
	TREE_CHECK(&parent, &child);
	tree_drop(&parent);
	tree_drop(&child);
	machine_check();
}

static void
a_plan_without_memory_holds_nothing(void **state)
{
	struct pt	parent, child;
	struct pt_plan	plan;
	struct va_range range = pages(leaf_va(0, 1), 2);

	(void)state;
	machine_fresh();
	parent = tree_make();
	tree_put(&parent, leaf_va(0, 1), PROT_RW);
	child = tree_fork(&parent);
	for (unsigned n = 1; n <= SHARED_TABLES; n++) {
		machine_fail_allocation(n, false);
		EXPECT_ERR(pt_plan_unmap(&plan, &child, range), ERR_NOMEM);
		machine_fail_allocation(n, false);
		EXPECT_ERR(pt_plan_protect(&plan, &child, range), ERR_NOMEM);
		TREE_CHECK(&parent, &child);
	}
	for (unsigned n = 1; n <= SHARED_TABLES + ROOT_LEVEL; n++) {
		machine_fail_allocation(n, false);
		EXPECT_ERR(pt_plan_mark(&plan, &child, range), ERR_NOMEM);
		TREE_CHECK(&parent, &child);
	}
	tree_drop(&child);
	tree_drop(&parent);
	machine_check();
}

static void
a_full_count_refuses_the_plan(void **state)
{
	struct pt      parent, child;
	struct pt_plan plan;
	uint32_t       count;
	pfn_t	       a;

	(void)state;
	machine_fresh();
	parent = tree_make();
	a = tree_put(&parent, leaf_va(0, 1), PROT_RW);
	tree_put(&parent, leaf_va(0, 2), PROT_RW);
	child = tree_fork(&parent);
	count = frame_count(a);
	atomic_store(&frame_of(a)->count, FRAME_COUNT_MAX);
	if (SHARED_TABLES) {
		EXPECT_ERR(pt_plan_unmap(&plan, &child, pages(leaf_va(0, 2), 1)), ERR_OVERFLOW);
		EXPECT_ERR(pt_plan_protect(&plan, &child, ALL_USER), ERR_OVERFLOW);
		EXPECT_ERR(pt_plan_mark(&plan, &child, pages(leaf_va(0, 2), 1)), ERR_OVERFLOW);
	}
	atomic_store(&frame_of(a)->count, count);
	TREE_CHECK(&parent, &child);
	tree_drop(&child);
	tree_drop(&parent);
	machine_check();
}

/* Two ranges, one plan: the tables of both are used by both changes, and dropped at once. */
static void
plans_of_several_ranges_can_be_joined(void **state)
{
	struct pt      parent, child;
	struct pt_plan plan, more;
	struct gather  g;
	uint64_t       before;

	(void)state;
	machine_fresh();
	parent = tree_make();
	tree_put(&parent, leaf_va(0, 0), PROT_RW);
	tree_put(&parent, leaf_va(1, 1), PROT_RW);
	child = tree_fork(&parent);
	before = table_frames();
	EXPECT_OK(pt_plan_protect(&plan, &child, pages(leaf_va(0, 0), 1)));
	EXPECT_OK(pt_plan_protect(&more, &child, pages(leaf_va(1, 1), 1)));
	pt_plan_join(&plan, &more);
	assert_int_equal(plan.nr, 2 * SHARED_TABLES);
	assert_int_equal(more.nr, 0);
	assert_true(pfn_is_none(more.first));
	pt_plan_drop(&more);
	gather_begin(&g, &child);
	pt_protect(&child, pages(leaf_va(0, 0), 1), PROT_R, &plan, &g);
	pt_protect(&child, pages(leaf_va(1, 1), 1), PROT_R, &plan, &g);
	gather_end(&g);
	assert_int_equal(plan.nr, SHARED_TABLES ? SHARED_TABLES - 1 : 0);
	pt_plan_drop(&plan);
	assert_int_equal(table_frames(), before + (SHARED_TABLES ? SHARED_TABLES + 1 : 0));
	pt_plan_join(&plan, &more);
	assert_true(pfn_is_none(plan.first));
	TREE_CHECK(&parent, &child);
	tree_drop(&child);
	tree_drop(&parent);
	machine_check();
}

/* Links between prepared tables are frame numbers of 32 bits: the highest there can be are among them. */
static void
tables_from_the_top_of_memory_can_be_linked(void **state)
{
	const uint64_t		nr = 1024;
	const struct boot_range top = { .start = { UINT32_MAX - 1 - nr }, .nr_frames = nr };
	struct pt		pt;
	struct pt_plan		plan;

	(void)state;
	machine_fresh_with(&(struct machine_config){ .ranges = &top, .nr_ranges = 1 });
	pt = tree_make();
	EXPECT_OK(pt_plan_mark(&plan, &pt, va_range(leaf_va(0, 1), leaf_va(2, 2))));
	assert_int_equal(plan.nr, 3 + ROOT_LEVEL - 1);
	for (pfn_t pfn = plan.first; frame_of(pfn)->table.next != UINT32_MAX;
	     pfn.n = frame_of(pfn)->table.next)
		assert_true(pfn.n >= top.start.n);
	pt_plan_drop(&plan);
	tree_mark(&pt, va_range(leaf_va(0, 1), leaf_va(2, 2)));
	tree_drop(&pt);
	machine_check();
}

/* The random test. */

#define TREES  4
#define PLACES 20

enum state_of_page {
	NOTHING,
	PAGE,
	ZERO,
	GUARD,
};

struct model_page {
	enum state_of_page state;
	pfn_t		   pfn;
	prot_t		   prot;
};

static struct {
	struct pt	  pt[TREES];
	bool		  alive[TREES];
	struct model_page page[TREES][PLACES];
	unsigned	  nr_places;
	uint64_t	  random;
} model;

/* Twelve pages in three leaf tables; with more than two levels, eight in other root slots. */
static vaddr_t
place(unsigned i)
{
	return i < 12 ? leaf_va(i / 4, i % 4) : root_va(1 + (i - 12) / 4, i % 4);
}

static unsigned
draw(unsigned below)
{
	return (unsigned)(test_random(&model.random) % below);
}

static struct pt *const *
living_trees(unsigned *nr)
{
	static struct pt *list[TREES];

	*nr = 0;
	for (unsigned i = 0; i < TREES; i++)
		if (model.alive[i])
			list[(*nr)++] = &model.pt[i];
	return list;
}

/* What the machine's decoder and a look say of one page, against the model. */
static void
compare_page(unsigned tree, unsigned i)
{
	const struct model_page	  *page = &model.page[tree][i];
	struct machine_translation t = machine_translate(model.pt[tree].root, place(i));
	struct pt_view		   view = pt_look(&model.pt[tree], place(i));
	enum pte_kind		   kind = view.level ? PTE_EMPTY : arch_pte_kind(view.pte, 0);

	assert_int_equal(kind, page->state == NOTHING ? PTE_EMPTY
			       : page->state == GUARD ? PTE_MARK
						      : PTE_LEAF);
	if (kind != PTE_LEAF)
		return;
	assert_true(pfn_eq(arch_pte_decode_leaf(view.pte, 0).pfn, page->pfn));
	assert_true((t.prot & ~page->prot) == 0);
	assert_true(((t.prot ^ page->prot) & ~(prot_t)PROT_W) == 0);
	if (page->state == ZERO)
		assert_false(t.prot & PROT_W);
	for (unsigned a = ACCESS_LOAD; a <= ACCESS_FETCH; a++)
		assert_int_equal(pt_view_allows(&view, (enum access)a),
				 (t.prot & access_prot((enum access)a)) != 0);
}

static void
compare(void)
{
	unsigned	  nr;
	struct pt *const *trees = living_trees(&nr);

	tree_check(trees, nr, __FILE__, __LINE__);
	for (unsigned tree = 0; tree < TREES; tree++)
		for (unsigned i = 0; model.alive[tree] && i < model.nr_places; i++)
			compare_page(tree, i);
}

/* A range between two places, or around whole tables, or everything. */
static struct va_range
draw_range(void)
{
	vaddr_t		a = place(draw(model.nr_places));
	vaddr_t		b = place(draw(model.nr_places));
	unsigned	level = draw(ARCH_PT_LEVELS);
	struct va_range range = va_range(min_u64(a, b), max_u64(a, b) + ARCH_PAGE_SIZE);

	switch (draw(4)) {
	case 0:
		range.start &= ~(level_span(level) - 1);
		return range;
	case 1:
		range.end = (range.end + level_span(level) - 1) & ~(level_span(level) - 1);
		range.end = min_u64(range.end, ARCH_USER_END);
		return range;
	case 2:
		return range_clip(pages(a, 1 + draw(3)), ALL_USER);
	default:
		return range;
	}
}

/* A range that guards may fill without millions of entries. */
static struct va_range
draw_short_range(void)
{
	vaddr_t start = place(draw(model.nr_places));

	return va_range(start, min_u64(start + (1 + draw(5)) * ARCH_PAGE_SIZE, ARCH_USER_END));
}

enum change {
	UNMAP,
	PROTECT,
	MARK,
	UNMARK,
	CHANGES,
};

static err_t
make_plan(struct pt_plan *plan, struct pt *pt, enum change change, struct va_range range)
{
	switch (change) {
	case UNMAP:
		return pt_plan_unmap(plan, pt, range);
	case MARK:
		return pt_plan_mark(plan, pt, range);
	case PROTECT:
	case UNMARK:
	case CHANGES:
		break;
	}
	return pt_plan_protect(plan, pt, range);
}

static void
commit(struct pt_plan *plan, struct pt *pt, enum change change, struct va_range range, prot_t prot)
{
	struct gather g;

	gather_begin(&g, pt);
	switch (change) {
	case UNMAP:
		pt_unmap(pt, range, plan, &g);
		break;
	case PROTECT:
		pt_protect(pt, range, prot, plan, &g);
		break;
	case MARK:
		pt_mark(pt, range, (struct pte_mark){ .type = MARK_GUARD }, plan, &g);
		break;
	case UNMARK:
	case CHANGES:
		pt_unmark(pt, range, MARK_GUARD, plan, &g);
		break;
	}
	gather_end(&g);
}

static void
change_model(unsigned tree, enum change change, struct va_range range, prot_t prot)
{
	for (unsigned i = 0; i < model.nr_places; i++) {
		struct model_page *page = &model.page[tree][i];

		if (!range_has(range, place(i)))
			continue;
		if (change == UNMAP || (change == UNMARK && page->state == GUARD))
			page->state = NOTHING;
		else if (change == MARK)
			page->state = GUARD;
		else if (change == PROTECT)
			page->prot = prot;
	}
}

/* Guards beyond the places would be invisible to the model, so they are taken out again. */
static void
unmap_unseen(unsigned tree, struct va_range range)
{
	for (vaddr_t va = range.start; va < range.end; va += ARCH_PAGE_SIZE) {
		unsigned i = 0;

		while (i < model.nr_places && place(i) != va)
			i++;
		if (i == model.nr_places)
			tree_unmap(&model.pt[tree], pages(va, 1));
	}
}

static void
change_range(unsigned tree)
{
	static const prot_t prots[] = { 0, PROT_R, PROT_RW, PROT_RX };
	enum change	    change = (enum change)draw(CHANGES);
	struct va_range	    range = change == MARK ? draw_short_range() : draw_range();
	prot_t		    prot = prots[draw(ARRAY_SIZE(prots))];
	struct pt_plan	    plan;

	if (draw(4) == 0) {
		machine_fail_allocation(1 + draw(4), false);
		if (make_plan(&plan, &model.pt[tree], change, range) != OK) {
			compare(); /* nothing held, nothing changed */
			return;
		}
		machine_fail_allocation(0, false);
	} else {
		EXPECT_OK(make_plan(&plan, &model.pt[tree], change, range));
	}
	commit(&plan, &model.pt[tree], change, range, prot);
	if (change != MARK)
		assert_int_equal(plan.nr, 0); /* alone, a plan is exact */
	pt_plan_drop(&plan);
	change_model(tree, change, range, prot);
	if (change == MARK)
		unmap_unseen(tree, range);
}

static void
put_page(unsigned tree)
{
	unsigned	   i = draw(model.nr_places);
	struct model_page *page = &model.page[tree][i];

	if (page->state != NOTHING)
		return;
	page->prot = draw(2) ? PROT_RW : PROT_R;
	if (draw(4) == 0) {
		tree_put_zero(&model.pt[tree], place(i));
		page->state = ZERO;
		page->pfn = pt_zero_frame();
		page->prot = PROT_R;
	} else {
		page->pfn = tree_put(&model.pt[tree], place(i), page->prot);
		page->state = PAGE;
	}
}

static void
fork_tree(unsigned tree)
{
	struct va_range out = draw_range();
	unsigned	nr_out = draw(2);
	unsigned	child = draw(TREES);

	if (model.alive[child])
		return;
	model.pt[child] = tree_fork_without(&model.pt[tree], &out, nr_out);
	model.alive[child] = true;
	memcpy(model.page[child], model.page[tree], sizeof(model.page[child]));
	for (unsigned i = 0; i < model.nr_places; i++)
		if (nr_out && range_has(out, place(i)))
			model.page[child][i].state = NOTHING;
}

static void
step(void)
{
	unsigned tree = draw(TREES);

	if (!model.alive[tree])
		return;
	switch (draw(8)) {
	case 0:
		fork_tree(tree);
		break;
	case 1:
		tree_make_exclusive(&model.pt[tree], place(draw(model.nr_places)));
		break;
	case 2:
	case 3:
	case 4:
		put_page(tree);
		break;
	default:
		change_range(tree);
		break;
	}
	if (draw(30) == 0 && model.alive[(tree + 1) % TREES]) {
		model.alive[tree] = false;
		tree_drop(&model.pt[tree]);
	}
}

static void
every_random_change_has_the_tables_it_needs(void **state)
{
	uint64_t	  seed = test_seed(7);
	unsigned	  steps = test_rounds(3000), nr;
	struct pt *const *trees;

	(void)state;
	machine_fresh();
	memset(&model, 0, sizeof(model));
	model.random = seed;
	model.nr_places = ARCH_PT_LEVELS == 2 ? 12 : PLACES;
	model.pt[0] = tree_make();
	model.alive[0] = true;
	for (unsigned n = 0; n < steps; n++) {
		step();
		compare();
	}
	trees = living_trees(&nr);
	for (unsigned i = 0; i < nr; i++)
		tree_drop(trees[i]);
	machine_check();
}

TEST_SUITE(plan, cmocka_unit_test(a_plan_counts_the_tables_that_will_be_copied),
	   cmocka_unit_test(what_hangs_below_a_copy_is_counted),
	   cmocka_unit_test(other_owners_can_only_make_a_plan_too_large),
	   cmocka_unit_test(other_owners_may_copy_between_plan_and_commit),
	   cmocka_unit_test(a_plan_without_memory_holds_nothing),
	   cmocka_unit_test(a_full_count_refuses_the_plan),
	   cmocka_unit_test(plans_of_several_ranges_can_be_joined),
	   cmocka_unit_test(tables_from_the_top_of_memory_can_be_linked),
	   cmocka_unit_test(every_random_change_has_the_tables_it_needs))
