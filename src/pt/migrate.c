/*
 * migrate.c - pages change their frames, and nobody can tell.
 *
 *	unhook    the leaf loses every access; a frame of the other node is there already
 *	flush     every CPU, every replica: nobody can write the old frame any more
 *	copy      old frame to new one
 *	install   the leaf as it was, with the new frame; the old one's count goes
 *
 * All of it under the lock of the leaf table, so a fault that comes meanwhile waits and finds
 * the page with its rights. Only pages that this space alone has are moved, in tables that it alone
 * has: the walk does not go into shared tables. Nobody can share them meanwhile, because forks hold the
 * space's lock for writing.
 */
#include "pt/migrate.h"

#include <anymm/stats.h>

#include "pt/gather.h"
#include "pt/table.h"

#define BATCH 32

/* The pages of one leaf table that are on their way. */
struct batch {
	pfn_t	 table;
	unsigned nr;
	struct {
		unsigned	index;
		struct pte_leaf leaf; /* as it was */
		pfn_t		fresh;
	} page[BATCH];
};

bool
page_may_move(struct pte_leaf leaf)
{
	return leaf.is_private && !leaf.is_special && frame_of(leaf.pfn)->kind == FRAME_ANON &&
	       frame_count(leaf.pfn) == 1;
}

err_t
page_alloc_on(unsigned node, pfn_t *out)
{
	const struct frame_request request = { .kind = FRAME_ANON, .by_node = true, .node = node };
	err_t			   err = frame_alloc(request, out);

	if (err || frame_node(*out) == node)
		return err;
	frame_release(*out);
	return ERR_NOMEM;
}

/*
 * own_leaf_table - the leaf table that has va, locked, if the whole way to it is the space's own;
 * pfn_none(): it is not, and neither is anything below *next. Else *next is where the table ends.
 */
static pfn_t
own_leaf_table(const struct pt *pt, vaddr_t va, vaddr_t *next)
{
	pfn_t table = pt->root;

	table_lock(table);
	for (unsigned level = ARCH_PT_LEVELS - 1; level > 0; level--) {
		pte_t pte = table_get(table, level_index(level, va));
		pfn_t child;

		*next = (va & ~(level_span(level) - 1)) + level_span(level);
		if (arch_pte_kind(pte, level) != PTE_TABLE ||
		    frame_count(arch_pte_table_pfn(pte)) > 1) {
			table_unlock(table);
			return pfn_none();
		}
		child = arch_pte_table_pfn(pte);
		table_lock(child);
		table_unlock(table);
		table = child;
	}
	return table;
}

/* take_rights - a leaf without access in the place of this one; gives it as hardware has left it. */
static struct pte_leaf
take_rights(pfn_t table, unsigned index)
{
	pte_t	       *slot = table_slot(table, index);
	pte_t		pte = arch_pte_read(slot);
	struct pte_leaf leaf, bare;

	do {
		leaf = arch_pte_decode_leaf(pte, 0);
		bare = leaf;
		bare.prot = 0;
	} while (!arch_pte_cas(slot, &pte, arch_pte_leaf(bare)));
	stat_inc(STAT_PTE_WRITES);
	return leaf;
}

static bool
leaf_at(pfn_t table, unsigned index, struct pte_leaf *out)
{
	pte_t pte = table_get(table, index);

	if (arch_pte_kind(pte, 0) != PTE_LEAF)
		return false;
	*out = arch_pte_decode_leaf(pte, 0);
	return page_may_move(*out);
}

/* take_page - one more page for the batch, if it may move and lies elsewhere. fails ERR_NOMEM. */
static err_t
take_page(struct batch *b, unsigned index, vaddr_t va, unsigned node, struct gather *g)
{
	struct pte_leaf leaf;
	pfn_t		fresh;
	err_t		err;

	if (!leaf_at(b->table, index, &leaf) || frame_node(leaf.pfn) == node)
		return OK;
	err = page_alloc_on(node, &fresh);
	if (err)
		return err;
	b->page[b->nr].index = index;
	b->page[b->nr].leaf = take_rights(b->table, index);
	b->page[b->nr++].fresh = fresh;
	if (leaf.prot)
		gather_page(g, va);
	return OK;
}

/* install - contents and rights come back, from the new frames. Everything is flushed. */
static void
install(struct batch *b)
{
	for (unsigned i = 0; i < b->nr; i++) {
		struct pte_leaf leaf = b->page[i].leaf;
		pfn_t		old = leaf.pfn;

		leaf.pfn = b->page[i].fresh;
		arch_frame_copy(leaf.pfn, old);
		(void)table_set(b->table, b->page[i].index, arch_pte_leaf(leaf));
		frame_release(old);
		stat_inc(STAT_PAGE_MIGRATIONS);
	}
	b->nr = 0;
}

/* migrate_in - the part of the range that is in one locked leaf table. */
static err_t
migrate_in(struct pt *pt, pfn_t table, struct va_range part, unsigned node, uint64_t *moved)
{
	struct batch  b = { .table = table };
	struct gather g;
	err_t	      err = OK;

	for (vaddr_t va = part.start; va < part.end && err == OK;) {
		gather_begin(&g, pt);
		for (; va < part.end && b.nr < BATCH && err == OK; va += ARCH_PAGE_SIZE)
			err = take_page(&b, level_index(0, va), va, node, &g);
		gather_end(&g);
		*moved += b.nr;
		install(&b);
	}
	return err;
}

err_t
pt_migrate(struct pt *pt, struct va_range range, unsigned node, uint64_t *moved)
{
	vaddr_t next;
	err_t	err = OK;

	*moved = 0;
	for (vaddr_t va = range.start; va < range.end && err == OK; va = next) {
		pfn_t table = own_leaf_table(pt, va, &next);

		if (pfn_is_none(table))
			continue;
		err = migrate_in(pt, table, range_clip(range, va_range(va, next)), node, moved);
		table_unlock(table);
	}
	return err;
}

/* detach_in - what loses its rights here is flushed before the table is unlocked. */
static void
detach_in(struct pt *pt, pfn_t table, struct va_range part)
{
	struct pte_leaf leaf;
	struct gather	g;

	gather_begin(&g, pt);
	for (vaddr_t va = part.start; va < part.end; va += ARCH_PAGE_SIZE) {
		unsigned index = level_index(0, va);

		if (!leaf_at(table, index, &leaf) || !leaf.prot)
			continue;
		(void)take_rights(table, index);
		gather_page(&g, va);
	}
	gather_end(&g);
}

void
pt_detach(struct pt *pt, struct va_range range)
{
	vaddr_t next;

	for (vaddr_t va = range.start; va < range.end; va = next) {
		pfn_t table = own_leaf_table(pt, va, &next);

		if (pfn_is_none(table))
			continue;
		detach_in(pt, table, range_clip(range, va_range(va, next)));
		table_unlock(table);
	}
}
