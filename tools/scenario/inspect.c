/*
 * inspect.c - what the tables say about one page, read without changing anything.
 *
 * A walk of its own over the machine contract, so that it works on every
 * machine and does not depend on the library's walker.
 */
#include "scenario/run.h"

struct page_state
page_at(const struct space *sp, vaddr_t va)
{
	struct page_state none = { .present = false, .pfn = pfn_none() };
	pfn_t		  table = sp->pt.root;

	if (va >= ARCH_USER_END)
		return none;
	for (unsigned level = ARCH_PT_LEVELS - 1;; level--) {
		unsigned     shift = ARCH_PAGE_SHIFT + level * ARCH_PT_INDEX_BITS;
		const pte_t *entries = arch_frame_ptr(table);
		pte_t	     pte = arch_pte_read(&entries[(va >> shift) & (ARCH_PT_ENTRIES - 1)]);
		struct pte_leaf leaf;

		switch (arch_pte_kind(pte, level)) {
		case PTE_EMPTY:
		case PTE_MARK:
			return none;
		case PTE_LEAF:
			leaf = arch_pte_decode_leaf(pte, level);
			return (struct page_state){
				.present = true,
				.pfn = pfn_add(leaf.pfn, (va & (((uint64_t)1 << shift) - 1)) >>
								 ARCH_PAGE_SHIFT),
			};
		case PTE_TABLE:
			table = arch_pte_table_pfn(pte);
			break;
		}
	}
}
