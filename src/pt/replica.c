/*
 * replica.c - replicas: filled from the reference, emptied before each flush.
 *
 *	fill    lock the leaf table of the reference (T), lock the replica (R),
 *	        read T's entry, write R's, unlock both
 *	change  lock T, change the entry, unlock T; then the shootdown: lock R, empty it, unlock R,
 *	        flush every CPU
 *
 * A fill comes before the change at T, and then the emptying, which is later, finds its entry; or
 * after it, and then it reads what is true now. Who changes tables above T holds the space's
 * lock for writing, or makes a path exclusive that nobody could write through: fills hold it for
 * reading, and read the path on their way down.
 *
 * Fewer rights than the reference has are always right: they cost a fault that fills again. So an entry
 * may be written through only if the reference's is dirty already: what a replica's walk would
 * note is noted before. Accessed bits are set by the fill; what a CPU does after it is not seen,
 * as if the translation had stayed in its cache.
 *
 * Locks: RANK_REPLICA below the tables', because fills and page-out hold those. Memory is
 * allocated under it, and never waited for.
 */
#include "pt/replica.h"

#include <anymm/stats.h>

#include "base/assert.h"
#include "pt/cursor.h"
#include "pt/state.h"
#include "pt/table.h"

#define TOP (ARCH_PT_LEVELS - 1)

static pfn_t
root_of(const struct replica *r)
{
	return (pfn_t){ atomic_load(&r->root) };
}

pfn_t
pt_root_here(const struct pt *pt)
{
	struct replicas *all = atomic_load(&pt->replicas);
	pfn_t		 root = all ? root_of(&all->node[platform_node()]) : pfn_none();

	return pfn_is_none(root) ? pt->root : root;
}

/* Filling. */

/* leaf_table - the replica's, made with those above it; pfn_none(): no memory. HOLDS the replica's lock. */
static pfn_t
leaf_table(pfn_t root, vaddr_t va)
{
	pfn_t table = root;

	for (unsigned level = TOP; level > 0; level--) {
		unsigned index = level_index(level, va);
		pte_t	 pte = table_get(table, index);
		pfn_t	 child;

		if (arch_pte_kind(pte, level) == PTE_TABLE) {
			table = arch_pte_table_pfn(pte);
			continue;
		}
		if (table_alloc(level - 1, &child))
			return pfn_none();
		table_set(table, index, arch_pte_table(child, true));
		table = child;
	}
	return table;
}

/* note_use - the reference knows of the access before any CPU makes it. HOLDS the leaf table's lock. */
static struct pte_leaf
note_use(const struct pt_view *view, enum access access)
{
	pte_t	       *slot = table_slot(view->table, view->index);
	pte_t		pte = arch_pte_read(slot);
	struct pte_leaf leaf;

	do {
		leaf = arch_pte_decode_leaf(pte, view->level);
		leaf.accessed = true;
		leaf.dirty |= access == ACCESS_STORE;
	} while (!arch_pte_cas(slot, &pte, arch_pte_leaf(leaf)));
	return leaf;
}

/* copy_of - the replica's entry for a leaf of the reference. */
static struct pte_leaf
copy_of(struct pte_leaf leaf, bool path_writable)
{
	if (!path_writable || !leaf.dirty)
		leaf.prot &= ~(prot_t)PROT_W;
	leaf.dirty = leaf.prot & PROT_W;
	leaf.is_special = true;
	leaf.is_wired = false;
	return leaf;
}

/*
 * add_entry - an entry that is there stays unless the new one allows more: it may allow what the
 * reference has just taken back, and then whoever did that is about to empty it.
 */
static void
add_entry(pfn_t table, unsigned index, struct pte_leaf leaf)
{
	pte_t old = table_get(table, index);

	if (arch_pte_kind(old, 0) == PTE_LEAF) {
		struct pte_leaf before = arch_pte_decode_leaf(old, 0);

		REQUIRE(pfn_eq(before.pfn, leaf.pfn),
			"a replica has frame %lx where the tables have %lx",
			(unsigned long)before.pfn.n, (unsigned long)leaf.pfn.n);
		if (!(leaf.prot & ~before.prot))
			return;
		leaf.prot |= before.prot;
		leaf.dirty |= before.dirty;
	}
	(void)table_set(table, index, arch_pte_leaf(leaf));
	stat_inc(STAT_REPLICA_FILLS);
}

/* fill_from - gives false if there is no memory. HOLDS the lock of view's table. */
static bool
fill_from(struct replica *r, const struct pt_view *view, vaddr_t va, enum access access)
{
	pfn_t table = pfn_none();
	pfn_t root;

	lock_acquire(&r->lock);
	root = root_of(r);
	if (!pfn_is_none(root))
		table = leaf_table(root, va);
	if (!pfn_is_none(table))
		add_entry(table, level_index(0, va),
			  copy_of(note_use(view, access), view->path_writable));
	lock_release(&r->lock);
	return pfn_is_none(root) || !pfn_is_none(table);
}

/* Emptying. */

static void
add_gone(struct replica_tables *gone, pfn_t table)
{
	frame_of(table)->table.next =
		pfn_is_none(gone->first) ? UINT32_MAX : (uint32_t)gone->first.n;
	gone->first = table;
}

/* clear_page - its entry goes, and tables that are empty without it. HOLDS the replica's lock. */
static void
clear_page(pfn_t root, vaddr_t va, struct replica_tables *gone)
{
	pfn_t path[ARCH_PT_LEVELS];

	path[TOP] = root;
	for (unsigned level = TOP; level > 0; level--) {
		pte_t pte = table_get(path[level], level_index(level, va));

		if (arch_pte_kind(pte, level) != PTE_TABLE)
			return;
		path[level - 1] = arch_pte_table_pfn(pte);
	}
	if (arch_pte_kind(table_get(path[0], level_index(0, va)), 0) == PTE_EMPTY)
		return;
	(void)table_set(path[0], level_index(0, va), arch_pte_empty());
	stat_inc(STAT_REPLICA_DROPS);
	for (unsigned level = 0; level < TOP && table_live(path[level]) == 0; level++) {
		(void)table_set(path[level + 1], level_index(level + 1, va), arch_pte_empty());
		add_gone(gone, path[level]);
	}
}

/* clear_root - everything below it goes. HOLDS the replica's lock. */
static void
clear_root(pfn_t root, struct replica_tables *gone)
{
	if (table_live(root))
		stat_inc(STAT_REPLICA_CLEARS);
	for (unsigned i = 0; table_live(root); i++) {
		pte_t pte = table_get(root, i);

		if (arch_pte_equal(pte, arch_pte_empty()))
			continue;
		(void)table_set(root, i, arch_pte_empty());
		add_gone(gone, arch_pte_table_pfn(pte));
	}
}

/* A node whose root has gone meanwhile has nothing: who took it has emptied it before. */
static void
empty_replica(struct replica *r, const vaddr_t *pages, unsigned nr_pages, bool whole_space,
	      struct replica_tables *gone)
{
	pfn_t root;

	lock_acquire(&r->lock);
	root = root_of(r);
	if (!pfn_is_none(root) && whole_space)
		clear_root(root, gone);
	for (unsigned i = 0; i < nr_pages && !whole_space && !pfn_is_none(root); i++)
		clear_page(root, pages[i], gone);
	lock_release(&r->lock);
}

static void
empty_nodes(struct replicas *all, const vaddr_t *pages, unsigned nr_pages, bool whole_space,
	    struct replica_tables *gone)
{
	for (unsigned node = 0; node < frame_nr_nodes(); node++)
		empty_replica(&all->node[node], pages, nr_pages, whole_space, gone);
}

void
replicas_empty(struct pt *pt, const vaddr_t *pages, unsigned nr_pages, bool whole_space,
	       struct replica_tables *gone)
{
	empty_nodes(atomic_load(&pt->replicas), pages, nr_pages, whole_space, gone);
}

void
replicas_empty_all(struct replica_tables *gone)
{
	struct pt_state *st = pt_state();

	lock_acquire(&st->replicas_lock);
	LIST_FOR_EACH(node, &st->replicas)
		empty_nodes(CONTAINER_OF(node, struct replicas, link), NULL, 0, true, gone);
	lock_release(&st->replicas_lock);
}

void
replica_tables_free(struct replica_tables *gone)
{
	while (!pfn_is_none(gone->first)) {
		pfn_t	 pfn = gone->first;
		uint32_t next = frame_of(pfn)->table.next;

		gone->first = next == UINT32_MAX ? pfn_none() : (pfn_t){ next };
		table_put(pfn);
	}
}

/* Giving up. */

/*
 * give_up - the node walks the reference. Its CPUs load that root when they flush (shootdown.c); only
 * then the old root goes. Until then they walk the old one: so it is emptied before others find
 * that the node has none, and have nothing to take from there.
 */
static void
give_up(struct pt *pt, struct replica *r)
{
	struct replica_tables gone = { .first = pfn_none() };
	pfn_t		      root;

	lock_acquire(&r->lock);
	root = root_of(r);
	if (!pfn_is_none(root))
		clear_root(root, &gone);
	atomic_store(&r->root, pfn_none().n);
	lock_release(&r->lock);
	if (pfn_is_none(root))
		return;
	stat_inc(STAT_REPLICA_LOSSES);
	shootdown_space(pt, NULL, 0, true);
	replica_tables_free(&gone);
	table_put(root);
}

void
replica_fill(struct pt *pt, vaddr_t va, enum access access)
{
	struct replica *r = &atomic_load(&pt->replicas)->node[platform_node()];
	struct pt_view	view;
	bool		has_memory = true;

	if (pfn_is_none(root_of(r)))
		return;
	view = pt_look_locked(pt, va);
	if (pt_view_allows(&view, access))
		has_memory = fill_from(r, &view, va, access);
	pt_look_done(&view);
	if (!has_memory)
		give_up(pt, r);
}

/* Coming and going. */

static_assert(sizeof(struct replicas) <= ARCH_PAGE_SIZE, "replicas fit their frame");

static err_t
make_replicas(struct replicas **out)
{
	pfn_t pfn;
	err_t err =
		frame_alloc((struct frame_request){ .kind = FRAME_KERNEL, .zeroed = true }, &pfn);

	if (err)
		return err;
	*out = arch_frame_ptr(pfn);
	(*out)->frame = pfn;
	for (unsigned node = 0; node < NODE_MAX; node++) {
		lock_init(&(*out)->node[node].lock, RANK_REPLICA);
		atomic_store(&(*out)->node[node].root, pfn_none().n);
	}
	return OK;
}

static err_t
make_root(const struct pt *pt, unsigned node, pfn_t *out)
{
	err_t err = table_alloc_on(node, TOP, out);

	if (err)
		return err;
	frame_of(*out)->table.is_root = true;
	arch_pt_init_root(*out);
	arch_tlb_follow(*out, pt->root);
	return OK;
}

/* make_roots - for the nodes that have none. fails ERR_NOMEM: none is held. */
static err_t
make_roots(const struct pt *pt, struct replicas *all, pfn_t *roots)
{
	err_t err = OK;

	for (unsigned node = 0; node < NODE_MAX; node++)
		roots[node] = pfn_none();
	for (unsigned node = 0; node < frame_nr_nodes() && err == OK; node++) {
		if (pfn_is_none(root_of(&all->node[node])))
			err = make_root(pt, node, &roots[node]);
	}
	for (unsigned node = 0; node < NODE_MAX && err; node++) {
		if (!pfn_is_none(roots[node]))
			table_put(roots[node]);
	}
	return err;
}

static void
set_root(struct replica *r, pfn_t root)
{
	lock_acquire(&r->lock);
	atomic_store(&r->root, root.n);
	lock_release(&r->lock);
}

static void
publish(struct pt *pt, struct replicas *all)
{
	struct pt_state *st = pt_state();

	atomic_store(&pt->replicas, all);
	lock_acquire(&st->replicas_lock);
	list_insert_before(&st->replicas, &all->link);
	lock_release(&st->replicas_lock);
}

err_t
pt_replicate(struct pt *pt)
{
	bool		 is_first = !pt_has_replicas(pt);
	struct replicas *all = atomic_load(&pt->replicas);
	pfn_t		 roots[NODE_MAX];
	err_t		 err = is_first ? make_replicas(&all) : OK;

	if (err)
		return err;
	err = make_roots(pt, all, roots);
	if (err) {
		if (is_first)
			frame_release(all->frame);
		return err;
	}
	for (unsigned node = 0; node < NODE_MAX; node++) {
		if (!pfn_is_none(roots[node]))
			set_root(&all->node[node], roots[node]);
	}
	if (is_first)
		publish(pt, all);
	/* Whoever has it active loads its node's root; who comes later finds it. */
	if (atomic_load(&pt->cached_on))
		shootdown_space(pt, NULL, 0, true);
	return OK;
}

void
pt_unreplicate(struct pt *pt)
{
	struct replicas *all = atomic_load(&pt->replicas);

	for (unsigned node = 0; all && node < frame_nr_nodes(); node++)
		give_up(pt, &all->node[node]);
}

void
replicas_destroy(struct pt *pt)
{
	struct replicas *all = atomic_load(&pt->replicas);
	struct pt_state *st = pt_state();

	lock_acquire(&st->replicas_lock);
	list_remove(&all->link);
	lock_release(&st->replicas_lock);
	for (unsigned node = 0; node < frame_nr_nodes(); node++) {
		if (!pfn_is_none(root_of(&all->node[node])))
			table_put(root_of(&all->node[node]));
	}
	atomic_store(&pt->replicas, NULL);
	frame_release(all->frame);
}
