/*
 * hand_tree.c - see hand_tree.h.
 */
#include "contract/hand_tree.h"

#include "harness.h"

#include <anymm/frame.h>

pfn_t
hand_tree_frame(struct hand_tree *tree, bool is_table)
{
	struct frame_request request = {
		.kind = is_table ? FRAME_TABLE : FRAME_ANON,
		.zeroed = true,
	};
	pfn_t pfn = pfn_none();

	assert_true(tree->nr_frames < ARRAY_SIZE(tree->frames));
	EXPECT_OK(frame_alloc(request, &pfn));
	tree->frames[tree->nr_frames++] = pfn;
	return pfn;
}

void
hand_tree_make(struct hand_tree *tree, unsigned asid)
{
	*tree = (struct hand_tree){ .asid = asid };
	tree->root = hand_tree_frame(tree, true);
	arch_pt_init_root(tree->root);
}

pte_t *
hand_tree_slot(struct hand_tree *tree, vaddr_t va, unsigned wanted)
{
	pfn_t table = tree->root;

	for (unsigned level = ARCH_PT_LEVELS - 1;; level--) {
		unsigned shift = ARCH_PAGE_SHIFT + level * ARCH_PT_INDEX_BITS;
		pte_t	*slot = (pte_t *)arch_frame_ptr(table) + (va >> shift) % ARCH_PT_ENTRIES;

		if (level == wanted)
			return slot;
		if (arch_pte_kind(arch_pte_read(slot), level) == PTE_EMPTY)
			arch_pte_write(slot, arch_pte_table(hand_tree_frame(tree, true), true));
		table = arch_pte_table_pfn(arch_pte_read(slot));
	}
}

void
hand_tree_map(struct hand_tree *tree, vaddr_t va, struct pte_leaf leaf)
{
	arch_pte_exchange(hand_tree_slot(tree, va, 0), arch_pte_leaf(leaf));
}

void
hand_tree_drop(struct hand_tree *tree)
{
	arch_tlb_activate(pfn_none(), 0);
	arch_tlb_flush_asid(tree->asid);
	while (tree->nr_frames) {
		pfn_t pfn = tree->frames[--tree->nr_frames];

		if (frame_put(pfn))
			frame_free(pfn);
	}
}

void
fill_frame(pfn_t pfn, uint64_t word)
{
	*(uint64_t *)arch_frame_ptr(pfn) = word;
}

bool
read_word(vaddr_t va, uint64_t *word)
{
	struct arch_fault fault;

	return arch_user_read(word, va, sizeof(*word), &fault) == sizeof(*word);
}

bool
write_word(vaddr_t va, uint64_t word)
{
	struct arch_fault fault;

	return arch_user_write(va, &word, sizeof(word), &fault) == sizeof(word);
}
