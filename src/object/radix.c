/*
 * radix.c - a tree of 64-way nodes that maps page indices to frames.
 *
 *	height 2           [ root ]             slot = bits 11..6 of the index
 *	                  /   |    \
 *	height 1      [node]  -   [node]        slot = bits 5..0
 *	               | |          |
 *	              pfn pfn      pfn          stored as number + 1: 0 is empty
 *
 * The height is the smallest that reaches the largest index in use, so a small
 * file costs one node and an index near 2^64 costs eleven. A node without used
 * slots is freed at once, which keeps the cost bound to what is resident.
 * Insertion counts the nodes it lacks and takes them all before it links the
 * first. The object's lock protects everything here.
 */
#include "object/radix.h"

#include "base/assert.h"
#include "object/state.h"

enum {
	RADIX_BITS = 6,
	RADIX_SLOTS = 1 << RADIX_BITS,
	RADIX_HEIGHT_MAX = (64 + RADIX_BITS - 1) / RADIX_BITS,
};

struct radix_node {
	uint32_t used;		     /* slots that are not 0 */
	uint64_t slots[RADIX_SLOTS]; /* level 0: frame number + 1; above: address of a node */
};

static unsigned
slot_of(uint64_t index, unsigned level)
{
	return (unsigned)(index >> (level * RADIX_BITS)) & (RADIX_SLOTS - 1);
}

static struct radix_node *
child(const struct radix_node *node, unsigned slot)
{
	return (struct radix_node *)(uintptr_t)node->slots[slot];
}

/* height_for - the smallest height of a tree that has a slot for the index. */
static unsigned
height_for(uint64_t index)
{
	unsigned height = 1;

	while (height < RADIX_HEIGHT_MAX && index >> (height * RADIX_BITS))
		height++;
	return height;
}

static bool
reaches(const struct object *object, uint64_t index)
{
	return object->height != 0 && height_for(index) <= object->height;
}

/* descend - the node of level 0 that holds index, or NULL. */
static struct radix_node *
descend(const struct object *object, uint64_t index)
{
	struct radix_node *node = object->pages;

	if (!reaches(object, index))
		return NULL;
	for (unsigned level = object->height - 1; level > 0 && node; level--)
		node = child(node, slot_of(index, level));
	return node;
}

pfn_t
radix_lookup(const struct object *object, uint64_t index)
{
	const struct radix_node *leaf = descend(object, index);
	uint64_t		 value = leaf ? leaf->slots[slot_of(index, 0)] : 0;

	return value ? (pfn_t){ value - 1 } : pfn_none();
}

/* missing_nodes - how many nodes the path to index lacks. */
static unsigned
missing_nodes(const struct object *object, uint64_t index)
{
	const struct radix_node *node = object->pages;
	unsigned		 wanted = height_for(index);
	unsigned		 present = 0;

	if (wanted > object->height)
		return object->height == 0 ? wanted : (wanted - object->height) + (wanted - 1);
	for (unsigned level = object->height - 1; node; level--) {
		present++;
		if (level == 0)
			break;
		node = child(node, slot_of(index, level));
	}
	return object->height - present;
}

/* take_nodes - n nodes, chained through their first slot; NULL: not enough memory, none taken. */
static struct radix_node *
take_nodes(unsigned n)
{
	struct radix_node *chain = NULL;

	while (n-- > 0) {
		struct radix_node *node = slab_alloc(&object_state()->nodes);

		if (!node) {
			while (chain) {
				node = chain;
				chain = child(node, 0);
				slab_free(&object_state()->nodes, node);
			}
			return NULL;
		}
		node->slots[0] = (uintptr_t)chain;
		chain = node;
	}
	return chain;
}

static struct radix_node *
pop_node(struct radix_node **chain)
{
	struct radix_node *node = *chain;

	REQUIRE(node, "a prepared node is missing");
	*chain = child(node, 0);
	node->slots[0] = 0;
	return node;
}

/* grow - put roots above the old one until the tree is `height` high. */
static void
grow(struct object *object, unsigned height, struct radix_node **spare)
{
	if (object->height == 0) {
		object->pages = pop_node(spare);
		object->height = height;
	}
	while (object->height < height) {
		struct radix_node *node = pop_node(spare);

		node->slots[0] = (uintptr_t)object->pages;
		node->used = 1;
		object->pages = node;
		object->height++;
	}
}

err_t
radix_insert(struct object *object, uint64_t index, pfn_t pfn)
{
	unsigned	   missing = missing_nodes(object, index);
	struct radix_node *spare = take_nodes(missing);
	struct radix_node *node;

	if (missing && !spare)
		return ERR_NOMEM;
	grow(object, height_for(index), &spare);
	node = object->pages;
	for (unsigned level = object->height - 1; level > 0; level--) {
		unsigned slot = slot_of(index, level);

		if (!node->slots[slot]) {
			node->slots[slot] = (uintptr_t)pop_node(&spare);
			node->used++;
		}
		node = child(node, slot);
	}
	REQUIRE(!node->slots[slot_of(index, 0)], "page %lu is there already", (unsigned long)index);
	node->slots[slot_of(index, 0)] = pfn.n + 1;
	node->used++;
	object->nr_pages++;
	return OK;
}

/* first_slot - the first used slot at or after `slot`, or RADIX_SLOTS. */
static unsigned
first_slot(const struct radix_node *node, unsigned slot)
{
	while (slot < RADIX_SLOTS && !node->slots[slot])
		slot++;
	return slot;
}

/*
 * seek - one descent from the root along *from. True: the frame was found and
 * *from is its index. False: *from has moved on to the next index that may be
 * in use, or became 0 because there is none.
 */
static bool
seek(const struct object *object, uint64_t *from, pfn_t *pfn)
{
	const struct radix_node *node = object->pages;

	for (unsigned level = object->height - 1;; level--) {
		unsigned shift = level * RADIX_BITS;
		unsigned wanted = slot_of(*from, level);
		unsigned slot = first_slot(node, wanted);
		uint64_t below = ((uint64_t)1 << shift) - 1;

		if (slot != wanted) {
			/* The slots between are empty: go to the start of the one found, or past the node. */
			*from = (*from & ~below) + ((uint64_t)(slot - wanted) << shift);
			if (slot == RADIX_SLOTS)
				return false;
		}
		if (level == 0) {
			*pfn = (pfn_t){ node->slots[slot] - 1 };
			return true;
		}
		node = child(node, slot);
	}
}

bool
radix_next(const struct object *object, uint64_t from, uint64_t *index, pfn_t *pfn)
{
	while (reaches(object, from)) {
		uint64_t at = from;

		if (seek(object, &at, pfn)) {
			*index = at;
			return true;
		}
		if (at <= from)
			return false;
		from = at;
	}
	return false;
}

/* shrink - drop roots that only lead to their first slot, and an empty tree. */
static void
shrink(struct object *object)
{
	struct radix_node *node = object->pages;

	while (object->height > 1 && node->used == 1 && node->slots[0]) {
		object->pages = child(node, 0);
		object->height--;
		slab_free(&object_state()->nodes, node);
		node = object->pages;
	}
	if (node->used == 0) {
		slab_free(&object_state()->nodes, node);
		object->pages = NULL;
		object->height = 0;
	}
}

pfn_t
radix_remove(struct object *object, uint64_t index)
{
	struct radix_node *path[RADIX_HEIGHT_MAX];
	struct radix_node *node = object->pages;
	pfn_t		   pfn = radix_lookup(object, index);

	if (pfn_is_none(pfn))
		return pfn;
	for (unsigned level = object->height; level-- > 0;) {
		path[level] = node;
		node = child(node, slot_of(index, level));
	}
	for (unsigned level = 0; level < object->height; level++) {
		path[level]->slots[slot_of(index, level)] = 0;
		if (--path[level]->used > 0 || level == object->height - 1)
			break;
		slab_free(&object_state()->nodes, path[level]);
	}
	object->nr_pages--;
	shrink(object);
	return pfn;
}

void
radix_init(void)
{
	slab_init(&object_state()->nodes, "radix node", sizeof(struct radix_node),
		  alignof(uint64_t));
}
