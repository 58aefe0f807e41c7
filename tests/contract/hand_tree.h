/*
 * hand_tree.h - a tree of tables made by hand through the contract alone.
 *
 * The library's own page-table code stays out of it, so what a contract test finds
 * is the machine's doing. Frames come from the frame allocator.
 */
#pragma once

#include <anymm/arch.h>

/* Root and everything below it, in the order of making. */
struct hand_tree {
	pfn_t	 root;
	unsigned asid;
	unsigned nr_frames;
	pfn_t	 frames[64];
};

/* hand_tree_make - a root with nothing in the user half. */
void hand_tree_make(struct hand_tree *tree, unsigned asid);

/* hand_tree_slot - the entry of va in the table of this level; tables above it are made. */
pte_t *hand_tree_slot(struct hand_tree *tree, vaddr_t va, unsigned level);

/* hand_tree_map - a leaf of one page there, as described but for the level. */
void hand_tree_map(struct hand_tree *tree, vaddr_t va, struct pte_leaf leaf);

/* hand_tree_frame - a zeroed frame that the tree gives back in the end. */
pfn_t hand_tree_frame(struct hand_tree *tree, bool is_table);

/* hand_tree_drop - nobody uses it any more: flush its tag, give everything back. */
void hand_tree_drop(struct hand_tree *tree);

/* fill_frame - its first word, by which a test knows it again. read_word, write_word - through user space. */
void fill_frame(pfn_t pfn, uint64_t word);
bool read_word(vaddr_t va, uint64_t *word);
bool write_word(vaddr_t va, uint64_t word);
