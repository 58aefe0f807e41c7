/*
 * phys_check.h - is the frame allocator's state what it says it is?
 *
 * Everything is counted again from the descriptors, by a walk from block to
 * block, and compared with lists, magazines and totals. For unit tests and the
 * allocator's fuzz target, which run without the layers above. It reads the
 * allocator's private state; no operation may be in progress.
 */
#pragma once

#include <stdio.h>
#include <string.h>

#include <anymm/frame.h>

#include "phys/magazine.h"

struct phys_count {
	uint64_t frames;
	uint64_t by_kind[FRAME_KINDS];
	uint64_t in_lists;
	uint64_t in_magazines;
};

static inline bool
phys_heads_list(const struct frame *f)
{
	return atomic_load(&f->lock) == LOCK_IN_BUDDY;
}

/* phys_free_block_fault - what is wrong with a free block, or NULL. */
static inline const char *
phys_free_block_fault(pfn_t pfn, const struct frame *f)
{
	const struct frame *buddy;

	if (atomic_load(&f->count))
		return "a free block has a count";
	if (pfn.n & (((uint64_t)1 << f->order) - 1))
		return "a free block is not aligned to its size";
	if (!phys_heads_list(f))
		return f->order == 0 ? NULL : "a large free block is in no list";
	if (f->order == FRAME_ORDER_MAX)
		return NULL;
	buddy = section_peek(pfn.n ^ ((uint64_t)1 << f->order));
	if (buddy && phys_heads_list(buddy) && buddy->order == f->order &&
	    atomic_load(&buddy->node) == atomic_load(&f->node))
		return "two free buddies were not merged";
	return NULL;
}

static inline const char *
phys_count_blocks(struct phys_count *count)
{
	pfn_t pfn = frame_first();

	while (!pfn_is_none(pfn)) {
		const struct frame *f = frame_of(pfn);
		uint64_t	    frames = (uint64_t)1 << f->order;
		const char	   *fault = NULL;

		if (f->kind >= FRAME_KINDS || f->order > FRAME_ORDER_MAX)
			return "a descriptor makes no sense";
		if (f->kind == FRAME_FREE) {
			fault = phys_free_block_fault(pfn, f);
			if (phys_heads_list(f))
				count->in_lists += frames;
			else
				count->in_magazines += frames;
		}
		if (fault)
			return fault;
		count->frames += frames;
		count->by_kind[f->kind] += frames;
		pfn = frame_next(pfn_add(pfn, frames - 1));
	}
	return NULL;
}

/* phys_count_lists - follow every list in both directions. */
static inline const char *
phys_count_lists(uint64_t *in_lists)
{
	for (unsigned n = 0; n < phys()->nr_nodes; n++) {
		const struct node *node = &phys()->nodes[n];
		uint64_t	   here = 0;

		for (unsigned order = 0; order <= FRAME_ORDER_MAX; order++) {
			uint32_t prev = PFN32_NONE;

			if (!(node->nonempty >> order & 1) != (node->heads[order] == PFN32_NONE))
				return "the summary of a node's lists is wrong";
			for (uint32_t i = node->heads[order]; i != PFN32_NONE;) {
				const struct frame *f = frame_of((pfn_t){ i });

				if (f->free.prev != prev || f->order != order ||
				    f->kind != FRAME_FREE || !phys_heads_list(f) ||
				    atomic_load(&f->node) != n)
					return "a free list holds a block that does not belong";
				here += (uint64_t)1 << order;
				prev = i;
				i = f->free.next;
			}
		}
		if (here != node->nr_free)
			return "a node's count of free frames is wrong";
		*in_lists += here;
	}
	return NULL;
}

static inline uint64_t
phys_count_magazines(void)
{
	struct phys *p = phys();
	uint64_t     sum = 0;

	for (unsigned i = 0; p->magazine_frames && i < p->nr_cpus * p->nr_nodes; i++) {
		const char *at = p->magazines + i * magazine_bytes(p->magazine_frames);

		sum += atomic_load(&((const struct magazine *)(const void *)at)->nr);
	}
	return sum;
}

/*
 * phys_inside_fault - what is wrong with descriptors behind the heads of blocks, or
 * NULL: where there are any, they must say nothing. Costs a look at every frame.
 */
static inline const char *
phys_inside_fault(void)
{
	uint64_t end = 0;

	for (pfn_t pfn = frame_first(); !pfn_is_none(pfn); pfn = frame_next(pfn)) {
		const struct frame *f = section_peek(pfn.n);

		if (pfn.n >= end) {
			end = pfn.n + ((uint64_t)1 << frame_of(pfn)->order);
			continue;
		}
		if (f && (f->kind != FRAME_RESERVED || f->order || atomic_load(&f->count) ||
			  atomic_load(&f->lock) || f->word))
			return "a descriptor inside a block says something";
	}
	return NULL;
}

/* phys_fault - NULL if all holds; else what does not. Checks I-LEDGER and I-FREE on the way. */
static inline const char *
phys_fault(void)
{
	struct frame_totals totals = frame_totals();
	struct phys_count   count = { 0 };
	uint64_t	    in_lists = 0;
	const char	   *fault = phys_count_blocks(&count);

	if (!fault)
		fault = phys_count_lists(&in_lists);
	if (fault)
		return fault;
	if (in_lists != count.in_lists || in_lists != atomic_load(&phys()->nr_free))
		return "the number of frames in free lists is wrong";
	if (phys_count_magazines() != count.in_magazines)
		return "the number of frames in magazines is wrong";
	if (memcmp(count.by_kind, totals.by_kind, sizeof(count.by_kind)) != 0)
		return "I-LEDGER: a kind's total is wrong";
	if (count.frames != totals.total)
		return "I-LEDGER: the total is wrong";
	return NULL;
}
