/*
 * init.c - the whole library, layer by layer.
 *
 * Each layer may use those before it as soon as its own turn comes. Boot
 * happens once, on one CPU; when it fails there is nothing to go back to.
 */
#include <anymm/fs_context.h>
#include <anymm/handle.h>
#include <anymm/kstack.h>
#include <anymm/reclaim.h>
#include <anymm/swap.h>

#include "base/format.h"
#include "proc/family.h"
#include "proc/handlers.h"
#include "proc/handles.h"
#include "proc/namespace.h"
#include "proc/pending.h"
#include "proc/state.h"

#define CACHE_INIT(cache, name, type) slab_init(&(cache), name, sizeof(type), alignof(type))

static void
init_caches(struct proc_state *state)
{
	CACHE_INIT(state->processes, "process", struct process);
	CACHE_INIT(state->threads, "thread", struct thread);
	CACHE_INIT(state->fpus, "floating-point state", struct arch_fpu);
	CACHE_INIT(state->groups, "process group", struct group);
	CACHE_INIT(state->accounts, "account", struct account);
	CACHE_INIT(state->fs_contexts, "filesystem context", struct fs_context);
	CACHE_INIT(state->handlers, "signal handlers", struct handlers);
	CACHE_INIT(state->notes, "signal note", struct note);
	CACHE_INIT(state->handle_tables, "handle table", struct handle_table);
	CACHE_INIT(state->namespace_objects, "id namespace", struct namespace);
	CACHE_INIT(state->levels, "id level", struct id_level);
	slab_init(&state->handle_nodes, "handle node", handle_node_bytes(), alignof(uint64_t));
}

static void
init_state(struct proc_state *state)
{
	init_caches(state);
	lock_init(&state->lock, RANK_PROC);
	list_init(&state->all);
	list_init(&state->walks);
	family_init(&state->nobody);
	namespace_init();
	state->id_limit = PROCESS_ID_MAX;
}

err_t
proc_init(void)
{
	struct frame_request request = { .kind = FRAME_KERNEL, .zeroed = true };
	struct proc_state   *state;
	pfn_t		     pfn;
	err_t		     err = frame_alloc(request, &pfn);

	if (err)
		return err;
	state = arch_frame_ptr(pfn);
	err = ids_init(&state->ids);
	if (err) {
		frame_release(pfn);
		return err;
	}
	root()->part[ROOT_PROC] = state;
	init_state(state);
	return OK;
}

void
proc_configure(const struct proc_hooks *hooks, enum orphan_policy policy)
{
	struct proc_state *state = proc_state();

	state->hooks = hooks ? *hooks : (struct proc_hooks){ 0 };
	state->policy = policy;
}

static void
proc_drain(void)
{
	struct proc_state *state = proc_state();
	struct slab_cache *caches[] = {
		&state->processes,    &state->threads,
		&state->fpus,	      &state->groups,
		&state->accounts,     &state->fs_contexts,
		&state->handlers,     &state->handle_tables,
		&state->handle_nodes, &state->namespace_objects,
		&state->levels,	      &state->notes,
	};

	for (unsigned i = 0; i < ARRAY_SIZE(caches); i++)
		slab_drain(caches[i]);
	proc_lock();
	ids_drain(&state->ids);
	proc_unlock();
}

void
anymm_drain(void)
{
	proc_drain();
	space_drain();
	object_drain();
	kstack_drain();
	frame_drain_magazines();
}

err_t
anymm_init(const struct boot_map *map)
{
	err_t (*const layers[])(void) = { swap_init,  pt_init_state, kstack_init, object_init,
					  space_init, reclaim_init,  proc_init };
	err_t err = phys_init(map);

	for (unsigned i = 0; i < ARRAY_SIZE(layers) && err == OK; i++)
		err = layers[i]();
	if (err)
		console_printf("anymm: cannot start: %s\n", err_name(err));
	return err;
}
