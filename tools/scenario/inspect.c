/*
 * inspect.c - what the tables say about one page, read without changing anything.
 *
 * A walk of its own over the machine contract, so that it works on every
 * machine and does not depend on the library's walker.
 */
#include "scenario/run.h"

/* Where the walk for an address ends: an entry that is no table. */
struct place {
	pte_t	 pte;
	unsigned level;
	unsigned shift; /* of the bytes that the entry stands for */
};

static struct place
place_of(const struct space *sp, vaddr_t va)
{
	struct place place = { .level = ARCH_PT_LEVELS - 1 };
	pfn_t	     table = sp->pt.root;

	for (;; place.level--) {
		const pte_t *entries = arch_frame_ptr(table);

		place.shift = ARCH_PAGE_SHIFT + place.level * ARCH_PT_INDEX_BITS;
		place.pte = arch_pte_read(&entries[(va >> place.shift) & (ARCH_PT_ENTRIES - 1)]);
		if (arch_pte_kind(place.pte, place.level) != PTE_TABLE)
			return place;
		table = arch_pte_table_pfn(place.pte);
	}
}

static bool
is_leaf(const struct place *place)
{
	return arch_pte_kind(place->pte, place->level) == PTE_LEAF;
}

struct page_state
page_at(const struct space *sp, vaddr_t va)
{
	struct page_state none = { .present = false, .pfn = pfn_none() };
	struct pte_leaf	  leaf;
	struct place	  place;

	if (va >= ARCH_USER_END)
		return none;
	place = place_of(sp, va);
	if (!is_leaf(&place))
		return none;
	leaf = arch_pte_decode_leaf(place.pte, place.level);
	return (struct page_state){
		.present = true,
		.pfn = pfn_add(leaf.pfn,
			       (va & (((uint64_t)1 << place.shift) - 1)) >> ARCH_PAGE_SHIFT),
	};
}

bool
page_next(const struct space *sp, vaddr_t *va)
{
	while (*va < ARCH_USER_END) {
		struct place place = place_of(sp, *va);

		if (is_leaf(&place))
			return true;
		*va = ((*va >> place.shift) + 1) << place.shift;
	}
	return false;
}
