/*
 * buddy.c - splitting and merging free blocks.
 *
 * A block of order k starts at a multiple of 2^k; its buddy is the other half
 * of the block of order k + 1 around both. Free lists are threaded through the
 * descriptors of the heads by frame number, so a free frame's own memory is
 * never touched.
 *
 *   take order 0:   [        3        ]
 *                   [   2    ][   2    ]     the upper half goes to its list,
 *                   [ 1 ][ 1 ][   2    ]     the lower is split further
 *                   [0][0][ 1][   2    ]
 *
 * LOCK_IN_BUDDY in the lock byte of a descriptor says "heads a block in a free
 * list". It changes only under the lock of the frame's node, so the holder may
 * trust it for its own frames; for a buddy that belongs to another node, or is
 * in use, the byte (atomic) and the node (constant, published by the byte) are
 * all it looks at. A frame in a magazine is free too but lacks the mark.
 *
 * Locks: node->lock, taken here. Frames that exist but are no heads cannot be
 * mistaken for a buddy: an aligned block of the same size around such a frame
 * would contain the block that is being given back as well.
 */
#include "phys/buddy.h"

#include "base/assert.h"

void
buddy_init(struct node *node, unsigned number)
{
	lock_init(&node->lock, RANK_NODE);
	node->number = (uint8_t)number;
	node->nonempty = 0;
	node->nr_free = 0;
	for (unsigned order = 0; order <= FRAME_ORDER_MAX; order++)
		node->heads[order] = PFN32_NONE;
}

static struct frame *
head_of(uint32_t n)
{
	struct frame *f = section_peek(n);

	REQUIRE(f, "free list names frame %x, which has no descriptor", n);
	return f;
}

static void
insert_block(struct node *node, uint32_t n, unsigned order)
{
	struct frame *f = section_reveal(n, order);
	uint32_t      next = node->heads[order];

	f->kind = FRAME_FREE;
	f->order = (uint8_t)order;
	f->free.next = next;
	f->free.prev = PFN32_NONE;
	atomic_store_explicit(&f->node, node->number, memory_order_relaxed);
	atomic_store_explicit(&f->lock, LOCK_IN_BUDDY, memory_order_release);
	if (next != PFN32_NONE)
		head_of(next)->free.prev = n;
	node->heads[order] = n;
	node->nonempty |= (uint32_t)1 << order;
}

static void
remove_block(struct node *node, uint32_t n, struct frame *f)
{
	unsigned order = f->order;

	if (f->free.prev != PFN32_NONE)
		head_of(f->free.prev)->free.next = f->free.next;
	else
		node->heads[order] = f->free.next;
	if (f->free.next != PFN32_NONE)
		head_of(f->free.next)->free.prev = f->free.prev;
	if (node->heads[order] == PFN32_NONE)
		node->nonempty &= ~((uint32_t)1 << order);
	REQUIRE(f->kind == FRAME_FREE && atomic_load_explicit(&f->count, memory_order_relaxed) == 0,
		"frame %x in a free list has kind %u, count %u", n, f->kind,
		atomic_load_explicit(&f->count, memory_order_relaxed));
	f->word = 0;
	atomic_store_explicit(&f->lock, 0, memory_order_relaxed);
}

/* forget_head - a block that became part of a larger one no longer has a head of its own. */
static void
forget_head(struct frame *f)
{
	f->kind = FRAME_RESERVED;
	f->order = 0;
	f->word = 0;
}

static bool
take_locked(struct node *node, unsigned order, uint32_t *out)
{
	uint32_t      fitting = node->nonempty >> order;
	struct frame *f;
	unsigned      have;
	uint32_t      n;

	if (!fitting)
		return false;
	have = order + (unsigned)__builtin_ctz(fitting);
	n = node->heads[have];
	f = head_of(n);
	remove_block(node, n, f);
	while (have > order) {
		have--;
		insert_block(node, n + ((uint32_t)1 << have), have);
	}
	f->order = (uint8_t)order;
	node->nr_free -= (uint64_t)1 << order;
	*out = n;
	return true;
}

/* free_buddy - the descriptor of block n's buddy if the two can be joined, or NULL. */
static struct frame *
free_buddy(const struct node *node, uint32_t n, unsigned order)
{
	struct frame *f = section_peek(n ^ ((uint32_t)1 << order));

	if (!f || atomic_load_explicit(&f->lock, memory_order_acquire) != LOCK_IN_BUDDY)
		return NULL;
	if (atomic_load_explicit(&f->node, memory_order_relaxed) != node->number)
		return NULL;
	return f->order == order ? f : NULL;
}

static void
give_locked(struct node *node, uint32_t n, unsigned order)
{
	uint64_t      given = (uint64_t)1 << order;
	struct frame *buddy;

	while (order < FRAME_ORDER_MAX && (buddy = free_buddy(node, n, order))) {
		uint32_t lower = n & ~((uint32_t)1 << order);

		remove_block(node, n ^ ((uint32_t)1 << order), buddy);
		forget_head(lower == n ? buddy : head_of(n));
		n = lower;
		order++;
	}
	insert_block(node, n, order);
	node->nr_free += given;
}

bool
buddy_take(struct node *node, unsigned order, uint32_t *out)
{
	bool found;

	lock_acquire(&node->lock);
	found = take_locked(node, order, out);
	lock_release(&node->lock);
	return found;
}

unsigned
buddy_take_many(struct node *node, uint32_t *frames, unsigned most)
{
	unsigned nr = 0;

	lock_acquire(&node->lock);
	while (nr < most && take_locked(node, 0, &frames[nr]))
		nr++;
	lock_release(&node->lock);
	return nr;
}

void
buddy_give(struct node *node, uint32_t n, unsigned order)
{
	lock_acquire(&node->lock);
	give_locked(node, n, order);
	lock_release(&node->lock);
}

void
buddy_give_many(struct node *node, const uint32_t *frames, unsigned nr)
{
	lock_acquire(&node->lock);
	for (unsigned i = 0; i < nr; i++)
		give_locked(node, frames[i], 0);
	lock_release(&node->lock);
}
