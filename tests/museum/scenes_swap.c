/*
 * scenes_swap.c - pages that go to a swap device, private ones and those of shared memory, and pages
 * that must stay: locked ones, and those that a device holds.
 */
#include "scenes.h"

#include <string.h>

#include <anymm/call.h>
#include <anymm/reclaim.h>

#include "swap/cache.h"

/* A swap device that is always there and remembers nothing: nobody reads here. */
static err_t
forget(struct swap_device *device, uint32_t slot, pfn_t pfn)
{
	(void)device;
	(void)slot;
	(void)pfn;
	return OK;
}

struct space *
scene_begin_with_swap(void)
{
	static struct swap_device device;
	struct space		 *sp = scene_begin();

	device = (struct swap_device){
		.name = "nothing", .nr_slots = 16, .read = forget, .write = forget
	};
	scene_must(swap_register(&device) == OK, "swap_register");
	return sp;
}

void
scene_end_with_swap(struct space *sp)
{
	scene_check();
	scene_leave(sp);
	space_put(sp);
	scene_must(swap_unregister() == OK, "swap_unregister");
	sim_stop();
}

static void
pages_are_swapped_out(void)
{
	struct space *sp;
	vaddr_t	      at;

	sp = scene_begin_with_swap();
	at = scene_map(sp, 0, 8);
	scene_store_all(sp, at, 8);
	scene_must(reclaim_run(8) > 0, "reclaim_run");
	scene_end_with_swap(sp);
}

/* A swap device that remembers. */
static struct {
	struct swap_device device;
	uint8_t		   pages[16][PAGE];
} memory;

static err_t
recall(struct swap_device *device, uint32_t slot, pfn_t into)
{
	(void)device;
	memcpy(arch_frame_ptr(into), memory.pages[slot], PAGE);
	return OK;
}

static err_t
remember(struct swap_device *device, uint32_t slot, pfn_t from)
{
	(void)device;
	memcpy(memory.pages[slot], arch_frame_ptr(from), PAGE);
	return OK;
}

static void
must_hold(struct object *object, uint64_t offset, uint8_t wanted)
{
	uint8_t byte = 99;
	size_t	done;

	scene_must(object_read(object, offset, &byte, 1, &done) == OK && done == 1, "object_read");
	scene_must(byte == wanted, "a page is not what it was when it went to the swap device");
}

static void
age_out(struct object *object, uint64_t nr_pages)
{
	(void)object_age(object, 0, nr_pages);
	(void)object_age(object, 0, nr_pages);
	scene_must(object->nr_out == nr_pages, "a page has not gone");
	scene_check();
}

/* Shared memory goes, comes back, is cut while it is out, and ends there. */
static void
shared_memory_is_swapped_out(void)
{
	struct object *shared;
	struct space  *sp;
	vaddr_t	       at;
	size_t	       done;

	scene_must(story_machine(&scene_story, STORY_CPUS, 4096, 1), "the machine starts");
	memory.device = (struct swap_device){
		.name = "memory", .nr_slots = 16, .read = recall, .write = remember
	};
	scene_must(swap_register(&memory.device) == OK, "swap_register");
	scene_must(object_create(&pager_zero, 1, 4, NULL, &shared) == OK, "object_create");
	sp = scene_space();
	scene_must(space_map(sp,
			     &(struct map_request){ .length = 4 * PAGE,
						    .prot = PROT_RW,
						    .flags = MAPF_SHARED,
						    .object = shared },
			     &at) == OK,
		   "space_map");
	scene_store_all(sp, at, 4);
	age_out(shared, 4);
	for (unsigned i = 0; i < 4; i++)
		must_hold(shared, i * PAGE, 1);
	scene_must(object_write(shared, PAGE - 1, &(uint8_t){ 2 }, 1, &done) == OK, "object_write");
	age_out(shared, 4);
	object_resize(shared, PAGE / 2);
	scene_check();
	object_resize(shared, 4 * PAGE);
	must_hold(shared, 0, 1);
	must_hold(shared, PAGE - 1, 0);
	must_hold(shared, PAGE, 0);
	age_out(shared, 1);
	scene_leave(sp);
	space_put(sp);
	object_put(shared);
	scene_must(swap_unregister() == OK, "swap_unregister");
	sim_stop();
}

/* frame_at - where a page is. */
static pfn_t
frame_at(struct space *sp, vaddr_t va)
{
	return machine_translate(sp->pt.root, va).pfn;
}

/* Locked pages stay while others go. */
static void
locked_pages_stay(void)
{
	struct space *sp;
	vaddr_t	      at;
	pfn_t	      locked;

	sp = scene_begin_with_swap();
	at = scene_map(sp, 0, 4);
	scene_store_all(sp, at, 4);
	scene_must(space_lock(sp, at, PAGE, 0) == OK, "space_lock");
	locked = frame_at(sp, at);
	scene_must(reclaim_run(4) > 0, "reclaim_run");
	scene_must(pfn_eq(frame_at(sp, at), locked), "a locked page has been paged out");
	scene_end_with_swap(sp);
}

/* A page moves away and leaves its place mapped, which is locked no more, nor are its neighbours. */
static void
a_lock_ends_with_a_move(void)
{
	struct space   *sp;
	vaddr_t		at, to;
	struct va_range fresh;

	sp = scene_begin();
	at = scene_map(sp, 0, 4);
	scene_store_all(sp, at, 4);
	scene_must(space_lock(sp, at, 4 * PAGE, 0) == OK, "space_lock");
	scene_must(space_remap(sp,
			       &(struct remap_request){ .addr = at,
							.old_length = PAGE,
							.new_length = PAGE,
							.flags = REMAP_MAYMOVE | REMAP_DONTUNMAP },
			       &to, &fresh) == OK,
		   "space_remap");
	scene_end(sp);
}

/* A table with swapped pages that two spaces share becomes two: each slot has two names then. */
static void
tables_with_swapped_pages_are_copied(void)
{
	struct space *sp, *child;
	vaddr_t	      at;

	sp = scene_begin_with_swap();
	at = scene_map(sp, 0, 4);
	scene_store_all(sp, at, 3);
	scene_must(reclaim_run(3) > 0, "reclaim_run");
	scene_must(space_fork(sp, &child) == OK, "space_fork");
	scene_store(child, at + 3 * PAGE);
	scene_check();
	scene_leave(child);
	scene_leave(sp);
	space_put(child);
	scene_end_with_swap(sp);
}

/*
 * Private pages are out, and a fork copies their table entry by entry, because a neighbour is not for the child.
 * Child and parent get the page again, from the device and from memory.
 */
static void
private_pages_come_back(void)
{
	struct space *sp, *child;
	uint8_t	      byte = 99;
	vaddr_t	      at;

	scene_must(story_machine(&scene_story, STORY_CPUS, 4096, 1), "the machine starts");
	memory.device = (struct swap_device){
		.name = "memory", .nr_slots = 16, .read = recall, .write = remember
	};
	scene_must(swap_register(&memory.device) == OK, "swap_register");
	sp = scene_space();
	at = scene_map(sp, 0, 5);
	for (unsigned i = 0; i < 5; i++)
		scene_store(sp, at + i * PAGE);
	scene_must(space_advise(sp, at + 4 * PAGE, PAGE, ADVICE_DONTFORK) == OK, "space_advise");
	scene_must(reclaim_run(5) > 0, "reclaim_run");
	(void)swap_trim(16);
	scene_check();
	scene_must(space_fork(sp, &child) == OK, "space_fork");
	scene_check();
	for (unsigned i = 0; i < 4; i++) {
		scene_must(sim_user(child, ACCESS_LOAD, at + i * PAGE, &byte, 1) == FAULT_DONE &&
				   byte == 1,
			   "a page is not what it was when it went to the swap device");
		scene_check();
		scene_store(sp, at + i * PAGE);
		scene_check();
	}
	scene_leave(child);
	scene_leave(sp);
	space_put(child);
	scene_check();
	space_put(sp);
	scene_must(swap_usage().nr_used == 0, "no slot is in use at the end");
	scene_must(swap_unregister() == OK, "swap_unregister");
	sim_stop();
}

/* A page that a device holds stays the parent's over a fork, also after it has moved. */
static void
pinned_pages_stay(void)
{
	uint64_t      span = PAGE << ARCH_PT_INDEX_BITS;
	struct space *sp, *child;
	pfn_t	      held;

	for (unsigned moves = 0; moves < 2; moves++) {
		vaddr_t		at;
		struct va_range fresh;

		scene_must(story_machine(&scene_story, STORY_CPUS, 4096, 1), "the machine starts");
		sp = scene_space();
		at = scene_map(sp, span, 1);
		scene_must(call_pin(sp, at, 1, PIN_WRITE, &held) == OK, "call_pin");
		if (moves)
			scene_must(space_remap(sp,
					       &(struct remap_request){ .addr = at,
									.old_length = PAGE,
									.new_length = PAGE,
									.flags = REMAP_MAYMOVE |
										 REMAP_FIXED,
									.new_addr = 3 * span },
					       &at, &fresh) == OK,
				   "space_remap");
		scene_must(space_fork(sp, &child) == OK, "space_fork");
		scene_must(!pfn_eq(frame_at(child, at), held), "a fork shares a pinned page");
		scene_check();
		scene_leave(sp);
		space_put(child);
		space_put(sp);
		call_unpin(&held, 1, true);
		sim_stop();
	}
}

void
scenes_with_a_swap_device(void)
{
	pages_are_swapped_out();
	shared_memory_is_swapped_out();
	locked_pages_stay();
	a_lock_ends_with_a_move();
	tables_with_swapped_pages_are_copied();
	private_pages_come_back();
	pinned_pages_stay();
}
