/*
 * test_check_repl.c - damage to replicas is found: entries that say more than the tables, tables that
 * are somebody else's, and what they say of themselves.
 */
#include "unit/damage.h"

#include <string.h>

#include "pt/replica.h"
#include "pt/table.h"

/* Pages 1 and 2 were written on node 0, and read on node 1, of two. */
static struct space *
two_nodes(void)
{
	struct space *sp = sketch_space_on(2);

	EXPECT_OK(space_replicate(sp));
	sketch_map(sp, 1, 4, PROT_RW, 0);
	sketch_on(0);
	sketch_store(sp, 1, 1);
	sketch_store(sp, 2, 2);
	sketch_on(1);
	(void)sketch_load(sp, 1);
	machine_check_invariants();
	return sp;
}

static struct replica *
replica_of(struct space *sp, unsigned node)
{
	return &atomic_load(&sp->pt.replicas)->node[node];
}

/* The table of this level in the replica, on the way to the sketch's pages. */
static pfn_t
table_in(struct space *sp, unsigned node, unsigned level)
{
	pfn_t table = { atomic_load(&replica_of(sp, node)->root) };

	for (unsigned at = ARCH_PT_LEVELS - 1; at > level; at--)
		table = arch_pte_table_pfn(table_get(table, level_index(at, PAGE(1))));
	return table;
}

static pte_t *
slot_in(struct space *sp, unsigned node, unsigned page)
{
	return table_slot(table_in(sp, node, 0), level_index(0, PAGE(page)));
}

/* change - the replica's leaf says something else; the live count is kept right by the caller. */
static void
change(struct space *sp, unsigned node, unsigned page, struct pte_leaf leaf)
{
	leaf.is_special = true;
	*slot_in(sp, node, page) = arch_pte_leaf(leaf);
}

static struct pte_leaf
leaf_in(struct space *sp, unsigned node, unsigned page)
{
	return arch_pte_decode_leaf(*slot_in(sp, node, page), 0);
}

static void
another_frame_is_found(void **state)
{
	struct space   *sp = two_nodes();
	struct pte_leaf leaf = leaf_in(sp, 0, 1);

	(void)state;
	leaf.pfn = damage_leaf(sp, 2).pfn;
	change(sp, 0, 1, leaf);
	EXPECT_BROKEN(INV_REPL, "at 0x1000, the tables have");
	damage_abandon();
}

static void
an_entry_kept_too_long_is_found(void **state)
{
	struct space *sp = two_nodes();

	(void)state;
	change(sp, 0, 3, leaf_in(sp, 0, 1));
	frame_of(table_in(sp, 0, 0))->table.live++;
	EXPECT_BROKEN(INV_REPL, "at 0x3000, the tables have none");
	damage_abandon();
}

static void
a_right_too_many_is_found(void **state)
{
	struct space   *sp = two_nodes();
	struct pte_leaf leaf = leaf_in(sp, 1, 1);

	(void)state;
	leaf.prot |= PROT_X;
	change(sp, 1, 1, leaf);
	EXPECT_BROKEN(INV_REPL, "node 1 allows");
	damage_abandon();
}

/* The leaf allows it, but not the way to it; where no way can deny it there is nothing to find. */
static void
a_write_against_the_path_is_found(void **state)
{
	struct space *sp = two_nodes();
	pte_t	     *slot = damage_slot(sp, ARCH_PT_LEVELS - 1, 1);

	(void)state;
	*slot = arch_pte_with_write(*slot, false);
	if (ARCH_HAS_UPPER_WRITE_DENIAL)
		EXPECT_BROKEN(INV_REPL, "node 0 allows");
	else
		machine_check_invariants();
	damage_abandon();
}

static void
a_write_that_nobody_would_notice_is_found(void **state)
{
	struct space   *sp = two_nodes();
	struct pte_leaf leaf = damage_leaf(sp, 2);

	(void)state;
	leaf.dirty = false;
	damage_set_leaf(sp, 2, leaf);
	EXPECT_BROKEN(INV_REPL, "dirty 0");
	damage_abandon();
}

static void
a_counted_leaf_is_found(void **state)
{
	struct space   *sp = two_nodes();
	struct pte_leaf leaf = leaf_in(sp, 1, 1);

	(void)state;
	*slot_in(sp, 1, 1) = arch_pte_leaf(
		(struct pte_leaf){ .pfn = leaf.pfn, .prot = leaf.prot, .is_private = true });
	EXPECT_BROKEN(INV_REPL, "that is counted");
	damage_abandon();
}

static void
a_mark_is_found(void **state)
{
	struct space *sp = two_nodes();

	(void)state;
	*slot_in(sp, 1, 1) = arch_pte_mark((struct pte_mark){ .type = MARK_GUARD });
	EXPECT_BROKEN(INV_REPL, "has a mark at 0x1000");
	damage_abandon();
}

/* One node names a table of another's. */
static void
a_table_with_two_names_is_found(void **state)
{
	struct space *sp = two_nodes();
	pfn_t	      upper = table_in(sp, 1, 1);

	(void)state;
	*table_slot(upper, level_index(1, PAGE(1))) = arch_pte_table(table_in(sp, 0, 0), true);
	EXPECT_BROKEN(INV_REPL, "has another name");
	damage_abandon();
}

static void
what_a_table_says_of_itself_is_checked(void **state)
{
	struct space *sp = two_nodes();
	struct frame *f = frame_of(table_in(sp, 1, 0));

	(void)state;
	f->table.live++;
	EXPECT_BROKEN(INV_TAB, "entries, found 1");
	f->table.live--;
	f->table.level++;
	EXPECT_BROKEN(INV_TAB, "replica for 0x0 names table");
	f->table.level--;
	atomic_store(&f->lock, TABLE_VISIBLE);
	EXPECT_BROKEN(INV_TAB, "is locked or visible");
	atomic_store(&f->lock, 0);
	atomic_store(&f->count, 2);
	EXPECT_BROKEN(INV_REF, "has count 2, named by 1 places");
	atomic_store(&f->count, 1);
	atomic_store(&replica_of(sp, 1)->lock.held, 1);
	EXPECT_BROKEN(INV_REPL, "the replica of node 1 is locked");
	atomic_store(&replica_of(sp, 1)->lock.held, 0);
	sketch_end(sp);
}

TEST_SUITE(check_repl, cmocka_unit_test(another_frame_is_found),
	   cmocka_unit_test(an_entry_kept_too_long_is_found),
	   cmocka_unit_test(a_right_too_many_is_found),
	   cmocka_unit_test(a_write_against_the_path_is_found),
	   cmocka_unit_test(a_write_that_nobody_would_notice_is_found),
	   cmocka_unit_test(a_counted_leaf_is_found), cmocka_unit_test(a_mark_is_found),
	   cmocka_unit_test(a_table_with_two_names_is_found),
	   cmocka_unit_test(what_a_table_says_of_itself_is_checked))
