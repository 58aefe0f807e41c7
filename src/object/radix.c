/*
 * radix.c - a tree of 64-way nodes that maps page indices to frames, and to swap slots.
 *
 *	height 2           [ root ]             slot = bits 11..6 of the index
 *	                  /   |    \
 *	height 1      [node]  -   [node]        slot = bits 5..0
 *	               | |          |
 *	              pfn out      pfn          0 is empty; bit 0 is set in a page that is out
 *
 * The height is the smallest that reaches the largest index in use, so a small
 * file costs one node and an index near 2^64 costs eleven. A node without used
 * slots is freed at once, which keeps the cost bound to the pages that there are.
 * Each node has a bit map of the slots that lead to resident pages, and one of those that
 * lead to pages that are out, so that either kind is found without a look at the other.
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

enum kind {
	RESIDENT,
	OUT,
	KINDS,
};

struct radix_node {
	uint64_t map[KINDS];	     /* the slots that lead to a page of this kind */
	uint64_t slots[RADIX_SLOTS]; /* level 0: a page; above: address of a node; 0: empty */
};

/* A page that is out: the slot, the bytes of it that count, and bit 0. */
enum {
	OUT_SLOT_SHIFT = 1,
	OUT_BYTES_SHIFT = 33,
};

static uint64_t
value_of_frame(pfn_t pfn)
{
	return (pfn.n + 1) << 1;
}

static uint64_t
value_of_out(struct page_out out)
{
	return (uint64_t)out.bytes << OUT_BYTES_SHIFT | (uint64_t)out.slot.n << OUT_SLOT_SHIFT | 1;
}

static enum kind
kind_of(uint64_t value)
{
	return value & 1 ? OUT : RESIDENT;
}

/* frame_in - the frame that the value of a slot names, or pfn_none(). */
static pfn_t
frame_in(uint64_t value)
{
	return value && kind_of(value) == RESIDENT ? (pfn_t){ (value >> 1) - 1 } : pfn_none();
}

static struct page_out
out_in(uint64_t value)
{
	return (struct page_out){ .slot = { (uint32_t)(value >> OUT_SLOT_SHIFT) },
				  .bytes = (uint32_t)(value >> OUT_BYTES_SHIFT) };
}

static uint64_t
used(const struct radix_node *node)
{
	return node->map[RESIDENT] | node->map[OUT];
}

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

/* look_up - what the slot of index holds, 0: nothing. */
static uint64_t
look_up(const struct object *object, uint64_t index)
{
	const struct radix_node *leaf = descend(object, index);

	return leaf ? leaf->slots[slot_of(index, 0)] : 0;
}

pfn_t
radix_lookup(const struct object *object, uint64_t index)
{
	return frame_in(look_up(object, index));
}

bool
radix_lookup_out(const struct object *object, uint64_t index, struct page_out *out)
{
	uint64_t value = look_up(object, index);

	if (!value || kind_of(value) != OUT)
		return false;
	*out = out_in(value);
	return true;
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
		const struct radix_node *old = object->pages;
		struct radix_node	*node = pop_node(spare);

		for (unsigned kind = 0; kind < KINDS; kind++)
			node->map[kind] = old->map[kind] != 0;
		node->slots[0] = (uintptr_t)old;
		object->pages = node;
		object->height++;
	}
}

/* A way down to a slot of level 0, by level. */
struct path {
	struct radix_node *node[RADIX_HEIGHT_MAX];
};

/* find_path - the way to a slot whose nodes are all there. */
static void
find_path(const struct object *object, uint64_t index, struct path *path)
{
	struct radix_node *node = object->pages;
	unsigned	   level = object->height - 1;

	for (; level > 0; level--) {
		path->node[level] = node;
		node = child(node, slot_of(index, level));
	}
	path->node[0] = node;
}

/* write_slot - set it, and the maps of all nodes on the way to it. */
static void
write_slot(struct object *object, const struct path *path, uint64_t index, uint64_t value)
{
	bool leads[KINDS] = { false, false };

	path->node[0]->slots[slot_of(index, 0)] = value;
	if (value)
		leads[kind_of(value)] = true;
	for (unsigned level = 0; level < object->height; level++) {
		struct radix_node *node = path->node[level];
		uint64_t	   bit = (uint64_t)1 << slot_of(index, level);

		for (unsigned kind = 0; kind < KINDS; kind++) {
			node->map[kind] = (node->map[kind] & ~bit) | (leads[kind] ? bit : 0);
			leads[kind] = node->map[kind] != 0;
		}
	}
}

err_t
radix_insert(struct object *object, uint64_t index, pfn_t pfn)
{
	unsigned	   missing = missing_nodes(object, index);
	struct radix_node *spare = take_nodes(missing);
	struct radix_node *node;
	struct path	   path;

	if (missing && !spare)
		return ERR_NOMEM;
	grow(object, height_for(index), &spare);
	node = object->pages;
	for (unsigned level = object->height - 1; level > 0; level--) {
		unsigned slot = slot_of(index, level);

		if (!node->slots[slot])
			node->slots[slot] = (uintptr_t)pop_node(&spare);
		node = child(node, slot);
	}
	REQUIRE(!node->slots[slot_of(index, 0)], "page %lu is there already", (unsigned long)index);
	find_path(object, index, &path);
	write_slot(object, &path, index, value_of_frame(pfn));
	object->nr_pages++;
	return OK;
}

/*
 * seek - one descent from the root along *from. True: a page of the kind was found and
 * *from is its index. False: *from has moved on to the next index that may be
 * in use, or became 0 because there is none.
 */
static bool
seek(const struct object *object, enum kind kind, uint64_t *from, uint64_t *value)
{
	const struct radix_node *node = object->pages;

	for (unsigned level = object->height - 1;; level--) {
		unsigned shift = level * RADIX_BITS;
		unsigned wanted = slot_of(*from, level);
		uint64_t rest = node->map[kind] >> wanted;
		unsigned skip = rest ? (unsigned)__builtin_ctzll(rest) : RADIX_SLOTS - wanted;

		if (skip) {
			/* There are none between: go to the start of the one found, or past the node. */
			*from = (*from & ~(((uint64_t)1 << shift) - 1)) + ((uint64_t)skip << shift);
			if (!rest)
				return false;
		}
		if (level == 0) {
			*value = node->slots[wanted + skip];
			return true;
		}
		node = child(node, wanted + skip);
	}
}

/* next_of_kind - what the first slot with such a page at or after `from` holds; 0: there is none. */
static uint64_t
next_of_kind(const struct object *object, enum kind kind, uint64_t from, uint64_t *index)
{
	uint64_t value;

	while (reaches(object, from)) {
		uint64_t at = from;

		if (seek(object, kind, &at, &value)) {
			*index = at;
			return value;
		}
		if (at <= from)
			break;
		from = at;
	}
	return 0;
}

bool
radix_next(const struct object *object, uint64_t from, uint64_t *index, pfn_t *pfn)
{
	uint64_t value = next_of_kind(object, RESIDENT, from, index);

	if (!value)
		return false;
	*pfn = frame_in(value);
	return true;
}

bool
radix_next_out(const struct object *object, uint64_t from, uint64_t *index, struct page_out *out)
{
	uint64_t value = next_of_kind(object, OUT, from, index);

	if (!value)
		return false;
	*out = out_in(value);
	return true;
}

/* shrink - drop roots that only lead to their first slot, and an empty tree. */
static void
shrink(struct object *object)
{
	struct radix_node *node = object->pages;

	while (object->height > 1 && used(node) == 1) {
		object->pages = child(node, 0);
		object->height--;
		slab_free(&object_state()->nodes, node);
		node = object->pages;
	}
	if (!used(node)) {
		slab_free(&object_state()->nodes, node);
		object->pages = NULL;
		object->height = 0;
	}
}

/* count - one page more or fewer of the kind that the value is. */
static void
count(struct object *object, uint64_t value, uint64_t by)
{
	if (kind_of(value) == OUT)
		object->nr_out += by;
	else
		object->nr_pages += by;
}

pfn_t
radix_remove(struct object *object, uint64_t index)
{
	uint64_t    value = look_up(object, index);
	struct path path;

	if (!value)
		return pfn_none();
	find_path(object, index, &path);
	write_slot(object, &path, index, 0);
	for (unsigned level = 0; level + 1 < object->height && !used(path.node[level]); level++) {
		path.node[level + 1]->slots[slot_of(index, level + 1)] = 0;
		slab_free(&object_state()->nodes, path.node[level]);
	}
	count(object, value, -(uint64_t)1);
	shrink(object);
	return frame_in(value);
}

/* replace - a slot that is in use holds another value. */
static void
replace(struct object *object, uint64_t index, uint64_t value)
{
	uint64_t    before = look_up(object, index);
	struct path path;

	REQUIRE(before, "page %lu is not there to be replaced", (unsigned long)index);
	find_path(object, index, &path);
	write_slot(object, &path, index, value);
	count(object, before, -(uint64_t)1);
	count(object, value, 1);
}

void
radix_set_frame(struct object *object, uint64_t index, pfn_t pfn)
{
	replace(object, index, value_of_frame(pfn));
}

void
radix_set_out(struct object *object, uint64_t index, struct page_out out)
{
	replace(object, index, value_of_out(out));
}

void
radix_init(void)
{
	slab_init(&object_state()->nodes, "radix node", sizeof(struct radix_node),
		  alignof(uint64_t));
}
