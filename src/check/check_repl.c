/*
 * check_repl.c - I-REPL: a replica says nothing that its space's tables do not.
 *
 * Its tables are counted with all others (I-REF), but they are nobody's else: named once, by this
 * tree. Each entry is held against what a walk of the reference finds at the same address.
 */
#include <anymm/lock.h>

#include "check/walk.h"
#include "pt/replica.h"
#include "pt/table.h"

/* One replica being walked. */
struct replica_walk {
	struct check *c;
	struct space *sp;
	unsigned      node;
};

/* What the reference says of an address: its entry, and whether the way there may be written. */
struct truth {
	pte_t	 pte;
	unsigned level;
	bool	 path_writable;
};

static struct truth
truth_at(const struct space *sp, vaddr_t va)
{
	struct truth truth = { .level = ARCH_PT_LEVELS - 1, .path_writable = true };
	pfn_t	     table = sp->pt.root;

	for (;; truth.level--) {
		const pte_t *entries = arch_frame_ptr(table);

		truth.pte = entries[(va >> walk_span(truth.level)) % ARCH_PT_ENTRIES];
		if (arch_pte_kind(truth.pte, truth.level) != PTE_TABLE)
			return truth;
		truth.path_writable &= arch_pte_writable(truth.pte);
		table = arch_pte_table_pfn(truth.pte);
	}
}

static void
compare_leaf(const struct replica_walk *w, vaddr_t va, pte_t pte)
{
	struct pte_leaf leaf = arch_pte_decode_leaf(pte, 0);
	struct truth	truth = truth_at(w->sp, va);
	struct pte_leaf may;

	if (arch_pte_kind(truth.pte, truth.level) != PTE_LEAF) {
		check_fail(w->c, INV_REPL, "node %u has frame %llu at 0x%llx, the tables have none",
			   w->node, (unsigned long long)leaf.pfn.n, (unsigned long long)va);
		return;
	}
	may = arch_pte_decode_leaf(truth.pte, truth.level);
	if (!truth.path_writable || !may.dirty)
		may.prot &= ~(prot_t)PROT_W;
	if (!pfn_eq(leaf.pfn, may.pfn))
		check_fail(w->c, INV_REPL, "node %u has frame %llu at 0x%llx, the tables have %llu",
			   w->node, (unsigned long long)leaf.pfn.n, (unsigned long long)va,
			   (unsigned long long)may.pfn.n);
	if (leaf.prot & ~may.prot)
		check_fail(w->c, INV_REPL, "node %u allows %x at 0x%llx, the tables %x, dirty %d",
			   w->node, leaf.prot, (unsigned long long)va, may.prot, may.dirty);
	if (!leaf.is_special || leaf.type != may.type || leaf.kernel)
		check_fail(w->c, INV_REPL, "node %u has a leaf at 0x%llx that is counted, or odd",
			   w->node, (unsigned long long)va);
}

static void walk_replica(const struct replica_walk *w, pfn_t table, unsigned level, vaddr_t base);

static void
walk_slot(const struct replica_walk *w, pte_t pte, unsigned level, vaddr_t va)
{
	switch (arch_pte_kind(pte, level)) {
	case PTE_LEAF:
		compare_leaf(w, va, pte);
		break;
	case PTE_TABLE:
		walk_replica(w, arch_pte_table_pfn(pte), level - 1, va);
		break;
	case PTE_MARK:
	case PTE_EMPTY:
		check_fail(w->c, INV_REPL, "node %u has a mark at 0x%llx", w->node,
			   (unsigned long long)va);
		break;
	}
}

/* check_table - it is a table of its own, as it says. false: it must not be walked. */
static bool
check_table(const struct replica_walk *w, pfn_t table, unsigned level, vaddr_t base)
{
	bool is_root = level == ARCH_PT_LEVELS - 1;

	if (!tab_is_table(w->c, table, level, is_root, "replica for", base))
		return false;
	if (atomic_load(&frame_of(table)->lock))
		check_fail(w->c, INV_TAB, "table %llu of a replica is locked or visible",
			   (unsigned long long)table.n);
	if (ref_name(w->c, table, "replica for", base))
		return true;
	check_fail(w->c, INV_REPL, "table %llu of node %u's replica for 0x%llx has another name",
		   (unsigned long long)table.n, w->node, (unsigned long long)base);
	w->c->cannot_go_on = true;
	return false;
}

static void
walk_replica(const struct replica_walk *w, pfn_t table, unsigned level, vaddr_t base)
{
	bool	     is_root = level == ARCH_PT_LEVELS - 1;
	unsigned     end = is_root ? ARCH_USER_ROOT_SLOTS : ARCH_PT_ENTRIES;
	const pte_t *entries;
	unsigned     live = 0;

	if (!check_table(w, table, level, base))
		return;
	entries = arch_frame_ptr(table);
	for (unsigned i = 0; i < end && !w->c->cannot_go_on; i++) {
		if (arch_pte_equal(entries[i], arch_pte_empty()))
			continue;
		live++;
		walk_slot(w, entries[i], level, base + ((uint64_t)i << walk_span(level)));
	}
	if (!w->c->cannot_go_on)
		tab_live(w->c, table, level, live);
}

void
check_replicas(struct check *c, struct space *sp)
{
	struct replicas *all = atomic_load(&sp->pt.replicas);

	for (unsigned node = 0; all && node < NODE_MAX && !c->cannot_go_on; node++) {
		struct replica_walk w = { .c = c, .sp = sp, .node = node };
		pfn_t		    root = { atomic_load(&all->node[node].root) };

		if (lock_is_held(&all->node[node].lock))
			check_fail(c, INV_REPL, "the replica of node %u is locked", node);
		if (!pfn_is_none(root))
			walk_replica(&w, root, ARCH_PT_LEVELS - 1, 0);
	}
}
