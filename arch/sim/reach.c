/*
 * reach.c - the graph of tables, upside down.
 *
 * For every table the list of entries that name it (edges), kept at each change
 * of an entry, so that the addresses an entry serves are found by climbing
 * from its table to the roots. Only roots with a live tag count: a thousand
 * forked spaces that run nowhere cost a list of edges and no more, and a change
 * that takes a write permission does not climb past an entry that denies writing.
 *
 * Tables are known from the first entry written to them until their frame is
 * retired. Those of the kernel half are not noted: they never change.
 */
#include "reach.h"

#include <string.h>
#include <sys/mman.h>

/* Edge number n is entry n % HW_ENTRIES of block n / HW_ENTRIES; blocks count from 1. */
struct edge {
	uint32_t next, prev; /* among those that name the same table; prev 0: the first */
	uint32_t child;	     /* the table named; 0: no edge */
	bool	 allows_write;
};

struct block {
	uint32_t    owner;
	struct edge edges[HW_ENTRIES];
};

#define TABLE_LIMIT   (1u << 22)
#define BLOCK_LIMIT   (1u << 20)
#define CONTEXT_LIMIT (CPU_MAX * ARCH_ASIDS + 1)

struct frame_note *sim_notes;

static struct pool tables, blocks, contexts;
static size_t	   notes_bytes;
static bool	   any_follows;

/* The tag's context on each CPU, 0: nothing cached under it. */
static uint32_t live[CPU_MAX][ARCH_ASIDS];
static uint32_t saved_live[CPU_MAX][ARCH_ASIDS];

bool
reach_start(void)
{
	notes_bytes = (sim_fixed.area.n + AREA_FRAMES) * sizeof(struct frame_note);
	sim_notes = mmap(NULL, notes_bytes, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (sim_notes == MAP_FAILED)
		sim_notes = NULL;
	memset(live, 0, sizeof(live));
	any_follows = false;
	return sim_notes && pool_start(&tables, sizeof(struct table), TABLE_LIMIT) &&
	       pool_start(&blocks, sizeof(struct block), BLOCK_LIMIT) &&
	       pool_start(&contexts, sizeof(struct context), CONTEXT_LIMIT);
}

void
reach_stop(void)
{
	if (sim_notes)
		munmap(sim_notes, notes_bytes);
	sim_notes = NULL;
	pool_stop(&tables);
	pool_stop(&blocks);
	pool_stop(&contexts);
}

void
reach_save(void)
{
	pool_save(&tables);
	pool_save(&blocks);
	pool_save(&contexts);
	memcpy(saved_live, live, sizeof(live));
}

void
reach_restore(void)
{
	pool_restore(&tables);
	pool_restore(&blocks);
	pool_restore(&contexts);
	memcpy(live, saved_live, sim_fixed.nr_cpus * sizeof(live[0]));
}

static struct table *
table_at(uint32_t index)
{
	return pool_item(&tables, index);
}

static uint32_t
table_index(const struct table *t)
{
	return note_of(t->pfn)->table;
}

static struct edge *
edge_at(uint32_t edge)
{
	struct block *block = pool_item(&blocks, edge / HW_ENTRIES);

	return &block->edges[edge % HW_ENTRIES];
}

static struct table *
edge_owner(uint32_t edge)
{
	struct block *block = pool_item(&blocks, edge / HW_ENTRIES);

	return table_at(block->owner);
}

static uint64_t
entry_of(const struct table *t, unsigned index)
{
	const uint64_t *entries = ram_raw((pfn_t){ t->pfn });

	return __atomic_load_n(&entries[index], __ATOMIC_RELAXED);
}

struct context *
reach_context(uint32_t index)
{
	return pool_item(&contexts, index);
}

pfn_t
reach_root(const struct context *ctx)
{
	return (pfn_t){ table_at(ctx->table)->pfn };
}

bool
reach_follows(const struct context *ctx)
{
	return table_at(ctx->table)->follows;
}

pfn_t
reach_truth(const struct context *ctx)
{
	uint32_t reference = table_at(ctx->table)->follows;

	return reference ? (pfn_t){ table_at(reference)->pfn } : reach_root(ctx);
}

struct context *
reach_live(unsigned cpu, unsigned asid)
{
	return live[cpu][asid] ? reach_context(live[cpu][asid]) : NULL;
}

struct table *
reach_find(uint64_t pfn)
{
	uint32_t index = note_of(pfn)->table;

	return index ? table_at(index) : NULL;
}

struct table *
reach_table(uint64_t pfn)
{
	struct frame_note *note = note_of(pfn);
	struct table	  *t;

	if (note->table)
		return table_at(note->table);
	note->table = pool_alloc(&tables);
	t = table_at(note->table);
	*t = (struct table){ .pfn = pfn };
	return t;
}

void
reach_follow(uint64_t root, uint64_t reference)
{
	struct table *t = reach_table(root);

	t->follows = table_index(reach_table(reference));
	any_follows = true;
}

bool
reach_has_followers(void)
{
	return any_follows;
}

static void
make_block(struct table *t)
{
	struct block *block;

	t->block = pool_alloc(&blocks);
	block = pool_item(&blocks, t->block);
	memset(block, 0, sizeof(*block));
	block->owner = table_index(t);
}

static void
set_allows_write(struct edge *e, bool allows)
{
	struct table *child = table_at(e->child);

	if (e->allows_write != allows)
		child->nr_writable += allows ? 1 : -1u;
	e->allows_write = allows;
}

static void
link_edge(uint32_t edge, struct table *child)
{
	struct edge *e = edge_at(edge);

	*e = (struct edge){ .next = child->parents, .child = table_index(child) };
	if (e->next)
		edge_at(e->next)->prev = edge;
	child->parents = edge;
}

static void
unlink_edge(uint32_t edge)
{
	struct edge *e = edge_at(edge);

	if (!e->child)
		return;
	set_allows_write(e, false);
	if (e->prev)
		edge_at(e->prev)->next = e->next;
	else
		table_at(e->child)->parents = e->next;
	if (e->next)
		edge_at(e->next)->prev = e->prev;
	e->child = 0;
}

static bool
names_table(uint64_t entry)
{
	return (entry & (HW_VALID | HW_TABLE)) == (HW_VALID | HW_TABLE) &&
	       (entry & HW_FRAME) < sim_fixed.nr_frames;
}

void
reach_entry_changed(struct table *t, unsigned index, uint64_t old, uint64_t next)
{
	uint64_t bit = UINT64_C(1) << index % 64;
	uint32_t edge;

	if (next & HW_VALID)
		t->present[index / 64] |= bit;
	else
		t->present[index / 64] &= ~bit;
	if (!names_table(old) && !names_table(next))
		return;
	if (!t->block)
		make_block(t);
	edge = t->block * HW_ENTRIES + index;
	if (!names_table(next) || !names_table(old) || (old ^ next) & HW_FRAME)
		unlink_edge(edge);
	if (!names_table(next))
		return;
	if (!edge_at(edge)->child)
		link_edge(edge, reach_table(next & HW_FRAME));
	set_allows_write(edge_at(edge), mmu_entry_rights(next) & RIGHT_W);
}

void
reach_forget(struct table *t)
{
	uint32_t index = table_index(t);

	for (unsigned word = 0; t->block && word < ARRAY_SIZE(t->present); word++)
		for (uint64_t bits = t->present[word]; bits; bits &= bits - 1)
			unlink_edge(t->block * HW_ENTRIES + word * 64 +
				    (unsigned)__builtin_ctzll(bits));
	while (t->parents)
		unlink_edge(t->parents);
	if (t->block)
		pool_free(&blocks, t->block);
	note_of(t->pfn)->table = 0;
	pool_free(&tables, index);
}

static uint32_t
context_of_root(const struct table *root, unsigned asid)
{
	uint32_t index = root->context;

	while (index && reach_context(index)->asid != asid)
		index = reach_context(index)->next;
	return index;
}

static uint32_t
make_context(struct table *root, unsigned asid)
{
	uint32_t index = pool_alloc(&contexts);

	*reach_context(index) = (struct context){
		.next = root->context,
		.table = table_index(root),
		.asid = asid,
	};
	root->context = index;
	if (root->follows) {
		struct table *reference = table_at(root->follows);

		reach_context(index)->next_follower = reference->followers;
		reference->followers = index;
	}
	return index;
}

static void
drop_follower(uint32_t index, struct table *reference)
{
	uint32_t *link = &reference->followers;

	while (*link != index)
		link = &reach_context(*link)->next_follower;
	*link = reach_context(index)->next_follower;
}

static void
drop_context(uint32_t index)
{
	struct context *ctx = reach_context(index);
	uint32_t       *link = &table_at(ctx->table)->context;

	while (*link != index)
		link = &reach_context(*link)->next;
	*link = ctx->next;
	if (reach_follows(ctx))
		drop_follower(index, table_at(table_at(ctx->table)->follows));
	pool_free(&contexts, index);
}

void
reach_activate(unsigned cpu, unsigned asid, uint64_t root)
{
	struct table *t = reach_table(root);
	uint32_t      index = live[cpu][asid];

	if (index && reach_context(index)->table != table_index(t))
		sim_violation("asid %u is activated with root %llu, but this CPU may still have "
			      "cached translations of root %llu under it",
			      asid, (unsigned long long)root,
			      (unsigned long long)table_at(reach_context(index)->table)->pfn);
	if (index)
		return;
	index = context_of_root(t, asid);
	if (!index)
		index = make_context(t, asid);
	reach_context(index)->cpus |= cpu_bit(cpu);
	live[cpu][asid] = index;
}

bool
reach_deactivate(unsigned cpu, unsigned asid)
{
	uint32_t	index = live[cpu][asid];
	struct context *ctx = reach_context(index);

	if (!index)
		return false;
	live[cpu][asid] = 0;
	ctx->cpus &= ~cpu_bit(cpu);
	if (!ctx->cpus)
		drop_context(index);
	return true;
}

/* A way upwards: the index of the entry at each step, the changed entry first. */
struct climb {
	unsigned indices[HW_LEVELS];
	bool	 writable_only;
	void (*fn)(const struct reach *r, void *arg);
	void *arg;
};

static void
arrive(struct climb *c, const struct table *root, unsigned depth, unsigned rights)
{
	struct reach r = { .root = { root->pfn }, .level = HW_ROOT - depth, .rights = rights };

	if (c->indices[depth] >= ARCH_USER_ROOT_SLOTS)
		return;
	for (unsigned i = 0; i <= depth; i++)
		r.va |= (vaddr_t)c->indices[i]
			<< (ARCH_PAGE_SHIFT + (r.level + i) * SIM_INDEX_BITS);
	for (uint32_t ctx = root->context; ctx; ctx = r.context->next) {
		r.context = reach_context(ctx);
		c->fn(&r, c->arg);
	}
	for (uint32_t ctx = root->followers; ctx; ctx = r.context->next_follower) {
		r.context = reach_context(ctx);
		c->fn(&r, c->arg);
	}
}

static void
climb(struct climb *c, const struct table *t, unsigned depth, unsigned rights)
{
	if (t->context || t->followers)
		arrive(c, t, depth, rights);
	if (depth == HW_ROOT)
		return;
	for (uint32_t edge = t->parents; edge; edge = edge_at(edge)->next) {
		const struct table *parent = edge_owner(edge);
		unsigned	    index = edge % HW_ENTRIES;

		if (c->writable_only && !edge_at(edge)->allows_write)
			continue;
		c->indices[depth + 1] = index;
		climb(c, parent, depth + 1, rights & mmu_entry_rights(entry_of(parent, index)));
	}
}

void
reach_each(struct table *t, unsigned index, bool writable_only,
	   void (*fn)(const struct reach *r, void *arg), void *arg)
{
	struct climb c = {
		.indices = { index },
		.writable_only = writable_only,
		.fn = fn,
		.arg = arg,
	};

	if (t->context || t->followers || (writable_only ? t->nr_writable : t->parents))
		climb(&c, t, 0, RIGHT_ALL);
}

static void
note_arrival(const struct reach *r, void *arg)
{
	(void)r;
	*(bool *)arg = true;
}

bool
reach_is_live(struct table *t)
{
	bool is_live = false;

	reach_each(t, 0, false, note_arrival, &is_live);
	return is_live;
}
