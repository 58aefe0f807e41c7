/*
 * ids.c - ids of processes and threads, numbers of children, ids of groups.
 *
 * One hash table of chains, keyed by scope and number, whose array of buckets is a block
 * of frames that doubles when it holds more nodes than buckets. Should there be no memory
 * for a larger block, chains get longer and nothing fails.
 *
 * Numbers rise and start over at the end, so one that was given back rests until all
 * others have had their turn. The numbers of one parent's children count on from the last,
 * which keeps them unique even while orphans come in from elsewhere.
 */
#include "proc/ids.h"

#include "base/assert.h"
#include "proc/namespace.h"
#include "proc/state.h"

const void *
ids_scope(const struct namespace *ns)
{
	return ns;
}

const void *
ids_group_scope(const struct namespace *ns)
{
	return &ns->next_id;
}

const void *
ids_child_scope(const struct process *parent)
{
	return parent ? (const void *)parent : &proc_state()->nobody;
}

static uint64_t
nr_buckets(unsigned order)
{
	return (ARCH_PAGE_SIZE << order) / sizeof(struct id_node *);
}

/* bucket - numbers of one scope come in rising order, so their low bits spread them evenly. */
static struct id_node **
bucket(const struct id_table *table, const void *scope, uint32_t number)
{
	uint64_t mixed = ((uint64_t)(uintptr_t)scope * UINT64_C(0x9e3779b97f4a7c15)) >> 32;

	return &table->buckets[(mixed + number) & (nr_buckets(table->order) - 1)];
}

static void
chain(struct id_table *table, struct id_node *node)
{
	struct id_node **link = bucket(table, node->scope, node->number);

	node->next = *link;
	*link = node;
}

/* alloc_buckets - an empty array of this order. */
static err_t
alloc_buckets(unsigned order, pfn_t *out)
{
	struct frame_request request = { .kind = FRAME_KERNEL, .order = order, .zeroed = true };

	return frame_alloc(request, out);
}

static void
use_buckets(struct id_table *table, pfn_t frames, unsigned order)
{
	table->buckets = arch_frame_ptr(frames);
	table->frames = frames;
	table->order = order;
}

/* resize - into another array of buckets; false: no memory, nothing changed. */
static bool
resize(struct id_table *table, unsigned order)
{
	struct id_node **old = table->buckets;
	uint64_t	 nr_old = nr_buckets(table->order);
	pfn_t		 old_frames = table->frames;
	pfn_t		 frames;

	if (alloc_buckets(order, &frames) != OK)
		return false;
	use_buckets(table, frames, order);
	for (uint64_t i = 0; i < nr_old; i++) {
		while (old[i]) {
			struct id_node *node = old[i];

			old[i] = node->next;
			chain(table, node);
		}
	}
	frame_release(old_frames);
	return true;
}

/* grow - a larger array if one is due and can be had. */
static void
grow(struct id_table *table)
{
	if (table->nr >= nr_buckets(table->order) && table->order < FRAME_ORDER_MAX)
		(void)resize(table, table->order + 1);
}

void
ids_drain(struct id_table *table)
{
	unsigned order = table->order;

	while (order > 0 && table->nr < nr_buckets(order) / 4)
		order--;
	if (order != table->order)
		(void)resize(table, order);
}

err_t
ids_init(struct id_table *table)
{
	pfn_t frames;
	err_t err = alloc_buckets(0, &frames);

	if (err == OK)
		use_buckets(table, frames, 0);
	return err;
}

void
ids_insert(struct id_node *node, const void *scope, uint32_t number)
{
	struct id_table *table = &proc_state()->ids;

	REQUIRE(number && !node->number, "number %u for a node that has %u", number, node->number);
	grow(table);
	node->scope = scope;
	node->number = number;
	chain(table, node);
	table->nr++;
}

void
ids_remove(struct id_node *node)
{
	struct id_table *table = &proc_state()->ids;
	struct id_node **link;

	if (!node->number)
		return;
	link = bucket(table, node->scope, node->number);
	while (*link && *link != node)
		link = &(*link)->next;
	REQUIRE(*link, "number %u is not in the table", node->number);
	*link = node->next;
	node->scope = NULL;
	node->number = 0;
	table->nr--;
}

struct id_node *
ids_find(const void *scope, uint32_t number)
{
	struct id_node *node = *bucket(&proc_state()->ids, scope, number);

	while (node && (node->number != number || node->scope != scope))
		node = node->next;
	return node;
}

void
ids_visit(void (*visit)(struct id_node *node, void *arg), void *arg)
{
	const struct id_table *table = &proc_state()->ids;

	for (uint64_t i = 0; i < nr_buckets(table->order); i++) {
		for (struct id_node *node = table->buckets[i]; node; node = node->next)
			visit(node, arg);
	}
}

static bool
is_taken(const struct namespace *ns, uint32_t id)
{
	return ids_find(ids_scope(ns), id) || ids_find(ids_group_scope(ns), id);
}

static uint32_t
id_after(uint32_t id)
{
	return id >= proc_state()->id_limit ? 1 : id + 1;
}

/* next_free - false: all are taken. Ids of groups whose leader is gone are taken and not counted. */
static bool
next_free(const struct namespace *ns, uint32_t *out)
{
	uint32_t limit = proc_state()->id_limit;
	uint32_t id = ns->next_id <= limit ? ns->next_id : 1;

	if (ns->nr_ids >= limit)
		return false;
	for (uint32_t tries = 0; tries < limit; tries++) {
		if (!is_taken(ns, id)) {
			*out = id;
			return true;
		}
		id = id_after(id);
	}
	return false;
}

/* reserve - in one namespace. */
static err_t
reserve(struct namespace *ns, struct id_node *node, uint32_t wanted)
{
	uint32_t id = wanted;

	if (wanted > PROCESS_ID_MAX)
		return ERR_INVAL;
	if (wanted && is_taken(ns, wanted))
		return ERR_EXIST;
	if (!wanted) {
		if (!next_free(ns, &id))
			return ERR_AGAIN;
		ns->next_id = id_after(id);
	}
	ids_insert(node, ids_scope(ns), id);
	ns->nr_ids++;
	return OK;
}

static void
release(struct namespace *ns, struct id_node *node)
{
	if (node->number)
		ns->nr_ids--;
	ids_remove(node);
}

err_t
ids_reserve(struct id_node *node, struct id_level *inner, uint32_t wanted)
{
	err_t err = reserve(namespace_root(), node, wanted);

	for (struct id_level *level = inner; level && err == OK; level = level->outer)
		err = reserve(level->in, &level->node, 0);
	if (err)
		ids_release(node, inner);
	return err;
}

void
ids_release(struct id_node *node, struct id_level *inner)
{
	release(namespace_root(), node);
	for (; inner; inner = inner->outer)
		release(inner->in, &inner->node);
}

void
ids_number_child(struct family *family, struct id_node *node, const struct process *parent)
{
	const void *scope = ids_child_scope(parent);

	do
		family->last_number++;
	while (!family->last_number || ids_find(scope, family->last_number));
	ids_insert(node, scope, family->last_number);
}

err_t
proc_set_id_limit(uint32_t limit)
{
	if (limit == 0 || limit > PROCESS_ID_MAX)
		return ERR_INVAL;
	proc_lock();
	proc_state()->id_limit = limit;
	proc_unlock();
	return OK;
}
