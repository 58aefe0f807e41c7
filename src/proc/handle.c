/*
 * handle.c - tables of handles: a tree of 64-way nodes with a map of what is full.
 *
 *	level 1        [used full | slots ]        slot = bits 11..6 of the handle
 *	                /     |
 *	level 0     [leaf]  [leaf]                 slot = bits 5..0: a counted thing
 *
 * A bit of `full` above a leaf says that no slot below is free, so the lowest free handle is
 * found by one look per level. A table costs what its handles need: it grows at the top and
 * shrinks again, and a node without used slots is given back.
 *
 * Whoever fills a slot counts the nodes that are lacking and takes them all before the
 * first change, so lack of memory changes nothing. References are dropped with no lock held:
 * the end of a thing may take any time.
 */
#include "base/assert.h"
#include "proc/handles.h"
#include "proc/state.h"

enum {
	NODE_BITS = 6,
	NODE_SLOTS = 1 << NODE_BITS,
	HEIGHT_MAX = 4, /* reaches HANDLE_LIMIT_MAX */
};
static_assert(HANDLE_LIMIT_MAX == UINT32_C(1) << (HEIGHT_MAX * NODE_BITS),
	      "the tree is high enough");

/* [l] the table's lock. Which of the two a slot is depends on the level. */
union handle_slot {
	struct resource	   *thing;
	struct handle_node *node;
};

struct handle_node {
	uint64_t	  used;		 /* [l] slots that hold something */
	uint64_t	  full;		 /* [l] slots with nothing free in or below */
	uint64_t	  close_on_exec; /* [l] of a leaf */
	union handle_slot slot[NODE_SLOTS];
};

size_t
handle_node_bytes(void)
{
	return sizeof(struct handle_node);
}

static uint64_t
bit(unsigned index)
{
	return (uint64_t)1 << index;
}

static unsigned
index_at(uint32_t handle, unsigned level)
{
	return handle >> (level * NODE_BITS) & (NODE_SLOTS - 1);
}

/* height_for - the smallest height of a tree that has a slot for the handle, below HANDLE_LIMIT_MAX. */
static unsigned
height_for(uint32_t handle)
{
	unsigned height = 1;

	while (handle >> (height * NODE_BITS))
		height++;
	return height;
}

static bool
reaches(const struct handle_table *table, uint32_t handle)
{
	return handle < HANDLE_LIMIT_MAX && table->height >= height_for(handle);
}

static struct handle_table *
table_in(struct resource *resource)
{
	return CONTAINER_OF(resource, struct handle_table, resource);
}

/* ---- looking. HOLDS the lock in all of these ---- */

/* leaf_of - the leaf with the handle's slot, or NULL. */
static struct handle_node *
leaf_of(const struct handle_table *table, uint32_t handle)
{
	struct handle_node *node = table->root;

	if (!reaches(table, handle))
		return NULL;
	for (unsigned level = table->height; node && --level > 0;)
		node = node->slot[index_at(handle, level)].node;
	return node;
}

static bool
is_used(const struct handle_table *table, int32_t handle)
{
	const struct handle_node *leaf;

	if (handle < 0)
		return false;
	leaf = leaf_of(table, (uint32_t)handle);
	return leaf && leaf->used & bit(index_at((uint32_t)handle, 0));
}

static struct resource *
thing_at(const struct handle_table *table, int32_t handle)
{
	if (!is_used(table, handle))
		return NULL;
	return leaf_of(table, (uint32_t)handle)->slot[index_at((uint32_t)handle, 0)].thing;
}

/*
 * next_leaf - the first handle from `from` on that a leaf is there for; HANDLE_LIMIT_MAX or
 * more: none. Where nothing more is used in a node, the search goes on behind it.
 */
static uint64_t
next_leaf(const struct handle_table *table, uint64_t from)
{
	const struct handle_node *node = table->root;
	unsigned		  level = table->height;

	if (!node || from >= HANDLE_LIMIT_MAX || !reaches(table, (uint32_t)from))
		return HANDLE_LIMIT_MAX;
	while (--level > 0) {
		unsigned shift = level * NODE_BITS;
		unsigned index = index_at((uint32_t)from, level);
		uint64_t there = node->used >> index;
		unsigned skip;

		if (!there)
			return next_leaf(table, ((from >> shift >> NODE_BITS) + 1)
							<< (shift + NODE_BITS));
		skip = (unsigned)__builtin_ctzll(there);
		if (skip)
			from = ((from >> shift) + skip) << shift;
		node = node->slot[index + skip].node;
	}
	return from;
}

/* next_matching - the first handle from `from` on that is marked in its leaf's map; UINT32_MAX: none. */
static uint32_t
next_matching(const struct handle_table *table, uint64_t from, size_t map_offset)
{
	for (;;) {
		const char *leaf;
		uint64_t    map;

		from = next_leaf(table, from);
		if (from >= HANDLE_LIMIT_MAX)
			return UINT32_MAX;
		leaf = (const char *)leaf_of(table, (uint32_t)from);
		map = *(const uint64_t *)(leaf + map_offset) >> index_at((uint32_t)from, 0);
		if (map)
			return (uint32_t)from + (unsigned)__builtin_ctzll(map);
		from = (from | (NODE_SLOTS - 1)) + 1;
	}
}

/*
 * lowest_free - from `from` on; may be beyond the limit. Where nothing is free any more in a
 * node, the search goes on behind it, one level further up.
 */
static uint64_t
lowest_free(const struct handle_table *table, uint64_t from)
{
	const struct handle_node *node = table->root;
	unsigned		  level = table->height;

	if (from >= HANDLE_LIMIT_MAX || !node || !reaches(table, (uint32_t)from))
		return from;
	while (level-- > 0) {
		unsigned index = index_at((uint32_t)from, level);
		uint64_t room = ~node->full >> index;
		unsigned skip;

		if (!room) {
			unsigned shift = (level + 1) * NODE_BITS;

			return lowest_free(table, ((from >> shift) + 1) << shift);
		}
		skip = (unsigned)__builtin_ctzll(room);
		if (skip)
			from = ((from >> (level * NODE_BITS)) + skip) << (level * NODE_BITS);
		if (level == 0 || !(node->used & bit(index + skip)))
			return from;
		node = node->slot[index + skip].node;
	}
	return from;
}

/* ---- changing. HOLDS the lock in all of these ---- */

/* nr_lacking - nodes on the way to the handle's slot that are not there. */
static unsigned
nr_lacking(const struct handle_table *table, uint32_t handle)
{
	const struct handle_node *node = table->root;
	unsigned		  height = height_for(handle);

	if (!node)
		return height;
	if (height > table->height)
		return height - table->height + height - 1;
	for (unsigned level = table->height - 1; level > 0; level--) {
		node = node->slot[index_at(handle, level)].node;
		if (!node)
			return level;
	}
	return 0;
}

static void
free_nodes(struct handle_node *list)
{
	while (list) {
		struct handle_node *next = list->slot[0].node;

		slab_free(&proc_state()->handle_nodes, list);
		list = next;
	}
}

/* alloc_nodes - a list of empty nodes, linked by their first slots. */
static err_t
alloc_nodes(unsigned nr, struct handle_node **out)
{
	struct handle_node *list = NULL;

	while (nr-- > 0) {
		struct handle_node *node = slab_alloc(&proc_state()->handle_nodes);

		if (!node) {
			free_nodes(list);
			return ERR_NOMEM;
		}
		node->slot[0].node = list;
		list = node;
	}
	*out = list;
	return OK;
}

static struct handle_node *
pop(struct handle_node **spare)
{
	struct handle_node *node = *spare;

	*spare = node->slot[0].node;
	node->slot[0].node = NULL;
	return node;
}

static bool
is_full(const struct handle_node *node)
{
	return node->full == UINT64_MAX;
}

/* raise - new roots until the tree reaches the handle. */
static void
raise(struct handle_table *table, uint32_t handle, struct handle_node **spare)
{
	while (!reaches(table, handle)) {
		struct handle_node *old = table->root;

		if (!old) {
			table->height = height_for(handle);
			table->root = pop(spare);
			return;
		}
		table->root = pop(spare);
		table->root->slot[0].node = old;
		table->root->used = 1;
		table->root->full = is_full(old);
		table->height++;
	}
}

/* One way down, for those that change bits on the way back up. */
struct path {
	struct handle_node *node[HEIGHT_MAX]; /* by level */
};

/* descend - to the leaf; missing nodes are taken from the spares. */
static void
descend(struct handle_table *table, uint32_t handle, struct path *path, struct handle_node **spare)
{
	struct handle_node *node = table->root;

	for (unsigned level = table->height - 1;; level--) {
		unsigned index = index_at(handle, level);

		path->node[level] = node;
		if (level == 0)
			return;
		if (!node->slot[index].node) {
			node->slot[index].node = pop(spare);
			node->used |= bit(index);
		}
		node = node->slot[index].node;
	}
}

/* fill - an empty slot. The nodes for it are in the spares. */
static void
fill(struct handle_table *table, uint32_t handle, struct resource *thing, unsigned flags,
     struct handle_node **spare)
{
	struct path path;
	unsigned    index = index_at(handle, 0);

	raise(table, handle, spare);
	descend(table, handle, &path, spare);
	path.node[0]->slot[index].thing = thing;
	path.node[0]->used |= bit(index);
	path.node[0]->full |= bit(index);
	if (flags & HANDLE_CLOSE_ON_EXEC)
		path.node[0]->close_on_exec |= bit(index);
	for (unsigned level = 1; level < table->height && is_full(path.node[level - 1]); level++)
		path.node[level]->full |= bit(index_at(handle, level));
	table->nr++;
}

/* lower - roots with nothing but their first child go. */
static void
lower(struct handle_table *table)
{
	while (table->height > 1 && table->root->used == 1) {
		struct handle_node *old = table->root;

		table->root = old->slot[0].node;
		table->height--;
		slab_free(&proc_state()->handle_nodes, old);
	}
}

/* clear_up - after a leaf has lost a slot: bits above, and nodes that are empty. */
static void
clear_up(struct handle_table *table, uint32_t handle, const struct path *path)
{
	for (unsigned level = 0; level < table->height; level++) {
		struct handle_node *above =
			level + 1 < table->height ? path->node[level + 1] : NULL;
		unsigned index = above ? index_at(handle, level + 1) : 0;

		if (above)
			above->full &= ~bit(index);
		if (path->node[level]->used)
			continue;
		slab_free(&proc_state()->handle_nodes, path->node[level]);
		if (above) {
			above->used &= ~bit(index);
			above->slot[index].node = NULL;
		} else {
			table->root = NULL;
			table->height = 0;
		}
	}
	lower(table);
}

/* empty - a used slot; gives what it named, with its reference. */
static struct resource *
empty(struct handle_table *table, uint32_t handle)
{
	struct handle_node *spare = NULL;
	struct path	    path;
	unsigned	    index = index_at(handle, 0);
	struct resource	   *thing;

	descend(table, handle, &path, &spare);
	thing = path.node[0]->slot[index].thing;
	path.node[0]->slot[index].thing = NULL;
	path.node[0]->used &= ~bit(index);
	path.node[0]->full &= ~bit(index);
	path.node[0]->close_on_exec &= ~bit(index);
	table->nr--;
	clear_up(table, handle, &path);
	return thing;
}

/* place - into an empty slot. fails ERR_NOMEM: nothing changed */
static err_t
place(struct handle_table *table, uint32_t handle, struct resource *thing, unsigned flags)
{
	struct handle_node *spare = NULL;
	err_t		    err = alloc_nodes(nr_lacking(table, handle), &spare);

	if (err == OK)
		fill(table, handle, thing, flags, &spare);
	ASSERT(err || !spare);
	return err;
}

/* replace - a used slot names another thing; gives the old one. */
static struct resource *
replace(struct handle_table *table, uint32_t handle, struct resource *thing, unsigned flags)
{
	struct handle_node *leaf = leaf_of(table, handle);
	unsigned	    index = index_at(handle, 0);
	struct resource	   *old = leaf->slot[index].thing;

	leaf->slot[index].thing = thing;
	leaf->close_on_exec &= ~bit(index);
	if (flags & HANDLE_CLOSE_ON_EXEC)
		leaf->close_on_exec |= bit(index);
	return old;
}

/* put_at - whatever the slot holds; *old: what it named before, or NULL. */
static err_t
put_at(struct handle_table *table, int32_t handle, struct resource *thing, unsigned flags,
       struct resource **old)
{
	*old = NULL;
	if (is_used(table, handle)) {
		*old = replace(table, (uint32_t)handle, thing, flags);
		return OK;
	}
	return place(table, (uint32_t)handle, thing, flags);
}

/* ---- tables ---- */

/* first_used - of the whole table; a table that ends is emptied from here. */
static uint32_t
first_used(const struct handle_table *table, uint64_t from)
{
	return next_matching(table, from, offsetof(struct handle_node, used));
}

static void
destroy(struct resource *resource)
{
	struct handle_table *table = table_in(resource);

	handle_close_range(table, 0, HANDLE_LIMIT_MAX - 1);
	REQUIRE(table->nr == 0 && !table->root, "a table of handles ends with %u", table->nr);
	slab_free(&proc_state()->handle_tables, table);
}

static err_t copy(struct resource *from, struct resource **out);
static err_t reset(struct resource *from, struct resource **out);

static const struct resource_ops handle_table_ops = {
	.name = "handle table",
	.copy = copy,
	.reset = reset,
	.destroy = destroy,
};

err_t
handle_table_create(uint32_t limit, struct handle_table **out)
{
	struct handle_table *table;

	if (limit > HANDLE_LIMIT_MAX)
		return ERR_INVAL;
	table = slab_alloc(&proc_state()->handle_tables);
	if (!table)
		return ERR_NOMEM;
	resource_init(&table->resource, &handle_table_ops);
	lock_init(&table->lock, RANK_RESOURCE);
	table->limit = limit;
	*out = table;
	return OK;
}

/* copy_into - every handle of `from` with its flags. HOLDS from's lock; `to` is nobody else's yet. */
static err_t
copy_into(const struct handle_table *from, struct handle_table *to)
{
	uint32_t handle = first_used(from, 0);

	while (handle != UINT32_MAX) {
		const struct handle_node *leaf = leaf_of(from, handle);
		unsigned		  index = index_at(handle, 0);
		bool			  marked = leaf->close_on_exec & bit(index);
		struct resource		 *thing = leaf->slot[index].thing;
		err_t err = place(to, handle, thing, marked ? HANDLE_CLOSE_ON_EXEC : 0);

		if (err)
			return err;
		resource_get(thing);
		handle = first_used(from, (uint64_t)handle + 1);
	}
	return OK;
}

static err_t
copy(struct resource *from, struct resource **out)
{
	struct handle_table *old = table_in(from);
	struct handle_table *table;
	err_t		     err = handle_table_create(old->limit, &table);

	if (err)
		return err;
	lock_acquire(&old->lock);
	err = copy_into(old, table);
	lock_release(&old->lock);
	if (err)
		resource_put(&table->resource);
	else
		*out = &table->resource;
	return err;
}

static err_t
reset(struct resource *from, struct resource **out)
{
	struct handle_table *table;
	err_t		     err = handle_table_create(table_in(from)->limit, &table);

	if (err == OK)
		*out = &table->resource;
	return err;
}

err_t
handle_set_limit(struct handle_table *table, uint32_t limit)
{
	if (limit > HANDLE_LIMIT_MAX)
		return ERR_INVAL;
	lock_acquire(&table->lock);
	table->limit = limit;
	lock_release(&table->lock);
	return OK;
}

uint32_t
handle_count(struct handle_table *table)
{
	uint32_t nr;

	lock_acquire(&table->lock);
	nr = table->nr;
	lock_release(&table->lock);
	return nr;
}

/* ---- calls ---- */

static err_t
add(struct handle_table *table, struct resource *thing, uint32_t from, unsigned flags, int32_t *out)
{
	uint64_t handle;
	err_t	 err;

	if (from >= table->limit || flags & ~HANDLE_CLOSE_ON_EXEC)
		return ERR_INVAL;
	handle = lowest_free(table, from);
	if (handle >= table->limit)
		return ERR_MFILE;
	err = place(table, (uint32_t)handle, thing, flags);
	if (err == OK)
		*out = (int32_t)handle;
	return err;
}

err_t
handle_add(struct handle_table *table, struct resource *thing, uint32_t from, unsigned flags,
	   int32_t *out)
{
	err_t err;

	lock_acquire(&table->lock);
	err = add(table, thing, from, flags, out);
	lock_release(&table->lock);
	return err;
}

/* special_slot - the place of a special number, or NULL. */
static struct resource **
special_slot(int32_t handle)
{
	if (handle > HANDLE_SPECIAL_FIRST || handle < HANDLE_SPECIAL_LAST)
		return NULL;
	return &proc_state()->special[HANDLE_SPECIAL_FIRST - handle];
}

static struct resource *
get_special(int32_t handle)
{
	struct resource **slot = special_slot(handle);
	struct resource	 *thing = NULL;

	if (slot) {
		proc_lock();
		thing = resource_get(*slot);
		proc_unlock();
	}
	return thing;
}

struct resource *
handle_get(struct handle_table *table, int32_t handle)
{
	struct resource *thing;

	if (handle < 0)
		return get_special(handle);
	lock_acquire(&table->lock);
	thing = resource_get(thing_at(table, handle));
	lock_release(&table->lock);
	return thing;
}

err_t
handle_dup(struct handle_table *table, int32_t handle, uint32_t from, unsigned flags, int32_t *out)
{
	struct resource *thing = handle_get(table, handle);
	err_t		 err;

	if (!thing)
		return ERR_BADF;
	err = handle_add(table, thing, from, flags, out);
	if (err)
		resource_put(thing);
	return err;
}

/* is_target - new handles may be put there. HOLDS the lock. */
static bool
is_target(const struct handle_table *table, int32_t handle)
{
	return handle >= 0 && (uint32_t)handle < table->limit;
}

/* dup_thing - takes over the reference on OK. */
static err_t
dup_thing(struct handle_table *table, struct resource *thing, int32_t to, unsigned flags)
{
	struct resource *old = NULL;
	err_t		 err = ERR_BADF;

	lock_acquire(&table->lock);
	if (is_target(table, to))
		err = put_at(table, to, thing, flags, &old);
	lock_release(&table->lock);
	resource_put(old);
	return err;
}

/* close_target - a copy of nothing. */
static err_t
close_target(struct handle_table *table, int32_t to)
{
	bool is_slot;

	lock_acquire(&table->lock);
	is_slot = is_target(table, to);
	lock_release(&table->lock);
	if (!is_slot)
		return ERR_BADF;
	handle_close_range(table, (uint32_t)to, (uint32_t)to);
	return OK;
}

err_t
handle_dup_to(struct handle_table *table, int32_t handle, int32_t to, unsigned flags)
{
	struct resource *thing;
	err_t		 err = OK;

	if (flags & ~(HANDLE_CLOSE_ON_EXEC | HANDLE_EMPTY_CLOSES))
		return ERR_INVAL;
	thing = handle_get(table, handle);
	if (!thing)
		return flags & HANDLE_EMPTY_CLOSES ? close_target(table, to) : ERR_BADF;
	if (handle != to)
		err = dup_thing(table, thing, to, flags);
	if (err || handle == to)
		resource_put(thing);
	return err;
}

err_t
handle_take(struct handle_table *table, int32_t handle, struct resource **out)
{
	err_t err = ERR_BADF;

	lock_acquire(&table->lock);
	if (is_used(table, handle)) {
		*out = empty(table, (uint32_t)handle);
		err = OK;
	}
	lock_release(&table->lock);
	return err;
}

err_t
handle_put(struct handle_table *table, int32_t handle, struct resource *thing)
{
	return dup_thing(table, thing, handle, 0);
}

err_t
handle_close(struct handle_table *table, int32_t handle)
{
	struct resource *thing = NULL;
	err_t		 err = handle_take(table, handle, &thing);

	resource_put(thing);
	return err;
}

/* close_next - the first one from `from` to `last` that is marked in the map; false: there is none. */
static bool
close_next(struct handle_table *table, uint64_t *from, uint32_t last, size_t map_offset)
{
	struct resource *thing = NULL;
	uint32_t	 handle;

	lock_acquire(&table->lock);
	handle = next_matching(table, *from, map_offset);
	if (handle <= last && handle != UINT32_MAX)
		thing = empty(table, handle);
	lock_release(&table->lock);
	*from = (uint64_t)handle + 1;
	resource_put(thing);
	return thing != NULL;
}

uint32_t
handle_close_range(struct handle_table *table, uint32_t first, uint32_t last)
{
	uint64_t from = first;
	uint32_t nr = 0;

	while (close_next(table, &from, last, offsetof(struct handle_node, used)))
		nr++;
	return nr;
}

void
handle_table_exec(struct handle_table *table)
{
	uint64_t from = 0;

	while (table && close_next(table, &from, HANDLE_LIMIT_MAX - 1,
				   offsetof(struct handle_node, close_on_exec)))
		;
}

err_t
handle_flags(struct handle_table *table, int32_t handle, unsigned *out)
{
	err_t err = ERR_BADF;

	lock_acquire(&table->lock);
	if (is_used(table, handle)) {
		uint64_t marked = leaf_of(table, (uint32_t)handle)->close_on_exec;

		*out = marked & bit(index_at((uint32_t)handle, 0)) ? HANDLE_CLOSE_ON_EXEC : 0;
		err = OK;
	}
	lock_release(&table->lock);
	return err;
}

err_t
handle_set_flags(struct handle_table *table, int32_t handle, unsigned flags)
{
	err_t err = ERR_BADF;

	if (flags & ~HANDLE_CLOSE_ON_EXEC)
		return ERR_INVAL;
	lock_acquire(&table->lock);
	if (is_used(table, handle)) {
		(void)replace(table, (uint32_t)handle, thing_at(table, handle), flags);
		err = OK;
	}
	lock_release(&table->lock);
	return err;
}

err_t
handle_set_special(int32_t handle, struct resource *thing)
{
	struct resource **slot = special_slot(handle);
	struct resource	 *old;

	if (!slot)
		return ERR_INVAL;
	proc_lock();
	old = *slot;
	*slot = thing;
	proc_unlock();
	resource_put(old);
	return OK;
}
