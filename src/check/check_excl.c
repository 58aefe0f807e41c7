/*
 * check_excl.c - I-EXCL: nothing that is shared can be written through a private mapping.
 *
 * A table that is named twice has no writable slot that names it, so its path is
 * never writable; it is enough to look at each entry along the first path
 * that reaches it.
 */
#include "check/walk.h"

/* excl_table - a slot that names a table: writable only if nobody else names that table. */
static void
excl_table(struct check *c, const struct entry_at *e)
{
	pfn_t child = arch_pte_table_pfn(e->pte);

	if (arch_pte_writable(e->pte) && frame_count(child) != 1)
		check_fail(c, INV_EXCL,
			   "slot %u of level-%u table %llu, for 0x%llx, is writable and names "
			   "table %llu of count %u",
			   e->index, e->level, (unsigned long long)e->table.n,
			   (unsigned long long)e->va, (unsigned long long)child.n,
			   frame_count(child));
}

/* excl_leaf - a private leaf that can be written through: its frame is owned alone and anonymous. */
static void
excl_leaf(struct check *c, const struct entry_at *e)
{
	struct pte_leaf leaf = arch_pte_decode_leaf(e->pte, e->level);

	if (!leaf.is_private || !(leaf.prot & PROT_W) || leaf.is_special)
		return;
	if (frame_of(leaf.pfn)->kind != FRAME_ANON)
		check_fail(c, INV_EXCL,
			   "private leaf at 0x%llx allows writing frame %llu of kind %u",
			   (unsigned long long)e->va, (unsigned long long)leaf.pfn.n,
			   frame_of(leaf.pfn)->kind);
	if (e->path_writable && frame_count(leaf.pfn) != 1u + frame_is_pinned(leaf.pfn))
		check_fail(c, INV_EXCL,
			   "private leaf at 0x%llx is writable and names frame %llu of count %u",
			   (unsigned long long)e->va, (unsigned long long)leaf.pfn.n,
			   frame_count(leaf.pfn));
}

void
excl_entry(struct check *c, const struct entry_at *e)
{
	if (e->kind == PTE_TABLE)
		excl_table(c, e);
	else if (e->kind == PTE_LEAF)
		excl_leaf(c, e);
}
