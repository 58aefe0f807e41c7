/* world.c - a small world in which every operation has something to do; see world.h. */
#include "fail/world.h"

#include <anymm/reclaim.h>
#include <anymm/stats.h>

#include "unit/swap_store.h"

void
world_store(struct process *proc, vaddr_t va)
{
	uint8_t byte = (uint8_t)(va >> ARCH_PAGE_SHIFT);

	assert_int_equal(machine_user(proc->space, ACCESS_STORE, va, &byte, 1), FAULT_DONE);
}

void
world_load(struct process *proc, vaddr_t va)
{
	uint8_t byte;

	assert_int_equal(machine_user(proc->space, ACCESS_LOAD, va, &byte, 1), FAULT_DONE);
}

vaddr_t
world_map(struct process *proc, const struct map_request *request)
{
	vaddr_t at = 0;

	EXPECT_OK(space_map(proc->space, request, &at));
	return at;
}

static void
make_process(struct world *w)
{
	struct space_layout layout = space_default_layout();
	struct space	   *sp;

	EXPECT_OK(space_create(&layout, &sp));
	EXPECT_OK(proc_create(0, sp, &w->proc));
	space_put(sp);
	EXPECT_OK(object_create(&pager_memory_file, 7, FILE_PAGES, NULL, &w->file));
}

static void
make_regions(struct world *w)
{
	w->heap = world_map(w->proc, &(struct map_request){ .addr = w->edge - HALF * PAGE,
							    .length = HEAP_PAGES * PAGE,
							    .prot = PROT_RW,
							    .flags = MAPF_PRIVATE | MAPF_ANONYMOUS |
								     MAPF_FIXED });
	w->image = world_map(w->proc, &(struct map_request){ .length = 4 * PAGE,
							     .prot = PROT_RW,
							     .flags = MAPF_PRIVATE,
							     .object = w->file });
	w->shared =
		world_map(w->proc, &(struct map_request){ .length = 4 * PAGE,
							  .prot = PROT_RW,
							  .flags = MAPF_SHARED | MAPF_ANONYMOUS });
	w->stack = w->edge + 600 * PAGE;
	world_map(w->proc, &(struct map_request){ .addr = w->stack,
						  .length = PAGE,
						  .prot = PROT_RW,
						  .flags = MAPF_PRIVATE | MAPF_ANONYMOUS |
							   MAPF_FIXED | MAPF_GROWSDOWN });
}

static void
touch_regions(struct world *w)
{
	for (unsigned i = 0; i < HALF; i++)
		world_store(w->proc, w->heap + i * PAGE);
	for (unsigned i = 0; i < HALF / 2; i++)
		world_store(w->proc, w->edge + i * PAGE);
	world_load(w->proc, w->image);
	world_store(w->proc, w->image + PAGE);
	world_store(w->proc, w->shared);
	world_store(w->proc, w->stack);
}

/* Everything goes to the device, of which one half comes back. */
static void
page_out(struct world *w)
{
	static struct swap_store store;
	uint64_t		 out;

	swap_store_make(&store, 64);
	while (reclaim_run(UINT32_MAX))
		;
	out = swap_usage().nr_used;
	assert_true(out > HALF + HALF / 2 && store.writes >= out);
	assert_int_equal(stat_get(STAT_OBJECT_OUTS), 1);
	for (unsigned i = 0; i < HALF; i += 2)
		world_load(w->proc, w->heap + i * PAGE);
	world_store(w->proc, w->edge + PAGE);
	world_load(w->proc, w->image);
}

void
world_make(struct world *w, enum world_kind kind)
{
	*w = (struct world){ .edge = (uint64_t)3 << (ARCH_PAGE_SHIFT + ARCH_PT_INDEX_BITS) };
	machine_fresh_with(
		&(struct machine_config){ .nr_frames = 4096, .nr_cpus = 2, .nr_nodes = 2 });
	make_process(w);
	make_regions(w);
	if (kind == WORLD_REPLICATED)
		EXPECT_OK(space_replicate(w->proc->space));
	touch_regions(w);
	if (kind == WORLD_ALONE)
		return;
	EXPECT_OK(proc_fork(w->proc, 0, 0, &w->child));
	if (kind == WORLD_FORKED || kind == WORLD_REPLICATED)
		return;
	world_store(w->child, w->heap);
	world_store(w->child, w->edge);
	if (kind == WORLD_OUT)
		page_out(w);
}
