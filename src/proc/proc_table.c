/*
 * proc_table.c - the process table: ids, lookup by id, and the list of all.
 *
 * A hash table of chains, whose array of buckets is a block of frames that
 * doubles when it holds more processes than buckets. Should there be no memory
 * for a larger block, chains get longer and nothing fails.
 *
 * An id is reserved before the expensive parts of fork and published when
 * everything has worked, so that nothing can fail at the end. A reservation is
 * in the hash table but not in the list of all, and lookups do not see it.
 */
#include "proc/proc_table.h"

#include "base/assert.h"

static uint64_t
nr_buckets(unsigned order)
{
	return (ARCH_PAGE_SIZE << order) / sizeof(struct process *);
}

/* bucket - ids come in rising order, so their low bits spread them evenly. */
static struct process **
bucket(struct proc_state *state, uint32_t id)
{
	return &state->buckets[id & (nr_buckets(state->bucket_order) - 1)];
}

static struct process *
find_any(struct proc_state *state, uint32_t id)
{
	struct process *proc = *bucket(state, id);

	while (proc && proc->id != id)
		proc = proc->hash_next;
	return proc;
}

static void
hash_insert(struct proc_state *state, struct process *proc)
{
	struct process **link = bucket(state, proc->id);

	proc->hash_next = *link;
	*link = proc;
}

static void
hash_remove(struct proc_state *state, struct process *proc)
{
	struct process **link = bucket(state, proc->id);

	while (*link && *link != proc)
		link = &(*link)->hash_next;
	REQUIRE(*link, "process %u is not in the table", proc->id);
	*link = proc->hash_next;
}

/* alloc_buckets - an empty array of this order. */
static err_t
alloc_buckets(unsigned order, pfn_t *out)
{
	struct frame_request request = { .kind = FRAME_KERNEL, .order = order, .zeroed = true };

	return frame_alloc(request, out);
}

static void
use_buckets(struct proc_state *state, pfn_t frames, unsigned order)
{
	state->buckets = arch_frame_ptr(frames);
	state->bucket_frames = frames;
	state->bucket_order = order;
}

/* grow_buckets - a larger array if one is due and can be had. HOLDS the lock. */
static void
grow_buckets(struct proc_state *state)
{
	struct process **old = state->buckets;
	uint64_t	 nr_old = nr_buckets(state->bucket_order);
	pfn_t		 old_frames = state->bucket_frames;
	pfn_t		 frames;

	if (state->nr_ids < nr_old || state->bucket_order == FRAME_ORDER_MAX)
		return;
	if (alloc_buckets(state->bucket_order + 1, &frames) != OK)
		return;
	use_buckets(state, frames, state->bucket_order + 1);
	for (uint64_t i = 0; i < nr_old; i++) {
		while (old[i]) {
			struct process *proc = old[i];

			old[i] = proc->hash_next;
			hash_insert(state, proc);
		}
	}
	frame_release(old_frames);
}

static uint32_t
id_after(uint32_t id)
{
	return id == PROCESS_ID_MAX ? 1 : id + 1;
}

/* choose_id - a free id, or the one asked for. HOLDS the lock. */
static err_t
choose_id(struct proc_state *state, uint32_t wanted, uint32_t *out)
{
	uint32_t id = state->next_id;

	if (wanted > PROCESS_ID_MAX)
		return ERR_INVAL;
	if (wanted) {
		*out = wanted;
		return find_any(state, wanted) ? ERR_EXIST : OK;
	}
	if (state->nr_ids >= PROCESS_ID_MAX)
		return ERR_AGAIN;
	while (find_any(state, id))
		id = id_after(id);
	state->next_id = id_after(id);
	*out = id;
	return OK;
}

err_t
table_reserve(uint32_t id, struct process **out)
{
	struct proc_state *state = proc_state();
	struct process	  *proc = slab_alloc(&state->processes);
	err_t		   err;

	if (!proc)
		return ERR_NOMEM;
	list_init(&proc->children);
	list_init(&proc->sibling);
	list_init(&proc->all);
	lock_acquire(&state->lock);
	err = choose_id(state, id, &proc->id);
	if (err == OK) {
		grow_buckets(state);
		hash_insert(state, proc);
		state->nr_ids++;
	}
	lock_release(&state->lock);
	if (err)
		slab_free(&state->processes, proc);
	else
		*out = proc;
	return err;
}

void
table_release(struct process *proc)
{
	struct proc_state *state = proc_state();

	lock_acquire(&state->lock);
	hash_remove(state, proc);
	state->nr_ids--;
	if (!list_is_empty(&proc->all)) {
		list_remove(&proc->all);
		state->nr_published--;
	}
	lock_release(&state->lock);
	slab_free(&state->processes, proc);
}

void
table_publish(struct process *proc)
{
	struct proc_state *state = proc_state();

	list_insert_before(&state->all, &proc->all);
	state->nr_published++;
}

struct process *
proc_find(uint32_t id)
{
	struct proc_state *state = proc_state();
	struct process	  *proc;

	lock_acquire(&state->lock);
	proc = find_any(state, id);
	if (proc && list_is_empty(&proc->all))
		proc = NULL;
	lock_release(&state->lock);
	return proc;
}

static struct process *
listed(struct list *node)
{
	return node == &proc_state()->all ? NULL : CONTAINER_OF(node, struct process, all);
}

struct process *
proc_first(void)
{
	return listed(proc_state()->all.next);
}

struct process *
proc_next(struct process *proc)
{
	return listed(proc->all.next);
}

uint64_t
proc_count(void)
{
	return proc_state()->nr_published;
}

void
table_drain(void)
{
	slab_drain(&proc_state()->processes);
}

err_t
table_init(void)
{
	struct proc_state *state;
	pfn_t		   pfn, frames;
	err_t		   err =
		frame_alloc((struct frame_request){ .kind = FRAME_KERNEL, .zeroed = true }, &pfn);

	if (err)
		return err;
	err = alloc_buckets(0, &frames);
	if (err) {
		frame_release(pfn);
		return err;
	}
	state = arch_frame_ptr(pfn);
	root()->part[ROOT_PROC] = state;
	slab_init(&state->processes, "process", sizeof(struct process), alignof(struct process));
	lock_init(&state->lock, RANK_PROC);
	list_init(&state->all);
	use_buckets(state, frames, 0);
	state->next_id = 1;
	return OK;
}
